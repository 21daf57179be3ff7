//! The hosts under which the operations listener may be reached.

use std::net::IpAddr;
use std::str::FromStr;

use http::header::{CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode};
use influxdb3_token_api::server::Body;

/// The names that a request may give in `Host`, besides `localhost` and IP addresses.
///
/// Browsers let a page of any site send requests to the site's own name, and that name may lead to this machine (DNS
/// rebinding). Such a request names the site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    names: Vec<String>,
}

/// A text that is not the name of a host.
#[derive(Debug, thiserror::Error)]
#[error("write a host name without a port, such as `tokens.example.com`")]
pub(crate) struct InvalidName;

impl Hosts {
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self { names }
    }

    /// The name of a host, as an option gives it.
    pub(crate) fn name(text: &str) -> Result<String, InvalidName> {
        let authority = Authority::from_str(text).map_err(|_| InvalidName)?;
        if authority.host() == text && !text.starts_with('[') { Ok(text.to_owned()) } else { Err(InvalidName) }
    }

    /// Whether a request names a host, and no other than these.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> bool {
        let target = request.uri().authority().map(|authority| self.has(authority.as_str()));
        let header = request.headers().get_all(HOST).iter().map(|host| host.to_str().is_ok_and(|host| self.has(host)));
        let mut named = target.into_iter().chain(header).peekable();
        named.peek().is_some() && named.all(|admitted| admitted)
    }

    fn has(&self, host: &str) -> bool {
        let Ok(authority) = Authority::from_str(host) else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        address.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|name| host.eq_ignore_ascii_case(name))
    }
}

/// The response to a request that is not admitted: 421 (RFC 9110, section 15.5.20). It does not repeat the name.
pub(super) fn misdirected() -> Response<Body> {
    const MESSAGE: &str = "{\"error\":\"this listener answers requests for IP addresses, localhost, and the names that \
                           --ops-host gives\"}";
    let mut response = Response::new(Body::from(MESSAGE));
    *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_admitted(hosts: &Hosts, target: &str, headers: &[&str]) -> bool {
        let request = Request::get(target);
        let request = headers.iter().fold(request, |request, host| request.header(HOST, *host));
        hosts.admit(&request.body(()).unwrap())
    }

    #[test]
    fn addresses_localhost_and_the_given_names_are_admitted() {
        let hosts = Hosts::new(vec!["ops.example.com".to_owned()]);
        for host in ["127.0.0.1", "127.0.0.1:8182", "[::1]:8182", "10.1.2.3:1", "localhost", "LocalHost:8182"] {
            assert!(is_admitted(&hosts, "/", &[host]), "{host}");
            assert!(is_admitted(&Hosts::default(), "/", &[host]), "{host}");
        }
        assert!(is_admitted(&hosts, "/", &["OPS.example.com:8182"]));
        assert!(!is_admitted(&Hosts::default(), "/", &["ops.example.com"]));
    }

    #[test]
    fn other_names_are_refused() {
        let hosts = Hosts::new(vec!["ops.example.com".to_owned()]);
        for host in [
            "example.com",
            "evil.ops.example.com",
            "ops.example.com.evil.net",
            "localhost.evil.net",
            "127.0.0.1.evil.net",
            "ops.example.com.",
            "",
            ":8182",
            "127.0.0.1@evil.net",
            "user@127.0.0.1",
            "[::1",
            "0x7f000001",
            "2130706433",
        ] {
            assert!(!is_admitted(&hosts, "/", &[host]), "{host}");
        }
    }

    #[test]
    fn every_host_that_a_request_names_must_be_admitted() {
        let hosts = Hosts::default();
        assert!(!is_admitted(&hosts, "/", &[]));
        assert!(!is_admitted(&hosts, "/", &["localhost", "evil.net"]));
        assert!(!is_admitted(&hosts, "http://evil.net/", &["localhost"]));
        assert!(!is_admitted(&hosts, "http://localhost/", &["evil.net"]));
        assert!(is_admitted(&hosts, "http://localhost/", &[]));
    }

    #[test]
    fn an_option_gives_a_name_without_a_port() {
        assert_eq!(Hosts::name("ops.example.com").unwrap(), "ops.example.com");
        for text in ["", "a:1", "http://a", "a/b", "u@a", "[::1]", "a b"] {
            assert!(Hosts::name(text).is_err(), "{text}");
        }
    }
}
