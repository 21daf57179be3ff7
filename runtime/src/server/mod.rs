//! The HTTP service: it turns requests into calls of a generated trait, and their results into responses.
//!
//! The service checks a request in this order: header `Host`, path, method, credentials, parameters, body. Then it calls the
//! implementation.
//!
//! | item | contents |
//! |---|---|
//! | [`Service`], [`Builder`], [`Prefix`] | a document's operations, and where and how they are served |
//! | [`Guard`], [`Realm`] | authentication as the service does it, for other routes |
//! | [`Rejection`] | why a request is rejected |
//! | [`logged_span_id`] | the span ID of a request as a log may show it |
//! | [`Document`], [`Request`], [`Parameters`], [`RequestReader`], [`Reply`], [`Failure`] | what generated code is made of |

mod builder;
mod credentials;
mod guard;
mod host;
mod message;
mod parameters;
mod prefix;
mod query;
mod realm;
mod rejection;
mod reply;
mod request;
mod router;
mod service;
mod span;

use http::HeaderName;

use crate::BoxError;

pub use builder::Builder;
pub use guard::Guard;
pub use parameters::Parameters;
pub use prefix::{InvalidPrefix, Prefix};
pub use query::{query_parameter, query_parameters};
pub use realm::Realm;
pub use rejection::Rejection;
pub use reply::Reply;
pub use request::{Request, RequestReader, checked};
pub use service::{Document, Failure, Service};
pub use span::logged_span_id;
#[doc(hidden)]
pub use {http::HeaderValue, realm::Challenges};

#[doc(inline)]
pub use crate::__realm as realm;
pub use crate::Body;

/// The body of a request: any whose data can be sent to another thread and whose errors can be boxed.
pub trait RequestBody: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static {}

impl<B> RequestBody for B where B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static {}

const X_SPAN_ID: HeaderName = HeaderName::from_static("x-span-id");
