//! Proxies that ask `/verify`, with their configurations of `ops/`, in front of a backend.

mod installed_by_hand;

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use influxdb3_tokens::TokenName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::OPS_BIND;
use crate::client;
use crate::creation::create;
use crate::document::{DELETED, Token};
use crate::limits::within;
use crate::nginx::{self, Nginx};
use crate::process::{DataDir, Running};

/// Answers with the headers of the request, one a line.
struct Backend {
    address: String,
    asked: Arc<AtomicUsize>,
}

impl Backend {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                let echo = service_fn(move |request: Request<Incoming>| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                        format!("{name}: {}\n", value.to_str().unwrap())
                    };
                    let headers: String = request.headers().iter().map(line).collect();
                    async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(headers)))) }
                });
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), echo));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A configuration of `ops/`, with the addresses of a test instead of its own.
fn configuration(file: &str, server: &Running, backend: &Backend, listen: (&str, &str)) -> String {
    let operations = server.operations().to_string();
    replaced(file, &[("127.0.0.1:8182", &operations), ("127.0.0.1:9000", &backend.address), listen])
}

fn replaced(file: &str, replacements: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops").join(file);
    let mut text = fs::read_to_string(path).unwrap();
    for (own, of_test) in replacements {
        assert!(text.contains(own), "{own}");
        text = text.replace(own, of_test);
    }
    text
}

/// Where a proxy listens.
enum Front {
    Socket(PathBuf),
    Address(SocketAddr),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Front {
    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Socket(path) => Box::new(UnixStream::connect(path).await?),
            Self::Address(address) => Box::new(TcpStream::connect(address).await?),
        })
    }
}

async fn send(front: &Front, request: Request<Empty<Bytes>>) -> (u16, String, Response<()>) {
    within("the proxy", async {
        let stream = front.connect().await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        connection.abort();
        (parts.status.as_u16(), String::from_utf8(body.into()).unwrap(), Response::from_parts(parts, ()))
    })
    .await
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    let request = Request::post(path).header("host", "shop.example.com");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Empty::new()).unwrap()
}

/// A server with tokens, and a backend.
struct Scene {
    directory: DataDir,
    server: Running,
    backend: Backend,
    operator: String,
    writer: (Token, String),
    reader: String,
}

impl Scene {
    async fn new() -> Self {
        let directory = DataDir::new();
        let catalog = directory.catalog().await;
        let operator = create(&catalog, TokenName::OPERATOR, "*:*:*", None).await.1;
        let writer = create(&catalog, "writer", "db:sensors:read,write", None).await;
        let names: Vec<_> = (0..600).map(|number| number.to_string()).collect();
        let reader = create(&catalog, "reader", &format!("db:{}:read", names.join(",")), None).await.1;
        drop(catalog);
        let server = directory.start(&[OPS_BIND]);
        Self { directory, server, backend: Backend::start().await, operator, writer, reader }
    }

    /// Sends requests through the proxy, until the server has ended.
    async fn play(self, proxy: &Front) {
        let Self { directory, server, backend, operator, writer: (writer, secret), reader } = self;
        let bearer = format!("Bearer {secret}");
        let forged = [("x-token-id", "0"), ("x-token-permissions", "*:*:*")];

        // Without a valid credential, the backend is not asked.
        for value in ["", "Bearer apiv3_wrong", "Basic eDp5"] {
            let headers: Vec<_> = forged.into_iter().chain([("authorization", value)]).collect();
            let (status, _, answer) = send(proxy, request("/write", &headers)).await;
            assert_eq!(status, 401);
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("realm=\"influxdb3\""), "{challenge}");
        }
        assert_eq!(backend.asked(), 0);

