//! A real etcd for tests: one member for all of them, each under a prefix of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use influxdb3_tokens::{EtcdOptions, EtcdStore};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// One member of etcd, which ends with this value.
pub(crate) struct Member {
    process: Child,
    client: SocketAddr,
    peer: SocketAddr,
    directory: TempDir,
}

impl Member {
    /// Starts a member that is a cluster by itself, and waits until it answers.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [client, peer] = free_addresses();
        let process = start(directory.path(), client, peer);
        let member = Self { process, client, peer, directory };
        member.wait().await;
        member
    }

    /// A store of its own in this member.
    pub(crate) fn options(&self) -> EtcdOptions {
        Self::options_at(self.client)
    }

    /// A store of its own, with the member at this address, which may lead to it.
    pub(crate) fn options_at(address: SocketAddr) -> EtcdOptions {
        static PREFIXES: AtomicU64 = AtomicU64::new(0);
        let prefix = PREFIXES.fetch_add(1, Ordering::Relaxed);
        EtcdOptions::from_url(&format!("etcd://{address}/{prefix}")).unwrap()
    }

    /// Where clients reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.client
    }

    /// Stops the process where it is, so that connections stay and nothing answers.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
        // The threads stop one after another.
        let begin = Instant::now();
        while !self.is_stopped() {
            assert!(begin.elapsed() < Duration::from_secs(60), "the process does not stop");
        }
    }

    fn is_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        threads.into_iter().all(|thread| {
            let status = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
            status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
        })
    }

    /// Lets a paused process go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills the process, and starts it again after `change` has had the data directory.
    pub(crate) async fn restart(&mut self, change: impl FnOnce(&Path)) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        change(self.directory.path());
        self.process = start(self.directory.path(), self.client, self.peer);
        self.wait().await;
    }

    async fn wait(&self) {
        let begin = Instant::now();
        while EtcdStore::open(self.options()).await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "etcd does not start");
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn start(directory: &Path, client: SocketAddr, peer: SocketAddr) -> Child {
    let url = |address| format!("http://{address}");
    Command::new("etcd")
        .arg("--data-dir")
        .arg(directory.join("member"))
        .args(["--listen-client-urls", &url(client), "--advertise-client-urls", &url(client)])
        .args(["--listen-peer-urls", &url(peer), "--initial-advertise-peer-urls", &url(peer)])
        .args(["--initial-cluster", &format!("default={}", url(peer)), "--log-level", "error"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("etcd is installed: Debian's package is etcd-server")
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
