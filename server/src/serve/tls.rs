//! TLS: which certificate a server presents, and how it is replaced while the server runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime};

use openapi_stub_runtime::Printable;
use rustls::ServerConfig;
use tokio::time::MissedTickBehavior;

mod certificate;
mod files;
mod stamp;
pub(super) mod wire;

pub use files::{TlsError, TlsFiles, TlsVersion};

use certificate::Certificate;
use stamp::Stamp;

/// How often the files are compared with those that were read.
const CHECK: Duration = Duration::from_secs(2);

/// How long before its end a certificate is warned of.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 24 * 3600);

/// How often it is warned of.
const WARN_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What a server needs for TLS; see [`Server::tls`](super::Server::tls). Clones share it.
///
/// One that was made from files follows them: a server checks them every two seconds, and uses a changed certificate for
/// new connections as soon as the files were the same in two checks. If they cannot be used, it logs why and keeps the
/// certificate that it has.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    /// The files, unless the configuration comes from elsewhere.
    files: Option<TlsFiles>,
    /// Never locked while a file is read, which may take long.
    current: RwLock<Current>,
    /// Locked while a file is read, so only threads that may block lock it.
    state: Mutex<State>,
}

/// What new connections get.
struct Current {
    config: Arc<ServerConfig>,
    /// When its certificate expires, if that is known.
    ends: Option<SystemTime>,
}

/// What is known of the files.
struct State {
    certificate: Option<Certificate>,
    /// The files that were read last, and whether or not they could be used.
    read: Stamp,
    /// Files that differ from those, in the previous check.
    changed: Option<Stamp>,
    /// What the log last warned of, and when.
    warned: Option<(&'static str, SystemTime)>,
}

impl Tls {
    /// Reads a certificate, its key, and the rest that the files configure. It blocks while it reads.
    ///
    /// # Errors
    ///
    /// A [`TlsError`] if a file cannot be read or used, or the key is not that of the certificate. A certificate that has
    /// expired or is not yet valid is used, with a warning in the log.
    pub fn from_files(files: TlsFiles) -> Result<Self, TlsError> {
        let read = files.stamp();
        let (config, certificate) = files.load()?;
        let state = State { certificate, read, changed: None, warned: None };
        let tls = Self::new(Some(files), Arc::new(config), state);
        tls.state().present("read the certificate");
        Ok(tls)
    }

    fn new(files: Option<TlsFiles>, config: Arc<ServerConfig>, state: State) -> Self {
        let current = Current { config, ends: state.ends() };
        Self(Arc::new(Inner { files, current: RwLock::new(current), state: Mutex::new(state) }))
    }

    /// Reads the files again, and uses them for new connections. Open connections keep what they have. Without files, it
    /// does nothing. It blocks while it reads.
    ///
    /// # Errors
    ///
    /// As [`from_files`](Self::from_files). The previous certificate stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        match &self.0.files {
            Some(files) => self.read(files, files.stamp(), &mut self.state()),
            None => Ok(()),
        }
    }

    /// When the certificate that new connections get expires. `None` if that is not known, because the configuration does
    /// not come from files. It never waits for a file.
    pub fn not_after(&self) -> Option<SystemTime> {
        self.current().ends
    }

    /// The configuration for a new connection.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current().config)
    }

    fn current(&self) -> RwLockReadGuard<'_, Current> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the files until it is dropped.
    pub(super) async fn follow(&self) {
        let mut interval = tokio::time::interval(CHECK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let tls = self.clone();
            // The files may be on a network.
            let checked = tokio::task::spawn_blocking(move || tls.check()).await;
            if let Ok(Err(error)) = checked {
                let error = influxdb3_token_api::with_sources(&error);
                tracing::error!(error = %Printable(&error), "the changed files of TLS cannot be used; the previous certificate stays in use");
            }
        }
    }

    /// Reads the files if they have changed, and do not change any more.
    fn check(&self) -> Result<(), TlsError> {
        let Some(files) = &self.0.files else { return Ok(()) };
        let now = files.stamp();
        let mut state = self.state();
        state.warn(SystemTime::now());
        if now == state.read {
            state.changed = None;
        } else if state.changed.as_ref() == Some(&now) {
            return self.read(files, now, &mut state);
        } else {
            state.changed = Some(now);
        }
        Ok(())
    }

    /// Reads files with this stamp.
    fn read(&self, files: &TlsFiles, stamp: Stamp, state: &mut State) -> Result<(), TlsError> {
        // Otherwise each check would fail anew.
        (state.read, state.changed) = (stamp, None);
        let (config, certificate) = files.load()?;
        (state.certificate, state.warned) = (certificate, None);
        let current = Current { config: Arc::new(config), ends: state.ends() };
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        state.present("read the certificate for new connections");
        Ok(())
    }

    /// Nothing panics between two changes of its fields.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ends(&self) -> Option<SystemTime> {
        self.certificate.as_ref().map(|certificate| certificate.ends)
    }

    /// Says which certificate is in use.
    fn present(&mut self, message: &str) {
        match &self.certificate {
            Some(Certificate { subject, fingerprint, ends, .. }) => tracing::info!(
                subject = %Printable(subject),
                expires = %humantime::format_rfc3339_seconds(*ends),
                sha256 = fingerprint,
                "{message}"
            ),
            None => tracing::info!("{message}"),
        }
        self.warn(SystemTime::now());
    }

    /// Warns of a certificate that is not valid, or will soon not be: each day, and when one becomes the other.
    fn warn(&mut self, now: SystemTime) {
        let Some(Certificate { begins, ends, .. }) = &self.certificate else { return };
        let warning = if now < *begins {
            "the certificate is not valid yet, so clients reject it"
        } else if now >= *ends {
            "the certificate has expired, so clients reject it"
        } else if now + WARN_BEFORE >= *ends {
            "the certificate expires soon"
        } else {
            return;
        };
        let is_recent = |at| now.duration_since(at).map_or(true, |since| since < WARN_EVERY);
        if self.warned.is_some_and(|(warned, at)| warned == warning && is_recent(at)) {
            return;
        }
        let [valid_from, expires] = [begins, ends].map(|time| humantime::format_rfc3339_seconds(*time));
        tracing::warn!(%valid_from, %expires, "{warning}");
        self.warned = Some((warning, now));
    }
}

impl From<Arc<ServerConfig>> for Tls {
    /// TLS with a configuration of your own, which stays as it is. Its `alpn_protocols` must list `h2` for clients to use
    /// HTTP/2.
    fn from(config: Arc<ServerConfig>) -> Self {
        let state = State { certificate: None, read: Stamp::default(), changed: None, warned: None };
        Self::new(None, config, state)
    }
}

impl fmt::Debug for Tls {
    /// Omits the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("files", &self.0.files).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn neither_a_connection_nor_a_scrape_waits_for_a_file() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
        let tls = Tls::from(Arc::new(config));
        // As a check holds it, while it reads.
        let _reading = tls.state();
        let (done, is_done) = mpsc::channel();
        let other = tls.clone();
        thread::spawn(move || {
            drop(other.config());
            done.send(other.not_after())
        });
        assert_eq!(is_done.recv_timeout(Duration::from_secs(30)), Ok(None));
    }
}
