//! Answers rejected credentials later if one address sends many.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::limits::Limits;

/// How many responses may wait at a time. Beyond that, they are sent at once: waiting is not worth more memory.
const LATE: usize = 1024;

/// How many addresses are remembered. The others share what one address may send.
const ADDRESSES: usize = 10_000;

/// Counts the rejected credentials of each address.
#[derive(Debug)]
pub(super) struct Failures {
    /// `None` if any number is allowed.
    limiter: Option<RateLimiter<IpAddr, HashMapStateStore<IpAddr>, SinceStart, NoOpMiddleware<Duration>>>,
    delay: Duration,
    late: Semaphore,
}

/// Tokio's clock, which tests can stop.
#[derive(Clone, Debug)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Failures {
    pub(super) fn new(limits: &Limits) -> Self {
        let limiter = NonZeroU32::new(limits.max_failures).map(|rate| {
            let quota = Quota::per_second(rate).allow_burst(rate.saturating_add(rate.get()));
            RateLimiter::hashmap_with_clock(quota, SinceStart(Instant::now()))
        });
        Self { limiter, delay: limits.failure_delay, late: Semaphore::new(LATE) }
    }

    /// Waits before the response to a rejected credential, if the client has sent too many. Returns whether it waited.
    pub(super) async fn hold_back(&self, client: IpAddr) -> bool {
        let Some(limiter) = &self.limiter else { return false };
        // Loopback stands for a proxy, and so for all clients.
        if client.is_loopback() {
            return false;
        }
        let client = if limiter.len() < ADDRESSES { client } else { IpAddr::from([0; 4]) };
        if limiter.check_key(&client).is_err()
            && let Ok(_late) = self.late.try_acquire()
        {
            sleep(self.delay).await;
            return true;
        }
        false
    }

    /// Forgets addresses that have sent nothing lately.
    pub(super) fn forget(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
        }
    }

    /// How many addresses are remembered.
    #[cfg(test)]
    pub(super) fn addresses(&self) -> usize {
        self.limiter.as_ref().map_or(0, RateLimiter::len)
    }
}
