use http::Method;

use super::*;
use crate::Response as Declared;

static OPERATION: Operation = Operation::new("o", Method::GET, "/").responses(&[
    Declared::new(Status::Code(200)),
    Declared::new(Status::Class(4)),
    Declared::new(Status::Default),
]);

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("three digits")
}

#[test]
fn a_response_has_a_status_that_it_is_declared_for() {
    assert!(Reply::in_class(4, status(404)).is_ok());
    assert!(Reply::in_class(4, status(500)).is_err());
    assert!(Reply::by_default(&OPERATION, status(503)).is_ok());
    for code in [101, 200, 404] {
        assert!(Reply::by_default(&OPERATION, status(code)).is_err(), "{code}");
    }
}

#[test]
fn a_header_has_a_value_that_a_header_can_have() {
    let header = |value: &str| Reply::new(200).header("x-text", &value.to_owned());
    for value in ["é", " a", "a ", "a\nb", "\u{7f}"] {
        assert!(header(value).is_err(), "{value:?}");
    }
    let response = header("a b").and_then(Reply::empty).expect("a header may contain a space");
    assert_eq!(response.headers()["x-text"], "a b");
}

#[test]
fn a_missing_value_adds_no_header() {
    let reply = Reply::new(200).header("x-text", &None::<String>).and_then(Reply::empty);
    assert!(reply.expect("it may be missing").headers().is_empty());
}

#[test]
fn a_list_is_joined_unless_it_sets_cookies() {
    let list = |name, items: &[&str]| {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        Reply::new(200).header(name, &items).and_then(Reply::empty)
    };
    let joined = list("x-list", &["a", "b"]).expect("no item contains a comma");
    assert_eq!(joined.headers()["x-list"], "a,b");
    let cookies = list("Set-Cookie", &["a=1", "b=2, 3"]).expect("each cookie is a header of its own");
    assert_eq!(cookies.headers().get_all(SET_COOKIE).iter().count(), 2);
    for items in [&["a,b"][..], &["a", ""], &[" a"]] {
        assert!(list("x-list", items).is_err(), "{items:?}");
    }
}

#[test]
fn a_response_whose_status_has_no_content_has_no_body() {
    for code in [204, 205, 304] {
        let reply =
            Reply::by_default(&OPERATION, status(code)).and_then(|reply| reply.text("text/plain", "abc".to_owned()));
        let response = reply.expect("it is declared as default");
        assert_eq!(response.body().size_hint().exact(), Some(0), "{code}");
        assert!(response.headers().is_empty(), "{code}");
    }
}

#[test]
fn a_response_to_head_keeps_its_headers_and_the_length_of_its_body() {
    let mut response = Reply::new(200).text("text/plain", "abc".to_owned()).expect("a text");
    remove_body(&mut response);
    assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
    assert_eq!(response.headers()[CONTENT_LENGTH], "3");
    assert_eq!(response.body().size_hint().exact(), Some(0));

    let mut empty = Response::new(Body::empty());
    remove_body(&mut empty);
    assert!(!empty.headers().contains_key(CONTENT_LENGTH));
}
