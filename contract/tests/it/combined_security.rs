//! Servers of an API that requires two credentials at once.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use http::request::Parts;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use influxdb3_token_api::{Location, Operation, Parameter};
use influxdb3_token_contract::{Api, Outcome, Report};

use crate::api::{OPERATIONS, document};
use crate::server::{Answer, PATH, Right};
use crate::wrong::Change;

const SCHEMES: &[SecurityScheme] = &[
    SecurityScheme::new("Token", SecurityKind::Bearer),
    // It reads the same header as the first.
    SecurityScheme::new("Jwt", SecurityKind::Bearer),
    SecurityScheme::new("Key", SecurityKind::ApiKey { location: Location::Header, name: "x-key" }),
];

const CERTIFICATE: SecurityScheme = SecurityScheme::new("Certificate", SecurityKind::MutualTls);

const DELETION: &[Operation] = &[Operation::new("DeleteToken", Method::DELETE, PATH)
    .parameters(&[Parameter::new("id", Location::Query).required()])
    .responses(OPERATIONS[0].responses)
    .security(&[SecurityRequirement::new(&[CERTIFICATE]), SecurityRequirement::new(SCHEMES)])];

/// The right server of this API.
fn both(right: &Right, mut head: Parts) -> BoxFuture<'_, Answer> {
    let mut keys = head.headers.get_all("x-key").iter();
    let key = keys.next().and_then(|key| key.to_str().ok());
    let is_valid = key.is_some_and(|key| right.catalog.authenticate(key).is_some()) && keys.next().is_none();
    if !is_valid {
        head.headers.remove("authorization");
    }
    async move { right.answer(&head).await }.boxed()
}

fn without_the_key(right: &Right, head: Parts) -> BoxFuture<'_, Answer> {
    async move { right.answer(&head).await }.boxed()
}

async fn check(server: for<'r> fn(&'r Right, Parts) -> BoxFuture<'r, Answer>) -> Report {
    let right = Right::in_memory().await;
    let address = right.serve(Some(Change::Whole(server))).await;
    let api =
        Api::new(DELETION, SCHEMES, &document().to_string()).unwrap().token_deletion("DeleteToken", "id").unwrap();
    right.contract(&format!("http://{address}")).api(api).run(|_| ()).await.unwrap()
}

#[tokio::test]
async fn a_server_that_requires_both_credentials_passes() {
    let report = check(both).await;
    assert!(report.holds(), "{:#?}", report.failed().collect::<Vec<_>>());
    for name in ["right", "Token/missing", "Token/wrong", "Key/missing", "Key/expired", "Key/doubled"] {
        let name = format!("credentials/Token+Jwt+Key/{name}");
        let case = report.cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(matches!(case.outcome, Outcome::Passed), "{name}");
    }
}

#[tokio::test]
async fn a_server_that_checks_one_of_two_credentials_fails() {
    let report = check(without_the_key).await;
    let failed: Vec<_> = report.failed().map(|case| &*case.name).collect();
    for name in ["missing", "wrong", "expired", "revoked"] {
        assert!(failed.contains(&&*format!("credentials/Token+Jwt+Key/Key/{name}")), "{name}: {failed:?}");
    }
    assert!(failed.iter().all(|name| name.starts_with("credentials/Token+Jwt+Key/Key/")), "{failed:?}");
}
