//! Tokens in etcd: the options that say where etcd is, and opening the store.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Args, Command};
use influxdb3_tokens::{
    Catalog, EtcdOpenError, EtcdOptions, EtcdSource, EtcdStore, EtcdTarget, EtcdTls, MoveError, MoveSource, MoveTarget,
    StoreError, SystemClock,
};
use openapi_stub_runtime::without_userinfo;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::Opening;
use super::renewal::Renewable;
pub(in crate::cli) use super::renewal::Renewal;
use super::unusable::{Given, Unusable};
use crate::cli::arguments::duration;
use crate::cli::environment::Environment;
use crate::cli::{Failure, WrongUsage};

/// The variable of the password.
const PASSWORD: &str = "INFLUXDB3_TOKENS_ETCD_PASSWORD";

const HEADING: &str = "Cluster";

/// Options of a store in etcd.
#[derive(Args, Clone)]
pub(in crate::cli) struct EtcdArguments {
    /// The tokens are in etcd, which many servers share: `etcd://HOST:PORT,HOST:PORT,…/PREFIX`, or `etcds://…` for TLS. The
    /// port is 2379 and the prefix `/influxdb3-tokens` unless given. Without --store, they are in the data directory
    #[arg(long, env = "INFLUXDB3_TOKENS_STORE", value_name = "URL", help_heading = HEADING, value_parser = Url)]
    store: Option<EtcdOptions>,

    /// File with the certificates, in PEM, of the authorities that sign those of the members of etcd. `etcds://` needs it
    #[arg(long, env = "INFLUXDB3_TOKENS_ETCD_CA", value_name = "FILE", help_heading = HEADING, requires = "store", hide_short_help = true)]
    etcd_ca: Option<PathBuf>,

    /// File with a certificate in PEM to present to etcd, if it requires one of its clients
    #[arg(long, env = "INFLUXDB3_TOKENS_ETCD_CERT", value_name = "FILE", help_heading = HEADING, requires_all = ["store", "etcd_key"],
        hide_short_help = true)]
    etcd_cert: Option<PathBuf>,

    /// File with its private key in PEM, not encrypted
    #[arg(long, env = "INFLUXDB3_TOKENS_ETCD_KEY", value_name = "FILE", help_heading = HEADING, requires_all = ["store", "etcd_cert"],
        hide_short_help = true)]
    etcd_key: Option<PathBuf>,

    /// The user of etcd, if it has users. The password is in the file of --etcd-password-file, or in the variable
    /// INFLUXDB3_TOKENS_ETCD_PASSWORD
    #[arg(long, env = "INFLUXDB3_TOKENS_ETCD_USER", value_name = "NAME", help_heading = HEADING, requires = "store", hide_short_help = true)]
    etcd_user: Option<String>,

    /// File with the password of the user of etcd
    #[arg(long, env = "INFLUXDB3_TOKENS_ETCD_PASSWORD_FILE", value_name = "FILE", help_heading = HEADING, requires_all = ["store", "etcd_user"],
        hide_short_help = true)]
    etcd_password_file: Option<PathBuf>,

    /// For how long a server may accept a token after its deletion was acknowledged, whatever fails; at least 500ms, and
    /// the same for all servers. A command gives a member of etcd a quarter of it to answer [default: 5s]
    #[arg(long, env = "INFLUXDB3_TOKENS_MAX_STALENESS", value_name = "DURATION", help_heading = HEADING, value_parser = max_staleness,
        requires = "store", hide_short_help = true)]
    max_staleness: Option<Duration>,
}

/// Reads the URL of a store. Its error does not show the user and the password that the URL may have.
#[derive(Clone)]
struct Url;

impl TypedValueParser for Url {
    type Value = EtcdOptions;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<EtcdOptions, clap::Error> {
        let parser = StringValueParser::new().try_map(|text| EtcdOptions::from_url(&text));
        parser.parse_ref(command, arg, value).map_err(|mut error| {
            let shown = without_userinfo(&value.to_string_lossy()).into_owned();
            error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
            error
        })
    }
}

