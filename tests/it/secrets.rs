//! No secret in a log, an error or a `Debug` output, whatever happens and however much is logged.

use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine;
use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_token_api::security::Credential;
use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{Api, Client as ApiClient, Context, XSpanIdString, models};
use influxdb3_tokens::server::control::Reply;
use influxdb3_tokens::{CatalogApi, NewToken, Permissions, Secret, StoreError};
use rustix::process::Signal;

use crate::client::{PATH, Request};
use crate::credentials::refused_requests;
use crate::process::{DataDir, command, finish};
use crate::running::{Fault, FaultyStore, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_logs_everything_logs_no_secret() {
    for format in ["--log-format=text", "--log-format=json"] {
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
            format,
            &format!("--admin-token-file={}", admin_file.display()),
            &format!("--permission-tokens-file={}", permission_file.display()),
        ]);

        let (mut ids, mut created) = (Vec::new(), String::new());
        for name in ["a", "b", "c", "d"] {
            let create = ["create", "--admin", "--name", name, "--format=json", &directory.argument()];
            let (code, out, _) = finish(command(&create));
            assert_eq!(code, 0);
            let token: AdminTokenObject = serde_json::from_str(&out).unwrap();
            ids.push(token.id.unwrap());
            created = token.token.unwrap().0;
            secrets.push(created.clone());
        }
        let operator = &secrets[0];
        let mut answers = String::new();
        for (mut client, id) in server.clients(cluster).await.into_iter().zip(&ids) {
            let mut requests = refused_requests(12345, operator, &created);
            requests.push(Request::new("GET", PATH).bearer(operator));
            requests.push(Request::new("DELETE", "/").bearer(operator));
            requests.push(Request::delete(0).bearer(operator));
            requests.push(Request::delete(id).bearer(&secrets[2]));
            requests.push(Request::query(&format!("id={id}&id={operator}")).bearer(operator));
            requests.push(Request::delete(operator).bearer(operator));
            requests.push(Request::delete(id).bearer(operator));
            requests.push(Request::delete(id).bearer(operator));
            for request in requests {
                answers += &format!("{:?}", client.send(&request).await);
            }
        }
        for (id, token) in [("3", operator), (&*ids[2].to_string(), operator), ("4", &secrets[2])] {
            let mut delete = command(&["delete", "--id", id, "--host", &server.url()]);
            let (_, out, error) = finish({
                delete.env("INFLUXDB3_AUTH_TOKEN", token);
                delete
            });
            answers += &(out + &error);
        }
        let (status, printed) = server.end(Signal::TERM);
        assert!(status.success());
        assert!(
            printed.contains("deleted a token") && printed.contains("insufficient_scope") || printed.len() > 10_000
        );
        expect_none(&printed, &secrets);
        expect_none(&answers, &secrets);
    }
}

#[tokio::test]
async fn what_a_store_failed_of_is_logged_with_its_cause_and_without_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With a single subscriber, what other tests' threads meet first is never logged, here neither.
    let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    // For this thread, on which this test's server runs too.
    let _guard = tracing::subscriber::set_default(subscriber);
    let store = Arc::new(FaultyStore::default());
    let server = Server::over(Arc::clone(&store) as _).await;
    let (operator, (id, other)) = (server.operator().await, server.token("*:*:*").await);
    for mut client in server.clients().await {
        for fault in [
            Fault::Fails(StoreError::Busy),
            Fault::Fails(StoreError::unavailable("the cable is cut")),
            Fault::Fails(StoreError::outcome_unknown("the disk is gone")),
            Fault::Panics,
        ] {
            store.inject(fault);
            assert!(client.send(&Request::delete(id).bearer(&operator)).await.status.is_server_error());
        }
    }
    let span = Request::delete(id).bearer(&operator).with("x-span-id", "my-span");
    assert_eq!(server.http1().await.send(&span).await.status, 204);
    let log = String::from_utf8(std::mem::take(&mut log.0.lock().unwrap())).unwrap();
    for text in ["the cable is cut", "the disk is gone", "too many changes are waiting", "a panic below the service"] {
        assert!(log.contains(text), "{text}: {log}");
    }
    let audit = log.lines().find(|line| line.contains("deleted a token")).unwrap();
    assert!(audit.contains(&format!("id=\"{id}\"")) && audit.contains("by=0") && audit.contains("my-span"), "{audit}");
    expect_none(&log, &[operator, other]);
}

#[tokio::test]
async fn debug_output_holds_no_secret() {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let secret: Secret = operator.parse().unwrap();
    let object = AdminTokenObject {
        id: Some(0),
        name: Some("_admin".to_owned()),
        token: Some(models::Secret(operator.clone())),
        hash: Some(secret.digest().to_string()),
        created_at: None,
        expiry: None,
    };
    let context = Context::new(XSpanIdString::default(), AuthData::bearer(&operator));
    let client = ApiClient::try_new(&format!("http://{}", server.address)).unwrap();
    let refused = client.delete_token("0".to_owned(), &context).await;
    let basic = Credential::Basic { username: "user".into(), password: operator.as_str().into() };
    let token = NewToken::given("a".parse().unwrap(), Permissions::ADMIN, &secret);
    let all = [
        format!("{secret:?} {secret} {object:?} {token:#?}"),
        format!("{:?} {basic:?}", Credential::Bearer(operator.as_str().into())),
        format!("{context:?} {client:?} {refused:?}"),
        format!("{:?}", Reply::Created(Box::new(object))),
        format!("{:?} {:?}", server.catalog, CatalogApi::new(server.catalog.clone())),
        format!("{:?}", server.catalog.authenticate(&operator)),
    ];
    expect_none(&all.join("\n"), &[operator]);
}

#[test]
fn a_token_file_of_another_type_is_refused_without_its_contents() {
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
        expect_none(&error, std::slice::from_ref(&secret));
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

/// Neither whole, nor a good part of it, nor as `Basic` carries it.
fn expect_none(printed: &str, secrets: &[String]) {
    let printed = printed.to_lowercase();
    for secret in secrets {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
        for part in [&secret[6..22], &secret[40..56], &secret[76..], &basic[16..32], &basic[60..76]] {
            assert!(!printed.contains(&part.to_lowercase()), "{part} of {secret} is in {printed}");
        }
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
