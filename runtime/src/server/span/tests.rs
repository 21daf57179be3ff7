use std::collections::HashSet;
use std::thread;

use super::*;

#[test]
fn visible_ascii_of_at_most_128_characters_is_accepted() {
    let every: String = ('!'..='~').collect();
    for span_id in ["1", "0af7651916cd43dd8448eb211c80319c", &every, &"x".repeat(127), &"x".repeat(128)] {
        assert_eq!(answer_to(span_id.as_bytes()), span_id);
    }
}

#[test]
fn any_other_span_id_is_replaced() {
    for span_id in [b"".as_slice(), b" ", b"a b", b" a", b"a\tb", "µ".as_bytes(), b"a\xff", &[b'x'; 129], &[b'x'; 8192]]
    {
        let made = answer_to(span_id);
        assert_ne!(made.as_bytes(), span_id);
        assert!(is_made(&made), "{made}");
    }
}

#[test]
fn a_span_id_that_may_be_a_secret_is_not_logged() {
    for usual in ["1", "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] {
        assert_eq!(logged_span_id(usual), usual);
    }
    for other in [&*"x".repeat(65), "Bearer+x", "a=b", "a/b", "\"", "\u{1b}[2J"] {
        assert_eq!(logged_span_id(other), "[not shown]", "{other}");
    }
}

#[test]
fn a_request_without_a_span_id_gets_one() {
    let made = accept_or_make(&HeaderMap::new());
    assert!(is_made(as_str(&made)), "{made:?}");
}

#[test]
fn a_span_id_stays_out_of_the_table_of_http_2() {
    assert!(accept_or_make(&HeaderMap::new()).is_sensitive());
    assert!(accept_or_make(&HeaderMap::from_iter([(X_SPAN_ID, HeaderValue::from_static("1"))])).is_sensitive());
}

#[test]
fn new_span_ids_differ_on_all_threads() {
    const EACH: usize = 10_000;
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| Vec::from_iter((0..EACH).map(|_| make())))).collect();
    let made = threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics"));
    assert_eq!(made.collect::<HashSet<_>>().len(), 4 * EACH);
}

/// The span ID of the answer to a request with this one.
fn answer_to(span_id: &[u8]) -> String {
    let value = HeaderValue::from_bytes(span_id).expect("RFC 9110 permits these bytes");
    as_str(&accept_or_make(&HeaderMap::from_iter([(X_SPAN_ID, value)]))).to_owned()
}

fn is_made(span_id: &str) -> bool {
    span_id.len() == 32 && span_id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
