//! Where etcd is, and how to reach it.

use std::fmt;
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};

/// Where the members of etcd are, and how an [`EtcdStore`](super::EtcdStore) reaches them.
#[derive(Clone)]
pub struct EtcdOptions {
    /// Each `HOST:PORT`.
    pub(super) members: Vec<String>,
    pub(super) prefix: String,
    tls: Option<EtcdTls>,
    user: Option<(String, String)>,
    pub(super) max_staleness: Duration,
    pub(super) queue_capacity: usize,
}

/// The certificates for connections to etcd, each as PEM.
#[derive(Clone, Default)]
pub struct EtcdTls {
    /// The authorities that may have signed the members' certificates.
    pub ca: Vec<u8>,
    /// The certificate by which the members know this node, and its private key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// The prefix of the keys, unless the URL has another.
const PREFIX: &str = "/influxdb3-tokens";

impl EtcdOptions {
    /// How old the copy of a node may be, unless [`max_staleness`](Self::max_staleness) says otherwise.
    pub const DEFAULT_MAX_STALENESS: Duration = Duration::from_secs(5);

    /// The least time that [`max_staleness`](Self::max_staleness) takes.
    pub const LEAST_MAX_STALENESS: Duration = Duration::from_millis(500);

    /// The store at `etcd://HOST:PORT,HOST:PORT,…/PREFIX`, or `etcds://…` for TLS. Without a port it is 2379, and without a
    /// prefix `/influxdb3-tokens`.
    ///
    /// # Errors
    ///
    /// If the URL has another form. A user and a password do not belong in it.
    pub fn from_url(url: &str) -> Result<Self, EtcdOptionsError> {
        let (tls, rest) = match (url.strip_prefix("etcd://"), url.strip_prefix("etcds://")) {
            (Some(rest), _) => (None, rest),
            (_, Some(rest)) => (Some(EtcdTls::default()), rest),
            _ => return Err(EtcdOptionsError::Scheme),
        };
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(EtcdOptionsError::User);
        }
        if rest.contains(['?', '#']) {
            return Err(EtcdOptionsError::Prefix);
        }
        let members = authority.split(',').map(member).collect::<Option<Vec<_>>>().ok_or(EtcdOptionsError::Member)?;
        let prefix = if prefix.trim_matches('/').is_empty() { PREFIX } else { prefix.trim_end_matches('/') };
        Ok(Self {
            members,
            prefix: prefix.to_owned(),
            tls,
            user: None,
            max_staleness: Self::DEFAULT_MAX_STALENESS,
            queue_capacity: 4096,
        })
    }

    /// Connects by TLS, with these certificates.
    #[must_use]
    pub fn tls(self, tls: EtcdTls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Whether connections use TLS.
    pub fn uses_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The members of etcd, each `HOST:PORT`.
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// What all keys of the store begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Logs in to etcd with this name and password.
    #[must_use]
    pub fn user(self, name: &str, password: &str) -> Self {
        Self { user: Some((name.to_owned(), password.to_owned())), ..self }
    }

    /// For how long a node may rely on its copy of the tokens without having confirmed it: after a deletion has been
    /// acknowledged, no node accepts the token for longer than this.
    ///
    /// # Errors
    ///
    /// If it is shorter than [`LEAST_MAX_STALENESS`](Self::LEAST_MAX_STALENESS) or longer than a day.
    pub fn max_staleness(self, bound: Duration) -> Result<Self, EtcdOptionsError> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        if !(Self::LEAST_MAX_STALENESS..=DAY).contains(&bound) {
            return Err(EtcdOptionsError::MaxStaleness);
        }
        Ok(Self { max_staleness: bound, ..self })
    }

    /// How many changes may wait for the store; a further one fails with [`StoreError::Busy`](crate::StoreError::Busy).
    #[must_use]
    pub fn queue_capacity(self, capacity: usize) -> Self {
        Self { queue_capacity: capacity, ..self }
    }

    /// How long one request to a member may take: a part of the bound, so that another member can be asked in time.
    pub(super) fn request_timeout(&self) -> Duration {
        (self.max_staleness / 4).clamp(Duration::from_millis(200), Duration::from_secs(2))
    }

