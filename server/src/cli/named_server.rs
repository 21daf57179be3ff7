//! `--host` and `--token` of the commands that reach a server through its data directory.
//!
//! InfluxDB's commands do everything over HTTP. The document has no operation that creates or lists tokens, or deletes one
//! by its name, so these commands work on the server's machine. They accept the vendor's options if those name the same
//! server, so that a command line of the vendor's documentation either does what it says or is refused.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;

use clap::Args;
use http::Uri;

use super::access::{self, Access};
use super::arguments::server_address;
use super::store::StoreArguments;
use super::{Failure, wrong_usage};

#[derive(Args)]
pub(super) struct ServerOptions {
    /// The address of the server of --data-dir, as InfluxDB's commands have it. This command reaches the server through
    /// --data-dir, and refuses the address of another server
    #[arg(short = 'H', long, value_name = "URL", value_parser = server_address)]
    host: Option<String>,

    /// Accepted as InfluxDB's commands have it, and not needed: the server's user may do everything on its machine
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// Accepted as InfluxDB's commands have it: the control socket needs no certificate
    #[arg(long, value_name = "FILE", hide = true)]
    tls_ca: Option<PathBuf>,

    /// Accepted as InfluxDB's commands have it: the control socket needs no certificate
    #[arg(long, hide = true)]
    tls_no_verify: bool,
}

/// Why a server cannot be reached through the data directory.
pub(super) enum Refused {
    /// The address is not that of the server of the data directory.
    Other(String),
    /// No server runs.
    NotRunning(String),
    Failed(Failure),
}

impl ServerOptions {
    /// The tokens of the store, or of the data directory if the server that `--host` names is that of the directory.
    /// `existing` does not make a database. Another server is wrong usage of `subcommand`.
    pub(super) async fn access(
        &self,
        subcommand: &str,
        store: &StoreArguments,
        existing: bool,
    ) -> Result<Access, Failure> {
        // The control socket needs none of them.
        let _ = (&self.token, &self.tls_ca, self.tls_no_verify);
        access(self.host.as_deref(), store, existing).await.map_err(|refused| match refused {
            Refused::Other(reason) => wrong_usage(subcommand, &reason),
            Refused::NotRunning(reason) => reason.into(),
            Refused::Failed(error) => error,
        })
    }
}

/// Like [`ServerOptions::access`], and tells the reasons apart.
pub(super) async fn access(host: Option<&str>, store: &StoreArguments, existing: bool) -> Result<Access, Refused> {
    let Some(host) = host else {
        let access = if existing { Access::to_existing(store).await } else { Access::to(store).await };
        return access.map_err(Refused::Failed);
    };
    if store.is_etcd() {
        let advice = "--store makes the command change the tokens in etcd, and not through a server";
        return Err(Refused::Other(format!("--host {host} (INFLUXDB3_HOST_URL): {advice}; leave out one of them")));
    }
    let directory = &store.directory;
    let shown = directory.data_dir.display();
    let why = "the API cannot do this, so the command works on the server's machine, through --data-dir";
    let Some(mut client) = access::running(directory).await.map_err(Refused::Failed)? else {
        let advice = "start it with `influxdb3-tokens serve`, or leave out --host to use its database directly";
        return Err(Refused::NotRunning(format!("the server of the directory {shown} does not run; {why}; {advice}")));
    };
    let address = client.address().await.map_err(|error| Refused::Failed(error.into()))?;
    if named(host).is_some_and(|named| named.into_iter().any(|named| is_same(named, address))) {
        return Ok(Access::Running(client));
    }
    let advice = "leave out --host (INFLUXDB3_HOST_URL), or name the data directory of that server";
    Err(Refused::Other(format!("--host {host}: the server of the directory {shown} serves {address}; {why}; {advice}")))
}

/// The addresses that a URL names.
fn named(url: &str) -> Option<Vec<SocketAddr>> {
    let uri: Uri = url.parse().ok()?;
    let default = match uri.scheme_str()? {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    Some((host, uri.port_u16().unwrap_or(default)).to_socket_addrs().ok()?.collect())
}

/// Whether a connection to `named` reaches a server that listens on `address` of this machine.
fn is_same(named: SocketAddr, address: SocketAddr) -> bool {
    let is_reached = address.ip() == named.ip() || (address.ip().is_unspecified() && is_local(named.ip()));
    named.port() == address.port() && is_reached
}

/// Whether this machine has the address.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_server_if_it_names_its_address_or_one_that_it_listens_on_too() {
        for (url, address, expected) in [
            ("http://127.0.0.1:8181", "127.0.0.1:8181", true),
            ("http://127.0.0.1:8181/", "0.0.0.0:8181", true),
            ("https://[::1]:8181", "[::]:8181", true),
            ("http://127.0.0.1", "127.0.0.1:80", true),
            ("http://127.0.0.1:8182", "127.0.0.1:8181", false),
            ("http://127.0.0.2:8181", "127.0.0.1:8181", false),
            ("http://192.0.2.1:8181", "0.0.0.0:8181", false),
            ("127.0.0.1:8181", "127.0.0.1:8181", false),
            ("nonsense", "127.0.0.1:8181", false),
        ] {
            let address = address.parse().unwrap();
            let same = named(url).is_some_and(|named| named.into_iter().any(|named| is_same(named, address)));
            assert_eq!(same, expected, "{url} {address}");
        }
    }
}
