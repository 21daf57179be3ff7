//! The command writes no secret to a log or an error.

use std::io;

use base64::Engine;
use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::{Secret, TokenId};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::client::Request;
use crate::document::{PARAMETER, PATH, Token};
use crate::limits::within;
use crate::process::{DataDir, Running, command, delete, delete_here, finish};
use crate::redaction::expect_no_secret;
use crate::rejected::rejected_requests;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_logs_everything_logs_no_secret() {
    for format in ["full", "pretty", "json", "logfmt"].map(|format| format!("--log-format={format}")) {
        let directory = DataDir::new();
        let mut secrets = vec![directory.operator().await];
        let cluster = directory.cluster();
        let (admin_file, permission_file) = (directory.beside("admin.json"), directory.beside("permission.json"));
        for (file, kind) in [(&admin_file, "--admin"), (&permission_file, "--permission=db:a:read")] {
            let file = file.to_str().unwrap();
            let created = finish(command(&["create", kind, "--name=given", "--offline", "--output-file", file]));
            assert_eq!(created.0, 0, "{created:?}");
            secrets.push(secret_in(&std::fs::read_to_string(file).unwrap()));
        }
        let server = directory.start(&[
            "--log-filter=trace",
            &format,
            &format!("--admin-token-file={}", admin_file.display()),
            &format!("--permission-tokens-file={}", permission_file.display()),
        ]);

        let (mut tokens, mut created) = (Vec::new(), String::new());
        for name in ["a", "b", "c", "d"] {
            let create = ["create", "--admin", "--name", name, "--format=json", &directory.argument()];
            let (code, out, _) = finish(command(&create));
            assert_eq!(code, 0);
            let token: AdminTokenObject = serde_json::from_str(&out).unwrap();
            tokens.push(Token::new(TokenId::from_u64(token.id.unwrap().try_into().unwrap()), name));
            created = token.token.unwrap().0.clone();
            secrets.push(created.clone());
        }
        let operator = &secrets[0];
        let mut answers = String::new();
        for (mut client, token) in server.clients(cluster).await.into_iter().zip(&tokens) {
            let mut requests = rejected_requests(12345, operator, &created);
            requests.push(Request::new("GET", PATH).bearer(operator));
            requests.push(Request::new("DELETE", "/").bearer(operator));
            requests.push(Request::delete(Token::OPERATOR).bearer(operator));
            requests.push(Request::delete(token).bearer(&secrets[2]));
            requests.push(Request::query(&format!("{PARAMETER}={token}&{PARAMETER}={operator}")).bearer(operator));
            requests.push(Request::delete(operator).bearer(operator));
            requests.push(Request::delete(token).bearer(operator));
            requests.push(Request::delete(token).bearer(operator));
            for request in requests {
                answers += &format!("{:?}", client.send(&request).await);
            }
            for request in misplaced(operator) {
                // An answer repeats the span ID of its request.
                client.send(&request).await;
            }
        }
        farewell(&server, cluster, operator).await;
        for (id, token) in [("x", operator), (&*tokens[2].to_string(), operator), ("y", &secrets[2])] {
            let mut delete = delete(&server.url(), id);
            let (_, out, error) = finish({
                delete.env("INFLUXDB3_AUTH_TOKEN", token);
                delete
            });
            answers += &(out + &error);
        }
        for token in ["wrong", &secrets[2], operator, operator] {
            let (_, out, error) = finish({
                let mut delete = delete_here(&directory.argument(), tokens[3]);
                delete.env("INFLUXDB3_AUTH_TOKEN", token);
                delete
            });
            answers += &(out + &error);
        }
        let regenerate = ["create", "--admin", "--regenerate", "--format=json", &directory.argument()];
        let (code, regenerated, error) = finish(command(&regenerate));
        assert_eq!(code, 0);
        answers += &error;
        secrets.push(secret_in(&regenerated));

        let (status, printed) = server.end(Signal::TERM);
        assert!(status.success());
        assert!(["deleted a token", "answered", "ended early"].iter().all(|line| printed.contains(line)), "{printed}");
        // These show what clients send.
        assert!(["h2", "hyper", "hyper_util"].iter().all(|name| !printed.contains(&format!("{name}::"))), "{printed}");
        expect_no_secret(&printed, &secrets);
        expect_no_secret(&answers, &secrets);
    }
}

