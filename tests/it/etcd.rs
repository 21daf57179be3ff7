//! A real etcd for tests: one member for all of them, each under a prefix of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use influxdb3_tokens::{EtcdOpenError, EtcdOptions, EtcdStore};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::limits::within;

/// One member of etcd, which is a cluster by itself and ends with this value.
pub(crate) struct Member {
    process: Child,
    command: MemberCommand,
}

/// How a member is started, again and again.
struct MemberCommand {
    scheme: &'static str,
    client: SocketAddr,
    peer: SocketAddr,
    options: Vec<String>,
    directory: TempDir,
}

impl Member {
    /// Starts a member, and waits until it answers.
    pub(crate) async fn start() -> Self {
        Self::start_with("http", directory(), &[]).await
    }

    /// Starts a member with further options, whose clients speak this scheme. The directory is for its files.
    pub(crate) async fn start_with(scheme: &'static str, directory: TempDir, options: &[String]) -> Self {
        let [client, peer] = free_addresses();
        let command = MemberCommand { scheme, client, peer, options: options.to_vec(), directory };
        let member = Self { process: command.start(), command };
        member.wait().await;
        member
    }

    /// A store of its own in this member.
    pub(crate) fn options(&self) -> EtcdOptions {
        Self::options_at(self.address())
    }

    /// A store of its own, with the member at this address, which may lead to it.
    pub(crate) fn options_at(address: SocketAddr) -> EtcdOptions {
        static PREFIXES: AtomicU64 = AtomicU64::new(0);
        let prefix = PREFIXES.fetch_add(1, Ordering::Relaxed);
        EtcdOptions::from_url(&format!("etcd://{address}/{prefix}")).unwrap()
    }

    /// Where clients reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.command.client
    }

    /// A file in the member's directory, for a test.
    #[allow(dead_code, reason = "only the tests of the server use it")]
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.command.directory.path().join(name)
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

    /// Kills the process, and starts it again after `change` has had its directory.
    pub(crate) async fn restart(&mut self, change: impl FnOnce(&Path)) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        change(self.command.directory.path());
        self.process = self.command.start();
        self.wait().await;
    }

    /// Waits until it answers, which it does once it has a leader; with TLS, until it listens.
    async fn wait(&self) {
        within("etcd to answer", async {
            while !self.answers().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    async fn answers(&self) -> bool {
        if self.command.scheme == "https" {
            return TcpStream::connect(self.address()).await.is_ok();
        }
        !matches!(EtcdStore::open_existing(self.options()).await, Err(EtcdOpenError::Unavailable(_)))
    }

    /// Ends the member when this process does, because the value of a static is not dropped. The returned process notices that by
    /// the end of its input.
    fn end_with_this_process(&self) -> Child {
        Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$1\"; rm -r \"$2\"", "sh", &self.process.id().to_string()])
            .arg(self.command.directory.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
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

impl MemberCommand {
    fn start(&self) -> Child {
        let (client, peer) = (format!("{}://{}", self.scheme, self.client), format!("http://{}", self.peer));
        Command::new("etcd")
            .arg("--data-dir")
            .arg(self.directory.path().join("member"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}"), "--log-level", "error"])
            .args(&self.options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd is installed: Debian's package is etcd-server")
    }
}

/// A directory for a member; in memory, where the machine allows it.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// A store of its own, in a member that all tests of this process share.
pub(crate) async fn options() -> EtcdOptions {
    static MEMBER: OnceCell<(Member, Child)> = OnceCell::const_new();
    let start = async || {
        let member = Member::start().await;
        let end = member.end_with_this_process();
        (member, end)
    };
    MEMBER.get_or_init(start).await.0.options()
}

/// Addresses that are free now.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}
