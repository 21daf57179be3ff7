//! The certificate that `serve` presents.

use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use influxdb3_tokens_server::{Tls, TlsFiles, TlsVersion};
use openapi_stub_runtime::Printable;

use super::self_signed::SelfSigned;
use crate::cli::Failure;
use crate::cli::output::error_line;

/// Options of HTTPS. Without a certificate, the server speaks HTTP.
#[derive(Args)]
#[command(next_help_heading = "TLS")]
pub(in crate::cli) struct TlsServerOptions {
    /// File with the server's certificate in PEM, followed by those that link it to an authority. With it, the server
    /// speaks HTTPS. It is read again when it changes, and at SIGHUP
    #[arg(long, env = "INFLUXDB3_TLS_CERT", value_name = "FILE", requires = "tls_key", group = "certificate")]
    tls_cert: Option<PathBuf>,

    /// File with the private key of the certificate in PEM, not encrypted
    #[arg(long, env = "INFLUXDB3_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Oldest version of TLS that the server accepts
    #[arg(long, env = "INFLUXDB3_TLS_MINIMUM_VERSION", value_name = "VERSION", value_enum, default_value_t)]
    tls_minimum_version: MinimumVersion,

    /// File with certificates of authorities in PEM. Each client must present a certificate that one of them signed
    #[arg(long, env = "INFLUXDB3_TLS_CLIENT_CA", value_name = "FILE", requires = "certificate")]
    tls_client_ca: Option<PathBuf>,

    /// Make a certificate for this machine in the folder `tls` of the data directory, unless it has one, and use it. Its
    /// clients need `ca.pem` from there
    #[arg(long, env = "INFLUXDB3_TLS_SELF_SIGNED", conflicts_with = "tls_key", group = "certificate",
        hide_short_help = true, value_parser = BoolishValueParser::new())]
    tls_self_signed: bool,

    /// The certificate that the server makes, if it is wanted.
    #[arg(skip)]
    self_signed: Option<SelfSigned>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum MinimumVersion {
    #[default]
    #[value(name = "tls-1.2")]
    Tls12,
    #[value(name = "tls-1.3")]
    Tls13,
}

impl TlsServerOptions {
    /// Says where the certificate for this machine is, if it is wanted. `host` is what the server listens on.
    pub(in crate::cli) fn prepare(&mut self, data_dir: &Path, host: &str) {
        if self.tls_self_signed {
            let made = SelfSigned::new(data_dir.join("tls"), host);
            (self.tls_cert, self.tls_key) = (Some(made.certificate()), Some(made.key()));
            self.self_signed = Some(made);
        }
    }

    fn files(&self) -> Option<TlsFiles> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return None };
        let files = TlsFiles::new(certificate, key).minimum_version(match self.tls_minimum_version {
            MinimumVersion::Tls12 => TlsVersion::Tls12,
            MinimumVersion::Tls13 => TlsVersion::Tls13,
        });
        Some(match &self.tls_client_ca {
            Some(file) => files.client_ca(file),
            None => files,
        })
    }

    /// The folders and files that the server must be able to read while it runs, to follow the changes of its files.
    pub(in crate::cli) fn readable(&self) -> Vec<PathBuf> {
        let files = [&self.tls_cert, &self.tls_key, &self.tls_client_ca];
        files.into_iter().flatten().flat_map(|file| places(file)).collect()
    }

    /// The configuration of TLS, or `None` for HTTP. The certificate for this machine is made, and renewed from now on.
    pub(in crate::cli) fn load(&self) -> Result<Option<Tls>, Failure> {
        let Some(files) = self.files() else { return Ok(None) };
        if let Some(made) = &self.self_signed {
            made.make_if_missing()?;
            made.renew_if_due();
        }
        if let Some(key) = &self.tls_key
            && is_readable_by_others(key)
        {
            let key = key.display().to_string();
            tracing::warn!(key = %Printable(&key), "every user of this machine can read the private key");
        }
        let tls = Tls::from_files(files)?;
        if let Some(made) = &self.self_signed {
            tokio::spawn(made.clone().renew_regularly(tls.clone()));
        }
        Ok(Some(tls))
    }

    /// Reads the files of TLS again. It blocks while it reads.
    pub(in crate::cli) fn reload(&self, tls: Option<Tls>) -> impl Fn() + Clone + Send + 'static {
        let made = self.self_signed.clone();
        move || {
            let Some(tls) = &tls else {
                tracing::info!("SIGHUP: the server runs without TLS, and has no certificate to read again");
                return;
            };
            if let Some(made) = &made {
                made.renew_if_due();
            }
            if let Err(error) = tls.reload() {
                tracing::error!("{}; the previous certificate stays in use", error_line(&error));
            }
        }
    }

    /// Reads the files as [`Self::load`] does, and follows no change of them. Makes no certificate.
    pub(in crate::cli) fn check(&self) -> Result<(), Failure> {
        if self.self_signed.as_ref().is_none_or(SelfSigned::is_complete) {
            self.files().map(Tls::from_files).transpose()?;
        }
        Ok(())
    }

    /// The scheme of the server's address.
    pub(in crate::cli) fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }
}

