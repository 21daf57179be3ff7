use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Request};

use super::*;

const BEARER_SCHEME: SecurityScheme = SecurityScheme::new("bearer", SecurityKind::Bearer);
const BASIC_SCHEME: SecurityScheme = SecurityScheme::new("basic", SecurityKind::Basic);
const TOKEN_SCHEME: SecurityScheme = api_key_in(Location::Header, "Authorization");
const HEADER_SCHEME: SecurityScheme = api_key_in(Location::Header, "X-Key");
const QUERY_SCHEME: SecurityScheme = api_key_in(Location::Query, "p");

// Requirements of one scheme.
const BEARER: SecurityRequirement = SecurityRequirement::new(&[BEARER_SCHEME]);
const BASIC: SecurityRequirement = SecurityRequirement::new(&[BASIC_SCHEME]);
const TOKEN: SecurityRequirement = SecurityRequirement::new(&[TOKEN_SCHEME]);
const HEADER: SecurityRequirement = SecurityRequirement::new(&[HEADER_SCHEME]);
const QUERY: SecurityRequirement = SecurityRequirement::new(&[QUERY_SCHEME]);
const COOKIE_KEY: SecurityRequirement = SecurityRequirement::new(&[api_key_in(Location::Cookie, "session")]);
const CERTIFICATE: SecurityRequirement =
    SecurityRequirement::new(&[SecurityScheme::new("tls", SecurityKind::MutualTls)]);

const fn api_key_in(location: Location, name: &'static str) -> SecurityScheme {
    SecurityScheme::new("key", SecurityKind::ApiKey { location, name })
}

#[test]
fn each_scheme_is_rejected_without_its_credential() {
    for security in [&[BEARER], &[BASIC], &[TOKEN], &[HEADER], &[QUERY], &[COOKIE_KEY], &[CERTIFICATE]] {
        let request = request("/?q=secret", &[("x-other", "secret"), ("cookie", "other=secret")]);
        assert_eq!(credential(security, &request), None, "{security:?}");
    }
}

#[test]
fn a_request_is_anonymous_if_it_carries_nothing_under_any_scheme() {
    let anonymous = |security, request: &Parts| Presented::new(security, request).expect("one header").is_anonymous();
    let unrelated = request("/?q=secret", &[("x-other", "secret"), ("cookie", "other=secret")]);
    assert!(anonymous(&[BEARER, HEADER, QUERY, COOKIE_KEY, CERTIFICATE], &unrelated));
    for value in ["Bearer secret", "Bearer", "Basic !", "Digest x", ""] {
        assert!(!anonymous(&[BEARER], &with(value)), "{value}");
        assert!(!anonymous(&[HEADER], &with(value)), "{value}");
    }
    for (security, uri, headers) in [
        (&[BEARER, QUERY], "/?p=", &[][..]),
        (&[BEARER, QUERY], "/?p=%zz", &[]),
        (&[HEADER, QUERY], "/", &[("x-key", "secret")]),
        (&[BEARER, COOKIE_KEY], "/", &[("cookie", "session=a; session=b")]),
    ] {
        assert!(!anonymous(security, &request(uri, headers)), "{security:?}");
    }
    assert!(!anonymous(&[BEARER, CERTIFICATE], &with_certificate()));
}

#[test]
fn a_certificate_is_in_the_extensions_of_the_request() {
    let request = with_certificate();
    let expected = PeerCertificate::from_der("der");
    assert_eq!(credential(&[CERTIFICATE], &request), Some(Credential::Certificate(&expected)));
}

#[test]
fn each_scheme_of_a_requirement_has_its_credential() {
    const ALL: SecurityRequirement = SecurityRequirement::new(&[QUERY_SCHEME, BEARER_SCHEME, HEADER_SCHEME]);
    let read = |uri, headers| {
        let request = request(uri, headers);
        let presented = Presented::new(&[ALL], &request).expect("one header");
        presented.credentials(&ALL).map(|credentials| format!("{}: {:?}", credentials.len(), &credentials[..]))
    };
    let headers = [("authorization", "Bearer secret"), ("x-key", "other")];
    let expected = "3: [ApiKey([redacted]), Bearer([redacted]), ApiKey([redacted])]";
    assert_eq!(read("/?p=secret", &headers).as_deref(), Some(expected));
    for (uri, headers) in [
        ("/", &headers[..]),
        ("/?p=secret", &headers[..1]),
        ("/?p=secret", &headers[1..]),
        ("/?p=%zz", &headers),
        ("/?p=secret", &[("authorization", "Basic secret"), ("x-key", "other")]),
    ] {
        assert_eq!(read(uri, headers), None, "{uri} {headers:?}");
    }
}

