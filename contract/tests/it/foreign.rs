//! Servers that differ from the document in many cases for few reasons, as another's server does. The report begins with the
//! reasons.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use influxdb3_token_contract::{Cause, Detail, Outcome, Report};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::documentation::document;
use super::server::{Answer, PATH, Right, pairs, parameter, redirect, set_status};
use super::wrong::Change;
use super::wrong::credentials::deleted_at;

async fn check(change: Change) -> (Arc<Right>, Report) {
    let right = Right::in_memory().await;
    let address = right.serve(Some(change)).await;
    let report = right.contract(&format!("http://{address}")).run(|_| ()).await.unwrap();
    (right, report)
}

/// The report for people, without its colours.
fn text(report: &Report, detail: Detail) -> String {
    let mut written = Vec::new();
    report.write(&mut written, detail).unwrap();
    let written = String::from_utf8(written).unwrap();
    let mut pieces = written.split("\u{1b}[");
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').unwrap().1)
}

/// The lines of the summary: each cause and the number of its cases.
fn causes(report: &Report) -> Vec<String> {
    let text = text(report, Detail::OneOfEachCause);
    let (_, rest) = text.split_once("\nCauses of failures (a case can have several):\n").unwrap();
    let causes = rest.lines().take_while(|line| !line.is_empty()).map(|line| line.trim().to_owned());
    causes.collect()
}

/// Removes what a foreign server's errors lack: their type.
fn untyped(_: &Right, _: &Parts, answer: &mut Answer) {
    if answer.status().is_client_error() {
        answer.headers_mut().remove(CONTENT_TYPE);
    }
}

#[tokio::test]
async fn errors_without_a_content_type_are_one_cause() {
    let (_, report) = check(Change::Answer(untyped)).await;
    let [cause] = &report.causes[..] else { panic!("{:#?}", report.causes) };
    assert_eq!(cause.cause, Cause::NoContentType { declared: "application/json".to_owned() });
    assert_eq!(cause.statuses, [400, 401]);
    assert_eq!(cause.cases.len(), report.failed().count());
    let expected =
        format!("errors (400, 401) have no content type; application/json is declared: {} cases", cause.cases.len());
    assert_eq!(causes(&report), [expected]);

    let short = text(&report, Detail::OneOfEachCause);
    assert_eq!(short.matches("content type: none; application/json is declared").count(), 1, "{short}");
    assert!(short.lines().count() < 50, "{short}");
    assert!(
        short.contains("  also: DeleteToken/") && short.contains("BearerAuthentication/{wrong, other-case, "),
        "{short}"
    );
    let whole = text(&report, Detail::EachCase);
    assert_eq!(whole.matches("failed DeleteToken/").count(), cause.cases.len(), "{whole}");
}

#[tokio::test]
async fn another_status_for_every_method_is_one_cause() {
    let (_, report) = check(Change::Answer(|_, _, answer| {
        if answer.status() == 405 {
            set_status(answer, 404);
            answer.headers_mut().remove(ALLOW);
            answer.headers_mut().remove(CONTENT_TYPE);
            answer.headers_mut().remove(CONTENT_LENGTH);
            *answer.body_mut() = Bytes::new();
        }
    }))
    .await;
    let methods = report.cases.iter().filter(|case| case.name.starts_with("methods/")).count();
    assert_eq!(causes(&report), [format!("405 is answered as 404: {methods} cases")]);
}

#[tokio::test]
async fn another_status_for_every_deletion_is_one_cause_and_hides_no_case() {
    let (_, report) = check(Change::Answer(|_, _, answer| {
        if answer.status() == 204 {
            set_status(answer, 200);
        }
    }))
    .await;
    assert!(report.causes.iter().any(|cause| cause.text == "204 is answered as 200"), "{:#?}", report.causes);
    let covered = report.cases.iter().all(|case| !matches!(case.outcome, Outcome::NotCovered { .. }));
    assert!(covered, "{:#?}", report.cases);
    assert_eq!(report.left_behind, [""; 0]);
}

/// A server that deletes tokens by their names.
fn by_name(right: &Right, mut head: Parts) -> BoxFuture<'_, Answer> {
    async move {
        let name = parameter(&head, "token_name").map(str::to_owned);
        let right_path = head.uri.path() == PATH && head.method == Method::DELETE;
        let known = name.as_ref().and_then(|name| right.names.lock().unwrap().get(name).cloned());
        let id = known.unwrap_or_else(|| "none".to_owned());
        let target = format!("{}?id={id}", head.uri.path());
        redirect(&mut head, &target);
        let mut answer = right.answer(&head).await;
        if right_path && name.is_none() && answer.status() == 404 {
            set_status(&mut answer, 400);
            *answer.body_mut() = Bytes::from_static(b"serde error: missing field `token_name`");
        }
        answer
    }
    .boxed()
}

