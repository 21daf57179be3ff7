//! Credentials: valid and invalid ones under each listed scheme, and valid ones under the others.

use influxdb3_token_api::security::{SecurityKind, SecurityScheme};

use super::super::case::{Case, Expected, Statuses, Step};
use super::super::request::{Template, auth_scheme};
use super::super::schemes::{self, Alternative};
use super::super::text::{Alteration, Role, Text};
use super::{Call, NO_TOKEN};

pub(super) fn cases(call: &Call) -> Vec<Case> {
    let alternatives = schemes::alternatives(call.operation);
    if alternatives.is_empty() && schemes::optional(call.operation) {
        return Vec::new();
    }
    let mut cases = Vec::new();
    if !schemes::optional(call.operation) {
        cases.push(refused(call, "missing", "A request without credentials is rejected.", target(call)));
    }
    for alternative in &alternatives {
        cases.extend(of_alternative(call, alternative));
    }
    // A scheme of the same kind is carried in the same way.
    let listed = schemes::listed(call.operation);
    let is_listed = |scheme: &SecurityScheme| listed.iter().any(|other| other.kind == scheme.kind);
    let others = call.api.security_schemes.iter().filter(|scheme| !is_listed(scheme));
    for scheme in others.filter(|scheme| !schemes::is_certificate(scheme)) {
        let request = target(call).with(scheme, Role::Caller);
        let name = format!("{}/not-listed", scheme.name);
        cases.push(refused(call, &name, "A scheme that the operation does not list is rejected.", request));
    }
    cases.extend(strangers(call));
    cases
}

/// A call about the target, still without credentials. Nothing else is wrong with it.
fn target(call: &Call) -> Template {
    let request = call.about(Text::id(Role::Target));
    if call.deletes.is_some() { request } else { call.with_body(request) }
}

fn refused(call: &Call, name: &str, rule: &str, request: Template) -> Case {
    call.case(format!("credentials/{name}"), rule, request, call.unauthenticated())
}

/// The schemes of an alternative are required together. Each is tried with valid credentials under the others.
fn of_alternative(call: &Call, alternative: &Alternative) -> Vec<Case> {
    let Alternative { name, schemes } = alternative;
    let mut cases = Vec::new();
    if call.deletes.is_some() {
        let rule = "A listed scheme with a valid token is accepted.";
        let right = target(call).signed(schemes, Role::Caller);
        let case = call.case(format!("credentials/{name}/right"), rule, right, call.succeeded());
        cases.push(case.deleting(Role::Target));
    }
    if let [scheme] = schemes[..] {
        cases.extend(of_scheme(call, scheme, name, &[]));
        return cases;
    }
    for scheme in schemes {
        let others: Vec<_> = schemes.iter().copied().filter(|other| other != scheme).collect();
        let name = format!("{name}/{}", scheme.name);
        let rule = "A request without one of the credentials that are required together is rejected.";
        let without = target(call).signed(&others, Role::Caller);
        cases.push(refused(call, &format!("{name}/missing"), rule, without));
        cases.extend(of_scheme(call, scheme, &name, &others));
    }
    cases
}

/// The cases of one scheme. `others` are required with it, and have valid credentials.
fn of_scheme(call: &Call, scheme: &'static SecurityScheme, of: &str, others: &[&'static SecurityScheme]) -> Vec<Case> {
    let mut cases = Vec::new();
    let target = || target(call).signed(others, Role::Caller);
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
    let like_unknown = [
        target().with(scheme, Role::Revoked),
        target().with_altered(scheme, Role::Revoked, Some(Alteration::OneCharacter)),
    ];
    let rule = "A deleted token is rejected exactly as one that never existed.";
    let name = format!("credentials/{of}/revoked-like-unknown");
    cases.push(alike(call, name, rule, like_unknown.into(), call.unauthenticated()));
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
        let listed = schemes::listed(call.operation);
        let takes_any = listed.iter().any(|other| other.kind.is_key_in_authorization());
        for (name, value) in malformed_values(word, scheme) {
            if takes_any && name == "credential-only" {
                // For an API key in this header, that is not malformed.
                continue;
            }
            let request = target().with_header("authorization", value);
            malformed(&format!("malformed/{name}"), "A malformed credential is rejected.", request);
        }
    }
    if call.deletes.is_some() && auth_scheme(scheme).is_some() {
        cases.extend(["lower-case", "upper-case"].map(|case| {
            let mut request = call.about(NO_TOKEN.into()).signed(others, Role::Caller).with(scheme, Role::Caller);
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

/// A case whose responses do not differ. Each request is sent twice.
fn alike(call: &Call, name: String, rule: &str, requests: Vec<Template>, statuses: Statuses) -> Case {
    let step = Step { requests: [requests.clone(), requests].concat(), expected: Expected::Alike(statuses.clone()) };
    Case { steps: vec![step], ..call.case(name, rule, target(call), statuses) }
}

/// A caller who may not delete tokens does not learn which tokens exist.
fn strangers(call: &Call) -> Vec<Case> {
    let schemes = call.first_schemes();
    let Some((scheme, others)) = schemes.split_first().filter(|_| call.deletes.is_some()) else { return Vec::new() };
    let case = |name: &str, statuses: Statuses, by: &dyn Fn(Template) -> Template| {
        let rule = "A caller who may not delete tokens does not learn which tokens exist.";
        let mut ids = vec![Text::id(Role::Target), NO_TOKEN.into(), "none".into()];
        // A path without an ID would be another path.
        ids.extend((!call.deletes_by_path()).then(|| "".into()));
        let requests = ids.into_iter().map(|id| by(call.about(id))).collect();
        alike(call, format!("credentials/nothing-learnt/{name}"), rule, requests, statuses)
    };
    let wrong = |request: Template| {
        request.with_altered(scheme, Role::Caller, Some(Alteration::OneCharacter)).signed(others, Role::Caller)
    };
    vec![
        case("without", call.unauthenticated(), &|request| request),
        case("wrong", call.unauthenticated(), &wrong),
        case("expired", call.unauthenticated(), &|request| request.signed(&schemes, Role::Expired)),
        case("revoked", call.unauthenticated(), &|request| request.signed(&schemes, Role::Revoked)),
        case("not-permitted", call.insufficient(), &|request| request.signed(&schemes, Role::Limited)),
    ]
}
