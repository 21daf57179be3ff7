//! Runs the command in its own process.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use influxdb3_tokens::{Catalog, SqliteStore, SystemClock, TokenName};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::sleep;
use uuid::Uuid;

use crate::blocking::{block, kill, output};
use crate::client::{Client, Http1, Http2};
use crate::creation::create;
use crate::document::Token;
use crate::limits::within;

/// The command, without the `INFLUXDB3_` variables of the tests' environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_influxdb3-tokens")), arguments)
}

/// The command that deletes the token that this text selects, through the API.
pub(crate) fn delete(url: &str, token: impl Display) -> Command {
    command(&["delete", "--id", &token.to_string(), "--host", url])
}

/// The command that deletes the token on the server's machine.
pub(crate) fn delete_here(directory: &str, token: Token) -> Command {
    command(&["delete", "--token-name", token.name, directory])
}

fn clean(mut command: Command, arguments: &[&str]) -> Command {
    let is_read = |name: &str| name.starts_with("INFLUXDB3_") || ["LOG_FILTER", "LOG_FORMAT"].contains(&name);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_read(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.args(arguments).env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// The exit code, the standard output and the standard error of a command.
pub(crate) fn finish(command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = output(command);
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Copies a program, so that every user can run it. The command `install` writes the copy: if this process did, a child of
/// another test could inherit the open descriptor, and the kernel executes no file that is open for writing.
pub(crate) fn install(from: impl AsRef<Path>, to: &Path) {
    let mut install = Command::new("install");
    install.args(["-m", "755"]).arg(from.as_ref()).arg(to);
    let (code, _, error) = finish(install);
    assert_eq!(code, 0, "{error}");
}

/// A data directory that is removed at the end of the test.
pub(crate) struct DataDir {
    root: TempDir,
}

impl DataDir {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    /// In memory, where the machine allows it: for tests that make many directories, of which none needs a disk.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { root: root.unwrap() }
    }

    /// A file beside the data directory.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A copy of the program, beside the data directory, that every user can execute.
    #[cfg(target_os = "linux")]
    pub(crate) fn program_for_all(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let program = self.beside("influxdb3-tokens");
        // Not by this process: another thread that starts a process would hand it the open file, and a file that is open for
        // writing cannot be executed.
        let mut copy = Command::new("cp");
        copy.arg(env!("CARGO_BIN_EXE_influxdb3-tokens")).arg(&program);
        assert!(output(copy).status.success());
        std::fs::set_permissions(self.root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.beside("data")
    }

    pub(crate) fn argument(&self) -> String {
        format!("--data-dir={}", self.path().display())
    }

    /// Opens the catalog. No server may run until the catalog is dropped.
    pub(crate) async fn catalog(&self) -> Catalog {
        let store = SqliteStore::open(self.path().join("tokens.db")).unwrap();
        Catalog::open(Arc::new(store), Arc::new(SystemClock)).await.unwrap()
    }

    /// Creates the operator token, and returns its secret. No server may run meanwhile.
    pub(crate) async fn operator(&self) -> String {
        create(&self.catalog().await, TokenName::OPERATOR, "*:*:*", None).await.1
    }

    pub(crate) fn serve(&self, arguments: &[&str]) -> Command {
        let directory = self.argument();
        command(&[&["serve", "--http-bind=127.0.0.1:0", &directory], arguments].concat())
    }

    /// Like [`Self::serve`], but no file can grow beyond this size.
    pub(crate) fn serve_with_file_size(&self, bytes: u64) -> Command {
        let blocks = (bytes / 512).to_string();
        let script = "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"";
        let (program, directory) = (env!("CARGO_BIN_EXE_influxdb3-tokens"), self.argument());
        clean(Command::new("sh"), &["-c", script, &blocks, program, "serve", "--http-bind=127.0.0.1:0", &directory])
    }

    /// Starts the server, which listens when this returns.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.serve(arguments))
    }

    /// Reads the UUID of the cluster. No server may run meanwhile.
    pub(crate) fn cluster(&self) -> Uuid {
        use influxdb3_tokens::TokenStore;
        SqliteStore::open(self.path().join("tokens.db")).unwrap().cluster_uuid()
    }
}

/// A running server. Dropping this kills it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// `None` if the command has no `--ops-bind`.
    operations: Option<SocketAddr>,
    is_https: bool,
    id: Pid,
    /// `None` once it has ended.
    process: Option<(Child, BufReader<ChildStdout>)>,
    /// `None` if the log goes elsewhere.
    stderr: Option<File>,
}

impl Running {
    /// Starts the server, which listens when this returns.
    pub(crate) fn start(command: Command) -> Self {
        Self::try_start(command).unwrap_or_else(|ended| panic!("{ended:?}"))
    }

    /// Like [`Self::start`], but if the server ends, returns its status and everything that it printed.
    pub(crate) fn try_start(command: Command) -> Result<Self, (ExitStatus, String)> {
        let stderr = tempfile::tempfile().unwrap();
        let log = stderr.try_clone().unwrap();
        Self::start_with(command, log.into(), Some(stderr))
    }

    /// Like [`Self::start`], with another standard error.
    pub(crate) fn start_into(command: Command, stderr: impl Into<Stdio>) -> Self {
        Self::start_with(command, stderr.into(), None).unwrap_or_else(|ended| panic!("{ended:?}"))
    }

    fn start_with(mut command: Command, log: Stdio, stderr: Option<File>) -> Result<Self, (ExitStatus, String)> {
        let has_operations = command.get_args().any(|argument| argument.to_string_lossy().starts_with("--ops-bind"));
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        // It holds an end of a pipe that it gave to the process.
        drop(command);
        let id = Pid::from_child(&process);
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let first_lines = move || {
            let (mut api, mut operations) = (String::new(), String::new());
            stdout.read_line(&mut api).unwrap();
            if has_operations {
                stdout.read_line(&mut operations).unwrap();
            }
            (api, operations, process, stdout)
        };
        let (api, operations, process, stdout) = block("the server to listen", first_lines, || kill(id));
        let process = Some((process, stdout));
        let mut running = Self { address: ([0; 4], 0).into(), operations: None, is_https: false, id, process, stderr };
        let address = |line: &str, before| line.strip_prefix(before).map(|rest| rest.trim_end().parse().unwrap());
        running.is_https = api.starts_with("listening on https");
        match address(&api, if running.is_https { "listening on https://" } else { "listening on http://" }) {
            Some(address) => running.address = address,
            None => return Err(running.wait()),
        }
        running.operations = address(&operations, "operations on http://");
        Ok(running)
    }

    /// The address of the operations listener.
    pub(crate) fn operations(&self) -> SocketAddr {
        self.operations.expect("the command has `--ops-bind`")
    }

    pub(crate) fn id(&self) -> Pid {
        self.id
    }

    /// Everything that the server has printed on standard error.
    pub(crate) fn log(&self) -> String {
        self.stderr.as_ref().map(|stderr| contents(stderr.try_clone().unwrap())).unwrap_or_default()
    }

    /// Waits until the log contains this.
    pub(crate) async fn until_logged(&self, text: &str) {
        let logged = async {
            while !self.log().contains(text) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        within(format_args!("{text:?} in the log"), logged).await;
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.is_https { "https" } else { "http" }, self.address)
    }

    pub(crate) async fn http1(&self, cluster: Uuid) -> Http1 {
        Http1::connect(self.address, cluster).await
    }

    /// A client for each protocol.
    pub(crate) async fn clients(&self, cluster: Uuid) -> [Client; 2] {
        [Client::One(self.http1(cluster).await), Client::Two(Http2::connect(self.address, cluster).await)]
    }

    /// A function that sends signals to the server, from any thread.
    pub(crate) fn signaller(&self) -> impl Fn(Signal) + Clone + Send + use<> {
        let id = self.id;
        move |signal| kill_process(id, signal).unwrap()
    }

    /// Sends a signal, waits for the end, and returns the status and everything that the server printed.
    pub(crate) fn end(self, signal: Signal) -> (ExitStatus, String) {
        self.signaller()(signal);
        self.wait()
    }

    /// Waits for the end, and returns the status and everything that the server printed.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let (mut process, mut stdout) = self.process.take().unwrap();
        let end = move || {
            let mut printed = String::new();
            stdout.read_to_string(&mut printed).unwrap();
            (process.wait().unwrap(), printed)
        };
        let (status, printed) = block("the server to end", end, || kill(self.id));
        (status, printed + &self.log())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((process, _)) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn contents(mut file: File) -> String {
    let mut contents = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut contents).unwrap();
    contents
}
