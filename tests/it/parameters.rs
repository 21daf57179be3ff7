//! The parameters of a request's query, and span IDs.

use std::collections::HashSet;

use crate::client::Request;
use crate::document::{DELETED, PARAMETER, PATH};
use crate::running::Server;

#[tokio::test]
async fn a_request_without_the_parameter_is_rejected() {
    let missing = ["", "&", "=", "=7", "{ID}=7", "{id}%00=7", "{id}s=7", "x={id}&y=7", "%zz=7"];
    expect_rejected("is missing", &missing).await;
}

#[tokio::test]
async fn a_request_with_the_parameter_twice_is_rejected() {
    let doubled = [
        "{id}=7&{id}=8",
        "{id}=7&{id}=7",
        "{id}=7&x=1&{id}=",
        "{id}&{id}",
        "{id}=7&{%id}=8",
        "{%id}=7&{id}=8",
        "{%id}=7&{%id}=7",
    ];
    expect_rejected("was given more than once", &doubled).await;
}

#[tokio::test]
async fn a_parameter_that_is_not_percent_encoded_utf_8_is_rejected() {
    let malformed =
        ["%zz", "%", "7%", "7%2", "%2", "%%37", "%FF", "%C3", "%C3%28", "%ED%A0%80", "%F4%90%80%80", "7%80"];
    expect_rejected("is not percent-encoded UTF-8", &malformed.map(|value| format!("{{id}}={value}"))).await;
    expect_rejected("is not percent-encoded UTF-8", &["{%id}=%zz"]).await;
}

/// A query in which `{id}` is the parameter's name, `{%id}` the name in percent-encoding, `{ID}` the name in upper case.
fn query(template: &str) -> String {
    let encoded: String = PARAMETER.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let upper = PARAMETER.to_uppercase();
    template.replace("{id}", PARAMETER).replace("{%id}", &encoded).replace("{ID}", &upper)
}

async fn expect_rejected(message: &str, queries: &[impl AsRef<str>]) {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let tokens = [server.token("*:*:*").await, server.token("*:*:*").await];
    let message = format!("the parameter `{PARAMETER}` {message}");
    for mut client in server.clients().await {
        for template in queries {
            let query = query(template.as_ref());
            let answer = client.send(&Request::query(&query).bearer(&operator)).await;
            assert_eq!((answer.status.as_u16(), answer.message()), (400, message.clone()), "{query}");
        }
    }
    assert!(tokens.iter().all(|(token, _)| server.catalog.live().contains(token.id)));
}

#[tokio::test]
async fn the_name_and_value_may_be_percent_encoded_and_other_parameters_are_ignored() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    for mut client in server.clients().await {
        for (before, after) in [
            ("{id}=", ""),
            ("{%id}=", ""),
            ("{%id}=", "&"),
            ("&&{id}=", "&x"),
            ("x=%zz&{id}=", "&%zz=1"),
            ("{ID}=1&{id}=", "&{id}s=2&x{id}=3"),
        ] {
            let (token, _) = server.token("db:a:read").await;
            let query = query(&format!("{before}{token}{after}"));
            assert_eq!(client.send(&Request::query(&query).bearer(&operator)).await.status, DELETED, "{query}");
        }
        let (token, _) = server.token("db:a:read").await;
        let encoded: String = token.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
        assert_eq!(client.send(&Request::delete(encoded).bearer(&operator)).await.status, DELETED);
    }
}

#[tokio::test]
async fn a_text_that_selects_no_token_is_not_found() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let (token, _) = server.token("*:*:*").await;
    assert_eq!(token.id.as_u64(), 1);
    let (long, huge) = ("1".repeat(4000), format!("{}1", "0".repeat(4000)));
    // The document's parameter is either the ID or the name, so the other selects nothing.
    let [id, name] = [token.id.to_string(), token.name.to_owned()];
    let other = if token.to_string() == id { name } else { id };
    for mut client in server.clients().await {
        for text in [
            "",
            "01",
            "001",
            "+1",
            "%2B1",
            "%201",
            "1%20",
            "1+",
            "1%0A",
            "1%00",
            "%001",
            "-1",
            "-0",
            "00",
            "1.0",
            "1.",
            "1e0",
            "0x1",
            "1_000",
            "1,000",
            "%D9%A1",
            "%EF%BC%91",
            "%F0%9F%A6%80",
            "é",
            "1;2",
            "1/",
            "1?",
            "null",
            "18446744073709551615",
            "18446744073709551616",
            "18446744073709551617",
            &long,
            &huge,
            &other,
        ] {
            let answer = client.send(&Request::delete(text).bearer(&operator)).await;
            assert_eq!((answer.status.as_u16(), &*answer.body), (404, &b""[..]), "{text}");
        }
    }
    assert!(server.catalog.live().contains(token.id));
}

#[tokio::test]
async fn every_response_repeats_a_span_id_of_up_to_128_visible_characters() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let visible: String = (b'!'..=b'~').map(char::from).collect();
    let longest = "s".repeat(128);
    for mut client in server.clients().await {
        for span_id in ["7", "da7eb0f4-9a55-4b5c-8c1a-0d6f3a1a7e11", &visible, &longest] {
            let (token, _) = server.token("db:a:read").await;
            for (request, status) in [
                (Request::new("DELETE", "/"), 404),
                (Request::new("GET", PATH), 405),
                (Request::delete(token), 401),
                (Request::query("").bearer(&operator), 400),
                (Request::delete(token).bearer(&operator), DELETED),
                (Request::delete(token).bearer(&operator), 404),
            ] {
                let answer = client.send(&request.with("x-span-id", span_id)).await;
                assert_eq!((answer.status.as_u16(), answer.span_id()), (status, span_id));
            }
        }
    }
}

#[tokio::test]
async fn an_invalid_span_id_is_replaced() {
    let server = Server::in_memory().await;
    let too_long = "s".repeat(129);
    for mut client in server.clients().await {
        for span_id in [&b""[..], b"a b", b"a\tb", "é".as_bytes(), b"\xff", b"a\x80", too_long.as_bytes()] {
            let answer = client.send(&Request::delete(7).with("x-span-id", span_id)).await;
            assert_ne!(answer.span_id().as_bytes(), span_id);
        }
    }
}

#[tokio::test]
async fn new_span_ids_are_unique() {
    const REQUESTS: usize = 500;
    let server = Server::in_memory().await;
    let mut seen = HashSet::new();
    for mut client in server.clients().await {
        for _ in 0..REQUESTS {
            seen.insert(client.send(&Request::delete(7)).await.span_id().to_owned());
        }
    }
    assert_eq!(seen.len(), 2 * REQUESTS);
}