#[test]
fn schemes_of_a_requirement_share_a_header() {
    const BOTH: SecurityRequirement =
        SecurityRequirement::new(&[BEARER_SCHEME, SecurityScheme::new("jwt", SecurityKind::Bearer)]);
    const WITH_KEY: SecurityRequirement = SecurityRequirement::new(&[BEARER_SCHEME, TOKEN_SCHEME]);
    const NEVER: SecurityRequirement = SecurityRequirement::new(&[BEARER_SCHEME, BASIC_SCHEME]);
    let request = with("Bearer secret");
    let read = |requirement: &'static SecurityRequirement| {
        let presented = Presented::new(&[BOTH, WITH_KEY, NEVER], &request).expect("one header");
        presented.credentials(requirement).map(|credentials| credentials.to_vec())
    };
    assert_eq!(read(&BOTH), Some(vec![bearer("secret"), bearer("secret")]));
    assert_eq!(read(&WITH_KEY), Some(vec![bearer("secret"), key("Bearer secret")]));
    assert_eq!(read(&NEVER), None);
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
        assert_eq!(credential(&[TOKEN], &with(value)), Some(key(value)), "{value}");
    }
}

#[test]
fn an_api_key_in_authorization_leaves_bearer_and_basic_to_their_schemes() {
    let security: &[SecurityRequirement] = &[TOKEN, BEARER, BASIC];
    let pair = format!("Basic {}", STANDARD.encode("any:secret"));
    assert_eq!(credential(security, &with("Bearer secret")), Some(bearer("secret")));
    assert_eq!(credential(security, &with(&pair)), Some(basic_pair("any", "secret")));
    assert_eq!(credential(security, &with("Token secret")), Some(key("Token secret")));
    for (security, key) in [(&[TOKEN, BEARER], "Basic secret"), (&[TOKEN, BASIC], "Bearer secret")] {
        assert_eq!(credential(security, &with(key)), Some(self::key(key)), "{security:?}");
    }
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
    assert_eq!(credential(&[HEADER], &request("/", &[("x-key", "a secret")])), Some(key("a secret")));
}

#[test]
fn an_api_key_in_the_query_is_decoded() {
    for (uri, value) in [("/?p=secret", "secret"), ("/?u=any&p=a%2Fb+c", "a/b c"), ("/?%70=secret", "secret")] {
        assert_eq!(credential(&[QUERY], &request(uri, &[])), Some(key(value)), "{uri}");
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
        assert_eq!(credential(&[COOKIE_KEY], &request), Some(key("secret")), "{cookies}");
    }
    let padded = request("/", &[("cookie", "session=c2VjcmV0==")]);
    assert_eq!(credential(&[COOKIE_KEY], &padded), Some(key("c2VjcmV0==")));
}

/// RFC 9113, section 8.2.3: HTTP/2 may carry each cookie in a header of its own.
#[test]
fn cookies_may_be_split_over_several_headers() {
    let split = request("/", &[("cookie", "a=b"), ("cookie", "session=secret")]);
    assert_eq!(credential(&[COOKIE_KEY], &split), Some(key("secret")));
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
fn the_first_alternative_that_has_a_credential_is_read() {
    for (uri, value, expected) in [
        ("/?p=secret", "Bearer token", bearer("token")),
        ("/?p=secret", "Bearer", key("secret")),
        ("/?p=secret", "Negotiate token", key("secret")),
        ("/?p=%zz", "Bearer token", bearer("token")),
        ("/?p=one&p=two", "Bearer token", bearer("token")),
    ] {
        let request = request(uri, &[("authorization", value)]);
        assert_eq!(credential(&[BEARER, QUERY], &request), Some(expected), "{uri}: {value}");
    }
    let mut request = request("/?p=secret", &[]);
    let value = HeaderValue::from_bytes(b"Bearer \xff").expect("RFC 9110 permits these bytes");
    request.headers.insert("authorization", value);
    assert_eq!(credential(&[BEARER, QUERY], &request), Some(key("secret")));
}

#[test]
fn two_authorization_headers_are_rejected_whatever_else_the_request_carries() {
    let doubled = [("authorization", "Bearer a"), ("authorization", "Bearer a"), ("x-key", "secret")];
    assert_eq!(credential(&[BEARER, HEADER], &request("/", &doubled)), None);
    assert_eq!(credential(&[HEADER], &request("/", &doubled)), None);
}

/// The credential for the first of these alternatives that the request has one for.
fn credential<'r>(security: &'static [SecurityRequirement], request: &'r Parts) -> Option<Credential<'r>> {
    let presented = Presented::new(security, request)?;
    let credentials = security.iter().find_map(|requirement| presented.credentials(requirement))?;
    Some(credentials[0].clone())
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

fn key(value: &str) -> Credential<'_> {
    Credential::ApiKey(value.into())
}

fn with_certificate() -> Parts {
    let mut request = request("/", &[]);
    request.extensions.insert(PeerCertificate::from_der("der"));
    request
}
