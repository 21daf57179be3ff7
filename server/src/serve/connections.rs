//! All open connections: admits new ones, and closes those that go past a limit.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::activity::{Activity, Order, Reason, SWEEP, Tick, Ticks};
use super::descriptors;
use super::limits::Limits;
use super::statistics::Statistics;

/// How many sweeps one line of the log covers.
const LINE_COVERS: Tick = 40;

/// The most connections that one new connection may replace. Finding them takes a look at all connections.
const BATCH: usize = 64;

/// The address for which a client's connections and failures are counted: an IPv4 address, or a network of 64 bits. A
/// loopback address stands for a proxy on the same machine, and so for any number of clients.
pub(super) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

/// The open connections of a server.
#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    /// How many connections may be open, given the limit of descriptors.
    capacity: usize,
    ticks: Arc<Ticks>,
    open: Mutex<Open>,
    /// Notified when a connection ends.
    ended: Notify,
    accepted: AtomicU64,
    /// How many connections were closed for each [`Reason`].
    closed: [AtomicU64; 5],
    refused: AtomicU64,
    delayed: AtomicU64,
    /// How many open connections have the order to close.
    closing: AtomicUsize,
}

/// How many connections were closed.
#[derive(Debug, Default)]
struct Closed {
    by_reason: [u64; 5],
    refused: u64,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    activities: HashMap<u64, Arc<Activity>>,
    clients: HashMap<IpAddr, usize>,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let capacity = limits.max_connections.min(descriptors::descriptors_for_connections());
        Arc::new(Self {
            limits,
            capacity,
            ticks: Arc::default(),
            open: Mutex::default(),
            ended: Notify::new(),
            accepted: AtomicU64::new(0),
            closed: Default::default(),
            refused: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            closing: AtomicUsize::new(0),
        })
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn count(&self) -> usize {
        self.open().activities.len()
    }

    /// A panic leaves the maps as they should be, since nothing between two changes panics.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up a connection from this address. At a limit, others are closed for it. `None` if the server works for all
    /// of them.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Connected> {
        let client = client(address);
        let per_client = self.limits.max_connections_per_address;
        let mut open = self.open();
        // Those that are being closed have no place any more, and `room` lets them end.
        let live = open.activities.len().saturating_sub(self.closing.load(Ordering::Relaxed));
        let of_client = open.clients.get(&client).copied().unwrap_or(0);
        let is_full = live >= self.capacity;
        let replaced = if per_client != 0 && of_client >= per_client && !client.is_loopback() {
            open.replaceable((per_client / BATCH).max(of_client - per_client + 1), |activity| activity.client == client)
        } else if is_full {
            open.replaceable((self.capacity / BATCH).clamp(1, BATCH), |_| true)
        } else {
            return Some(self.insert(&mut open, client));
        };
        let admitted = (!replaced.is_empty()).then(|| self.insert(&mut open, client));
        drop(open);
        self.close(&replaced, Reason::Shed);
        if admitted.is_none() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Waits until most of the connections that are being closed have ended, if there are many.
    pub(super) async fn room(&self) {
        loop {
            let ended = self.ended.notified();
            if self.closing.load(Ordering::Relaxed) < BATCH.min(self.capacity.div_ceil(4)) {
                return;
            }
            ended.await;
        }
    }

    fn insert(self: &Arc<Self>, open: &mut Open, client: IpAddr) -> Connected {
        let activity = Arc::new(Activity::new(Arc::clone(&self.ticks), client));
        let id = open.next;
        open.next += 1;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        open.activities.insert(id, Arc::clone(&activity));
        *open.clients.entry(client).or_default() += 1;
        Connected { connections: Arc::clone(self), activity, id }
    }

    /// Closes up to this many connections that wait for their clients, and returns whether there were any.
    pub(super) fn shed(&self, count: usize) -> bool {
        let replaced = self.open().replaceable(count, |_| true);
        self.close(&replaced, Reason::Shed);
        !replaced.is_empty()
    }

    pub(super) fn close(&self, activities: &[Arc<Activity>], reason: Reason) {
        for activity in activities {
            self.give(activity, Order::Close, reason);
        }
    }

