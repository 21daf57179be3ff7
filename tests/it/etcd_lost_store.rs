//! An address that leads to another etcd than before: one that has lost its data, or that has another store.

use std::fs;
use std::path::Path;

use influxdb3_token_api::security::AuthenticationError::{Unavailable, Unknown};
use influxdb3_tokens::{
    Catalog, CreateError, DeleteError, EtcdOptions, Permissions, Principal, RegenerateError, Secret, StoreError,
};

use crate::etcd::Member;
use crate::etcd_nodes::{copy, copy_directory, create, node, restore, until};

async fn principal(node: &Catalog, secret: &Secret) -> Principal {
    node.authenticate_or_ask(secret.expose()).await.unwrap()
}

/// Starts the member with an empty directory.
async fn lose(member: &mut Member) {
    member.restart(|data: &Path| fs::remove_dir_all(data.join("member")).unwrap()).await;
}

/// Whether the store has refused a change for certain, and says why.
fn is_refused(error: &StoreError) -> bool {
    let StoreError::Unavailable { source } = error else { return false };
    source.to_string().contains("has lost the token store")
}

/// Requests one change of each kind, which all must be refused.
async fn assert_nothing_changes(node: &Catalog, by: &Principal) {
    for id in ["1", "2"] {
        let deleted = node.delete(by, id).await;
        assert!(matches!(&deleted, Err(DeleteError::Store(error)) if is_refused(error)), "{deleted:?}");
    }
    let together = ["1", "2", "3"].map(|id| node.delete(by, id));
    for deleted in futures::future::join_all(together).await {
        assert!(matches!(&deleted, Err(DeleteError::Store(error)) if is_refused(error)), "{deleted:?}");
    }
    let deleted = node.delete_by_name(by, "ci").await;
    assert!(matches!(&deleted, Err(DeleteError::Store(_))), "{deleted:?}");
    let created = node.create_fresh("another", Permissions::ADMIN, None).await;
    assert!(matches!(&created, Err(CreateError::Store(error)) if is_refused(error)), "{created:?}");
    let regenerated = node.regenerate_operator().await;
    assert!(matches!(&regenerated, Err(RegenerateError::Store(_))), "{regenerated:?}");
    assert!(is_refused(&node.probe_store().await.unwrap_err()));
    assert!(node.page(None, 10).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_etcd_has_lost_the_store_decides_nothing() {
    let mut member = Member::start().await;
    let node = node(&member.options()).await;
    let (_, secret) = create(&node, "ci").await;
    let by = principal(&node, &secret).await;
    lose(&mut member).await;
    until("the loss", async || !copy(&node).is_fresh).await;
    for secret in [&secret, &Secret::generate().unwrap()] {
        assert_eq!(node.authenticate_or_ask(secret.expose()).await, Err(Unavailable));
    }
    assert_nothing_changes(&node, &by).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_neither_accepts_nor_changes_the_tokens_of_another_store() {
    let backup = tempfile::tempdir().unwrap();
    let mut member = Member::start().await;
    let options = member.options();
    let one = node(&options).await;
    let (_, secret) = create(&one, "ci").await;
    member.restart(|data| copy_directory(data, backup.path())).await;

    lose(&mut member).await;
    let other = node(&options).await;
    create(&other, "of another").await;
    let (kept, its_secret) = create(&other, "ci").await;
    until("the other store", async || !copy(&one).is_fresh).await;
    for secret in [&secret, &its_secret] {
        assert_eq!(one.authenticate_or_ask(secret.expose()).await, Err(Unavailable));
    }
    let by = principal(&other, &its_secret).await;
    assert_nothing_changes(&one, &by).await;
    assert_eq!(other.page(None, 10).await.unwrap().last().map(|token| token.id), Some(kept.id));
    assert_eq!(other.live().len(), 2);

    restore(&mut member, backup.path()).await;
    until("its own store", async || copy(&one).is_fresh).await;
    assert!(one.authenticate_or_ask(secret.expose()).await.is_ok());
    assert_eq!(one.authenticate_or_ask(its_secret.expose()).await, Err(Unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_leaves_a_member_that_has_another_store() {
    let [mut member, other] = [Member::start().await, Member::start().await];
    let url = |addresses: &str| EtcdOptions::from_url(&format!("etcd://{addresses}/tokens")).unwrap();
    let foreign = node(&url(&other.address().to_string())).await;
    let (_, its_secret) = create(&foreign, "ci").await;
    let node = node(&url(&format!("{},{}", member.address(), other.address()))).await;
    let (_, secret) = create(&node, "ci").await;
    member.pause();
    until("the other member", async || !copy(&node).is_fresh).await;
    for secret in [&secret, &its_secret] {
        assert_eq!(node.authenticate_or_ask(secret.expose()).await, Err(Unavailable));
    }
    member.resume();
    until("a fresh copy", async || copy(&node).is_fresh).await;
    // By the node's own change, too, whichever member it asks first.
    member.restart(|_| ()).await;
    until("a fresh copy", async || copy(&node).is_fresh).await;
    create(&node, "another").await;
    assert!(node.authenticate_or_ask(secret.expose()).await.is_ok());
}
