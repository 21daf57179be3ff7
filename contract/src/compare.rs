//! Whether the responses of a step are those that the case expects.

use std::collections::{BTreeMap, BTreeSet};

use http::header::{CONTENT_LENGTH, DATE};

use super::case::{Expected, Statuses};
use super::exchange::Response;
use super::report::{Problem, Subject};

pub(super) fn problems(expected: &Expected, responses: &[&Response]) -> Vec<Problem> {
    let must_be = |statuses: &Statuses, responses: &[&Response]| -> Vec<Problem> {
        let others = responses.iter().map(|response| response.status.as_u16()).filter(|it| !statuses.contain(*it));
        others.map(|status| (Subject::Status, format!("{status} instead of {statuses}")).into()).collect()
    };
    match expected {
        Expected::Each(statuses) => must_be(statuses, responses),
        Expected::Once(one, others) => {
            let (ones, rest): (Vec<_>, Vec<_>) =
                responses.iter().partition(|response| one.contain(response.status.as_u16()));
            let mut problems = must_be(others, &rest);
            if ones.len() != 1 {
                let text = format!("{one} {} times instead of once", ones.len());
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

/// The aspects in which responses differ. An aspect that differs between `once` and `again`, which are responses to the
/// same requests, does not count.
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

/// Everything that a client sees of a response, without its date, and without its length, which follows from the body.
fn aspects(response: &Response) -> BTreeMap<String, Vec<u8>> {
    let mut aspects = BTreeMap::from([
        ("the status".to_owned(), response.status.as_str().into()),
        ("the body".to_owned(), response.body.to_vec()),
    ]);
    for (name, value) in response.headers.iter().filter(|(name, _)| ![DATE, CONTENT_LENGTH].contains(name)) {
        let values = aspects.entry(name.to_string()).or_default();
        // No value contains this separator.
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
    fn a_difference_between_responses_to_the_same_request_does_not_count() {
        let [one, two, three, four] =
            ["1", "2", "3", "4"].map(|span| Response::of(401, &[("x-span-id", span), ("date", "now")], span));
        assert_eq!(alike(&[one, two, three, four]), [""; 0]);
        let later = Response::of(401, &[("date", "later")], "");
        let now = Response::of(401, &[("date", "now")], "");
        assert_eq!(alike(&[now.clone(), later.clone(), now, later]), [""; 0]);
    }
}
