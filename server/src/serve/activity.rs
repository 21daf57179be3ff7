//! What one connection does now, as its task records it and as the sweep judges it.
//!
//! A timer for each read would cost more than the read. So the connection's task stores the current [`Tick`] where its
//! state changes, and [`Connections::sweep`](super::connections::Connections::sweep) looks at all connections four times
//! a second.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures::task::AtomicWaker;

use super::limits::Limits;

/// How often connections are looked at.
pub(super) const SWEEP: Duration = Duration::from_millis(250);

/// A time as a number of sweeps.
pub(super) type Tick = u32;

/// How long an HTTP/1.1 connection keeps its buffers after a response.
const REST_AFTER: Duration = Duration::from_millis(500);

/// How long a head may take before its rate counts.
const RATE_COUNTS_AFTER: Duration = Duration::from_secs(10);

/// How long a connection may take to close after it was asked to, before it is closed.
const CLOSING: Duration = Duration::from_secs(5);

/// The number of sweeps in this time, rounded up.
fn ticks(time: Duration) -> Tick {
    time.as_millis().div_ceil(SWEEP.as_millis()).try_into().unwrap_or(Tick::MAX)
}

/// The current tick of a server, which its sweep advances.
#[derive(Debug, Default)]
pub(super) struct Ticks(AtomicU32);

impl Ticks {
    pub(super) fn now(&self) -> Tick {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self) -> Tick {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Phase {
    /// The first request; over HTTP/1.1, its first byte.
    Opening,
    /// The end of the handshake of TLS, which comes before it.
    Handshake,
    /// The rest of a head over HTTP/1.1.
    Head,
    /// The service.
    Answering,
    /// The next request.
    Idle,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub(super) enum Reason {
    /// No request came, or its head or the handshake of TLS did not end in time.
    NoRequest,
    /// A head comes too slowly.
    SlowHead,
    /// No request came after a response.
    Idle,
    /// The client does not receive its responses.
    Unread,
    /// Another connection needs its place or its memory.
    Shed,
}

/// What the server asks of a connection.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub(super) enum Order {
    Continue,
    /// Answer the requests in flight, then close.
    Drain,
    Close,
}

/// Comes after every [`Order`].
const ENDED: u8 = Order::Close as u8 + 1;

/// The state of one connection. Its task writes it; the sweep reads it, and gives orders.
#[derive(Debug)]
pub(super) struct Activity {
    ticks: Arc<Ticks>,
    /// The address of the client, or its network.
    pub(super) client: IpAddr,
    /// A [`Phase`] in the lower half, and the tick at which it began in the upper half.
    state: AtomicU64,
    /// The bytes of the head that have arrived.
    head: AtomicU32,
    /// The tick at which the client stopped receiving, plus one; 0 while it receives.
    blocked: AtomicU32,
    requests_in_flight: AtomicU32,
    requests: AtomicU32,
    is_http2: AtomicBool,
    is_tls: AtomicBool,
    /// The encrypted bytes that have arrived since the last decrypted ones.
    encrypted: AtomicU32,
    /// Whether hyper's buffers are allocated.
    has_buffers: AtomicBool,
    /// Whether a request has succeeded.
    is_trusted: AtomicBool,
    /// Whether the server has sent its last byte.
    is_ending: AtomicBool,
    /// An [`Order`], or [`ENDED`].
    order: AtomicU8,
    waker: AtomicWaker,
}

impl Activity {
    pub(super) fn new(ticks: Arc<Ticks>, client: IpAddr) -> Self {
        let activity = Self {
            ticks,
            client,
            state: AtomicU64::new(0),
            head: AtomicU32::new(0),
            blocked: AtomicU32::new(0),
            requests_in_flight: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            is_http2: AtomicBool::new(false),
            is_tls: AtomicBool::new(false),
            encrypted: AtomicU32::new(0),
            has_buffers: AtomicBool::new(false),
            is_trusted: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            order: AtomicU8::new(Order::Continue as u8),
            waker: AtomicWaker::new(),
        };
        activity.enter(Phase::Opening);
        activity
    }

    fn enter(&self, phase: Phase) {
        self.state.store(u64::from(self.ticks.now()) << 32 | phase as u64, Ordering::Release);
    }

    fn state(&self) -> (Phase, Tick) {
        let state = self.state.load(Ordering::Acquire);
        let phase = match state as u8 {
            0 => Phase::Opening,
            1 => Phase::Handshake,
            2 => Phase::Head,
            3 => Phase::Answering,
            _ => Phase::Idle,
        };
        (phase, (state >> 32) as Tick)
    }

    /// The connection begins with TLS.
    pub(super) fn begin_handshake(&self) {
        self.is_tls.store(true, Ordering::Relaxed);
        self.enter(Phase::Handshake);
    }

    /// What comes next is HTTP, over TLS or not.
    pub(super) fn end_handshake(&self, is_tls: bool) {
        self.is_tls.store(is_tls, Ordering::Relaxed);
        self.encrypted.store(0, Ordering::Relaxed);
        self.enter(Phase::Opening);
    }

    pub(super) fn is_tls(&self) -> bool {
        self.is_tls.load(Ordering::Relaxed)
    }

    /// So many bytes arrived that TLS has not decrypted yet.
    pub(super) fn received_encrypted(&self, count: usize) {
        // Only the connection's task writes it.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.encrypted.store(self.encrypted.load(Ordering::Relaxed).saturating_add(count), Ordering::Relaxed);
    }

    /// Bytes of HTTP arrived.
    pub(super) fn received(&self, bytes: &[u8]) {
        self.encrypted.store(0, Ordering::Relaxed);
        let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        match self.state().0 {
            Phase::Answering => return,
            _ if self.is_http2.load(Ordering::Relaxed) => return,
            Phase::Head => {}
            Phase::Opening if bytes.starts_with(b"PRI ") => return self.is_http2.store(true, Ordering::Relaxed),
            Phase::Opening | Phase::Handshake | Phase::Idle => self.enter(Phase::Head),
        }
        // Only the connection's task writes it.
        let head = self.head.load(Ordering::Relaxed);
        self.head.store(head.saturating_add(count), Ordering::Relaxed);
    }

    /// The client does not receive what the server has for it, or has received all of it.
    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(if blocked { self.ticks.now().saturating_add(1) } else { 0 }, Ordering::Relaxed);
    }

    /// A request arrived. The connection is answering it until the value is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        self.requests.store(self.requests.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
        self.head.store(0, Ordering::Relaxed);
        if self.requests_in_flight.fetch_add(1, Ordering::AcqRel) == 0 {
            self.enter(Phase::Answering);
        }
        Answering(Arc::clone(self))
    }

