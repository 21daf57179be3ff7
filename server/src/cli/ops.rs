//! The options of `serve` for the operations listener.

use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;

use super::Failure;
use super::arguments::host_and_port;
use super::serve::{cannot_listen, listen_on};
use crate::ops::Hosts;

/// Options of the operations listener, which is off unless it has an address.
#[derive(Args)]
#[command(next_help_heading = "Operations")]
pub(super) struct OpsOptions {
    /// Address or host, and port, for health, metrics and the page for people; not for the public
    #[arg(long, env = "INFLUXDB3_TOKENS_OPS_BIND", value_name = "ADDRESS", value_parser = host_and_port)]
    pub(super) ops_bind: Option<(String, u16)>,

    /// Name under which that address may be reached, besides `localhost` and IP addresses
    #[arg(long, env = "INFLUXDB3_TOKENS_OPS_HOST", value_name = "NAME", value_delimiter = ',',
        hide_short_help = true, value_parser = Hosts::name)]
    ops_host: Vec<String>,
}

impl OpsOptions {
    /// Listens on the first of the addresses that can be bound, and warns if others than this machine may reach it.
    pub(super) fn listen(&self, addresses: Option<&[SocketAddr]>) -> Result<Option<TcpListener>, Failure> {
        let (Some(bind), Some(addresses)) = (&self.ops_bind, addresses) else { return Ok(None) };
        let listener = listen_on(addresses).map_err(|error| cannot_listen(bind, &error))?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "the operations listener is not on a loopback address: it answers without authentication, so keep strangers \
                 from it"
            );
        }
        Ok(Some(listener))
    }

    pub(super) fn hosts(&self) -> Hosts {
        Hosts::new(self.ops_host.clone())
    }
}
