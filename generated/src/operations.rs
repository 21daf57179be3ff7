//! The contract as a table.

use http::Method;

use crate::security::{SecurityKind, SecurityScheme};

/// An operation of the document.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Its `operationId`.
    pub id: &'static str,
    /// The request's method.
    pub method: Method,
    /// The request's path as a template: a segment in braces is a path parameter.
    pub path: &'static str,
    /// What the request takes, besides a body.
    pub parameters: &'static [Parameter],
    /// The media types that the request's body may have; empty where it takes none.
    pub request_content_types: &'static [&'static str],
    /// What may be answered.
    pub responses: &'static [Response],
    /// The schemes of which one must carry a valid credential; empty for a public operation.
    pub security: &'static [SecurityScheme],
    /// Whether a request without any credential is accepted too.
    pub credentials_optional: bool,
}

impl Operation {
    /// A public operation without parameters, body and responses. The methods below add them.
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self {
            id,
            method,
            path,
            parameters: &[],
            request_content_types: &[],
            responses: &[],
            security: &[],
            credentials_optional: false,
        }
    }

    /// Sets [`parameters`](Self::parameters).
    pub const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets [`responses`](Self::responses).
    pub const fn responses(mut self, responses: &'static [Response]) -> Self {
        self.responses = responses;
        self
    }

    /// Sets [`security`](Self::security).
    pub const fn security(mut self, schemes: &'static [SecurityScheme]) -> Self {
        self.security = schemes;
        self
    }
}

/// A parameter of an operation.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name in the request.
    pub name: &'static str,
    /// Which part of the request carries it.
    pub location: Location,
    /// Whether a request without it is refused.
    pub required: bool,
}

impl Parameter {
    /// An optional parameter. The method below makes it a required one.
    pub const fn new(name: &'static str, location: Location) -> Self {
        Self { name, location, required: false }
    }

    /// Sets [`required`](Self::required).
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// A part of the request that carries a parameter or an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// A cookie.
    Cookie,
    /// A header.
    Header,
    /// A segment of the path.
    Path,
    /// The query.
    Query,
}

/// A response that an operation declares.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status codes that it is for: one, a hundred of them, or all that no other response of the operation is for.
    pub status: Status,
    /// The media types of its body; empty where it has none.
    pub content_types: &'static [&'static str],
    /// The headers that it declares.
    pub headers: &'static [&'static str],
}

impl Response {
    /// A response without body and headers. The method below adds a body.
    pub const fn new(status: Status) -> Self {
        Self { status, content_types: &[], headers: &[] }
    }

    /// Sets [`content_types`](Self::content_types).
    pub const fn content_types(mut self, media_types: &'static [&'static str]) -> Self {
        self.content_types = media_types;
        self
    }
}

/// The status codes of a declared response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// One status code.
    Code(u16),
    /// All that begin with this digit: `4XX`.
    Class(u8),
    /// All that no other response of the operation is for: `default`.
    Default,
}

/// Every operation of the document, in its order.
pub const OPERATIONS: &[Operation] = &[Operation {
    id: "DeleteToken",
    method: Method::DELETE,
    path: "/api/v3/configure/token",
    parameters: &[Parameter { name: "id", location: Location::Query, required: true }],
    request_content_types: &[],
    responses: &[
        Response { status: Status::Code(204), content_types: &[], headers: &[] },
        Response { status: Status::Code(401), content_types: &["application/json"], headers: &[] },
        Response { status: Status::Code(404), content_types: &[], headers: &[] },
        Response { status: Status::Code(400), content_types: &["application/json"], headers: &[] },
    ],
    security: &[SecurityScheme { name: "BearerAuthentication", kind: SecurityKind::Bearer }],
    credentials_optional: false,
}];

/// Every security scheme of the document (`components.securitySchemes`), in its order.
pub const SECURITY_SCHEMES: &[SecurityScheme] = &[
    SecurityScheme { name: "BasicAuthentication", kind: SecurityKind::Basic },
    SecurityScheme {
        name: "QuerystringAuthentication",
        kind: SecurityKind::ApiKey { location: Location::Query, name: "p" },
    },
    SecurityScheme { name: "BearerAuthentication", kind: SecurityKind::Bearer },
    SecurityScheme {
        name: "TokenAuthentication",
        kind: SecurityKind::ApiKey { location: Location::Header, name: "Authorization" },
    },
];