    fn give(&self, activity: &Activity, order: Order, reason: Reason) {
        // A connection that was asked to end first is counted then.
        let is_first = activity.order() == Order::Continue;
        if self.order(activity, order) && is_first {
            self.closed[reason as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives an order, and returns whether it is new.
    fn order(&self, activity: &Activity, order: Order) -> bool {
        let closes = usize::from(order == Order::Close);
        // Before the order, because the connection may end at once.
        self.closing.fetch_add(closes, Ordering::Relaxed);
        let is_new = activity.give(order);
        if !is_new {
            // It has ended, or has the order already.
            self.closing.fetch_sub(closes, Ordering::Relaxed);
        }
        is_new
    }

    /// Enforces the limits until it is dropped, and calls `also` each time.
    pub(super) async fn sweep_regularly(&self, also: impl Fn()) {
        let mut interval = tokio::time::interval(SWEEP);
        // After a pause of the whole process, clients have as much time as before.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval.tick().await;
        let (mut line, mut logged) = (0, Closed::default());
        loop {
            interval.tick().await;
            let now = self.ticks.advance();
            self.sweep(now);
            also();
            if now >= line && self.log(&mut logged) {
                line = now + LINE_COVERS;
            }
        }
    }

    /// The bytes of memory that all connections take, as estimated.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.open().activities.values().map(|activity| activity.memory(&self.limits)).sum()
    }

    fn sweep(&self, now: Tick) {
        let (mut orders, mut resting) = (Vec::new(), Vec::new());
        let mut memory = 0;
        let open = self.open();
        for activity in open.activities.values() {
            memory += activity.memory(&self.limits);
            if let Some((order, reason)) = activity.judge(now, &self.limits)
                && activity.order() < order
            {
                orders.push((Arc::clone(activity), order, reason));
            } else if activity.can_rest() {
                resting.push(Arc::clone(activity));
            }
        }
        let excess = memory.saturating_sub(self.limits.max_connection_memory);
        let replaced = if excess > 0 { open.largest(excess, &self.limits) } else { Vec::new() };
        drop(open);
        for (activity, order, reason) in orders {
            self.give(&activity, order, reason);
        }
        resting.iter().for_each(|activity| activity.wake());
        self.close(&replaced, Reason::Shed);
    }

    pub(super) fn statistics(&self) -> Statistics {
        let Closed { by_reason, refused } = self.closed();
        let names = ["no_request", "slow_head", "idle", "unread", "replaced"];
        let closed = std::array::from_fn(|index| (names[index], by_reason[index]));
        Statistics {
            open: self.count() as u64,
            capacity: self.capacity as u64,
            accepted: self.accepted.load(Ordering::Relaxed),
            refused,
            closed,
            delayed: self.delayed.load(Ordering::Relaxed),
            sweeps: self.ticks.now().into(),
        }
    }

    /// A response was held back.
    pub(super) fn count_delay(&self) {
        self.delayed.fetch_add(1, Ordering::Relaxed);
    }

    fn closed(&self) -> Closed {
        let by_reason = self.closed.each_ref().map(|count| count.load(Ordering::Relaxed));
        Closed { by_reason, refused: self.refused.load(Ordering::Relaxed) }
    }

    /// Logs how many connections were closed since the last line, if any.
    fn log(&self, logged: &mut Closed) -> bool {
        let closed = self.closed();
        let [no_request, slow_head, idle, unread, shed] =
            std::array::from_fn(|reason| closed.by_reason[reason] - logged.by_reason[reason]);
        let refused = closed.refused - logged.refused;
        *logged = closed;
        let open = self.count();
        if shed + refused + unread > 0 {
            tracing::warn!(open, shed, refused, unread, slow_head, no_request, idle, "closed connections at limits");
        } else if slow_head + no_request + idle > 0 {
            tracing::debug!(open, slow_head, no_request, idle, "closed connections that were silent or slow");
        } else {
            return false;
        }
        true
    }

    /// Asks all connections to answer the requests in flight and to close, and waits until they have.
    pub(super) async fn drain(&self) {
        let activities: Vec<_> = self.open().activities.values().cloned().collect();
        activities.iter().for_each(|activity| _ = self.order(activity, Order::Drain));
        drop(activities);
        loop {
            let ended = self.ended.notified();
            if self.count() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Closes all connections.
    pub(super) fn close_all(&self) {
        let activities: Vec<_> = self.open().activities.values().cloned().collect();
        activities.iter().for_each(|activity| _ = self.order(activity, Order::Close));
    }
}

impl Open {
    /// The first connections to close, at most `count` of those that `may` be closed.
    fn replaceable(&self, count: usize, may: impl Fn(&Activity) -> bool) -> Vec<Arc<Activity>> {
        let waiting = self.activities.values().filter(|activity| may(activity));
        let mut ranked: Vec<_> = waiting.filter_map(|activity| Some((activity.rank()?, activity))).collect();
        if count < ranked.len() {
            ranked.select_nth_unstable_by_key(count, |(rank, _)| *rank);
            ranked.truncate(count);
        }
        ranked.into_iter().map(|(_, activity)| Arc::clone(activity)).collect()
    }

    /// The connections to close so that this many bytes of memory become free: those that take the most, first those on
    /// which no request has succeeded.
    fn largest(&self, mut excess: usize, limits: &Limits) -> Vec<Arc<Activity>> {
        let ranked = self.activities.values().filter_map(|activity| {
            let (is_trusted, since) = activity.rank()?;
            let memory = activity.memory(limits);
            Some(((is_trusted, usize::MAX - memory, since), memory, activity))
        });
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_unstable_by_key(|(rank, ..)| *rank);
        let mut largest = Vec::new();
        for (_, memory, activity) in ranked {
            largest.push(Arc::clone(activity));
            if memory >= excess {
                break;
            }
            excess -= memory;
        }
        largest
    }
}

/// An open connection, which counts until this is dropped.
#[derive(Debug)]
pub(super) struct Connected {
    connections: Arc<Connections>,
    activity: Arc<Activity>,
    id: u64,
}

impl Deref for Connected {
    type Target = Arc<Activity>;

    fn deref(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.activities.remove(&self.id);
        if let Some(count) = open.clients.get_mut(&self.activity.client) {
            *count -= 1;
            if *count == 0 {
                open.clients.remove(&self.activity.client);
            }
        }
        drop(open);
        if self.activity.end() {
            self.connections.closing.fetch_sub(1, Ordering::Relaxed);
        }
        self.connections.ended.notify_waiters();
    }
}
