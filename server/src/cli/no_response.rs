//! Why a call to a server received no response, and what to do.

use std::error::Error;
use std::io;

use influxdb3_token_api::{ApiError, with_sources};
use rustls::{AlertDescription, CertificateError};

/// Why a call failed, with the server and advice if that did not answer.
pub(super) fn reason(error: &ApiError, host: &str) -> String {
    let text = with_sources(error);
    if error.response().is_some() {
        return text;
    }
    match advice(error, host) {
        Some(advice) => format!("{host}: {text}; {advice}"),
        None => format!("{host}: {text}"),
    }
}

fn advice(error: &ApiError, host: &str) -> Option<String> {
    let other_scheme = |name: &str, other: &str| {
        let (scheme, rest) = host.split_once("://")?;
        scheme.eq_ignore_ascii_case(name).then(|| format!("{other}://{rest}"))
    };
    match causes(error).find_map(|cause| cause.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            return Some("--tls-ca names the authority to trust".to_owned());
        }
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => {
            return Some(
                "the server requires a certificate; give one with --tls-client-cert and --tls-client-key".to_owned(),
            );
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            let other = other_scheme("https", "http")?;
            return Some(format!("the server does not speak TLS on this port; use --host {other}"));
        }
        _ => {}
    }
    let of_system =
        |kind| causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| error.kind() == kind);
    if of_system(io::ErrorKind::ConnectionRefused) {
        return Some("check the address, and that the server runs".to_owned());
    }
    if of_system(io::ErrorKind::UnexpectedEof)
        && let Some(other) = other_scheme("https", "http")
    {
        return Some(format!("if the server does not speak TLS on this port, use --host {other}"));
    }
    let mut of_http = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
    if of_http.any(|error| error.is_parse() || error.is_incomplete_message()) {
        let other = other_scheme("http", "https")?;
        return Some(format!("if the server speaks TLS on this port, use --host {other}"));
    }
    None
}

/// An error and its causes. An error of input or output contains another without naming it as its source.
fn causes(error: &ApiError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| {
        let contained = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        contained.map(|error| error as _).or_else(|| error.source())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_authority_can_be_named() {
        let error = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let shown = reason(&ApiError::unavailable(io::Error::other(error)), "https://host:8181");
        assert!(shown.starts_with("https://host:8181: ") && shown.contains("--tls-ca"), "{shown}");
    }

    #[test]
    fn a_server_that_speaks_another_protocol_is_recognized() {
        let malformed = || rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
        for (error, host, expected) in [
            (io::Error::other(io::Error::other(malformed())), "https://host:1", Some("; use --host http://host:1")),
            (
                cut_off(),
                "HTTPS://host:1",
                Some("if the server does not speak TLS on this port, use --host http://host:1"),
            ),
            (cut_off(), "http://host:1", None),
            (
                io::ErrorKind::ConnectionRefused.into(),
                "https://host:1",
                Some("; check the address, and that the server runs"),
            ),
            (io::ErrorKind::ConnectionReset.into(), "https://host:1", None),
        ] {
            let shown = reason(&ApiError::unavailable(error), host);
            match expected {
                Some(expected) => assert!(shown.ends_with(expected), "{shown}"),
                None => assert!(!shown.contains("--host"), "{shown}"),
            }
        }
    }
}
