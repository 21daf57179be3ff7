//! By what etcd knows a node, and a node etcd: certificates, and a user with a password.

use std::fmt;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use zeroize::Zeroizing;

/// What connections to the members are made with.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) tls: Option<EtcdTls>,
    /// A name, and a password.
    pub(super) user: Option<(String, Zeroizing<String>)>,
}

/// The certificates for connections to etcd, each as PEM.
///
/// `Debug` shows nothing of them, and dropping it wipes the private key. The client of etcd makes copies of the key and of a
/// password for its connections, which are not wiped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EtcdTls {
    pub(super) ca: Vec<u8>,
    pub(super) identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl EtcdTls {
    /// Trusts members whose certificates one of these authorities has signed.
    pub fn new(ca: impl Into<Vec<u8>>) -> Self {
        Self { ca: ca.into(), identity: None }
    }

    /// Presents a certificate to the members, which has this private key.
    #[must_use]
    pub fn identity(self, certificate: impl Into<Vec<u8>>, key: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self { identity: Some((certificate.into(), key.into())), ..self }
    }
}

impl Credentials {
    /// Adds the certificates to the options of a connection.
    pub(super) fn add_to(&self, mut options: ConnectOptions) -> ConnectOptions {
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
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map(|(name, _)| name);
        f.debug_struct("Credentials").field("tls", &self.tls).field("user", &user).finish_non_exhaustive()
    }
}

/// Shows no key.
impl fmt::Debug for EtcdTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::EtcdOptions;
    use super::*;

    #[test]
    fn no_password_and_no_key_is_printed() {
        let tls = EtcdTls::new("hunter2").identity("hunter2", b"hunter2".to_vec());
        let options = EtcdOptions::from_url("etcds://a:1").unwrap().user("me", "hunter2").tls(tls.clone());
        let credentials =
            Credentials { tls: Some(tls.clone()), user: Some(("me".into(), "hunter2".to_owned().into())) };
        let shown = format!("{options:?} {options:#?} {tls:?} {credentials:?}");
        assert!(!shown.contains("hunter2") && shown.contains("me"), "{shown}");
        // What wipes itself cannot be taken for a text that does not.
        let wiped: [&dyn std::any::Any; 2] = [&credentials.user.as_ref().unwrap().1, &tls.identity.as_ref().unwrap().1];
        assert!(wiped[0].is::<Zeroizing<String>>() && wiped[1].is::<Zeroizing<Vec<u8>>>());
    }
}
