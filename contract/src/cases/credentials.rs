//! Credentials: valid and invalid ones under each listed scheme, and valid ones under the others.

use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};

use super::super::case::{Case, Expected, Statuses, Step};
use super::super::request::{Template, auth_scheme, places};
use super::super::text::{Alteration, Role, Text};
use super::{Call, NO_TOKEN};

pub(super) fn cases(call: &Call) -> Vec<Case> {
    let security = call.operation.security;
    if security.is_empty() {
        return Vec::new();
    }
    let mut cases = Vec::new();
    if !security.iter().any(SecurityRequirement::is_anonymous) {
        cases.push(refused(call, "missing", "A request without credentials is rejected.", target(call)));
    }
    for requirement in call.requirements() {
        cases.extend(of_requirement(call, requirement));
    }
    // A scheme of the same kind is carried in the same way.
    let listed = |kind| security.iter().any(|of| of.schemes.iter().any(|scheme| scheme.kind == kind));
    let others = call.api.security_schemes.iter().filter(|scheme| !listed(scheme.kind));
    for scheme in others.filter(|scheme| scheme.kind != SecurityKind::MutualTls) {
        let request = target(call).with(scheme, Role::Caller);
        let name = format!("{}/not-listed", scheme.name);
        cases.push(refused(call, &name, "A scheme that the operation does not list is rejected.", request));
    }
    cases.extend(strangers(call));
    cases
}

/// The schemes of an alternative are required together. Each of them is tried with valid credentials under the others.
fn of_requirement(call: &Call, requirement: &'static SecurityRequirement) -> Vec<Case> {
    let names: Vec<&str> = requirement.schemes.iter().map(|scheme| scheme.name).collect();
    let together = names.join("+");
    let mut cases = Vec::new();
    if call.deletes.is_some() {
        let right = target(call).satisfying(requirement, Role::Caller);
        let rule = "A listed scheme with a valid token is accepted.";
        let case = call.case(format!("credentials/{together}/right"), rule, right, call.succeeded());
        cases.push(case.deleting(Role::Target));
    }
    for scheme in places(requirement) {
        let others = |request: Template| {
            let others = places(requirement).filter(|other| other != &scheme);
            others.fold(request, |request, other| request.with(other, Role::Caller))
        };
        let name = match requirement.schemes {
            [_] => together.clone(),
            _ => format!("{together}/{}", scheme.name),
        };
        if places(requirement).count() > 1 {
            let rule = "A request without one of the credentials that are required together is rejected.";
            cases.push(refused(call, &format!("{name}/missing"), rule, others(target(call))));
        }
        cases.extend(of_scheme(call, scheme, &name, &others));
    }
    cases
}

/// A call about the target, still without credentials.
fn target(call: &Call) -> Template {
    call.about(Text::id(Role::Target))
}

fn refused(call: &Call, name: &str, rule: &str, request: Template) -> Case {
    call.case(format!("credentials/{name}"), rule, request, call.unauthenticated())
}

