//! A member of etcd for a test.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;

use crate::limits::within;
use crate::process::DataDir;

/// One member, which is a cluster by itself and ends with this value.
pub(super) struct Etcd {
    process: Child,
    pub(super) address: SocketAddr,
    /// For files of the test, such as certificates.
    pub(super) folder: DataDir,
}

impl Etcd {
    /// Starts a member. It listens when this returns. `None` if etcd is not installed, which CI does not allow.
    pub(super) async fn start() -> Option<Self> {
        Self::start_with("http", DataDir::in_memory(), &[]).await
    }

    /// Starts a member with further options, whose clients speak this scheme.
    pub(super) async fn start_with(scheme: &str, folder: DataDir, options: &[String]) -> Option<Self> {
        let [client, peer] = free_addresses();
        let (client_url, peer_url) = (format!("{scheme}://{client}"), format!("http://{peer}"));
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(folder.beside("etcd"))
            .args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url])
            .args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url])
            .args(["--initial-cluster", &format!("default={peer_url}"), "--log-level", "error"])
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = match process {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(std::env::var_os("CI").is_none(), "etcd is not installed: Debian's package is etcd-server");
                skip();
                return None;
            }
            process => process.unwrap(),
        };
        let etcd = Self { process, address: client, folder };
        within("etcd to listen", async {
            while TcpStream::connect(client).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        Some(etcd)
    }

    /// The option for a store in this member.
    pub(super) fn store(&self) -> String {
        format!("--store=etcd://{}/tokens", self.address)
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Calls the interface for JSON until the call succeeds: a member that listens may have no leader yet.
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
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::post(path).header("host", self.address.to_string());
        let (head, body) = sender
            .send_request(request.body(Full::<Bytes>::from(json.to_string())).unwrap())
            .await
            .unwrap()
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::print_stderr, reason = "says why the test is skipped")]
fn skip() {
    eprintln!("skipped: etcd is not installed");
}

/// Addresses that are free now.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}