    /// The options of a connection to one member.
    pub(super) fn connection(&self) -> ConnectOptions {
        let timeout = self.request_timeout();
        let mut options = ConnectOptions::new()
            .with_connect_timeout(timeout)
            .with_keep_alive(timeout, timeout)
            .with_keep_alive_while_idle(true)
            .with_require_leader(true);
        if let Some((name, password)) = &self.user {
            options = options.with_user(name, password).with_auto_token_refresh(true);
        }
        if let Some(EtcdTls { ca, identity }) = &self.tls {
            let mut tls = TlsOptions::new().ca_certificate(Certificate::from_pem(ca));
            if let Some((certificate, key)) = identity {
                tls = tls.identity(Identity::from_pem(certificate, key));
            }
            options = options.with_tls(tls);
        }
        options
    }
}

/// Shows neither the password nor the private key.
impl fmt::Debug for EtcdOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, prefix, max_staleness, .. } = self;
        f.debug_struct("EtcdOptions")
            .field("members", members)
            .field("prefix", prefix)
            .field("max_staleness", max_staleness)
            .finish_non_exhaustive()
    }
}

/// Shows no key.
impl fmt::Debug for EtcdTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls").finish_non_exhaustive()
    }
}

/// Why [`EtcdOptions`] were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EtcdOptionsError {
    /// The URL does not begin with `etcd://` or `etcds://`.
    #[error("a URL of etcd begins with etcd:// or etcds://, as in etcd://127.0.0.1:2379/tokens")]
    Scheme,
    /// A member is not `HOST` or `HOST:PORT`.
    #[error("a member of etcd is written as HOST:PORT, and members are separated by commas")]
    Member,
    /// The URL has a user.
    #[error("the URL of etcd has no user: use the options for the user and the password")]
    User,
    /// The URL has a query or a fragment.
    #[error("the URL of etcd ends with the prefix of the keys, without ? and #")]
    Prefix,
    /// The staleness is out of range.
    #[error("the greatest staleness is between 500 milliseconds and one day")]
    MaxStaleness,
}

/// A member as `HOST:PORT`; `None` if it is something else.
fn member(text: &str) -> Option<String> {
    let authority: http::uri::Authority =
        text.parse().ok().filter(|it: &http::uri::Authority| !it.host().is_empty())?;
    match (authority.port_u16(), text == authority.host()) {
        (Some(_), _) => Some(text.to_owned()),
        (None, true) => Some(format!("{text}:2379")),
        (None, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(Vec<String>, String, bool), EtcdOptionsError> {
        let options = EtcdOptions::from_url(url)?;
        Ok((options.members.clone(), options.prefix.clone(), options.uses_tls()))
    }

    #[test]
    fn a_url_names_the_members_and_the_prefix() {
        let of = |members: &[&str], prefix: &str, tls| {
            Ok((members.iter().map(ToString::to_string).collect(), prefix.to_owned(), tls))
        };
        assert_eq!(read("etcd://a:1,b:2/c/d/"), of(&["a:1", "b:2"], "/c/d", false));
        assert_eq!(read("etcds://[::1]:1"), of(&["[::1]:1"], PREFIX, true));
        assert_eq!(read("etcd://127.0.0.1/"), of(&["127.0.0.1:2379"], PREFIX, false));
    }

    #[test]
    fn a_url_of_another_form_is_refused() {
        use EtcdOptionsError::{Member, Prefix, Scheme, User};

        for (url, error) in [
            ("http://a:1", Scheme),
            ("a:1", Scheme),
            ("etcd://", Member),
            ("etcd://a:1,,b:2", Member),
            ("etcd://a:", Member),
            ("etcd://a:99999", Member),
            ("etcd://me:secret@a:1", User),
            ("etcd://a:1/p?x", Prefix),
        ] {
            assert_eq!(read(url), Err(error), "{url}");
        }
    }

    #[test]
    fn the_bound_is_between_half_a_second_and_a_day() {
        let options = || EtcdOptions::from_url("etcd://a:1").unwrap();
        for (millis, is_valid) in [(499, false), (500, true), (86_400_000, true), (86_400_001, false)] {
            assert_eq!(options().max_staleness(Duration::from_millis(millis)).is_ok(), is_valid, "{millis}");
        }
    }

    #[test]
    fn no_password_and_no_key_is_printed() {
        let tls = EtcdTls { ca: b"hunter2".to_vec(), identity: Some((b"hunter2".to_vec(), b"hunter2".to_vec())) };
        let options = EtcdOptions::from_url("etcds://a:1").unwrap().user("me", "hunter2").tls(tls.clone());
        assert!(!format!("{options:?}{tls:?}").contains("hunter2"));
    }
}