fn max_staleness(text: &str) -> Result<Duration, String> {
    let bound = duration(text)?;
    // Which bounds are allowed does not depend on the URL.
    let any = EtcdOptions::from_url("etcd://localhost").and_then(|options| options.max_staleness(bound));
    any.map(|_| bound).map_err(|error| error.to_string())
}

impl EtcdArguments {
    /// Whether the tokens are in etcd.
    pub(in crate::cli) fn is_given(&self) -> bool {
        self.store.is_some()
    }

    /// Reads the files that the options name. `None` if the tokens are not in etcd.
    pub(in crate::cli) fn read(&self) -> Result<Option<Etcd>, Failure> {
        if !self.is_given() {
            return Ok(None);
        }
        let password = match (&self.etcd_user, &self.etcd_password_file) {
            (Some(_), None) => Some(Environment::read()?.text(PASSWORD).map(Zeroizing::new).ok_or_else(|| {
                let advice = format!("set the variable {PASSWORD}, or use --etcd-password-file");
                WrongUsage(format!("the user of etcd needs a password: {advice}"))
            })?),
            _ => None,
        };
        let options = self.options(password.as_ref())?;
        let given = Given { certificate: self.etcd_cert.is_some(), user: self.etcd_user.is_some() };
        let renewable = Renewable { arguments: self.clone(), password };
        Ok(options.map(|options| Etcd { options, given, renewable }))
    }

    /// The options of the store, with what the files contain now. `password` is that of the variable.
    pub(super) fn options(&self, password: Option<&Zeroizing<String>>) -> Result<Option<EtcdOptions>, Failure> {
        let Some(mut options) = self.store.clone() else { return Ok(None) };
        options = match (&self.etcd_ca, options.uses_tls()) {
            (Some(file), true) => {
                let tls = EtcdTls::new(certificates(file)?);
                options.tls(match (&self.etcd_cert, &self.etcd_key) {
                    (Some(certificate), Some(key)) => {
                        let (chain, private) = identity(certificate, key)?;
                        tls.identity(chain, private)
                    }
                    _ => tls,
                })
            }
            (None, true) => {
                let file = "a file with the certificate of the authority that signed those of etcd";
                return Err(WrongUsage(format!("etcds:// needs --etcd-ca: {file}")).into());
            }
            (_, false) if self.etcd_ca.is_some() || self.etcd_cert.is_some() => {
                let advice = "write etcds:// instead of etcd:// in --store";
                return Err(WrongUsage(format!("the certificates are for TLS: {advice}")).into());
            }
            (_, false) => options,
        };
        if let Some(user) = &self.etcd_user {
            let from_file = self.etcd_password_file.as_deref().map(password_of).transpose()?;
            options = options.user(user, from_file.as_ref().or(password).map_or("", |password| password.as_str()));
        }
        if let Some(bound) = self.max_staleness {
            options = options.max_staleness(bound)?;
        }
        Ok(Some(options))
    }

    /// The files that the options name.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.etcd_ca, &self.etcd_cert, &self.etcd_key, &self.etcd_password_file];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}

/// The password in a file.
fn password_of(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = Zeroizing::new(fs::read_to_string(file).map_err(|error| in_file(file, &error))?);
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(in_file(file, &io::Error::other("it contains no password")));
    }
    Ok(Zeroizing::new(password.to_owned()))
}

/// The content of a file with at least one certificate.
fn certificates(file: &Path) -> Result<Vec<u8>, Failure> {
    let text = fs::read(file).map_err(|error| in_file(file, &error))?;
    let mut certificates = CertificateDer::pem_slice_iter(&text);
    match certificates.next() {
        Some(Ok(_)) if certificates.all(|certificate| certificate.is_ok()) => Ok(text),
        _ => Err(in_file(file, &io::Error::other("it contains no certificates in PEM, or a damaged one"))),
    }
}

