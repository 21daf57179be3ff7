//! The recipe for a real InfluxDB in `docs/contract.md`, tried on a server that creates tokens as InfluxDB does.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use hyper::body::Bytes;
use influxdb3_token_contract::{CommandTokens, Outcome, Report};
use serde_json::{Value, json};

use super::creation::create;
use super::documentation::documented;
use super::next_api::{NAMED_ADMIN, api, next};
use super::server::{Answer, Right, presented, set_status};
use super::wrong::Change;

const ENTERPRISE: &str = "/api/v3/enterprise/configure/token";

/// A server that creates tokens, and deletes them by name.
fn influxdb(right: &Right, head: Parts) -> BoxFuture<'_, Answer> {
    async move {
        let path = head.uri.path();
        let may_create = presented(&head) == Some(&right.operator) && head.method == Method::POST;
        let body = head.extensions.get::<Bytes>().cloned().unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        // The kit's own requests have another name.
        let is_provisioning = body["token_name"].as_str().is_some_and(|name| name.starts_with("contract-"));
        if !may_create || !is_provisioning || (path != NAMED_ADMIN && path != ENTERPRISE) {
            return next(right, head).await;
        }
        let permissions = match &body["permissions"][0] {
            Value::Null => "*:*:*".to_owned(),
            one => format!(
                "{}:{}:{}",
                one["resource_type"].as_str().unwrap(),
                one["resource_names"][0].as_str().unwrap(),
                one["actions"][0].as_str().unwrap()
            ),
        };
        let name = body["token_name"].as_str().unwrap();
        let lifetime = body["expiry_secs"].as_u64().map(Duration::from_secs);
        let (token, secret) = create(&right.catalog, name, &permissions, lifetime).await;
        right.names.lock().unwrap().insert(name.to_owned(), token.id.to_string());
        let mut answer = next(right, head.clone()).await;
        set_status(&mut answer, 201);
        let expiry = lifetime.map(|lifetime| chrono::Utc::now() + lifetime);
        let object = json!({
            "id": token.id.as_u64(), "name": name, "token": secret, "hash": "00", "created_at": chrono::Utc::now(),
            "expiry": expiry,
        });
        answer.headers_mut().remove(CONTENT_LENGTH);
        *answer.body_mut() = object.to_string().into();
        answer
    }
    .boxed()
}

/// As the Core edition, which has no tokens with permissions.
fn core(right: &Right, head: Parts) -> BoxFuture<'_, Answer> {
    if head.uri.path() == ENTERPRISE { next(right, head) } else { influxdb(right, head) }
}

async fn check(server: for<'r> fn(&'r Right, Parts) -> BoxFuture<'r, Answer>, after: &str) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("provision.sh");
    let recipe = documented("recipe");
    let recipe = recipe.strip_prefix("```sh").unwrap().split_once('\n').unwrap().1.strip_suffix("```\n").unwrap();
    std::fs::write(&script, recipe).unwrap();
    let right = Right::in_memory().await;
    let address = format!("http://{}", right.serve(Some(Change::Whole(server))).await);
    let variables = format!("INFLUXDB3_HOST_URL={address} INFLUXDB3_AUTH_TOKEN={}", right.operator);
    let command = format!("create() {{ {variables} sh {} \"$@\" {after}; }}; create", script.display());
    let contract = right.contract(&address).api(api()).tokens(CommandTokens::new(command));
    contract.run(|_| ()).await.unwrap()
}

#[tokio::test]
async fn the_recipe_supplies_every_token_that_a_check_needs() {
    // The vendor's command prints the secret only, so a token is known by the name that was asked for.
    let as_the_command = r#"| sed 's/.*"token":"\([^"]*\)".*/{"help_msg": "Store it", "token": "\1"}/'"#;
    for after in ["", as_the_command] {
        let report = check(influxdb, after).await;
        assert!(report.holds() && report.is_complete(), "{:#?} {:#?}", report.causes, report.responses);
        assert_eq!(report.left_behind, [""; 0]);
    }
}

#[tokio::test]
async fn cases_about_permissions_are_not_covered_where_tokens_have_none() {
    let report = check(core, "").await;
    assert!(report.holds() && !report.is_complete());
    let not_covered = report.cases.iter().filter(|case| matches!(case.outcome, Outcome::NotCovered { .. }));
    let not_covered: Vec<_> = not_covered.map(|case| &*case.name).collect();
    assert_eq!(
        not_covered,
        ["effects/limited-token-deleted", "effects/not-permitted", "credentials/nothing-learnt/not-permitted"]
    );
}
