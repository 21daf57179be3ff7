//! A document's operations as tables, which the service, the client and other tools read.

use http::Method;

use crate::security::SecurityRequirement;

/// An operation of a document.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Its `operationId`.
    pub id: &'static str,
    /// The method of its requests.
    pub method: Method,
    /// The path of its requests, as a template: `{name}` stands for a path parameter.
    pub path: &'static str,
    /// Its parameters, without those that carry a credential.
    pub parameters: &'static [Parameter],
    /// The media types that a request's body may have; empty if it takes no body. Media types that are read in the same
    /// way, into the same type, are in one group.
    pub request_body: &'static [&'static [&'static str]],
    /// Its declared responses.
    pub responses: &'static [Response],
    /// What it requires, as alternatives: a request must satisfy one of them. Empty for a public operation.
    pub security: &'static [SecurityRequirement],
}

impl Operation {
    /// A public operation without parameters, body and responses. The methods below add them.
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self { id, method, path, parameters: &[], request_body: &[], responses: &[], security: &[] }
    }

    /// Sets [`parameters`](Self::parameters).
    pub const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets [`request_body`](Self::request_body).
    pub const fn request_body(mut self, groups: &'static [&'static [&'static str]]) -> Self {
        self.request_body = groups;
        self
    }

    /// Sets [`responses`](Self::responses).
    pub const fn responses(mut self, responses: &'static [Response]) -> Self {
        self.responses = responses;
        self
    }

    /// Sets [`security`](Self::security).
    pub const fn security(mut self, alternatives: &'static [SecurityRequirement]) -> Self {
        self.security = alternatives;
        self
    }

    /// Whether it declares a response with this status code itself, not by a class or as the default.
    pub fn declares(&self, code: u16) -> bool {
        self.responses.iter().any(|response| response.status == Status::Code(code))
    }

    /// All media types that a request's body may have, in the document's order.
    pub fn request_content_types(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.request_body.iter().copied().flatten().copied()
    }
}

/// A parameter of an operation.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name in the request.
    pub name: &'static str,
    /// The part of the request that carries it.
    pub location: Location,
    /// Whether a request without it is rejected.
    pub required: bool,
    /// How the request spells it.
    pub style: Style,
    /// The texts that stand for a missing parameter, as a request would spell them; empty if it has no default.
    pub default: &'static [&'static str],
}

impl Parameter {
    /// An optional scalar parameter without a default. The methods below change that.
    pub const fn new(name: &'static str, location: Location) -> Self {
        Self { name, location, required: false, style: Style::Single, default: &[] }
    }

    /// Sets [`required`](Self::required).
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Sets [`style`](Self::style).
    pub const fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Sets [`default`](Self::default).
    pub const fn default(mut self, texts: &'static [&'static str]) -> Self {
        self.default = texts;
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

/// How a request spells the values of a parameter (OpenAPI 3.0.3, "Style Values").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One text for one scalar.
    Single,
    /// An array in the query: the name, repeated for each item (`form`, exploded).
    Repeated,
    /// An array as one text, with this separator between its items: `,`, a space or `|`.
    Separated(char),
}

/// A response that an operation declares.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status codes that it covers.
    pub status: Status,
    /// The media types of its body; empty if it has no body.
    pub content_types: &'static [&'static str],
    /// The names of the headers that it declares.
    pub headers: &'static [&'static str],
}

impl Response {
    /// A response without body and headers. The methods below add them.
    pub const fn new(status: Status) -> Self {
        Self { status, content_types: &[], headers: &[] }
    }

    /// Sets [`content_types`](Self::content_types).
    pub const fn content_types(mut self, media_types: &'static [&'static str]) -> Self {
        self.content_types = media_types;
        self
    }

    /// Sets [`headers`](Self::headers).
    pub const fn headers(mut self, names: &'static [&'static str]) -> Self {
        self.headers = names;
        self
    }
}

/// The status codes that a declared response covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// One status code.
    Code(u16),
    /// All status codes that begin with this digit: `4XX`.
    Class(u8),
    /// All status codes that no other response of the operation covers: `default`.
    Default,
}
