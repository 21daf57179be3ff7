//! Where etcd is, and how to reach it.

use std::time::Duration;

use etcd_client::ConnectOptions;

use super::credentials::{Credentials, EtcdTls};

/// Where the members of etcd are, and how an [`EtcdStore`](super::EtcdStore) reaches them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdOptions {
    /// Each `HOST:PORT`.
    pub(super) members: Vec<String>,
    pub(super) prefix: String,
    pub(super) credentials: Credentials,
    pub(super) max_staleness: Duration,
    pub(super) queue_capacity: usize,
    pub(super) save_uses_every: Duration,
}

/// The prefix of the keys, unless the URL has another.
const PREFIX: &str = "/influxdb3-tokens";

impl EtcdOptions {
    /// How old the copy of a node may be, unless [`max_staleness`](Self::max_staleness) says otherwise.
    pub const DEFAULT_MAX_STALENESS: Duration = Duration::from_secs(5);

    /// The least time that [`max_staleness`](Self::max_staleness) takes.
    pub const LEAST_MAX_STALENESS: Duration = Duration::from_millis(500);

    /// How often a node saves when tokens were used last, unless [`save_uses_every`](Self::save_uses_every) says otherwise.
    pub const DEFAULT_SAVE_USES_EVERY: Duration = Duration::from_secs(600);

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
            credentials: Credentials { tls, user: None },
            max_staleness: Self::DEFAULT_MAX_STALENESS,
            queue_capacity: 4096,
            save_uses_every: Self::DEFAULT_SAVE_USES_EVERY,
        })
    }

    /// Connects by TLS, with these certificates.
    #[must_use]
    pub fn tls(mut self, tls: EtcdTls) -> Self {
        self.credentials.tls = Some(tls);
        self
    }

    /// Whether connections use TLS.
    pub fn uses_tls(&self) -> bool {
        self.credentials.tls.is_some()
    }

    /// The prefix of the keys.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The members of etcd, each `HOST:PORT`.
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// Logs in to etcd with this name and password. Dropping the options wipes the password.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.credentials.user = Some((name.to_owned(), password.to_owned().into()));
        self
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

    /// How often the node saves when tokens were used last, and other nodes can learn of it. Each time it makes at most
    /// nine transactions that write, unless other nodes save at the same time.
    #[must_use]
    pub fn save_uses_every(self, interval: Duration) -> Self {
        Self { save_uses_every: interval, ..self }
    }

    /// How long one request to a member may take: a part of the bound, so that another member can be asked in time.
    pub(super) fn request_timeout(&self) -> Duration {
        (self.max_staleness / 4).clamp(Duration::from_millis(200), Duration::from_secs(2))
    }

    /// The options of a connection to one member, but for the credentials.
    pub(super) fn connection(&self) -> ConnectOptions {
        let timeout = self.request_timeout();
        ConnectOptions::new()
            .with_connect_timeout(timeout)
            .with_keep_alive(timeout, timeout)
            .with_keep_alive_while_idle(true)
            .with_require_leader(true)
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
}
