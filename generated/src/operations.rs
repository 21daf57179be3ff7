//! The document's operations and security schemes as tables.

#![allow(unused_imports, reason = "the document decides which are used")]

use http::Method;
use openapi_stub_runtime::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use openapi_stub_runtime::{Location, Operation, Parameter, Response, Status, Style};

pub(crate) const DELETE_TOKEN: Operation = Operation::new("DeleteToken", Method::DELETE, "/api/v3/configure/token")
    .parameters(&[Parameter::new("id", Location::Query).required()])
    .responses(&[
        Response::new(Status::Code(204)),
        Response::new(Status::Code(401)).content_types(&["application/json"]),
        Response::new(Status::Code(404)),
        Response::new(Status::Code(400)).content_types(&["application/json"]),
    ])
    .security(&[SecurityRequirement::new(&[SecurityScheme::new("BearerAuthentication", SecurityKind::Bearer)])]);

/// Every operation, in the document's order.
pub const OPERATIONS: &[Operation] = &[
    // DELETE /api/v3/configure/token
    DELETE_TOKEN,
];

/// Every supported security scheme (`components.securitySchemes`), in the document's order.
pub const SECURITY_SCHEMES: &[SecurityScheme] = &[
    SecurityScheme::new("BasicAuthentication", SecurityKind::Basic),
    SecurityScheme::new("QuerystringAuthentication", SecurityKind::ApiKey { location: Location::Query, name: "p" }),
    SecurityScheme::new("BearerAuthentication", SecurityKind::Bearer),
    SecurityScheme::new(
        "TokenAuthentication",
        SecurityKind::ApiKey { location: Location::Header, name: "Authorization" },
    ),
];
