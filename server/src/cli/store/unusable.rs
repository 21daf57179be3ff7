//! Why a store in etcd cannot be used, and what to check.

use std::fmt;

use influxdb3_token_api::with_sources;
use influxdb3_tokens::{Cause, EtcdOpenError, EtcdOptions};

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
        let unusable = |cause: &Cause| format!("cannot use etcd at {members}: {}", with_sources(cause.as_ref()));
        let (reason, advice) = match &error {
            EtcdOpenError::Unavailable(cause) => (unusable(cause), unanswered(options).to_owned()),
            EtcdOpenError::Refused(cause) => (unusable(cause), refused(prefix, given)),
            EtcdOpenError::Untrusted(cause) => (unusable(cause), untrusted(given).to_owned()),
            EtcdOpenError::Missing { .. } => (
                error.to_string(),
                "`serve`, `create token --admin` and `import` make one; if one exists, check the prefix at the end of --store"
                    .to_owned(),
            ),
            EtcdOpenError::Damaged(_) => (with_sources(&error), damaged(prefix)),
            EtcdOpenError::Importing => (error.to_string(), String::new()),
            _ => (error.to_string(), "end the URL of --store with another prefix".to_owned()),
        };
        Self { reason, advice, is_temporary }
    }

    /// What is wrong.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }
}

fn unanswered(options: &EtcdOptions) -> &'static str {
    match options.uses_tls() {
        false => "check that etcd runs there, and that --store is right; if etcd uses TLS, write etcds://",
        true => "check that etcd runs there with TLS, and that --store is right",
    }
}

fn untrusted(given: Given) -> &'static str {
    match given.certificate {
        false => {
            "check that --etcd-ca is right; if etcd requires a certificate of its clients, give --etcd-cert and --etcd-key"
        }
        true => "check that --etcd-ca is right, and that etcd trusts --etcd-cert",
    }
}

fn refused(prefix: &str, given: Given) -> String {
    let keys = format!("read and write all keys under {prefix}/");
    match given.user {
        true => format!("check --etcd-user and its password, and that this user may {keys}"),
        false => format!("if etcd has users, give --etcd-user and its password; this user must be allowed to {keys}"),
    }
}

fn damaged(prefix: &str) -> String {
    format!(
        "docs/cluster.md says how; if another program has keys under {prefix}/, end the URL of --store with another prefix"
    )
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
