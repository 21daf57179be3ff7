//! The right server passes over each protocol, with each store and below any path.

use std::net::Ipv4Addr;
use std::sync::Arc;

use http::request::Parts;
use influxdb3_token_api::models::Secret;
use influxdb3_token_contract::{CannotRun, Contract, NoTokens, Outcome, Report};
use influxdb3_tokens::{MemoryStore, SqliteStore};
use tokio::net::TcpListener;

use super::server::{Right, redirect};
use super::wrong::Change;

#[tokio::test]
async fn a_right_server_passes_and_no_token_is_left_behind() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("data/tokens.db")).unwrap();
    let ours = [Right::ours(Arc::new(MemoryStore::new())).await, Right::ours(Arc::new(store)).await];
    for right in ours.into_iter().chain([Right::in_memory().await]) {
        let contract = right.contract(&format!("http://{}", right.serve(None).await));
        for contract in [contract.clone(), contract.http2()] {
            let report = contract.run(|_| ()).await.unwrap();
            assert_whole(&report);
            assert_eq!(right.catalog.live().len(), 1, "only the operator token is left");
        }
    }
}

fn assert_whole(report: &Report) {
    assert!(report.holds(), "{:#?}", report.failed().collect::<Vec<_>>());
    assert!(report.is_complete(), "{:#?}", report.responses);
    assert_eq!(report.left_behind, [""; 0]);
}

#[tokio::test]
async fn a_server_below_a_path_passes() {
    let right = Right::in_memory().await;
    let strip = |_: &Right, head: &mut Parts| {
        let below = head.uri.to_string().strip_prefix("/tenants/a").map(str::to_owned);
        redirect(head, below.as_deref().unwrap_or("/"));
    };
    let address = right.serve(Some(Change::Request(strip))).await;
    let report = right.contract(&format!("http://{address}/tenants/a/")).run(|_| ()).await.unwrap();
    assert_whole(&report);
    assert!(report.server.ends_with("/tenants/a"), "{}", report.server);
}

#[tokio::test]
async fn the_listed_cases_are_exactly_those_that_a_run_observes() {
    let right = Right::in_memory().await;
    let contract = right.contract(&format!("http://{}", right.serve(None).await));
    let mut observed = Vec::new();
    contract.run(|case| observed.push(format!("{}/{}", case.operation, case.name))).await.unwrap();
    assert_eq!(observed, contract.cases());
}

#[tokio::test]
async fn a_check_can_be_spawned() {
    let right = Right::in_memory().await;
    let contract = right.contract(&format!("http://{}", right.serve(None).await));
    assert!(tokio::spawn(async move { contract.run(|_| ()).await }).await.unwrap().unwrap().holds());
}

#[tokio::test]
async fn a_case_that_cannot_be_tried_is_not_covered_and_does_not_pass() {
    let right = Right::in_memory().await;
    let contract = right.contract(&format!("http://{}", right.serve(None).await)).tokens(NoTokens);
    let report = contract.run(|_| ()).await.unwrap();
    assert!(report.holds() && !report.is_complete());
    let of = |name| &report.cases.iter().find(|case| case.name == name).unwrap().outcome;
    assert!(matches!(of("effects/no-token"), Outcome::Passed));
    assert!(matches!(of("credentials/missing"), Outcome::NotCovered { .. }));
    let reached: Vec<_> = report.responses.iter().map(|response| (&*response.status, response.reached)).collect();
    assert_eq!(reached, [("204", false), ("401", false), ("404", true), ("400", true)]);
}

#[tokio::test]
async fn a_server_that_cannot_be_checked_is_an_error() {
    let right = Right::in_memory().await;
    let address = right.serve(None).await;
    let wrong_token = Contract::new(format!("http://{address}"), Secret("apiv3_wrong".to_owned()));
    assert!(matches!(wrong_token.run(|_| ()).await, Err(CannotRun::TokenRefused(_))));

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let contract = right.contract(&format!("http://{nobody}"));
    assert!(matches!(contract.run(|_| ()).await, Err(CannotRun::Unreachable(_))));

    for address in ["", "localhost", "ftp://localhost", "http://", "http://localhost?x"] {
        let contract = right.contract(address);
        assert!(matches!(contract.run(|_| ()).await, Err(CannotRun::Address(_))), "{address}");
    }
}
