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
    if let [b'[', rest @ ..] = host {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        let address = str::from_utf8(&rest[..end]).ok().and_then(|address| address.parse::<Ipv6Addr>().ok());
        return address.is_some() && is_port_or_nothing(&rest[end + 1..]);
    }
    let mut rest = host;
    loop {
        let end = rest.iter().position(|byte| !IN_NAME[usize::from(*byte)]).unwrap_or(rest.len());
        match &rest[end..] {
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest = after,
            port => return port.len() < host.len() && is_port_or_nothing(port),
        }
    }
}

/// The bytes of a `reg-name` besides those that are escaped. An IPv4 address consists of them too.
const IN_NAME: [bool; 256] = {
    let others = b"-._~!$&'()*+,;=";
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

fn is_port_or_nothing(text: &[u8]) -> bool {
    let port = match text {
        [] => return true,
        [b':', port @ ..] => port,
        _ => return false,
    };
    let value = port.iter().try_fold(0_u32, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value.saturating_mul(10).saturating_add(u32::from(digit)))
    });
    value.is_some_and(|value| value <= u32::from(u16::MAX))
}

#[cfg(test)]
mod tests;