/// Requests with a secret in each place where a client can put one.
fn misplaced(secret: &str) -> Vec<Request> {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("u:{secret}"));
    let delete = || Request::delete(12345);
    vec![
        Request::new(secret, PATH),
        Request::new(secret, format!("/{secret}")),
        Request::new("DELETE", format!("{PATH}/{secret}?{secret}={secret}")),
        delete().with("x-span-id", secret),
        delete().with("x-span-id", &basic),
        delete().bearer(secret).with("x-span-id", secret),
        delete().with(secret, "value"),
        delete().with("referer", format!("http://tokens.test/?p={secret}")),
        delete().with("traceparent", secret),
        delete().with("user-agent", secret),
        delete().with("expect", secret),
    ]
}

/// Ends an HTTP/1.1 connection with a malformed request, and an HTTP/2 connection with a reason, which both have a secret.
async fn farewell(server: &Running, cluster: Uuid, secret: &str) {
    let mut one = server.http1(cluster).await;
    one.write(format!("DELETE {PATH} HTTP/1.1\r\nhost: {secret}@\r\n{secret}\r\n\r\n").as_bytes()).await.unwrap();
    one.receive_unchecked().await;
    let frame = |kind: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 0], payload].concat()
    };
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    const PROTOCOL_ERROR: u8 = 1;
    let reason = [&[0, 0, 0, 0, 0, 0, 0, PROTOCOL_ERROR], secret.as_bytes()].concat();
    let frames = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, &[]), &frame(GOAWAY, &reason)].concat();
    let mut two = TcpStream::connect(server.address).await.unwrap();
    two.write_all(&frames).await.unwrap();
    // If the server has not read everything, the connection is reset; ignore the error.
    let _ = within("the end of the connection", two.read_to_end(&mut Vec::new())).await;
}

#[test]
fn the_error_about_an_invalid_token_file_does_not_show_its_contents() {
    let directory = DataDir::new();
    let secret = Secret::generate().unwrap().expose().to_owned();
    for (option, json) in [
        ("--admin-token-file", format!(r#"{{"token": ["{secret}"], "name": "a"}}"#)),
        ("--admin-token-file", format!(r#"{{"token": {{"{secret}": 1}}, "name": "a"}}"#)),
        ("--admin-token-file", format!(r#"{{"token": "{secret}", "name": 7}}"#)),
        ("--admin-token-file", format!(r#"{{"token": "{secret}", "name": "a", "expiry_millis": "{secret}"}}"#)),
        ("--admin-token-file", format!(r#"{{"token": "{secret} ", "name": "a"}}"#)),
        ("--admin-token-file", format!(r#"{{"token": "{secret}", "name": "a", "token": "{secret}"}}"#)),
        ("--admin-token-file", format!(r#""{secret}""#)),
        ("--admin-token-file", secret.clone()),
        ("--permission-tokens-file", format!(r#"{{"tokens": "{secret}"}}"#)),
        ("--permission-tokens-file", format!(r#"{{"tokens": ["{secret}"]}}"#)),
        (
            "--permission-tokens-file",
            format!(r#"{{"tokens": [{{"token": "{secret}", "name": "a", "permissions": 1}}]}}"#),
        ),
    ] {
        let file = directory.beside("tokens.json");
        write_private(&file, &json);
        let (code, out, error) = finish(directory.serve(&[option, file.to_str().unwrap(), "--log-filter=trace"]));
        assert_eq!((code, &*out), (1, ""), "{json}");
        assert!(error.contains("tokens.json: "), "{error}");
        expect_no_secret(&error, std::slice::from_ref(&secret));
    }
}

fn write_private(file: &std::path::Path, contents: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(file).unwrap();
    io::Write::write_all(&mut file, contents.as_bytes()).unwrap();
}

/// The first secret in a text.
fn secret_in(text: &str) -> String {
    text.split('"').find(|part| part.starts_with("apiv3_")).unwrap().to_owned()
}