#[cfg(unix)]
fn is_readable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

/// Where the content of a file may come from now and after a change: the folder of the file, and of each file that links
/// lead to, because a new file or link takes the place of the old one there. If the folder of the file is a link, that of
/// the link too, because a link to another folder may take its place. The whole of `/` is never among them.
pub(in crate::cli) fn places(file: &Path) -> Vec<PathBuf> {
    /// How many links are followed; the system follows as many.
    const LINKS: usize = 40;
    let folder = |file: &Path| match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => file.to_owned(),
    };
    let mut found = vec![file.to_owned()];
    let mut file = file.to_owned();
    for _ in 0..LINKS {
        let parent = folder(&file);
        if fs::symlink_metadata(&parent).is_ok_and(|parent| parent.is_symlink()) {
            found.push(folder(&parent));
        }
        found.push(parent.clone());
        match fs::read_link(&file) {
            Ok(target) => file = parent.join(target),
            Err(_) => break,
        }
    }
    found.retain(|place| place.canonicalize().is_ok_and(|place| place != Path::new("/")));
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        tls: TlsServerOptions,
    }

    fn options(arguments: &[&str]) -> Option<TlsServerOptions> {
        Command::try_parse_from([&["serve"], arguments].concat()).ok().map(|command| command.tls)
    }

    #[test]
    fn a_certificate_and_its_key_are_given_together() {
        assert_eq!(options(&[]).unwrap().scheme(), "http");
        assert_eq!(options(&["--tls-cert=c", "--tls-key=k"]).unwrap().scheme(), "https");
        for client_ca in [&["--tls-cert=c", "--tls-key=k"][..], &["--tls-self-signed"]] {
            assert!(options(&[client_ca, &["--tls-client-ca=a"]].concat()).is_some());
        }
        for arguments in [
            &["--tls-cert=c"][..],
            &["--tls-client-ca=a"],
            &["--tls-key=k"],
            &["--tls-cert=c", "--tls-key=k", "--tls-self-signed"],
            &["--tls-cert=c", "--tls-key=k", "--tls-minimum-version=tls-1.1"],
        ] {
            assert!(options(arguments).is_none(), "{arguments:?}");
        }
    }

    #[test]
    fn a_file_may_be_replaced_in_its_folder_and_behind_its_links() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let at = |path: &str| root.join(path);
        let found = |path: &str| -> Vec<PathBuf> {
            let mut found: Vec<_> = places(&at(path)).iter().map(|place| place.canonicalize().unwrap()).collect();
            found.sort();
            found.dedup();
            found
        };
        // As Kubernetes mounts a secret.
        fs::create_dir_all(at("secret/..1")).unwrap();
        fs::write(at("secret/..1/tls.crt"), "").unwrap();
        symlink("..1", at("secret/..data")).unwrap();
        symlink("..data/tls.crt", at("secret/tls.crt")).unwrap();
        assert_eq!(found("secret/tls.crt"), [at("secret"), at("secret/..1"), at("secret/..1/tls.crt")]);
        // As certbot keeps certificates.
        fs::create_dir_all(at("archive/host")).unwrap();
        fs::create_dir_all(at("live/host")).unwrap();
        fs::write(at("archive/host/cert1.pem"), "").unwrap();
        symlink("../../archive/host/cert1.pem", at("live/host/cert.pem")).unwrap();
        assert_eq!(found("live/host/cert.pem"), [at("archive/host"), at("archive/host/cert1.pem"), at("live/host")]);
        // A folder that is a link.
        symlink("live/host", at("current")).unwrap();
        assert!(found("current/cert.pem").contains(&root));
        // A link to itself, and a file in the root.
        symlink("loop", at("loop")).unwrap();
        assert_eq!(found("loop"), [root]);
        assert!(places(Path::new("/missing")).is_empty());
    }
}
