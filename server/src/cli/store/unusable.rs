//! Why a store in etcd cannot be used, and what to check.

use std::fmt;

use influxdb3_token_api::with_sources;
use influxdb3_tokens::{EtcdOpenError, EtcdOptions, StoreError};

/// The error of a command whose store is in etcd.
#[derive(Debug)]
pub(in crate::cli) struct Unusable {
    reason: String,
    advice: String,
    /// Whether etcd did not answer, so that the same command may succeed later.
    pub(in crate::cli) is_temporary: bool,
}

/// What the options say about the connection to etcd.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub(super) certificate: bool,
    pub(super) user: bool,
}

impl Unusable {
    pub(super) fn new(options: &EtcdOptions, given: Given, error: EtcdOpenError) -> Self {
        let (members, prefix) = (options.members().join(", "), options.prefix());
        let is_temporary = matches!(error, EtcdOpenError::Unavailable(_));
        let (reason, advice) = match error {
            EtcdOpenError::Unavailable(error) => {
                (format!("cannot use etcd at {members}: {}", cause(&error)), unanswered(options, given).to_owned())
            }
            EtcdOpenError::Refused(error) => {
                (format!("cannot use etcd at {members}: {}", cause(&error)), refused(prefix, given))
            }
            EtcdOpenError::Missing => (
                format!("etcd has no token store under the prefix {prefix}"),
                "`serve`, `create` and `import` make one; if it exists, --store ends with another prefix".to_owned(),
            ),
            error @ EtcdOpenError::Importing => (error.to_string(), String::new()),
            error => (error.to_string(), "end the URL of --store with another prefix".to_owned()),
        };
        Self { reason, advice, is_temporary }
    }

    /// What is wrong.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }
}

/// What failed. That the store is unavailable need not be said: etcd cannot be used.
fn cause(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable { source } => with_sources(&**source),
        error => with_sources(error),
    }
}

fn unanswered(options: &EtcdOptions, given: Given) -> &'static str {
    match (options.uses_tls(), given.certificate) {
        (false, _) => "check that etcd runs there, and that --store is right; if etcd uses TLS, write etcds://",
        (true, false) => {
            "check that etcd runs there with TLS, and that --etcd-ca is right; if it requires a certificate of its clients, \
             give --etcd-cert and --etcd-key"
        }
        (true, true) => {
            "check that etcd runs there with TLS, that --etcd-ca is right, and that --etcd-key is the key of --etcd-cert"
        }
    }
}

fn refused(prefix: &str, given: Given) -> String {
    let keys = format!("read and write all keys under {prefix}/");
    match given.user {
        true => format!("check --etcd-user and its password, and that this user may {keys}"),
        false => format!("if etcd has users, give --etcd-user and its password; this user must be allowed to {keys}"),
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, advice, .. } = self;
        match advice.as_str() {
            "" => f.write_str(reason),
            advice => write!(f, "{reason}; {advice}"),
        }
    }
}

impl std::error::Error for Unusable {}