/// The contents of a file with certificates and of one with the key of the first of them.
fn identity(certificate: &Path, key: &Path) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), Failure> {
    let chain = certificates(certificate)?;
    let text = Zeroizing::new(fs::read(key).map_err(|error| in_file(key, &error))?);
    // The error of the parser may repeat a line of the file.
    let private = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| in_file(key, &io::Error::other("it contains no private key in PEM that is not encrypted")))?;
    let certificates = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>()?;
    // A file that is just being replaced may have the key of another certificate.
    CertifiedKey::from_der(certificates, private, &default_provider())
        .map_err(|error| in_file(key, &io::Error::other(format!("with {}: {error}", certificate.display()))))?;
    Ok((chain, text))
}

fn in_file(file: &Path, error: &io::Error) -> Failure {
    format!("{}: {error}", file.display()).into()
}

/// A store in etcd that can be opened.
pub(in crate::cli) struct Etcd {
    options: EtcdOptions,
    given: Given,
    renewable: Renewable,
}

/// A store in etcd that this process has open.
pub(in crate::cli) struct OpenedEtcd {
    pub(in crate::cli) catalog: Catalog,
    /// Whether etcd had no store there before.
    pub(in crate::cli) is_new: bool,
    pub(in crate::cli) renewal: Renewal,
}

impl Etcd {
    /// The files that may be read again while the store is open.
    pub(in crate::cli) fn files(&self) -> impl Iterator<Item = &Path> {
        self.renewable.arguments.files()
    }

    /// Looks a member up, so that the system's library loads the modules that it needs for that. The sandbox hides them.
    pub(in crate::cli) fn look_up(&self) {
        // Whether it is found does not matter yet.
        let _ = self.options.members().first().map(ToSocketAddrs::to_socket_addrs);
    }

    /// The members, and the prefix of the store.
    pub(in crate::cli) fn place(&self) -> (String, String) {
        (self.options.members().join(", "), self.options.prefix().to_owned())
    }

    /// The ports of the members.
    pub(in crate::cli) fn ports(&self) -> Vec<u16> {
        let port = |member: &String| member.rsplit_once(':')?.1.parse().ok();
        self.options.members().iter().filter_map(port).collect()
    }

