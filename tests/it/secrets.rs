//! Logs, errors and `Debug` output contain no secret, even if everything is logged.

use std::io;
use std::sync::{Arc, Mutex};

use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_token_api::security::Credential;
use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{Api, Client as ApiClient, Context, XSpanIdString, models};
use influxdb3_tokens::{CatalogApi, NewToken, Permissions, Secret, StoreError};

use crate::client::Request;
use crate::document::{DELETED, Token};
use crate::generated_client::request;
use crate::limits::within;
use crate::redaction::expect_no_secret;
use crate::running::{Fault, FaultyStore, Server};

#[tokio::test]
async fn the_log_names_the_cause_of_a_store_failure_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_env_filter("trace").with_writer(move || writer.clone()).finish();
    // tracing caches whether anyone wants a log statement. While only one dispatcher exists, a statement that the
    // thread of another test reaches first is cached as unwanted, even for this thread. A second dispatcher prevents
    // that.
    let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    // The subscriber is set for this thread, on which the test's server runs too.
    let _guard = tracing::subscriber::set_default(subscriber);
    let store = Arc::new(FaultyStore::default());
    let server = Server::over(Arc::clone(&store) as _).await;
    let (operator, (token, other)) = (server.operator().await, server.token("*:*:*").await);
    for mut client in server.clients().await {
        for fault in [
            Fault::Fails(StoreError::Busy),
            Fault::Fails(StoreError::unavailable("the cable is cut")),
            Fault::Fails(StoreError::outcome_unknown("the disk is gone")),
            Fault::Panics,
        ] {
            store.inject(fault);
            assert!(client.send(&Request::delete(token).bearer(&operator)).await.status.is_server_error());
        }
    }
    let span = Request::delete(token).bearer(&operator).with("x-span-id", "my-span");
    assert_eq!(server.http1().await.send(&span).await.status, DELETED);
    let log = String::from_utf8(std::mem::take(&mut log.0.lock().unwrap())).unwrap();
    for text in ["the cable is cut", "the disk is gone", "too many changes are waiting", "a call panicked"] {
        assert!(log.contains(text), "{text}: {log}");
    }
    let audit = log.lines().find(|line| line.contains("deleted a token")).unwrap();
    assert!(
        audit.contains(&format!(" id={} ", token.id)) && audit.contains("by=0") && audit.contains("my-span"),
        "{audit}"
    );
    expect_no_secret(&log, &[operator, other]);
}

#[tokio::test]
async fn debug_output_contains_no_secret() {
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
    let rejected = within("a response", client.delete_token(request(Token::OPERATOR), &context)).await;
    let basic = Credential::Basic { username: "user".into(), password: operator.as_str().into() };
    let token = NewToken::given("a".parse().unwrap(), Permissions::ADMIN, &secret);
    let all = [
        format!("{secret:?} {secret} {object:?} {token:#?}"),
        format!("{:?} {basic:?}", Credential::Bearer(operator.as_str().into())),
        format!("{context:?} {client:?} {rejected:?}"),
        format!("{:?} {:?}", server.catalog, CatalogApi::new(server.catalog.clone())),
        format!("{:?}", server.catalog.authenticate(&operator)),
    ];
    expect_no_secret(&all.join("\n"), &[operator]);
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
