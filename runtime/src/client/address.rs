//! The address of a server.

use std::io;

use http::Uri;
use http::uri::{InvalidUri, Scheme};

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is not a URI.
    #[error("the address is not a URI")]
    Malformed(#[source] InvalidUri),
    /// It has no host.
    #[error("the address has no host; write it like http://localhost:8181")]
    NoHost,
    /// Its port is not a number up to 65,535.
    #[error("the port of the address is not a number up to 65535")]
    InvalidPort,
    /// Its scheme is `https`, and the client was built without the feature `tls`.
    #[error("the address has the scheme https, but this client was built without TLS (feature `tls`)")]
    NoTls,
    /// Its scheme is neither `http` nor `https`.
    #[error("the address has the scheme {0:?} instead of http or https")]
    UnsupportedScheme(String),
    /// The system's certificates could not be read.
    #[error("the system's certificates could not be read")]
    Certificates(#[source] io::Error),
}

/// Parses an address. One without a scheme is an `http` address.
pub(super) fn parse(address: &str) -> Result<Uri, AddressError> {
    let address: Uri = address.parse().map_err(AddressError::Malformed)?;
    if address.host().is_none_or(str::is_empty) {
        return Err(AddressError::NoHost);
    }
    // `http` accepts any digits, and gives no port for a number that is too large.
    let host_and_port = address.authority().and_then(|authority| authority.as_str().rsplit('@').next());
    let port = host_and_port.and_then(|host| host.rsplit_once(':')).map(|(_, port)| port);
    if port.is_some_and(|port| !port.is_empty() && !port.ends_with(']')) && address.port_u16().is_none() {
        return Err(AddressError::InvalidPort);
    }
    match address.scheme() {
        None => {}
        Some(scheme) if *scheme == Scheme::HTTP => {}
        Some(scheme) if *scheme == Scheme::HTTPS && cfg!(feature = "tls") => {}
        Some(scheme) if *scheme == Scheme::HTTPS => return Err(AddressError::NoTls),
        Some(scheme) => return Err(AddressError::UnsupportedScheme(scheme.to_string())),
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_scheme_of_http() {
        for address in ["http://localhost:8181", "localhost:8181", "http://[::1]:1/base", "http://user:word@localhost"]
        {
            assert!(parse(address).is_ok(), "{address}");
        }
        assert!(matches!(parse("http://a b"), Err(AddressError::Malformed(_))));
        assert!(matches!(parse("/path"), Err(AddressError::NoHost)));
        for address in ["http://localhost:65536", "http://[::1]:99999/base", "localhost:18446744073709551615"] {
            assert!(matches!(parse(address), Err(AddressError::InvalidPort)), "{address}");
        }
        for address in ["http://[::1]", "http://[::1]/base", "http://localhost", "http://localhost:"] {
            assert!(parse(address).is_ok(), "{address}");
        }
        assert!(matches!(parse("ftp://localhost"), Err(AddressError::UnsupportedScheme(scheme)) if scheme == "ftp"));
        assert_eq!(parse("https://localhost").is_ok(), cfg!(feature = "tls"));
    }
}