#[tokio::test]
async fn a_parameter_with_another_name_is_named() {
    let (right, report) = check(Change::Whole(by_name)).await;
    let lines = causes(&report);
    let expected = "the server seems to want a parameter `token_name` instead of `id`; its errors name it as missing, and \
                    with it the answer is 404 instead of 400: ";
    assert!(lines.iter().any(|line| line.starts_with(expected) && line.ends_with(" cases")), "{lines:#?}");
    assert!(!report.causes.iter().any(|cause| cause.cause == Cause::TokenStays), "{lines:#?}");
    let named = report.causes.iter().filter(|cause| matches!(cause.cause, Cause::ParameterName { .. })).count();
    assert_eq!(named, 1);
    // The kit removes its tokens with the parameter that the server wants.
    assert_eq!(report.left_behind, [""; 0]);
    assert_eq!(right.catalog.live().len(), 1, "only the operator token is left");
}

#[tokio::test]
async fn a_parameter_is_not_named_without_evidence() {
    // The server says so whatever the request has.
    let (_, report) = check(Change::Answer(|_, _, answer| {
        if answer.status() == 404 {
            set_status(answer, 400);
            *answer.body_mut() = Bytes::from_static(b"missing field `token_name`");
        }
    }))
    .await;
    assert!(report.causes.iter().any(|cause| cause.text == "404 is answered as 400"), "{:#?}", report.causes);
    assert!(!text(&report, Detail::EachCase).contains("seems to want"));
}

