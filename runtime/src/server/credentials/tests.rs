use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Request};

use super::*;

const BEARER: SecurityScheme = SecurityScheme { name: "bearer", kind: SecurityKind::Bearer };
const BASIC: SecurityScheme = SecurityScheme { name: "basic", kind: SecurityKind::Basic };
const TOKEN: SecurityScheme = api_key_in(Location::Header, "Authorization");
const HEADER: SecurityScheme = api_key_in(Location::Header, "X-Key");
const QUERY: SecurityScheme = api_key_in(Location::Query, "p");
const COOKIE_KEY: SecurityScheme = api_key_in(Location::Cookie, "session");

const fn api_key_in(location: Location, name: &'static str) -> SecurityScheme {
    SecurityScheme { name: "key", kind: SecurityKind::ApiKey { location, name } }
}

#[test]
fn an_operation_without_a_scheme_demands_no_credential() {
    let request = with("Bearer secret");
    assert_eq!(find(&[], false, &request).expect("a public operation accepts every request"), None);
}

#[test]
fn each_scheme_is_rejected_without_its_credential() {
    for security in [&[BEARER], &[BASIC], &[TOKEN], &[HEADER], &[QUERY], &[COOKIE_KEY]] {
        let request = request("/?q=secret", &[("x-other", "secret"), ("cookie", "other=secret")]);
        assert_eq!(credential(security, &request), None, "{security:?}");
    }
}

#[test]
fn an_optional_credential_may_be_left_out_and_is_rejected_where_it_is_malformed() {
    assert_eq!(find(&[BEARER], true, &request("/", &[])).expect("a credential is optional"), None);
    for value in ["Bearer", "Basic !", "Digest x"] {
        assert!(find(&[BEARER], true, &with(value)).is_err(), "{value}");
    }
    assert_eq!(find(&[BEARER], true, &with("Bearer secret")).expect("it is a credential"), Some(bearer("secret")));
}

#[test]
fn a_rejection_names_the_schemes_of_the_operation() {
    let rejection = find(&[BEARER, BASIC], false, &request("/", &[])).expect_err("there is no credential");
    assert!(matches!(rejection, Rejection::Unauthenticated([BEARER, BASIC])), "{rejection:?}");
}

#[test]
fn bearer_may_be_written_in_any_case() {
    for value in ["Bearer secret", "bearer secret", "BEARER secret", "bEaReR secret"] {
        assert_eq!(credential(&[BEARER], &with(value)), Some(bearer("secret")), "{value}");
    }
}

#[test]
fn several_spaces_may_stand_before_a_credential() {
    let pair = format!("Basic   {}", STANDARD.encode("any:secret"));
    assert_eq!(credential(&[BEARER], &with("Bearer   secret")), Some(bearer("secret")));
    assert_eq!(credential(&[BASIC], &with(&pair)), Some(basic_pair("any", "secret")));
}

#[test]
fn a_bearer_without_a_token_is_rejected() {
    for value in ["", " ", "Bearer", "Bearer ", "Bearer    ", "Bearersecret", "Bearer\tsecret", "secret"] {
        assert_eq!(credential(&[BEARER], &with(value)), None, "{value:?}");
    }
}

#[test]
fn basic_is_a_user_name_and_a_password() {
    for (text, username, password) in [
        ("any:secret", "any", "secret"),
        (":secret", "", "secret"),
        ("any:se:cret", "any", "se:cret"),
        ("ü:µ", "ü", "µ"),
    ] {
        for scheme in ["Basic", "basic", "BASIC"] {
            let value = format!("{scheme} {}", STANDARD.encode(text));
            assert_eq!(credential(&[BASIC], &with(&value)), Some(basic_pair(username, password)), "{value}");
        }
    }
}

