//! A connection to a member, which is made once for all that need it.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use etcd_client::Client;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::members::RequestError;

/// A connection, which may have to be made.
///
/// An attempt goes on after the requests that wait for it were given up. A login takes a member of etcd a tenth of a second of
/// CPU time or more. If each request began a login of its own and gave it up, none would ever end.
#[derive(Default)]
pub(super) struct Connecting(Mutex<State>);

#[derive(Default)]
struct State {
    attempt: Option<Attempt>,
    /// How many attempts were forgotten.
    number: u64,
}

impl State {
    fn forget(&mut self) {
        *self = Self { attempt: None, number: self.number + 1 };
    }
}

type Attempt = Shared<BoxFuture<'static, Result<Client, RequestError>>>;

impl Connecting {
    /// The connection, and its number. Calls `connect` unless it was made, or is being made.
    pub(super) async fn client<F>(&self, connect: impl FnOnce() -> F) -> Result<(Client, u64), RequestError>
    where
        F: Future<Output = Result<Client, RequestError>> + Send + 'static,
    {
        let (attempt, number) = {
            let mut state = self.state();
            let number = state.number;
            let begin = || {
                let made = tokio::spawn(connect());
                // The task is not aborted and does not panic, but for a bug.
                async { made.await.unwrap_or(Err(RequestError::Timeout)) }.boxed().shared()
            };
            (state.attempt.get_or_insert_with(begin).clone(), number)
        };
        match attempt.await {
            Ok(client) => Ok((client, number)),
            Err(error) => {
                self.forget(number);
                Err(error)
            }
        }
    }

    /// Makes another connection next time, unless another one than that with this number is in use by then.
    pub(super) fn forget(&self, number: u64) {
        let mut state = self.state();
        if state.number == number {
            state.forget();
        }
    }

    /// Makes another connection next time, with what `connect` takes by then.
    pub(super) fn renew(&self) {
        self.state().forget();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
