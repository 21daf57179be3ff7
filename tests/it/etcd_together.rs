//! Deletions that share a transaction in etcd do not share their outcomes.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use influxdb3_tokens::{
    Catalog, DeleteError, EtcdStore, NewToken, Permissions, Principal, SystemClock, TokenId, TokenRecord,
};

use crate::etcd;

async fn create(node: &Catalog, name: &str) -> (TokenRecord, Principal) {
    let (token, secret) = NewToken::fresh(name.parse().unwrap(), Permissions::ADMIN).unwrap();
    (node.create(token).await.unwrap(), node.authenticate_or_ask(secret.expose()).await.unwrap())
}

fn named(outcome: &Result<TokenId, DeleteError>) -> String {
    outcome.as_ref().map_or_else(|error| format!("{error:?}"), |_| "Deleted".to_owned())
}

#[tokio::test]
async fn of_deletions_in_one_transaction_each_has_its_own_outcome() {
    const EACH: usize = 20;
    let store = EtcdStore::open(etcd::options().await).await.unwrap();
    let node = Catalog::open(Arc::new(store), Arc::new(SystemClock)).await.unwrap();
    let (_, by) = create(&node, "by").await;
    let (gone, gone_by) = create(&node, "gone").await;
    node.delete(&by, &gone.id.to_string()).await.unwrap();
    let mut tokens = Vec::new();
    for number in 0..2 * EACH {
        tokens.push(create(&node, &number.to_string()).await.0.id.to_string());
    }
    let (unknown, mut kept) = (gone.id.to_string(), tokens.split_off(EACH));
    let before = node.store_statistics().commits;
    let live = tokens.iter().map(|id| (&by, id));
    let unknown = std::iter::once((&by, &unknown));
    let by_deleted = kept.iter().map(|id| (&gone_by, id));
    let deletions = live.chain(unknown).chain(by_deleted).map(|(by, id)| node.delete(by, id));
    let mut outcomes = BTreeMap::new();
    for outcome in join_all(deletions).await {
        *outcomes.entry(named(&outcome)).or_insert(0) += 1;
    }
    let expected = [("Deleted", EACH), ("NotFound", 1), ("Unauthorized", EACH)];
    assert_eq!(outcomes, expected.map(|(outcome, count)| (outcome.to_owned(), count)).into());
    let commits = node.store_statistics().commits - before;
    assert!(commits <= 2, "{commits} commits");

    // What was refused is still live.
    kept.push(gone.id.to_string());
    let kept = join_all(kept.iter().map(|id| node.delete(&by, id))).await;
    assert_eq!(kept.iter().filter(|outcome| outcome.is_ok()).count(), EACH);
}