#[test]
fn a_malformed_basic_is_rejected() {
    let without_colon = format!("Basic {}", STANDARD.encode("secret"));
    let not_utf8 = format!("Basic {}", STANDARD.encode(b"any:\xff"));
    for value in ["Basic", "Basic ", "Basic any:secret", "Basic YW55OnNlY3JldA", &without_colon, &not_utf8] {
        assert_eq!(credential(&[BASIC], &with(value)), None, "{value}");
    }
}

#[test]
fn an_api_key_in_authorization_is_the_whole_value() {
    for value in ["Token secret", "token secret", "Token  secret", "secret"] {
        assert_eq!(credential(&[TOKEN], &with(value)), Some(key(&TOKEN, value)), "{value}");
    }
}

#[test]
fn an_api_key_in_authorization_leaves_bearer_and_basic_to_their_schemes() {
    let security: &[SecurityScheme] = &[TOKEN, BEARER, BASIC];
    let pair = format!("Basic {}", STANDARD.encode("any:secret"));
    assert_eq!(credential(security, &with("Bearer secret")), Some(bearer("secret")));
    assert_eq!(credential(security, &with(&pair)), Some(basic_pair("any", "secret")));
    assert_eq!(credential(security, &with("Token secret")), Some(key(&security[0], "Token secret")));
    for malformed in ["Bearer", "Basic secret"] {
        assert_eq!(credential(security, &with(malformed)), None, "{malformed}");
    }
}

#[test]
fn an_authorization_of_a_scheme_that_is_not_listed_is_rejected() {
    let pair = format!("Basic {}", STANDARD.encode("any:secret"));
    for (security, value) in [
        (&[BEARER], pair.as_str()),
        (&[BEARER], "Token secret"),
        (&[BEARER], "Negotiate secret"),
        (&[BASIC], "Bearer secret"),
        (&[BASIC], "Token secret"),
        (&[HEADER], "Bearer secret"),
        (&[QUERY], "Bearer secret"),
    ] {
        assert_eq!(credential(security, &with(value)), None, "{security:?}: {value}");
    }
}

#[test]
fn a_key_of_a_scheme_that_is_not_listed_is_rejected() {
    let everywhere = request("/?p=secret", &[("x-key", "secret"), ("cookie", "session=secret")]);
    assert_eq!(credential(&[BEARER], &everywhere), None);
}

#[test]
fn an_api_key_in_a_header_is_its_value() {
    assert_eq!(credential(&[HEADER], &request("/", &[("x-key", "a secret")])), Some(key(&HEADER, "a secret")));
}

#[test]
fn an_api_key_in_the_query_is_decoded() {
    for (uri, value) in [("/?p=secret", "secret"), ("/?u=any&p=a%2Fb+c", "a/b c"), ("/?%70=secret", "secret")] {
        assert_eq!(credential(&[QUERY], &request(uri, &[])), Some(key(&QUERY, value)), "{uri}");
    }
}

#[test]
fn a_malformed_api_key_in_the_query_is_rejected() {
    for uri in ["/?p=one&p=two", "/?p=same&%70=same", "/?p=%zz", "/?p=%ff"] {
        assert_eq!(credential(&[QUERY], &request(uri, &[])), None, "{uri}");
    }
}

#[test]
fn an_api_key_in_a_cookie_is_found_among_others() {
    for cookies in ["session=secret", "a=b; session=secret; session2=c", "flag; session=secret"] {
        let request = request("/", &[("cookie", cookies)]);
        assert_eq!(credential(&[COOKIE_KEY], &request), Some(key(&COOKIE_KEY, "secret")), "{cookies}");
    }
    let padded = request("/", &[("cookie", "session=c2VjcmV0==")]);
    assert_eq!(credential(&[COOKIE_KEY], &padded), Some(key(&COOKIE_KEY, "c2VjcmV0==")));
}