        // The server says which token it is, whatever the client says.
        for path in ["/write", "/other?permission=nonsense"] {
            let headers: Vec<_> = forged.into_iter().chain([("authorization", &*bearer)]).collect();
            let (status, echoed, _) = send(proxy, request(path, &headers)).await;
            assert_eq!(status, 200);
            let of_token: Vec<_> = echoed.lines().filter(|line| line.starts_with("x-token")).collect();
            assert_eq!(of_token.len(), 2, "{echoed}");
            assert!(of_token.contains(&&*format!("x-token-id: {}", writer.id)), "{echoed}");
            assert!(of_token.contains(&"x-token-permissions: db:sensors:read,write"), "{echoed}");
            assert!(!echoed.contains(&secret), "{echoed}");
        }

        // A token without the permission, whose own permissions are too long for a header.
        let bearer_of_reader = format!("Bearer {reader}");
        let headers: Vec<_> = forged.into_iter().chain([("authorization", &*bearer_of_reader)]).collect();
        assert_eq!(send(proxy, request("/write", &headers)).await.0, 403);
        let (status, echoed, _) = send(proxy, request("/", &headers)).await;
        assert_eq!(status, 200);
        let permissions = echoed.lines().find_map(|line| line.strip_prefix("x-token-permissions: "));
        assert!(permissions.is_none_or(str::is_empty), "{echoed}");

        // However the path is written.
        let asked = backend.asked();
        for path in ["//write", "/other/../write", "/./write", "/%77rite", "/wri%74e/x", "/write/"] {
            let (status, echoed, _) = send(proxy, request(path, &headers)).await;
            assert!((400..=403).contains(&status), "{path}: {status}, {echoed}");
        }
        assert_eq!(backend.asked(), asked);

        // A deleted token is refused at once.
        let asked = backend.asked();
        let mut api = server.http1(cluster(&server).await).await;
        assert_eq!(api.send(&client::Request::delete(writer).bearer(&operator)).await.status, DELETED);
        for path in ["/write", "/"] {
            assert_eq!(send(proxy, request(path, &[("authorization", &bearer)])).await.0, 401);
        }

        // Without the server, nothing passes.
        drop(server);
        let (status, ..) = send(proxy, request("/", &[("authorization", &bearer_of_reader)])).await;
        assert!(status >= 500, "{status}");
        assert_eq!(backend.asked(), asked);
        drop(directory);
    }
}

async fn cluster(server: &Running) -> uuid::Uuid {
    let answer = super::get(server.address, "/").await;
    answer.headers()["cluster-uuid"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "the test says that it checks nothing")]
async fn nginx_lets_a_token_pass_until_it_is_deleted() {
    if !nginx::is_installed() {
        eprintln!("nginx is not installed, so this test checks nothing");
        return;
    }
    let (scene, directory) = (Scene::new().await, tempfile::tempdir().unwrap());
    let listen = format!("listen unix:{}/nginx.sock;", directory.path().display());
    let http = configuration("nginx/influxdb3-tokens.conf", &scene.server, &scene.backend, ("listen 8080;", &listen));
    let nginx = Nginx::start(directory.path(), &format!("access_log off; {http}")).await;
    scene.play(&Front::Socket(nginx.socket().into())).await;
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "the test says that it checks nothing")]
async fn caddy_lets_a_token_pass_until_it_is_deleted() {
    if Command::new("caddy").arg("version").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "caddy is not installed");
        eprintln!("caddy is not installed, so this test checks nothing");
        return;
    }
    let (scene, directory) = (Scene::new().await, tempfile::tempdir().unwrap());
    let listen = format!("http:// {{\n\tbind unix/{}/caddy.sock", directory.path().display());
    let site = configuration("caddy/Caddyfile", &scene.server, &scene.backend, ("http://:8080 {", &listen));
    let file = directory.path().join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https off\n}}\n{site}")).unwrap();
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", directory.path());
    let _caddy = Proxy::start(command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME"));
    let front = Front::Socket(directory.path().join("caddy.sock"));
    listening("Caddy", &front).await;
    scene.play(&front).await;
}

async fn listening(proxy: &str, front: &Front) {
    within(format_args!("{proxy} to listen"), async {
        while front.connect().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// The process of a proxy. Dropping this kills it.
struct Proxy(Child);

impl Proxy {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