/// `others` adds the credentials that are required besides that of the scheme.
fn of_scheme(
    call: &Call,
    scheme: &'static SecurityScheme,
    of: &str,
    others: &dyn Fn(Template) -> Template,
) -> Vec<Case> {
    let mut cases = Vec::new();
    let target = || others(target(call));
    let mut refused = |name: &str, rule: &str, request| {
        cases.push(refused(call, &format!("{of}/{name}"), rule, request));
    };
    for (name, alteration) in [
        ("wrong", Alteration::OneCharacter),
        ("other-case", Alteration::OtherCase),
        ("cut", Alteration::Cut),
        ("extended", Alteration::Extended),
    ] {
        let request = target().with_altered(scheme, Role::Caller, Some(alteration));
        refused(name, "A token that was never issued is rejected.", request);
    }
    refused("expired", "An expired token is rejected.", target().with(scheme, Role::Expired));
    refused("revoked", "A deleted token is rejected.", target().with(scheme, Role::Revoked));
    // A server may answer a malformed request with 400 (RFC 6750, section 3.1).
    let mut malformed = |name: &str, rule: &str, request| {
        let statuses = call.unauthenticated().or(call.bad_request().0);
        cases.push(call.case(format!("credentials/{of}/{name}"), rule, request, statuses));
    };
    let doubled = "A credential that is given twice is rejected.";
    let (right, wrong) = (Role::Caller, Some(Alteration::OneCharacter));
    malformed("doubled", doubled, target().with(scheme, right).with(scheme, right));
    malformed("right-then-wrong", doubled, target().with(scheme, right).with_altered(scheme, right, wrong));
    malformed("wrong-then-right", doubled, target().with_altered(scheme, right, wrong).with(scheme, right));

    if let Some(word) = auth_scheme(scheme) {
        for (name, value) in malformed_values(word, scheme) {
            let request = target().with_header("authorization", value);
            malformed(&format!("malformed/{name}"), "A malformed credential is rejected.", request);
        }
    }
    if call.deletes.is_some() && auth_scheme(scheme).is_some() {
        cases.extend(["lower-case", "upper-case"].map(|case| {
            let mut request = others(call.about(NO_TOKEN.into())).with(scheme, Role::Caller);
            request.change_scheme(|word| if case == "lower-case" { word.to_lowercase() } else { word.to_uppercase() });
            let name = format!("credentials/{of}/{case}");
            call.case(name, "The name of a scheme is case-insensitive.", request, call.not_found())
        }));
    }
    cases
}

fn malformed_values(word: &str, scheme: &SecurityScheme) -> Vec<(&'static str, Text)> {
    let secret = || Text::secret(Role::Caller);
    let after = |prefix: &str| Text::plain(prefix).then(secret());
    let mut values = vec![
        ("empty", Text::plain("")),
        ("scheme-only", Text::plain(word)),
        ("credential-only", secret()),
        ("unknown-scheme", after("Contract ")),
        ("not-ascii", Text::plain(format!("{word} \u{e9}"))),
    ];
    if scheme.kind == SecurityKind::Bearer {
        values.extend([
            ("no-space", after(word)),
            ("quoted", Text::plain(format!("{word} \"")).then(secret()).then("\"")),
            ("two-tokens", after(&format!("{word} ")).then(" ").then(secret())),
            ("list", after(&format!("{word} ")).then(", ").then(after(&format!("{word} ")))),
        ]);
    } else {
        values.extend([
            ("not-base64", Text::plain(format!("{word} %%%"))),
            ("no-colon", Text::plain(format!("{word} Y29udHJhY3Q="))),
            ("not-encoded", after(&format!("{word} contract:"))),
        ]);
    }
    values
}

/// A caller who may not delete tokens does not learn which tokens exist.
fn strangers(call: &Call) -> Vec<Case> {
    let Some(requirement) = call.requirements().next().filter(|_| call.deletes.is_some()) else {
        return Vec::new();
    };
    let case = |name: &str, statuses: Statuses, by: &dyn Fn(Template) -> Template| {
        let rule = "A caller who may not delete tokens does not learn which tokens exist.";
        let mut ids = vec![Text::id(Role::Target), NO_TOKEN.into(), "none".into()];
        // A path without an ID would be another path.
        ids.extend((!call.deletes_by_path()).then(|| "".into()));
        let requests: Vec<_> = ids.into_iter().map(|id| by(call.about(id))).collect();
        let step =
            Step { requests: [requests.clone(), requests].concat(), expected: Expected::Alike(statuses.clone()) };
        let case = call.case(format!("credentials/nothing-learnt/{name}"), rule, target(call), statuses);
        Case { steps: vec![step], ..case }
    };
    let wrong =
        |request: Template| request.satisfying_altered(requirement, Role::Caller, Some(Alteration::OneCharacter));
    vec![
        case("without", call.unauthenticated(), &|request| request),
        case("wrong", call.unauthenticated(), &wrong),
        case("expired", call.unauthenticated(), &|request| request.satisfying(requirement, Role::Expired)),
        case("revoked", call.unauthenticated(), &|request| request.satisfying(requirement, Role::Revoked)),
        case("not-permitted", call.insufficient(), &|request| request.satisfying(requirement, Role::Limited)),
    ]
}