/// RFC 9113, section 8.2.3: HTTP/2 may carry each cookie in a header of its own.
#[test]
fn cookies_may_be_split_over_several_headers() {
    let split = request("/", &[("cookie", "a=b"), ("cookie", "session=secret")]);
    assert_eq!(credential(&[COOKIE_KEY], &split), Some(key(&COOKIE_KEY, "secret")));
}

#[test]
fn a_cookie_given_twice_is_rejected() {
    for headers in
        [&[("cookie", "session=one; session=two")][..], &[("cookie", "session=one"), ("cookie", "session=two")]]
    {
        assert_eq!(credential(&[COOKIE_KEY], &request("/", headers)), None, "{headers:?}");
    }
}

#[test]
fn a_doubled_header_is_rejected() {
    for (security, name, value) in [
        (&[BEARER], "authorization", "Bearer secret"),
        (&[BASIC], "authorization", "Basic YW55OnNlY3JldA=="),
        (&[TOKEN], "authorization", "Token secret"),
        (&[HEADER], "x-key", "secret"),
    ] {
        let once = request("/", &[(name, value)]);
        let twice = request("/", &[(name, value), (name, value)]);
        assert!(credential(security, &once).is_some(), "{security:?}");
        assert_eq!(credential(security, &twice), None, "{security:?}");
    }
}

#[test]
fn a_header_that_is_not_ascii_is_rejected() {
    for (security, name, value) in [
        (&[BEARER], "authorization", "Bearer sécret".as_bytes()),
        (&[BASIC], "authorization", b"Basic \xff"),
        (&[TOKEN], "authorization", "Token µ".as_bytes()),
        (&[HEADER], "x-key", b"\x80"),
        (&[COOKIE_KEY], "cookie", "session=µ".as_bytes()),
    ] {
        let mut request = request("/", &[]);
        request.headers.insert(name, HeaderValue::from_bytes(value).expect("RFC 9110 permits these bytes"));
        assert_eq!(credential(security, &request), None, "{security:?}");
    }
}

#[test]
fn two_credentials_at_once_are_rejected() {
    for (security, uri, headers) in [
        (&[BEARER, QUERY], "/?p=secret", &[("authorization", "Bearer secret")][..]),
        (&[BEARER, HEADER], "/", &[("authorization", "Bearer secret"), ("x-key", "secret")]),
        (&[TOKEN, COOKIE_KEY], "/", &[("authorization", "Token secret"), ("cookie", "session=secret")]),
        (&[QUERY, HEADER], "/?p=secret", &[("x-key", "secret")]),
    ] {
        assert_eq!(credential(security, &request(uri, headers)), None, "{security:?}");
    }
}

#[test]
fn a_malformed_credential_is_not_made_good_by_another() {
    for (uri, value) in [
        ("/?p=secret", "Bearer"),
        ("/?p=secret", "Negotiate secret"),
        ("/?p=%zz", "Bearer secret"),
        ("/?p=one&p=two", "Bearer secret"),
    ] {
        let request = request(uri, &[("authorization", value)]);
        assert_eq!(credential(&[BEARER, QUERY], &request), None, "{uri}: {value}");
    }
}

fn credential<'r>(security: &'static [SecurityScheme], request: &'r Parts) -> Option<Credential<'r>> {
    find(security, false, request).ok().flatten()
}

/// A request with this `Authorization`.
fn with(value: &str) -> Parts {
    request("/", &[("authorization", value)])
}

fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let builder =
        headers.iter().fold(Request::builder().uri(uri), |builder, (name, value)| builder.header(*name, *value));
    builder.body(()).expect("a request").into_parts().0
}

fn bearer(token: &str) -> Credential<'_> {
    Credential::Bearer(token.into())
}

fn basic_pair<'r>(username: &'r str, password: &'r str) -> Credential<'r> {
    Credential::Basic { username: username.into(), password: password.into() }
}

fn key<'r>(scheme: &'static SecurityScheme, value: &'r str) -> Credential<'r> {
    Credential::ApiKey { scheme, value: value.into() }
}
