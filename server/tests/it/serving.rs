//! Serves with the server of this package.

use std::future::pending;

use influxdb3_tokens::TokenApi;
use tokio::net::TcpListener;

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, api: TokenApi) {
    influxdb3_tokens_server::serve(listener, api, pending()).await;
}