    /// Whether the connection has been idle over HTTP/1.1 for so long that its buffers are better freed. They are
    /// allocated again for the next request.
    pub(super) fn can_rest(&self) -> bool {
        let (phase, since) = self.state();
        phase == Phase::Idle
            && self.has_buffers.load(Ordering::Relaxed)
            && !self.is_http2.load(Ordering::Relaxed)
            && self.blocked.load(Ordering::Relaxed) == 0
            // Otherwise what is left of a body would be read as a request.
            && !self.is_ending.load(Ordering::Relaxed)
            && self.ticks.now().saturating_sub(since) >= ticks(REST_AFTER)
    }

    /// The client has begun HTTP/2. What may have looked like a slow head was the preface, in pieces.
    pub(super) fn set_is_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
        self.state.store(u64::from(self.state().1) << 32 | Phase::Opening as u64, Ordering::Release);
    }

    /// The server sends nothing more, and answers no further request.
    pub(super) fn set_is_ending(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }

    /// Hyper's buffers are allocated.
    pub(super) fn set_has_buffers(&self) {
        self.has_buffers.store(true, Ordering::Relaxed);
    }

    /// Hyper's buffers are freed. So many bytes are left, of a head that began to arrive with the previous request.
    pub(super) fn rest(&self, left: usize) {
        self.head.store(u32::try_from(left).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.has_buffers.store(false, Ordering::Relaxed);
    }

    /// Lets the connection's task look at its state.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// The bytes of memory that the connection takes in its state; `docs/limits.md` has the measurements.
    pub(super) fn memory(&self, limits: &Limits) -> usize {
        const TASK: usize = 3 << 10;
        const HTTP1: usize = 18 << 10;
        const HTTP2: usize = 24 << 10;
        const STREAM: usize = 3 << 10;
        const TLS: usize = 8 << 10;
        let is_blocked = self.blocked.load(Ordering::Relaxed) != 0;
        let tls = match self.is_tls() {
            true if is_blocked => TLS + self.encrypted.load(Ordering::Relaxed) as usize + limits.buffer_size(),
            true => TLS + self.encrypted.load(Ordering::Relaxed) as usize,
            false => 0,
        };
        if self.is_http2.load(Ordering::Relaxed) {
            let streams = self.requests.load(Ordering::Relaxed).min(limits.max_streams);
            return tls + HTTP2 + streams as usize * STREAM;
        }
        let head = (self.head.load(Ordering::Relaxed) as usize).min(limits.buffer_size());
        if !self.has_buffers.load(Ordering::Relaxed) {
            return tls + TASK + head;
        }
        let unsent = if is_blocked { 2 * limits.buffer_size() } else { 0 };
        tls + TASK + HTTP1 + head + unsent
    }

    /// What the limits ask of the connection now, and why.
    pub(super) fn judge(&self, now: Tick, limits: &Limits) -> Option<(Order, Reason)> {
        let blocked = self.blocked.load(Ordering::Relaxed);
        if blocked != 0 && now.saturating_sub(blocked - 1) >= ticks(limits.write_timeout) {
            return Some((Order::Close, Reason::Unread));
        }
        let (phase, since) = self.state();
        let elapsed = now.saturating_sub(since);
        match phase {
            Phase::Opening | Phase::Head if elapsed >= ticks(limits.head_timeout) => {
                Some((Order::Close, Reason::NoRequest))
            }
            Phase::Handshake if elapsed >= ticks(limits.handshake_timeout) => Some((Order::Close, Reason::NoRequest)),
            Phase::Head => {
                let seconds = elapsed / ticks(Duration::from_secs(1));
                let is_slow = elapsed >= ticks(RATE_COUNTS_AFTER)
                    && self.head.load(Ordering::Relaxed) < limits.min_head_rate.saturating_mul(seconds);
                is_slow.then_some((Order::Close, Reason::SlowHead))
            }
            Phase::Idle if elapsed >= ticks(limits.idle_timeout.saturating_add(CLOSING)) => {
                Some((Order::Close, Reason::Idle))
            }
            Phase::Idle if elapsed >= ticks(limits.idle_timeout) => Some((Order::Drain, Reason::Idle)),
            Phase::Opening | Phase::Handshake | Phase::Answering | Phase::Idle => None,
        }
    }

    /// How readily the connection is closed for the sake of others: the least value first. `None` while the server works
    /// for it.
    ///
    /// A connection on which no request has succeeded goes first, then the one that has waited the longest.
    pub(super) fn rank(&self) -> Option<(bool, Tick)> {
        let (phase, since) = self.state();
        let blocked = self.blocked.load(Ordering::Relaxed);
        let since = if blocked != 0 { since.min(blocked - 1) } else { since };
        let waits = phase != Phase::Answering || blocked != 0;
        let lives = self.order() != Order::Close;
        (waits && lives).then(|| (self.is_trusted.load(Ordering::Relaxed), since))
    }

    pub(super) fn order(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::Continue,
            1 => Order::Drain,
            _ => Order::Close,
        }
    }

    /// Gives an order, and wakes the connection's task. Returns whether the order is new.
    pub(super) fn give(&self, order: Order) -> bool {
        let is_new = self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8;
        if is_new {
            self.waker.wake();
        }
        is_new
    }

    /// The connection has ended, and takes no further order. Returns whether it had the order to close.
    pub(super) fn end(&self) -> bool {
        self.order.swap(ENDED, Ordering::AcqRel) == Order::Close as u8
    }

    /// The current order. The task with this waker is woken at the next one.
    pub(super) fn watch(&self, waker: &Waker) -> Order {
        self.waker.register(waker);
        self.order()
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Arc<Activity>);

impl Answering {
    /// The request succeeded.
    pub(super) fn succeeded(&self) {
        if !self.0.is_trusted.load(Ordering::Relaxed) {
            self.0.is_trusted.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.0.requests_in_flight.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.enter(Phase::Idle);
        }
    }
}
