//! The context of a call.

use std::fmt;

use swagger::{Has, XSpanIdString};

use crate::IdempotencyKey;
use crate::security::PeerAddress;

/// The context of a call that the service makes: the request's span ID, its principal, the address of its
/// client, and its idempotency key.
///
/// `P` is the principal of the service's [`Authenticator`](crate::security::Authenticator). An authenticator whose
/// principal is [`swagger::Authorization`] gives implementations the context that those of stock rust-server expect.
#[derive(Clone)]
pub struct Context<P> {
    span_id: XSpanIdString,
    principal: Option<P>,
    peer: PeerAddress,
    idempotency_key: IdempotencyKey,
}

impl<P> Context<P> {
    /// A context. The principal is `None` if the request carries no credential and the operation demands none.
    pub fn new(span_id: XSpanIdString, principal: Option<P>) -> Self {
        Self { span_id, principal, peer: PeerAddress::default(), idempotency_key: IdempotencyKey::default() }
    }

    /// This context, with the address of the client.
    pub fn with_peer(self, peer: PeerAddress) -> Self {
        Self { peer, ..self }
    }

    /// This context, with the key by which the client marks the repetition of its request.
    pub fn with_idempotency_key(self, idempotency_key: IdempotencyKey) -> Self {
        Self { idempotency_key, ..self }
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

impl<P> Has<IdempotencyKey> for Context<P> {
    fn get(&self) -> &IdempotencyKey {
        &self.idempotency_key
    }

    fn get_mut(&mut self) -> &mut IdempotencyKey {
        &mut self.idempotency_key
    }

    fn set(&mut self, idempotency_key: IdempotencyKey) {
        self.idempotency_key = idempotency_key;
    }
}

/// Omits the principal, which may be a credential.
impl<P> fmt::Debug for Context<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").field("span_id", &self.span_id.0).finish_non_exhaustive()
    }
}
