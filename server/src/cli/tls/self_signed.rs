//! A certificate for this machine, to try HTTPS with.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use influxdb3_tokens_server::Tls;
use openapi_stub_runtime::Printable;
use rcgen::KeyPair;
use tokio::time::{MissedTickBehavior, interval};

mod authority;
mod issued;

use crate::cli::Failure;
use crate::cli::output::error_line;
use authority::Authority;
use issued::Issued;

/// How long a certificate is valid. Browsers accept no longer time.
const VALID: Duration = Duration::from_secs(397 * DAY);

/// How long before its end a certificate is renewed: earlier than the server warns of it.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * DAY);

/// How often a running server looks at its certificate.
const CHECK: Duration = Duration::from_secs(3600);

const DAY: u64 = 24 * 3600;

/// The certificate for this machine in a folder: `cert.pem` and `key.pem`, and for the clients `ca.pem`. Clones are the same
/// one.
///
/// An authority signs the certificate, because not every client trusts a certificate that signs itself. Its key is in
/// `ca-key.pem`, so that clients that trust `ca.pem` accept a renewed certificate. It can sign for the names of this
/// certificate only.
#[derive(Clone, Debug)]
pub(super) struct SelfSigned {
    folder: PathBuf,
    /// What the server listens on.
    host: String,
}

impl SelfSigned {
    pub(super) fn new(folder: PathBuf, host: &str) -> Self {
        Self { folder, host: host.to_owned() }
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// Whether the folder has the certificate, its key, and that of its authority.
    pub(super) fn is_complete(&self) -> bool {
        [self.certificate(), self.key(), authority::certificate(&self.folder)].iter().all(|file| file.exists())
    }

    /// Makes the files, unless they are complete.
    pub(super) fn make_if_missing(&self) -> Result<(), Failure> {
        if self.is_complete() {
            return Ok(());
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| at(&self.folder, error))?;
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        if !names.contains(&self.host) {
            names.push(self.host.clone());
        }
        let key = KeyPair::generate()?;
        let authority = Authority::make(&self.folder, &names)?;
        write(&self.key(), &key.serialize_pem())?;
        // The certificate comes last, so that the folder has it only with the other files.
        write(&self.certificate(), &authority.sign(names, &key, VALID)?)?;
        tracing::info!(folder = %Printable(&self.folder.display().to_string()), "made a certificate for this machine");
        Ok(())
    }

    /// Renews the certificate if it ends soon, and says so in the log. Returns whether it did. If that fails, the log says
    /// why.
    pub(super) fn renew_if_due(&self) -> bool {
        self.renew(SystemTime::now()).unwrap_or_else(|error| {
            tracing::error!("{}; the certificate is not renewed", error_line(&*error));
            false
        })
    }

    /// Looks at the certificate each hour, until it is dropped.
    pub(super) async fn renew_regularly(self, tls: Tls) {
        let mut interval = interval(CHECK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let (made, tls) = (self.clone(), tls.clone());
            let renew = move || if made.renew_if_due() { tls.reload() } else { Ok(()) };
            if let Ok(Err(error)) = tokio::task::spawn_blocking(renew).await {
                tracing::error!("{}; the previous certificate stays in use", error_line(&error));
            }
        }
    }

    /// The new certificate has the key and the names of the old one. Its file takes the place of the old one in one step.
    fn renew(&self, now: SystemTime) -> Result<bool, Failure> {
        let Some(old) = Issued::read(&self.certificate())? else { return Ok(false) };
        if !old.is_of(authority::NAME) || old.ends > now + RENEW_BEFORE {
            return Ok(false);
        }
        let key = KeyPair::from_pem(&read(&self.key())?)?;
        let authority = match Authority::read(&self.folder, now + VALID)? {
            Some(authority) => authority,
            None => {
                let authority = Authority::make(&self.folder, &old.names)?;
                let file = authority::certificate(&self.folder).display().to_string();
                tracing::warn!(file = %Printable(&file), "a new authority signs the certificate, so the clients need its file");
                authority
            }
        };
        write(&self.certificate(), &authority.sign(old.names, &key, VALID)?)?;
        tracing::info!("renewed the certificate for this machine");
        Ok(true)
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| at(file, error))
}

/// Writes a file that only this user can read. It takes the place of the old one once it is complete.
fn write(file: &Path, content: &str) -> Result<(), Failure> {
    let new = file.with_extension("new");
    let written = || {
        let mut opened: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        opened.write_all(content.as_bytes())?;
        opened.sync_all()?;
        fs::rename(&new, file)
    };
    written().map_err(|error| at(file, error))
}

fn at(path: &Path, error: io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}

#[cfg(test)]
mod tests;
