//! Malformed and hostile requests over HTTP/1.1, each with its expected answers, from the files of this folder.
//!
//! A case is a name, then what the client sends, then the statuses of the answers:
//!
//! ```text
//! LF after the request line
//! > DELETE {target} HTTP/1.1\n{host}{auth}\r\n
//! < 400, closes
//! ```
//!
//! Each line with `>` is sent by itself. `\r`, `\n`, `\t`, `\\` and `\x00` are bytes; [`Case::value`] has the words in
//! braces, and `{x*9}` is nine times `x`. After that the client sends no more, and the server must end the connection. With
//! `closes` the client waits for that, with its own side still open. `bytes` sends each byte by itself. The token of the
//! case is deleted with `deletes`, and otherwise not.

mod answers;
mod behind_nginx;
mod case;

use std::collections::BTreeSet;

use futures::{StreamExt, stream};

use crate::running::Server;

use case::{Case, cases};

/// How many cases run at the same time.
const AT_ONCE: usize = 64;

#[test]
fn the_corpus_has_at_least_300_cases_with_unique_names() {
    let cases = cases();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
    assert!(cases.len() >= 300, "{}", cases.len());
    assert_eq!(names.len(), cases.len());
}

#[tokio::test]
async fn each_hostile_request_gets_its_answers_and_deletes_nothing() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let wrong = stream::iter(cases()).map(|case| wrong(case, &server, &operator)).buffer_unordered(AT_ONCE);
    let wrong: Vec<String> = wrong.filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with the answers to a case.
async fn wrong(case: Case, server: &Server, operator: &str) -> Option<String> {
    let (token, _) = server.token("db:d:read").await;
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let received = case.send(stream, &token.to_string(), operator).await;
    let answers = match received {
        Ok(received) => answers::parse(&received),
        Err(error) => return Some(format!("{}: {error}", case.name)),
    };
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    let is_deleted = !server.catalog.live().contains(token.id);
    let problem = answers.iter().find_map(|answer| answer.problem(server.cluster()));
    let is_refused = |answer: &answers::Answer| [400, 414, 431, 505].contains(&answer.status);
    let says_close = !case.closes || answers.last().is_none_or(|answer| !is_refused(answer) || answer.closes());
    if statuses == case.statuses && is_deleted == case.deletes && problem.is_none() && says_close {
        return None;
    }
    Some(format!(
        "{}: {statuses:?} instead of {:?}, deleted: {is_deleted}, says close: {says_close}, {problem:?}",
        case.name, case.statuses
    ))
}
