//! Envoy and Traefik, which `make test-long-proxies` installs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use super::{Front, Proxy, Scene, configuration, listening, replaced, request, send};
use crate::limits::within;

#[tokio::test]
#[ignore = "`make test-long-proxies` installs Envoy"]
async fn envoy_lets_a_token_pass_until_it_is_deleted() {
    let (scene, directory) = (Scene::new().await, tempfile::tempdir().unwrap());
    let (file, socket) = (directory.path().join("envoy.yaml"), directory.path().join("envoy.sock"));
    let listen = format!("pipe: {{ path: {} }}", socket.display());
    let port = |address: &str| format!("address: 127.0.0.1, port_value: {}", address.rsplit_once(':').unwrap().1);
    let text = replaced(
        "envoy/influxdb3-tokens.yaml",
        &[
            ("socket_address: { address: 0.0.0.0, port_value: 8080 }", &listen),
            ("address: 127.0.0.1, port_value: 8182", &port(&scene.server.operations().to_string())),
            ("address: 127.0.0.1, port_value: 9000", &port(&scene.backend.address)),
        ],
    );
    fs::write(&file, text).unwrap();
    // Without a restart, it needs no shared memory and no other process.
    let _envoy = Proxy::start(Command::new("envoy").arg("--config-path").arg(file).arg("--disable-hot-restart"));
    let front = Front::Socket(socket);
    listening("Envoy", &front).await;
    scene.play(&front).await;
}

#[tokio::test]
#[ignore = "`make test-long-proxies` installs Traefik"]
async fn traefik_lets_a_token_pass_until_it_is_deleted() {
    let (scene, directory) = (Scene::new().await, tempfile::tempdir().unwrap());
    let file = directory.path().join("dynamic.yaml");
    let own_rule = ("PathPrefix(`/write`)", "PathPrefix(`/write`)");
    fs::write(&file, configuration("traefik/influxdb3-tokens.yaml", &scene.server, &scene.backend, own_rule)).unwrap();
    let mut command = Command::new("traefik");
    command.arg(format!("--providers.file.filename={}", file.display()));
    // Without its check for a newer version, which would ask a server on the Internet.
    command.args(["--entryPoints.web.address=127.0.0.1:0", "--global.checkNewVersion=false"]);
    let traefik = Proxy::start(&mut command);
    let front = Front::Address(listened(&traefik).await);
    // It answers before it has read the file.
    within("Traefik's routes", async {
        while send(&front, request("/", &[])).await.0 == 404 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    scene.play(&front).await;
}

/// The address on which a process listens, once it does. Traefik does not say which port it got.
async fn listened(proxy: &Proxy) -> SocketAddr {
    within("Traefik to listen", async {
        loop {
            if let Some(port) = listening_port(proxy.0.id()) {
                return (Ipv4Addr::LOCALHOST, port).into();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// The port of a process's only listening socket, from the kernel's table.
fn listening_port(process: u32) -> Option<u16> {
    let open = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let open: Vec<_> = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).collect();
    let table = fs::read_to_string(format!("/proc/{process}/net/tcp")).ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let of_process = open.iter().any(|link| link.to_str() == Some(&format!("socket:[{}]", fields[9])));
        let is_listening = fields[3] == "0A" && of_process;
        is_listening.then(|| u16::from_str_radix(fields[1].rsplit_once(':')?.1, 16).ok())?
    })
}
