//! Servers whose tokens are in etcd.

mod commands;
mod etcd;
mod login;
mod moving;
mod nodes;
mod readiness;
mod token_files;
mod uses;

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Bytes;
use influxdb3_token_api::models::AdminTokenObject;

use crate::limits::within;
use crate::ops::{OPS_BIND, send};
use crate::process::{DataDir, Running, command, finish};
use etcd::Etcd;

/// A server on a store in etcd.
struct Node {
    directory: DataDir,
    server: Running,
}

impl Node {
    fn start(etcd: &Etcd, options: &[&str]) -> Self {
        Self::start_on(&etcd.store(), options)
    }

    fn start_on(store: &str, options: &[&str]) -> Self {
        let directory = DataDir::in_memory();
        let server = directory.start(&[&[OPS_BIND, store], options].concat());
        Self { directory, server }
    }

    /// Asks whether a token is valid.
    async fn verify(&self, secret: &str) -> Response<Bytes> {
        verify(self.server.operations(), secret).await
    }

    /// Asks until the answer has this status.
    async fn until_verified(&self, secret: &str, status: u16) -> Response<Bytes> {
        until(&format!("{status} of /verify"), async || {
            let answer = self.verify(secret).await;
            (answer.status() == status).then_some(answer)
        })
        .await
    }
}

async fn verify(address: SocketAddr, secret: &str) -> Response<Bytes> {
    let request = Request::get("/verify").header("authorization", format!("Bearer {secret}"));
    send(address, request.body(Empty::new()).unwrap()).await
}

/// Tries until there is a value.
async fn until<T>(what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
    within(what, async {
        loop {
            if let Some(value) = attempt().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Runs a command that must succeed, and returns its output.
fn succeed(arguments: &[&str]) -> String {
    let (code, out, error) = finish(command(arguments));
    assert_eq!((code, &*error), (0, ""), "{arguments:?}: {out}");
    out
}

/// Creates a token, and returns it.
fn create(arguments: &[&str]) -> AdminTokenObject {
    serde_json::from_str(&succeed(&[&["create", "token", "--format=json"], arguments].concat())).unwrap()
}

fn secret(token: &AdminTokenObject) -> &str {
    &token.token.as_ref().unwrap().0
}
