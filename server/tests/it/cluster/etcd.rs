//! A member of etcd for a test of the command.

use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::etcd::{Member, directory};
use crate::limits::within;

/// One member, for which there are options of the command.
pub(super) struct Etcd(Member);

impl Etcd {
    /// Starts a member, which answers when this returns. `None` if etcd is not installed, which CI does not allow.
    pub(super) async fn start() -> Option<Self> {
        Self::start_with("http", directory(), &[]).await
    }

    /// Starts a member with further options, whose clients speak this scheme.
    pub(super) async fn start_with(scheme: &'static str, directory: TempDir, options: &[String]) -> Option<Self> {
        let version = Command::new("etcd").arg("--version").stdout(Stdio::null()).status();
        if version.is_err() && std::env::var_os("CI").is_none() {
            skip();
            return None;
        }
        Some(Self(Member::start_with(scheme, directory, options).await))
    }

    /// The option for a store in this member.
    pub(super) fn store(&self) -> String {
        format!("--store=etcd://{}/tokens", self.address())
    }

    /// Calls the interface for JSON until the call succeeds.
    pub(super) async fn call(&self, path: &str, json: serde_json::Value) -> serde_json::Value {
        within("etcd to answer", async {
            loop {
                let (status, answer) = self.try_call(path, &json).await;
                if status == 200 {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    async fn try_call(&self, path: &str, json: &serde_json::Value) -> (u16, serde_json::Value) {
        let stream = TcpStream::connect(self.address()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::post(path).header("host", self.address().to_string());
        let request = request.body(Full::<Bytes>::from(json.to_string())).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }
}

impl Deref for Etcd {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

impl DerefMut for Etcd {
    fn deref_mut(&mut self) -> &mut Member {
        &mut self.0
    }
}

#[expect(clippy::print_stderr, reason = "says why the test is skipped")]
fn skip() {
    eprintln!("skipped: etcd is not installed");
}
