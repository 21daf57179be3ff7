//! The context of a call.

use std::fmt;

use swagger::{Has, XSpanIdString};

use crate::security::PeerAddress;

/// The context of a call that the service makes: the request's span ID, its principal, and the address of its client.
///
/// `P` is the principal of the service's [`Authenticator`](crate::security::Authenticator). An authenticator whose
/// principal is [`swagger::Authorization`] gives implementations the context that those of stock rust-server expect.
#[derive(Clone)]
pub struct Context<P> {
    span_id: XSpanIdString,
    principal: Option<P>,
    peer: PeerAddress,
}

impl<P> Context<P> {
    /// A context. The principal is `None` if the request carries no credential and the operation demands none.
    pub fn new(span_id: XSpanIdString, principal: Option<P>) -> Self {
        Self { span_id, principal, peer: PeerAddress::default() }
    }

    /// This context, with the address of the client.
    pub fn with_peer(self, peer: PeerAddress) -> Self {
        Self { peer, ..self }
    }
}

impl<P> Has<XSpanIdString> for Context<P> {
    fn get(&self) -> &XSpanIdString {
        &self.span_id
    }

    fn get_mut(&mut self) -> &mut XSpanIdString {
        &mut self.span_id
    }

    fn set(&mut self, span_id: XSpanIdString) {
        self.span_id = span_id;
    }
}

impl<P> Has<Option<P>> for Context<P> {
    fn get(&self) -> &Option<P> {
        &self.principal
    }

    fn get_mut(&mut self) -> &mut Option<P> {
        &mut self.principal
    }

    fn set(&mut self, principal: Option<P>) {
        self.principal = principal;
    }
}

impl<P> Has<PeerAddress> for Context<P> {
    fn get(&self) -> &PeerAddress {
        &self.peer
    }

    fn get_mut(&mut self) -> &mut PeerAddress {
        &mut self.peer
    }

    fn set(&mut self, peer: PeerAddress) {
        self.peer = peer;
    }
}

/// Omits the principal, which may be a credential.
impl<P> fmt::Debug for Context<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").field("span_id", &self.span_id.0).finish_non_exhaustive()
    }
}
