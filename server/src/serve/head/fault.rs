//! Reasons to refuse a request before it is parsed.

use http::StatusCode;
use influxdb3_token_api::server::Rejection;

/// Why the bytes of a request are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum Fault {
    Tls,
    /// HTTP without TLS, where TLS is spoken.
    Http,
    EmptyLine,
    Method,
    Target,
    TargetTooLong,
    Version,
    OtherVersion,
    LineEnd,
    Folded,
    Name,
    Value,
    NoHost,
    Length,
    Lengths,
    Encoding,
    EncodingAndLength,
    EncodingInHttp10,
    HeadTooLong,
    TooManyFields,
    /// Of a body in chunks. The head is passed on by then, so no response tells of it.
    Chunk,
    Trailer,
}

impl Fault {
    pub(in crate::serve) fn rejection(self) -> Rejection {
        let status = match self {
            Fault::TargetTooLong => StatusCode::URI_TOO_LONG,
            Fault::HeadTooLong | Fault::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Fault::OtherVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        };
        Rejection::Head { status, message: self.message() }
    }

    fn message(self) -> &'static str {
        match self {
            Fault::Tls => "the server speaks HTTP without TLS on this port",
            Fault::Http => "the server speaks HTTP with TLS on this port; use https",
            Fault::EmptyLine => "white space precedes the request",
            Fault::Method => "the method is malformed",
            Fault::Target => "the target is malformed",
            Fault::TargetTooLong => "the target is too long",
            Fault::Version => "the request line does not end in the version of HTTP",
            Fault::OtherVersion => {
                "the version of HTTP is not supported; supported: 1.0, 1.1, and 2 with prior knowledge"
            }
            Fault::LineEnd => "a line does not end in CR LF",
            Fault::Folded => "white space precedes a header",
            Fault::Name => "the name of a header is malformed",
            Fault::Value => "the value of a header has a control character",
            Fault::NoHost => "the header `Host` is missing",
            Fault::Length => "the header `Content-Length` is not one number",
            Fault::Lengths => "the header `Content-Length` was given more than once",
            Fault::Encoding => "the header `Transfer-Encoding` is not `chunked`",
            Fault::EncodingAndLength => "the request has both `Content-Length` and `Transfer-Encoding`",
            Fault::EncodingInHttp10 => "HTTP/1.0 has no `Transfer-Encoding`",
            Fault::HeadTooLong => "the head of the request is too long",
            Fault::TooManyFields => "the request has too many headers",
            Fault::Chunk => "a chunk of the body is malformed",
            Fault::Trailer => "a trailer belongs into the head",
        }
    }
}
