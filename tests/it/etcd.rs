//! A real etcd for tests: one member for all of them, each under a prefix of its own.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use influxdb3_tokens::{EtcdOptions, EtcdStore};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// One member of etcd, which ends with this value.
pub(crate) struct Member {
    process: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Member {
    /// Starts a member that is a cluster by itself, and waits until it answers.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [client, peer] = free_addresses();
        let url = |address| format!("http://{address}");
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(directory.path())
            .args(["--listen-client-urls", &url(client), "--advertise-client-urls", &url(client)])
            .args(["--listen-peer-urls", &url(peer), "--initial-advertise-peer-urls", &url(peer)])
            .args(["--initial-cluster", &format!("default={}", url(peer)), "--log-level", "error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd is installed: Debian's package is etcd-server");
        let member = Self { process, address: client, _directory: directory };
        let begin = Instant::now();
        while EtcdStore::open(member.options()).await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "etcd does not start");
        }
        member
    }

    /// A store of its own in this member.
    pub(crate) fn options(&self) -> EtcdOptions {
        static PREFIXES: AtomicU64 = AtomicU64::new(0);
        let prefix = PREFIXES.fetch_add(1, Ordering::Relaxed);
        EtcdOptions::from_url(&format!("etcd://{}/{prefix}", self.address)).unwrap()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// A store of its own, in a member that all tests of this process share.
pub(crate) async fn options() -> EtcdOptions {
    static MEMBER: OnceCell<Member> = OnceCell::const_new();
    MEMBER.get_or_init(Member::start).await.options()
}

/// Addresses that are free now.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}
