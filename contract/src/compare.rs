//! Whether the responses of a step are what is expected of them together.

use std::collections::{BTreeMap, BTreeSet};

use http::header::{CONTENT_LENGTH, DATE};

use super::case::{Expected, Statuses};
use super::exchange::Response;
use super::report::{Problem, Subject};

pub(super) fn problems(expected: &Expected, responses: &[&Response]) -> Vec<Problem> {
    let must_be = |statuses: &Statuses, responses: &[&Response]| -> Vec<Problem> {
        let others = responses.iter().map(|response| response.status.as_u16()).filter(|it| !statuses.contain(*it));
        others.map(|status| (Subject::Status, format!("{status}; {statuses} was expected")).into()).collect()
    };
    match expected {
        Expected::Each(statuses) => must_be(statuses, responses),
        Expected::Once(one, others) => {
            let (ones, rest): (Vec<_>, Vec<_>) =
                responses.iter().partition(|response| one.contain(response.status.as_u16()));
            let mut problems = must_be(others, &rest);
            if ones.len() != 1 {
                let text = format!("{one} was answered {} times; once was expected", ones.len());
                problems.push((Subject::Status, text).into());
            }
            problems
        }
        Expected::Alike(statuses) => {
            let mut problems = must_be(statuses, responses);
            let (once, again) = responses.split_at(responses.len() / 2);
            problems.extend(differences(once, again).map(|aspect| (Subject::Difference, aspect).into()));
            problems
        }
    }
}

/// What tells responses apart. Not what differs between two to the same request, the one in `once` and the other in
/// `again`, because that tells nothing.
fn differences(once: &[&Response], again: &[&Response]) -> impl Iterator<Item = String> {
    let aspects = |responses: &[&Response]| -> Vec<_> { responses.iter().map(|response| aspects(response)).collect() };
    let (once, again) = (aspects(once), aspects(again));
    let names: BTreeSet<String> = once.iter().flat_map(|aspects| aspects.keys().cloned()).collect();
    names.into_iter().filter(move |name| {
        let of = |aspects: &BTreeMap<String, Vec<u8>>| aspects.get(name).cloned();
        let steady = once.iter().map(of).eq(again.iter().map(of));
        steady && once.windows(2).any(|pair| of(&pair[0]) != of(&pair[1]))
    })
}

/// Everything that a response tells, but when it was sent and, because the body tells it, how long the body is.
fn aspects(response: &Response) -> BTreeMap<String, Vec<u8>> {
    let mut aspects = BTreeMap::from([
        ("the status".to_owned(), response.status.as_str().into()),
        ("the body".to_owned(), response.body.to_vec()),
    ]);
    for (name, value) in response.headers.iter().filter(|(name, _)| ![DATE, CONTENT_LENGTH].contains(name)) {
        let values = aspects.entry(name.to_string()).or_default();
        // What no value holds, between two.
        values.extend(value.as_bytes().iter().chain(b"\0"));
    }
    aspects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expected: Expected, responses: &[Response]) -> Vec<String> {
        problems(&expected, &responses.iter().collect::<Vec<_>>()).iter().map(ToString::to_string).collect()
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
            ["status: 204; 404 or 400 was expected"]
        );
    }

    #[test]
    fn exactly_one_response_is_another() {
        let once = Expected::Once(Statuses::one(204), Statuses::one(404));
        let [one, other, wrong] = [204, 404, 500].map(|status| Response::of(status, &[], ""));
        assert_eq!(found(once.clone(), &[other.clone(), one.clone(), other.clone()]), [""; 0]);
        let twice = found(once.clone(), &[one.clone(), one.clone(), other.clone()]);
        assert_eq!(twice, ["status: 204 was answered 2 times; once was expected"]);
        assert_eq!(
            found(once.clone(), &[other.clone(), other])[0],
            "status: 204 was answered 0 times; once was expected"
        );
        assert_eq!(found(once, &[one, wrong]), ["status: 500; 404 was expected"]);
    }

    #[test]
    fn whatever_tells_responses_apart_is_named() {
        let first = Response::of(401, &[("a", "1"), ("b", "1")], "one");
        for (other, aspect) in [
            (Response::of(401, &[("a", "1"), ("b", "1")], "two"), "the body"),
            (Response::of(401, &[("a", "2"), ("b", "1")], "one"), "a"),
            (Response::of(401, &[("a", "1")], "one"), "b"),
            (Response::of(401, &[("a", "1"), ("b", "1"), ("b", "1")], "one"), "b"),
            (Response::of(401, &[("a", "1"), ("b", "1"), ("c", "")], "one"), "c"),
        ] {
            let responses = [first.clone(), other.clone(), first.clone(), other];
            assert_eq!(alike(&responses), [format!("difference: {aspect}")]);
        }
        let other = Response::of(404, &[("a", "1"), ("b", "1")], "one");
        let statuses = alike(&[first.clone(), other.clone(), first, other]);
        assert!(statuses.contains(&"difference: the status".to_owned()), "{statuses:?}");
    }

    #[test]
    fn what_differs_from_response_to_response_tells_nothing() {
        let [one, two, three, four] =
            ["1", "2", "3", "4"].map(|span| Response::of(401, &[("x-span-id", span), ("date", "now")], span));
        assert_eq!(alike(&[one, two, three, four]), [""; 0]);
        let later = Response::of(401, &[("date", "later")], "");
        let now = Response::of(401, &[("date", "now")], "");
        assert_eq!(alike(&[now.clone(), later.clone(), now, later]), [""; 0]);
    }
}
