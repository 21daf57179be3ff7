//! Whether the responses of a step are what is expected of them together.

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
            let differences = responses.windows(2).filter_map(|pair| difference(pair[0], pair[1]));
            problems.extend(differences.map(|text| (Subject::Difference, text).into()));
            problems
        }
    }
}

/// What tells two responses apart, besides what differs from response to response.
fn difference(one: &Response, other: &Response) -> Option<String> {
    if one.status != other.status {
        return Some(format!("{} and {}", one.status.as_u16(), other.status.as_u16()));
    }
    if one.body != other.body {
        return Some("two bodies".to_owned());
    }
    let names = |response: &Response| {
        let mut names: Vec<String> = response.headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };
    if names(one) != names(other) {
        return Some("other headers".to_owned());
    }
    let told = ["content-type", "content-length", "www-authenticate"];
    let differs = |name: &&str| one.headers.get_all(*name).iter().ne(other.headers.get_all(*name));
    told.iter().find(|name| differs(name)).map(|name| format!("another {name}"))
}