    /// The store, to be moved to another one.
    pub(in crate::cli) async fn source(self) -> Result<Box<dyn MoveSource>, Failure> {
        match EtcdSource::open(self.options.clone()).await {
            Ok(source) => Ok(Box::new(source)),
            Err(MoveError::Store(error)) => Err(self.explained(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// A store that is made of what is moved to it.
    pub(in crate::cli) fn target(self) -> Box<dyn MoveTarget> {
        Box::new(EtcdTarget::new(self.options))
    }

    /// Opens the store. Tries again until etcd has not answered for so long.
    pub(in crate::cli) async fn open(self, opening: Opening, patience: Duration) -> Result<OpenedEtcd, Unusable> {
        /// Between two attempts.
        const PAUSE: Duration = Duration::from_millis(250);
        let begin = Instant::now();
        let mut was_told = false;
        let (catalog, store) = loop {
            let error = match self.try_open(opening).await {
                Ok(opened) => break opened,
                Err(error) if error.is_temporary && begin.elapsed() < patience => error,
                Err(error) => return Err(error),
            };
            if !was_told {
                tracing::warn!(error = error.reason(), "waiting for etcd, which does not answer as it should");
            }
            was_told = true;
            sleep(PAUSE).await;
        };
        let is_new = store.is_new();
        Ok(OpenedEtcd { catalog, is_new, renewal: Renewal::new(self.renewable, store, self.options) })
    }

    async fn try_open(&self, opening: Opening) -> Result<(Catalog, Arc<EtcdStore>), Unusable> {
        let options = self.options.clone();
        let opened = match opening {
            Opening::Existing => EtcdStore::open_existing(options).await,
            Opening::OrCreate => EtcdStore::open(options).await,
        };
        let store = Arc::new(opened.map_err(|error| self.unusable(error))?);
        let catalog = Catalog::open(Arc::clone(&store) as _, Arc::new(SystemClock)).await;
        Ok((catalog.map_err(|error| self.unusable(error.into()))?, store))
    }

    /// An error of the store, and what to check.
    pub(in crate::cli) fn explained(&self, error: StoreError) -> Failure {
        self.unusable(error.into()).into()
    }

    fn unusable(&self, error: EtcdOpenError) -> Unusable {
        Unusable::new(&self.options, self.given, error)
    }
}

/// Whether a store was not opened because etcd did not answer.
pub(in crate::cli) fn is_temporary(error: &Failure) -> bool {
    error.downcast_ref::<Unusable>().is_some_and(|error| error.is_temporary)
}

/// The option `--store` of the commands for a database, which refuse it.
#[derive(Args)]
pub(in crate::cli) struct NotHere {
    #[arg(long, env = "INFLUXDB3_TOKENS_STORE", value_name = "URL", hide = true, value_parser = Url)]
    store: Option<EtcdOptions>,
}

impl NotHere {
    /// Says what to use instead, if the tokens are in etcd.
    pub(in crate::cli) fn refuse(&self) -> Result<(), Failure> {
        match self.store {
            Some(_) => Err(format!("the tokens are in etcd (--store), and this is for a database; {OF_ETCD}").into()),
            None => Ok(()),
        }
    }
}

/// What does the same for etcd.
const OF_ETCD: &str = "`etcdctl snapshot save` and `etcdctl snapshot restore` back up and restore etcd, and \
     `influxdb3-tokens export` writes the tokens to a file";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        etcd: EtcdArguments,
    }

    fn parse(arguments: &[&str]) -> Result<EtcdArguments, String> {
        let parsed = Options::try_parse_from([&["serve"], arguments].concat());
        parsed.map(|options| options.etcd).map_err(|error| error.to_string())
    }

    fn refused(arguments: &[&str]) -> String {
        match parse(arguments).map(|options| options.read()) {
            Err(error) => error,
            Ok(read) => read.err().map(|error| error.to_string()).unwrap(),
        }
    }

    #[test]
    fn the_options_of_etcd_need_a_store() {
        assert!(!parse(&[]).unwrap().is_given());
        assert!(parse(&["--store=etcd://a:1,b", "--max-staleness=1s"]).unwrap().read().unwrap().is_some());
        for argument in ["--etcd-ca=f", "--etcd-user=u", "--max-staleness=1s", "--etcd-password-file=f"] {
            assert!(refused(&[argument]).contains("--store <URL>"), "{argument}");
        }
        for arguments in [&["--etcd-cert=f"][..], &["--etcd-key=f"]] {
            assert!(parse(&[&["--store=etcds://a", "--etcd-ca=f"], arguments].concat()).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn an_error_says_what_to_do_and_shows_no_password() {
        let store = "--store=etcd://a:1";
        for (arguments, expected) in [
            (&["--store=etcd://me:hunter2@a:1"][..], "use the options for the user and the password"),
            (&["--store=http://a:1"], "begins with etcd:// or etcds://"),
            (&[store, "--max-staleness=499ms"], "between 500 milliseconds and one day"),
            (&[store, "--max-staleness=5"], "write a duration such as"),
            (&["--store=etcds://a:1"], "needs --etcd-ca"),
            (&[store, "--etcd-ca=/dev/null"], "write etcds://"),
            (&["--store=etcds://a:1", "--etcd-ca=/dev/null"], "/dev/null: it contains no certificates in PEM"),
            (&[store, "--etcd-user=u", "--etcd-password-file=/nowhere/at/all"], "/nowhere/at/all: "),
            (&[store, "--etcd-user=u", "--etcd-password-file=/dev/null"], "/dev/null: it contains no password"),
        ] {
            let error = refused(arguments);
            assert!(error.contains(expected) && !error.contains("hunter2"), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn the_sandbox_learns_the_ports_of_the_members() {
        let etcd = parse(&["--store=etcd://a:1,b,[::1]:3/p"]).unwrap().read().unwrap().unwrap();
        assert_eq!(etcd.ports(), [1, 2379, 3]);
    }
}