#[tokio::test]
async fn a_plain_text_is_shown_as_it_is_and_cannot_act_on_a_terminal() {
    let (_, report) = check(Change::Answer(|_, _, answer| {
        if answer.status() == 401 {
            let text = "no such user\u{1b}[2J\u{7}\r\nlog\u{202e}gol\n";
            *answer.body_mut() = [text.as_bytes(), &b"x".repeat(100_000)].concat().into();
        }
    }))
    .await;
    let expected = "errors (401) have a body that is not JSON; JSON is declared";
    assert!(report.causes.iter().any(|cause| cause.text == expected), "{:#?}", report.causes);
    for detail in [Detail::OneOfEachCause, Detail::EachCase] {
        let text = text(&report, detail);
        assert!(text.contains("  body: not JSON: \"no such user\\u{1b}[2J\\u{7}\\r\\nlog\\u{202e}gol\\n"), "{text}");
        assert!(text.contains("\n  < no such user\\u{1b}[2J\\u{7}\n  < log\\u{202e}gol\n"), "{text}");
        assert!(text.contains("\n  < \u{2026} (100029 bytes in all)\n"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']));
        assert!(!text.contains("expected value"));
    }
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.len() < 2 << 20 && !json.contains('\u{202e}') && !report.to_junit().contains('\u{202e}'));
}

#[tokio::test]
async fn a_deleted_token_that_is_answered_in_another_way_is_detected() {
    let by_text: fn(&Right, &Parts, &mut Answer) = |right, head, answer| {
        // Beside a part that differs in each response.
        if answer.status() == 401 {
            let number = right.requests.fetch_add(1, Ordering::SeqCst);
            let why = if deleted_at(right, head).is_some() { "was deleted" } else { "is unknown" };
            *answer.body_mut() = format!(r#"{{"error": "the token {why}", "data": {{"request": {number}}}}}"#).into();
        }
    };
    let by_a_header: fn(&Right, &Parts, &mut Answer) = |right, head, answer| {
        if deleted_at(right, head).is_some() {
            answer.headers_mut().insert("x-reason", HeaderValue::from_static("gone"));
        }
    };
    let by_the_challenge: fn(&Right, &Parts, &mut Answer) = |right, head, answer| {
        if deleted_at(right, head).is_some() {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        }
    };
    for (change, aspect) in [(by_text, "the body"), (by_a_header, "x-reason"), (by_the_challenge, "www-authenticate")] {
        let (_, report) = check(Change::Answer(change)).await;
        let expected = format!("responses that must be alike differ: {aspect}: 1 case");
        assert!(causes(&report).contains(&expected), "{:#?}", report.causes);
        let failed: Vec<_> = report.failed().map(|case| &*case.name).collect();
        assert_eq!(failed, ["credentials/BearerAuthentication/revoked-like-unknown"]);
    }
    // The status is wrong already.
    let (_, report) = check(Change::Answer(|right, head, answer| {
        if deleted_at(right, head).is_some() {
            set_status(answer, 403);
        }
    }))
    .await;
    let expected = "responses that must be alike differ: the status";
    assert!(report.causes.iter().any(|cause| cause.text == expected), "{:#?}", report.causes);
}

/// Serves until it has received this many requests. Then it closes its port and every connection.
async fn serve_until(right: &Arc<Right>, last: usize) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (right, count, end) = (Arc::clone(right), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => accepted.unwrap().0,
                () = end.notified() => return,
            };
            let (right, count, end) = (Arc::clone(&right), Arc::clone(&count), Arc::clone(&end));
            let service = service_fn(move |request: Request<Incoming>| {
                let (right, count, end) = (Arc::clone(&right), Arc::clone(&count), Arc::clone(&end));
                async move {
                    if count.fetch_add(1, Ordering::SeqCst) >= last {
                        end.notify_one();
                        std::future::pending::<()>().await;
                    }
                    let answer = right.answer(&request.into_parts().0).await;
                    Ok::<_, std::convert::Infallible>(answer.map(Full::new))
                }
            });
            connections.spawn(async move {
                // The client may disconnect at any time; ignore the error.
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_goes_away_leaves_the_rest_uncovered() {
    let right = Right::in_memory().await;
    let address = serve_until(&right, 50).await;
    let contract = right.contract(&format!("http://{address}"));
    let report = contract.run(|_| ()).await.unwrap();
    assert!(!report.is_complete());
    assert_eq!(report.cases.len(), contract.cases().len());
    let failed: Vec<_> = report.failed().collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(causes(&report), ["the server sends no response: 1 case"]);
    let (at, _) = report.cases.iter().enumerate().find(|(_, case)| case.name == failed[0].name).unwrap();
    let (before, after) = report.cases.split_at(at);
    assert!(before.iter().all(|case| matches!(case.outcome, Outcome::Passed)));
    for case in &after[1..] {
        let Outcome::NotCovered { reason } = &case.outcome else { panic!("{case:#?}") };
        assert!(reason.starts_with("the server went away: "), "{reason}");
    }
    // Those that the kit could not remove.
    assert_eq!(report.left_behind.len(), right.catalog.live().len() - 1);
    let text = text(&report, Detail::OneOfEachCause);
    assert!(text.contains("\nNot covered:\n  the server went away: "), "{text}");
}

/// Everything at once.
fn foreign(right: &Right, head: Parts) -> BoxFuture<'_, Answer> {
    async move {
        let doubled = pairs(&head).filter(|(name, _)| *name == "token_name").count() > 1;
        let mut answer = by_name(right, head.clone()).await;
        match answer.status().as_u16() {
            204 => set_status(&mut answer, 200),
            405 => {
                set_status(&mut answer, 404);
                *answer.body_mut() = Bytes::from_static(b"Not found");
            }
            404 if head.uri.path() != PATH => *answer.body_mut() = Bytes::from_static(b"Not found"),
            404 => *answer.body_mut() = Bytes::from_static(b"the requested resource was not found"),
            401 => drop(answer.headers_mut().remove(WWW_AUTHENTICATE)),
            _ => {}
        }
        if doubled {
            set_status(&mut answer, 400);
        }
        answer.headers_mut().remove(CONTENT_TYPE);
        answer.headers_mut().remove(CONTENT_LENGTH);
        answer
    }
    .boxed()
}

#[tokio::test]
async fn the_report_about_a_server_that_differs_much_is_short_and_says_what_differs() {
    let (right, report) = check(Change::Whole(foreign)).await;
    let failed = report.failed().count();
    let lines = causes(&report);
    assert!(failed > 60, "{failed}");
    assert!((4..16).contains(&lines.len()), "{lines:#?}");
    for expected in [
        "errors (400, 401) have no content type; application/json is declared: ",
        "errors (401) have no www-authenticate: ",
        "405 is answered as 404: ",
        "the server seems to want a parameter `token_name` instead of `id`; ",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected}: {lines:#?}");
    }
    let counts: Vec<usize> = report.causes.iter().map(|cause| cause.cases.len()).collect();
    assert!(counts.is_sorted_by(|one, other| one >= other), "{counts:?}");

    let (short, whole) = (text(&report, Detail::OneOfEachCause), text(&report, Detail::EachCase));
    assert!(short.lines().count() < 200, "{} lines: {short}", short.lines().count());
    assert!(6 * short.lines().count() < whole.lines().count());
    let junit = report.to_junit();
    let json: serde_json::Value = serde_json::to_value(&report).unwrap();
    assert_eq!(json["causes"][0]["cases"].as_array().unwrap().len(), counts[0]);
    for cause in &report.causes {
        assert!(whole.contains(&cause.text) && short.matches(&cause.text).count() == 2, "{}", cause.text);
    }
    assert!(junit.contains("405 is answered as 404"));
    assert!(!short.contains(&right.operator) && !junit.contains(&right.operator));

    let (summary, _) = short.split_once("\nerrors (").unwrap();
    let shown = format!("```text\n{}```\n", summary.replace(&report.server, "http://127.0.0.1:8181"));
    document("report", &shown);
}
