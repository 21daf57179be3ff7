//! Runs nginx.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::UnixStream;

use crate::limits::within;

/// Whether nginx is installed. In CI it must be.
pub(crate) fn is_installed() -> bool {
    let is_installed = Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_ok();
    assert!(is_installed || std::env::var_os("CI").is_none(), "nginx is not installed");
    is_installed
}

/// One process of nginx. Dropping this kills it.
pub(crate) struct Nginx {
    process: Child,
    socket: PathBuf,
}

impl Nginx {
    /// Starts nginx in a directory. `http` is the content of the block `http`, and has it listen on the directory's
    /// `nginx.sock`.
    pub(crate) async fn start(directory: &Path, http: &str) -> Self {
        let (file, path) = (directory.join("nginx.conf"), directory.display());
        let configuration = format!(
            "daemon off; master_process off; pid {path}/nginx.pid;
            events {{ worker_connections 1000; }}
            http {{
                client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;
                uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;
                {http}
            }}"
        );
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(directory).arg("-c").arg(file).arg("-e").arg(directory.join("error.log"));
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let nginx = Self { process, socket: directory.join("nginx.sock") };
        within("nginx to listen", async {
            while UnixStream::connect(nginx.socket()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        nginx
    }

    /// The socket on which it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
