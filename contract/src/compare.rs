//! Whether the responses of a step are those that the case expects.

use std::collections::{BTreeMap, BTreeSet};

use http::header::{CONTENT_LENGTH, DATE};

use super::case::{Expected, Statuses};
use super::exchange::Response;
use super::report::{Cause, Problem};
use super::shown::{self, Redact};

/// A response, and the index of its exchange.
pub(super) type Received<'r> = (usize, &'r Response);

/// The problems of a step's responses. Their texts show parts of the responses after `redact` removed secrets.
pub(super) fn problems(expected: &Expected, responses: &[Received<'_>], redact: Redact<'_>) -> Vec<Problem> {
    match expected {
        Expected::Each(statuses) => must_be(statuses, responses),
        Expected::Once(one, others) => {
            let (ones, rest): (Vec<_>, Vec<_>) =
                responses.iter().partition(|(_, response)| one.contain(response.status.as_u16()));
            let mut problems = must_be(others, &rest);
            if ones.len() != 1 {
                let text = format!("{one} {} times instead of once", ones.len());
                problems.push(Problem::new(Cause::NotOnce { status: one.first() }, text));
            }
            problems
        }
        Expected::Alike(statuses) => {
            let mut problems = must_be(statuses, responses);
            let (once, again) = responses.split_at(responses.len() / 2);
            problems.extend(differences(once, again, redact));
            problems
        }
    }
}

fn must_be(statuses: &Statuses, responses: &[Received<'_>]) -> Vec<Problem> {
    let others = responses.iter().filter(|(_, response)| !statuses.contain(response.status.as_u16()));
    let problem = |(exchange, response): &Received<'_>| {
        let received = response.status.as_u16();
        let cause = Cause::Status { expected: statuses.first(), received };
        let text = format!("{received} instead of {statuses}");
        Problem { exchange: Some(*exchange), status: Some(received), ..Problem::new(cause, text) }
    };
    others.map(problem).collect()
}

/// The aspects in which responses differ. Parts that differ between `once` and `again`, which are responses to the same
/// requests, do not count.
fn differences(once: &[Received<'_>], again: &[Received<'_>], redact: Redact<'_>) -> Vec<Problem> {
    let of = |responses: &[Received<'_>]| -> Vec<Aspects> { responses.iter().map(|(_, it)| aspects(it)).collect() };
    let (once, again) = (of(once), of(again));
    let names: BTreeSet<&String> = once.iter().chain(&again).flat_map(|aspects| aspects.keys()).collect();
    let differ = |name: &String| {
        let values = |all: &[Aspects]| -> Vec<Option<Vec<u8>>> { all.iter().map(|it| it.get(name).cloned()).collect() };
        let (once, again) = (values(&once), values(&again));
        let (first, other) = differing(&once, &again)?;
        let text = |value: &Option<Vec<u8>>| match value {
            Some(value) => shown::quoted(value, redact),
            None => "none".to_owned(),
        };
        let text = format!("{name}: {} and {}", text(first), text(other));
        Some(Problem::new(Cause::Difference { aspect: name.clone() }, text))
    };
    names.into_iter().filter_map(differ).collect()
}

type Aspects = BTreeMap<String, Vec<u8>>;

/// Everything that a client sees of a response, without its date, and without its length, which follows from the body.
fn aspects(response: &Response) -> Aspects {
    let mut aspects = BTreeMap::from([
        ("the status".to_owned(), response.status.as_str().into()),
        ("the body".to_owned(), response.body.to_vec()),
    ]);
    for (name, value) in response.headers.iter().filter(|(name, _)| ![DATE, CONTENT_LENGTH].contains(name)) {
        let values: &mut Vec<u8> = aspects.entry(name.to_string()).or_default();
        // No value contains a line feed.
        if !values.is_empty() {
            values.push(b'\n');
        }
        values.extend(value.as_bytes());
    }
    aspects
}

type Value = Option<Vec<u8>>;

/// Two values that differ in a word that is the same in `once` and `again`.
fn differing<'v>(once: &'v [Value], again: &[Value]) -> Option<(&'v Value, &'v Value)> {
    let mut patterns = Vec::new();
    let mut varying = BTreeSet::new();
    for (value, repeated) in once.iter().zip(again) {
        let (words, repeated) = (value.as_deref().map(words), repeated.as_deref().map(words));
        match (&words, &repeated) {
            (Some(words), Some(repeated)) if words.len() == repeated.len() => {
                varying.extend((0..words.len()).filter(|at| words[*at] != repeated[*at]));
            }
            (None, None) => {}
            // Nothing in it is the same each time.
            _ => return None,
        }
        patterns.push(words);
    }
    let alike = |one: &Option<Vec<&[u8]>>, other: &Option<Vec<&[u8]>>| match (one, other) {
        (Some(one), Some(other)) => {
            one.len() == other.len() && (0..one.len()).all(|at| one[at] == other[at] || varying.contains(&at))
        }
        (one, other) => one.is_none() && other.is_none(),
    };
    let at = patterns.windows(2).position(|pair| !alike(&pair[0], &pair[1]))?;
    Some((&once[at], &once[at + 1]))
}

/// The words of a value, such as an ID or a number, and the characters between them.
fn words(value: &[u8]) -> Vec<&[u8]> {
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    value.chunk_by(|one, other| in_word(one) && in_word(other)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expected: Expected, responses: &[Response]) -> Vec<String> {
        let responses: Vec<_> = responses.iter().enumerate().collect();
        problems(&expected, &responses, &str::to_owned).iter().map(ToString::to_string).collect()
    }

    fn alike(responses: &[Response]) -> Vec<String> {
        found(Expected::Alike(Statuses::one(401)), responses)
    }

    #[test]
    fn each_response_has_one_of_the_statuses() {
        let each = Expected::Each(Statuses::one(404).or([400]));
        assert_eq!(found(each.clone(), &[Response::of(404, &[], ""), Response::of(400, &[], "")]), [""; 0]);
        assert_eq!(
            found(each, &[Response::of(404, &[], ""), Response::of(204, &[], "")]),
            ["status: 204 instead of 404 or 400"]
        );
    }

    #[test]
    fn exactly_one_response_differs_from_the_others() {
        let once = Expected::Once(Statuses::one(204), Statuses::one(404));
        let [one, other, wrong] = [204, 404, 500].map(|status| Response::of(status, &[], ""));
        assert_eq!(found(once.clone(), &[other.clone(), one.clone(), other.clone()]), [""; 0]);
        let twice = found(once.clone(), &[one.clone(), one.clone(), other.clone()]);
        assert_eq!(twice, ["status: 204 2 times instead of once"]);
        assert_eq!(found(once.clone(), &[other.clone(), other])[0], "status: 204 0 times instead of once");
        assert_eq!(found(once, &[one, wrong]), ["status: 500 instead of 404"]);
    }

    #[test]
    fn each_difference_between_responses_is_named() {
        let first = Response::of(401, &[("a", "1"), ("b", "1")], "one");
        for (other, aspect) in [
            (Response::of(401, &[("a", "1"), ("b", "1")], "two"), r#"the body: "one" and "two""#),
            (Response::of(401, &[("a", "2"), ("b", "1")], "one"), r#"a: "1" and "2""#),
            (Response::of(401, &[("a", "1")], "one"), r#"b: "1" and none"#),
            (Response::of(401, &[("a", "1"), ("b", "1"), ("b", "1")], "one"), r#"b: "1" and "1\n1""#),
            (Response::of(401, &[("a", "1"), ("b", "1"), ("c", "")], "one"), r#"c: none and """#),
        ] {
            let responses = [first.clone(), other.clone(), first.clone(), other];
            assert_eq!(alike(&responses), [format!("difference: {aspect}")]);
        }
        let other = Response::of(404, &[("a", "1"), ("b", "1")], "one");
        let statuses = alike(&[first.clone(), other.clone(), first, other]);
        assert!(statuses.contains(&r#"difference: the status: "401" and "404""#.to_owned()), "{statuses:?}");
    }

    #[test]
    fn a_difference_between_responses_to_the_same_request_does_not_count() {
        let [one, two, three, four] =
            ["1", "2", "3", "4"].map(|span| Response::of(401, &[("x-span-id", span), ("date", "now")], span));
        assert_eq!(alike(&[one, two, three, four]), [""; 0]);
        let later = Response::of(401, &[("date", "later")], "");
        let now = Response::of(401, &[("date", "now")], "");
        assert_eq!(alike(&[now.clone(), later.clone(), now, later]), [""; 0]);
    }

    #[test]
    fn a_difference_beside_a_part_that_varies_counts() {
        let body = |text: &str, request: &str| -> &'static str { format!("{text} (request {request})").leak() };
        let [one, two, three, four] = [("unknown", "a-1"), ("deleted", "a-2"), ("unknown", "a-3"), ("deleted", "a-4")]
            .map(|(text, request)| Response::of(401, &[("x-span", request)], body(text, request)));
        let expected = r#"difference: the body: "unknown (request a-1)" and "deleted (request a-2)""#;
        assert_eq!(alike(&[one, two, three, four]), [expected]);
        let same = |request: &str| Response::of(401, &[], body("unknown", request));
        assert_eq!(alike(&[same("1"), same("2"), same("3"), same("4")]), [""; 0]);
        // A value of another length each time shows nothing.
        let random = |text: &'static str| Response::of(401, &[("x-nonce", text)], "");
        assert_eq!(alike(&[random("a+b"), random("c"), random("d/e/f"), random("g")]), [""; 0]);
    }
}
