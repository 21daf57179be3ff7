//! Reading the certificates and the password for etcd again, because they expire.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use influxdb3_tokens::{EtcdOptions, EtcdStore};
use openapi_stub_runtime::Printable;
use tokio::time::MissedTickBehavior;
use zeroize::Zeroizing;

use super::etcd::EtcdArguments;
use crate::cli::Failure;
use crate::cli::output::error_line;

/// How often the files are compared with those that are in use.
const CHECK: Duration = Duration::from_secs(5);

/// What the options of a store are made from.
pub(super) struct Renewable {
    pub(super) arguments: EtcdArguments,
    /// The password of the variable, which does not change.
    pub(super) password: Option<Zeroizing<String>>,
}

/// Gives an open store what its files contain. Clones share it.
#[derive(Clone)]
pub(in crate::cli) struct Renewal(Arc<Inner>);

struct Inner {
    renewable: Renewable,
    store: Arc<EtcdStore>,
    state: Mutex<State>,
}

/// What is known of the files.
struct State {
    used: EtcdOptions,
    /// What differed from that in the previous check.
    changed: Option<EtcdOptions>,
    /// The error that was logged last, if the files cannot be used.
    logged: Option<String>,
}

impl Renewal {
    pub(super) fn new(renewable: Renewable, store: Arc<EtcdStore>, used: EtcdOptions) -> Self {
        let state = Mutex::new(State { used, changed: None, logged: None });
        Self(Arc::new(Inner { renewable, store, state }))
    }

    /// Checks the files again and again, and uses changed ones as soon as they were the same in two checks.
    pub(in crate::cli) async fn follow(self) {
        if self.0.renewable.arguments.files().next().is_none() {
            return;
        }
        let mut interval = tokio::time::interval(CHECK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let renewal = self.clone();
            // The files may be on a network. A panic was logged; ignore the error.
            let _ = tokio::task::spawn_blocking(move || renewal.check(false)).await;
        }
    }

    /// Reads the files and uses them at once. It blocks while it reads.
    pub(in crate::cli) fn reload(&self) {
        self.check(true);
    }

    fn check(&self, at_once: bool) {
        let Inner { renewable: Renewable { arguments, password }, store, state } = &*self.0;
        let read = arguments.options(password.as_ref()).and_then(|options| options.ok_or_else(|| Failure::from("")));
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(now) if now == state.used => (state.changed, state.logged) = (None, None),
            Ok(now) if at_once || state.changed.as_ref() == Some(&now) => {
                store.renew(&now);
                *state = State { used: now, changed: None, logged: None };
                tracing::info!("read the certificates or the password for etcd; new connections use them");
            }
            Ok(now) => state.changed = Some(now),
            Err(error) => {
                let error = Some(error_line(error.as_ref()));
                if state.logged != error {
                    let error = error.as_deref().unwrap_or_default();
                    tracing::error!(error = %Printable(error), "the files for etcd cannot be used; the previous ones stay in use");
                }
                state.logged = error;
            }
        }
    }
}
