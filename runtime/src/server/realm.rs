//! Challenges: the values of `WWW-Authenticate`.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response};

use crate::Body;
use crate::security::{SecurityKind, SecurityRequirement};

/// The protection space that challenges name (RFC 9110, section 11.5), and the challenges themselves.
///
/// [`realm!`](crate::server::realm) makes one. The values are constants: a response copies them without allocating or
/// counting references.
#[derive(Debug)]
pub struct Realm {
    #[doc(hidden)]
    pub missing: Challenges,
    #[doc(hidden)]
    pub insufficient: Challenges,
}

/// The challenge of each kind of scheme that has one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Challenges {
    pub bearer: HeaderValue,
    pub basic: HeaderValue,
}

/// A [`Realm`](crate::server::Realm) with this name, for a `static`.
#[doc(hidden)]
#[macro_export]
macro_rules! __realm {
    ($name:literal) => {
        $crate::server::Realm {
            missing: $crate::__challenges!($name, ""),
            // RFC 6750, section 3.1.
            insufficient: $crate::__challenges!($name, ", error=\"insufficient_scope\""),
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __challenges {
    ($name:literal, $error:literal) => {
        $crate::server::Challenges {
            bearer: $crate::server::HeaderValue::from_static(concat!("Bearer realm=\"", $name, "\"", $error)),
            basic: $crate::server::HeaderValue::from_static(concat!("Basic realm=\"", $name, "\"", $error)),
        }
    };
}

impl Challenges {
    /// Names the schemes of all alternatives (RFC 9110, section 11.6.1). API keys and certificates have no challenge.
    /// `Bearer` stands for them if no other scheme is listed, because a 401 must carry a challenge.
    pub(super) fn append_to(&self, response: &mut Response<Body>, security: &[SecurityRequirement]) {
        let lists = |kind| security.iter().any(|of| of.schemes.iter().any(|scheme| scheme.kind == kind));
        let mut append = |value: &HeaderValue| response.headers_mut().append(WWW_AUTHENTICATE, value.clone());
        if lists(SecurityKind::Bearer) || !lists(SecurityKind::Basic) {
            append(&self.bearer);
        }
        if lists(SecurityKind::Basic) {
            append(&self.basic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Location;
    use crate::security::SecurityScheme;

    static REALM: Realm = crate::server::realm!("test");

    const BEARER: SecurityScheme = SecurityScheme::new("bearer", SecurityKind::Bearer);
    const BASIC: SecurityScheme = SecurityScheme::new("basic", SecurityKind::Basic);
    const KEY: SecurityScheme =
        SecurityScheme::new("key", SecurityKind::ApiKey { location: Location::Query, name: "p" });

    const TLS: SecurityScheme = SecurityScheme::new("tls", SecurityKind::MutualTls);

    fn appended(challenges: &Challenges, security: &[SecurityRequirement]) -> Vec<HeaderValue> {
        let mut response = Response::new(Body::empty());
        challenges.append_to(&mut response, security);
        response.headers().get_all(WWW_AUTHENTICATE).iter().cloned().collect()
    }

    #[test]
    fn a_challenge_names_the_schemes_of_the_operation() {
        let (bearer, basic) = (r#"Bearer realm="test""#, r#"Basic realm="test""#);
        let all = SecurityRequirement::new;
        for (security, expected) in [
            (&[all(&[BEARER])][..], &[bearer][..]),
            (&[all(&[BASIC])], &[basic]),
            (&[all(&[KEY])], &[bearer]),
            (&[all(&[TLS])], &[bearer]),
            (&[all(&[BASIC]), all(&[KEY]), all(&[BEARER])], &[bearer, basic]),
            (&[all(&[KEY]), all(&[BASIC])], &[basic]),
            (&[all(&[KEY, BASIC, TLS])], &[basic]),
            (&[all(&[KEY, BASIC]), all(&[BEARER, BEARER])], &[bearer, basic]),
            (&[SecurityRequirement::ANONYMOUS, all(&[BASIC])], &[basic]),
            (&[], &[bearer]),
        ] {
            assert_eq!(appended(&REALM.missing, security), expected, "{security:?}");
        }
    }

    #[test]
    fn a_challenge_says_that_the_permissions_are_not_enough() {
        let bearer = r#"Bearer realm="test", error="insufficient_scope""#;
        let basic = r#"Basic realm="test", error="insufficient_scope""#;
        for (schemes, expected) in [(&[BEARER], bearer), (&[BASIC], basic), (&[KEY], bearer)] {
            let security = [SecurityRequirement::new(schemes)];
            assert_eq!(appended(&REALM.insufficient, &security), [expected], "{schemes:?}");
        }
    }
}
