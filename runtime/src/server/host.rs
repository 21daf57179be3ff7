//! The host that a request names (RFC 9110, section 7.2).

use std::net::Ipv6Addr;
use std::str;

use http::Version;
use http::header::HOST;
use http::request::Parts;

use super::rejection::Rejection;

/// Rejects a request whose header `Host` RFC 9112, section 3.2, and RFC 9113, section 8.3.1, do not allow.
///
/// It may be missing over HTTP/1.1. RFC 9112 demands it on the wire, where a server can check it; a request that did not
/// come over a connection, as in a test of an embedding service, has none and counts as HTTP/1.1.
pub(super) fn check(parts: &Parts) -> Result<(), Rejection> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(rejection("was given more than once"));
    }
    let target = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    if host.is_some_and(|host| !is_valid(host.as_bytes())) || target.is_some_and(|target| !is_valid(target)) {
        return Err(rejection("is invalid"));
    }
    match (parts.version, host, target) {
        // The target of HTTP/1.1 overrides the header; these protocols say that both must agree.
        (Version::HTTP_2 | Version::HTTP_3, Some(host), Some(target))
            if !host.as_bytes().eq_ignore_ascii_case(target) =>
        {
            Err(rejection("differs from the authority of the target"))
        }
        (Version::HTTP_2 | Version::HTTP_3, None, None) => Err(rejection("is missing")),
        _ => Ok(()),
    }
}

fn rejection(problem: &'static str) -> Rejection {
    Rejection::Host { problem }
}

/// Whether this is a host with an optional port (RFC 3986, sections 3.2.2 and 3.2.3), as a URI of HTTP may have it: not
/// empty, and without a user.
fn is_valid(host: &[u8]) -> bool {
    // A port of IPv6 is behind the bracket, and any other host has no colon.
    let (name, port) = if host.first() == Some(&b'[') {
        let Some(end) = host.iter().position(|byte| *byte == b']') else { return false };
        let address = str::from_utf8(&host[1..end]).ok().and_then(|address| address.parse::<Ipv6Addr>().ok());
        if address.is_none() {
            return false;
        }
        (&b"v6"[..], &host[end + 1..])
    } else {
        host.split_at(host.iter().position(|byte| *byte == b':').unwrap_or(host.len()))
    };
    !name.is_empty() && is_name(name) && (port.is_empty() || is_port(&port[1..]) && port[0] == b':')
}

/// Whether this is a `reg-name`, of which an IPv4 address is one.
fn is_name(mut name: &[u8]) -> bool {
    loop {
        match name {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => name = rest,
            [byte, rest @ ..] if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) => name = rest,
            _ => return false,
        }
    }
}

fn is_port(port: &[u8]) -> bool {
    port.iter().all(u8::is_ascii_digit)
        && (port.is_empty() || str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok()))
}

#[cfg(test)]
mod tests;
