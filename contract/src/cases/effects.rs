//! Deletions: each declared response is reached, and the right token is gone.

use super::super::case::{Case, Effect, Expected, Step};
use super::super::text::{Role, Text};
use super::{Call, NO_TOKEN};

/// How many deletions of one token are sent at the same time.
const AT_ONCE: usize = 8;

pub(super) fn cases(call: &Call) -> Vec<Case> {
    if call.deletes.is_none() {
        return Vec::new();
    }
    let one_of_many = Step {
        requests: vec![call.on_target(); AT_ONCE],
        expected: Expected::Once(call.succeeded(), call.not_found()),
    };
    let mut cases = vec![
        call.case("effects/deleted", "A token is deleted.", call.on_target(), call.succeeded()).deleting(Role::Target),
        call.case("effects/deleted-once", "A token that was deleted is not found.", call.on_target(), call.succeeded())
            .then(call.on_target(), call.not_found())
            .then(call.on_target(), call.not_found())
            .deleting(Role::Target),
        call.case(
            "effects/deleted-after-use",
            "A token that was used is rejected after its deletion.",
            call.idle(Role::Target),
            call.not_found(),
        )
        .then(call.on_target(), call.succeeded())
        .deleting(Role::Target),
        Case {
            steps: vec![one_of_many],
            effect: Effect::Deleted(Role::Target),
            ..call.case(
                "effects/deleted-by-one",
                "Of concurrent deletions of a token, exactly one finds it.",
                call.on_target(),
                call.succeeded(),
            )
        },
        call.case(
            "effects/limited-token-deleted",
            "A token that is not an admin token is deleted.",
            call.by(Role::Caller, Text::id(Role::Limited)),
            call.succeeded(),
        )
        .then(call.by(Role::Caller, Text::id(Role::Limited)), call.not_found())
        .deleting(Role::Limited),
        call.case(
            "effects/no-token",
            "A token that never existed is not found.",
            call.idle(Role::Caller),
            call.not_found(),
        ),
        call.case(
            "effects/deleted-token",
            "A token that was deleted before is not found.",
            call.by(Role::Caller, Text::id(Role::Revoked)),
            call.not_found(),
        ),
        call.case(
            "effects/not-permitted",
            "A token that is not an admin token deletes nothing.",
            call.by(Role::Limited, Text::id(Role::Target)),
            call.insufficient(),
        ),
    ];
    let other_forms = [
        ("leading-zero", Text::plain("0").then(Text::id(Role::Target))),
        ("plus", Text::plain("%2B").then(Text::id(Role::Target))),
        ("fraction", Text::id(Role::Target).then(".0")),
        ("space-before", Text::plain("%20").then(Text::id(Role::Target))),
        ("space-after", Text::id(Role::Target).then("%20")),
        ("zero-byte", Text::id(Role::Target).then("%00")),
        ("list", Text::id(Role::Target).then(",").then(NO_TOKEN)),
        ("text", Text::plain("none")),
        ("wildcard", Text::plain("*")),
        ("sql", Text::id(Role::Target).then("%20OR%201=1")),
    ];
    cases.extend(other_forms.map(|(form, id)| {
        call.case(
            format!("effects/other-id/{form}"),
            "An ID in another form does not match a token.",
            call.by(Role::Caller, id),
            call.not_an_id(),
        )
    }));
    cases
}
