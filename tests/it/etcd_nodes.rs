//! Several nodes on one etcd: what one does is seen by the others, and nothing is accepted for too long.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use influxdb3_token_api::IdempotencyKey;
use influxdb3_token_api::security::AuthenticationError::{Deleted, Unavailable, Unknown};
use influxdb3_tokens::{
    AuditPosition, Catalog, CopyStatistics, CreateError, DeleteError, EtcdOptions, EtcdSource, EtcdStore, MoveSource,
    NewToken, Permissions, Principal, Secret, StoreError, SystemClock, TokenRecord,
};

use crate::etcd::{self, Member};
use crate::limits::within;

/// The least bound, so that the tests that wait for its end do not wait for long.
const BOUND: Duration = EtcdOptions::LEAST_MAX_STALENESS;

/// A node: a catalog over a store of its own.
pub(crate) async fn node(options: &EtcdOptions) -> Catalog {
    let options = options.clone().max_staleness(BOUND).unwrap();
    Catalog::open(Arc::new(EtcdStore::open(options).await.unwrap()), Arc::new(SystemClock)).await.unwrap()
}

pub(crate) async fn create(node: &Catalog, name: &str) -> (TokenRecord, Secret) {
    let (token, secret) = NewToken::fresh(name.parse().unwrap(), Permissions::ADMIN).unwrap();
    (node.create(token).await.unwrap(), secret)
}

/// An identity that is not a token, which may delete.
async fn admin(node: &Catalog) -> Principal {
    let (_, secret) = create(node, &uuid::Uuid::new_v4().to_string()).await;
    node.authenticate_or_ask(secret.expose()).await.unwrap()
}

pub(crate) fn copy(node: &Catalog) -> CopyStatistics {
    node.store_statistics().copy.unwrap()
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    within(what, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_created_on_one_node_is_accepted_on_the_other_at_once() {
    let options = etcd::options().await;
    let [one, other] = [node(&options).await, node(&options).await];
    for number in 0..100 {
        let (token, secret) = create(&one, &number.to_string()).await;
        assert_eq!(other.authenticate_or_ask(secret.expose()).await.map(|it| it.id()), Ok(token.id));
    }
    assert_eq!(other.authenticate_or_ask(Secret::generate().unwrap().expose()).await, Err(Unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_deleted_on_one_node_is_refused_by_both() {
    let options = etcd::options().await;
    let [one, other] = [node(&options).await, node(&options).await];
    let by = admin(&one).await;
    for number in 0..50 {
        let (token, secret) = create(&one, &number.to_string()).await;
        let there = other.authenticate_or_ask(secret.expose()).await.unwrap();
        one.delete(&by, &token.id.to_string()).await.unwrap();
        assert_eq!(one.try_authenticate(secret.expose()), Err(Deleted));
        within("the deletion", other.until_deleted(&there)).await;
        assert_eq!(other.authenticate_or_ask(secret.expose()).await, Err(Deleted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_deletions_on_both_nodes_one_finds_the_token() {
    let options = etcd::options().await;
    let [one, other] = [node(&options).await, node(&options).await];
    let by = admin(&one).await;
    for number in 0..50 {
        let name = number.to_string();
        let (token, _) = create(&one, &name).await;
        let id = token.id.to_string();
        let (a, b, c) = tokio::join!(one.delete(&by, &id), other.delete(&by, &id), other.delete_by_name(&by, &name));
        let found = [&a, &b, &c].iter().filter(|result| result.is_ok()).count();
        assert_eq!(found, 1, "{a:?} {b:?} {c:?}");
        let refused = [a, b, c].into_iter().filter_map(Result::err);
        assert!(refused.into_iter().all(|error| matches!(error, DeleteError::NotFound)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creations_of_one_name_on_both_nodes_one_succeeds() {
    let options = etcd::options().await;
    let [one, other] = [node(&options).await, node(&options).await];
    let mut ids = Vec::new();
    for number in 0..20 {
        let new = || NewToken::fresh(number.to_string().parse().unwrap(), Permissions::ADMIN).unwrap().0;
        let (a, b) = tokio::join!(one.create(new()), other.create(new()));
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
        ids.extend([a, b].into_iter().flatten().map(|token| token.id.as_u64()));
    }
    assert_eq!(ids, (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_with_the_same_key_is_answered_as_the_first_request() {
    let key = |text: &str| {
        let headers = HeaderMap::from_iter([("idempotency-key".parse().unwrap(), text.parse().unwrap())]);
        IdempotencyKey::of(&headers)
    };
    let options = etcd::options().await;
    let [one, other] = [node(&options).await, node(&options).await];
    let [by, another] = [admin(&one).await, admin(&one).await];
    let (token, _) = create(&one, "ci").await;
    let id = token.id.to_string();
    assert_eq!(one.clone().with_idempotency_key(key("a")).delete(&by, &id).await.unwrap(), token.id);
    for node in [&one, &other] {
        assert_eq!(node.clone().with_idempotency_key(key("a")).delete(&by, &id).await.unwrap(), token.id);
        assert_eq!(node.clone().with_idempotency_key(key("a")).delete_by_name(&by, "ci").await.unwrap(), token.id);
        for (node, by) in [(node.clone().with_idempotency_key(key("b")), &by), (node.clone(), &by)] {
            assert!(matches!(node.delete(by, &id).await, Err(DeleteError::NotFound)));
        }
        let of_another = node.clone().with_idempotency_key(key("a")).delete(&another, &id).await;
        assert!(matches!(of_another, Err(DeleteError::NotFound)));
    }
    // The name leads to another token now, which is not the one of the first request.
    let (_, secret) = create(&one, "ci").await;
    assert!(one.clone().with_idempotency_key(key("a")).delete(&by, &id).await.is_ok());
    assert!(one.authenticate_or_ask(secret.expose()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_etcd_a_token_is_accepted_no_longer_than_the_bound() {
    let member = Member::start().await;
    let node = node(&member.options()).await;
    let by = admin(&node).await;
    let (token, secret) = create(&node, "ci").await;
    let principal = node.authenticate(secret.expose()).unwrap();

    member.pause();
    let paused = Instant::now();
    let mut last_accepted = paused;
    while node.authenticate(secret.expose()).is_some() {
        last_accepted = Instant::now();
        assert!(paused.elapsed() < 100 * BOUND, "it is accepted on and on");
    }
    assert!(last_accepted - paused <= BOUND);
    assert_eq!(node.try_authenticate(secret.expose()), Err(Unavailable));
    assert_eq!(node.authenticate_or_ask(secret.expose()).await, Err(Unavailable));
    within("the end of the copy", node.until_deleted(&principal)).await;
    assert!(!copy(&node).is_fresh);
    let error = node.delete(&by, &token.id.to_string()).await.unwrap_err();
    assert!(matches!(&error, DeleteError::Store(error) if error.may_have_happened()), "{error:?}");

    member.resume();
    until("a fresh copy", async || copy(&node).is_fresh).await;
    // The deletion may have been made by now.
    let decided = node.authenticate_or_ask(secret.expose()).await;
    assert!(!matches!(decided, Err(Unavailable)), "{decided:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_while_etcd_does_not_answer_is_not_sent_later() {
    let member = Member::start().await;
    let node = node(&member.options()).await;
    member.pause();
    let creations = (0..4).map(|number| {
        let (token, _) = NewToken::fresh(format!("late {number}").parse().unwrap(), Permissions::ADMIN).unwrap();
        let node = node.clone();
        async move { node.create(token).await.unwrap_err() }
    });
    let errors = within("the errors", futures::future::join_all(creations)).await;
    let is_open = |error: &CreateError| matches!(error, CreateError::Store(error) if error.may_have_happened());
    assert_eq!(errors.iter().filter(|error| is_open(error)).count(), 1, "{errors:?}");
    member.resume();
    until("a fresh copy", async || copy(&node).is_fresh).await;
    create(&node, "another").await;
    assert!(node.live().len() <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_copy_lacks_is_not_refused_while_etcd_does_not_answer() {
    let member = Member::start().await;
    let node = node(&member.options()).await;
    member.pause();
    assert_eq!(node.authenticate_or_ask(Secret::generate().unwrap().expose()).await, Err(Unavailable));
    member.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_missed_changes_that_were_compacted_loads_them() {
    let mut member = Member::start().await;
    let options = member.options();
    let behind = node(&options).await;
    let (gone, secret) = create(&behind, "gone").await;
    let by = admin(&behind).await;
    // While the member is down the node's stream of changes is, too.
    member.restart(|_| ()).await;
    let writer = node(&options).await;
    writer.delete(&by, &gone.id.to_string()).await.unwrap();
    let (_, kept) = create(&writer, "kept").await;
    compact(&member).await;
    until("the copy", async || behind.try_authenticate(secret.expose()) == Err(Deleted)).await;
    assert!(behind.authenticate_or_ask(kept.expose()).await.is_ok());
    until("a fresh copy", async || copy(&behind).is_fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_follows_etcd_when_its_history_is_replaced_by_a_backup() {
    let backup = tempfile::tempdir().unwrap();
    let mut member = Member::start().await;
    let options = member.options();
    let node = node(&options).await;
    let by = admin(&node).await;
    let (deleted, brought_back) = create(&node, "deleted").await;
    member.restart(|data| copy_directory(data, backup.path())).await;
    // Afterwards the restored history becomes longer than this one.
    node.delete(&by, &deleted.id.to_string()).await.unwrap();
    let mut lost = Vec::new();
    for number in 0..5 {
        lost.push(create(&node, &format!("lost {number}")).await.1);
    }
    restore(&mut member, backup.path()).await;
    let other = self::node(&options).await;
    for number in 0..20 {
        create(&other, &format!("new {number}")).await;
    }
    until("the restored tokens", async || {
        let mut refused = 0;
        for secret in &lost {
            refused += usize::from(node.authenticate_or_ask(secret.expose()).await == Err(Deleted));
        }
        refused == lost.len() && node.authenticate_or_ask(brought_back.expose()).await.is_ok()
    })
    .await;
    assert_eq!(node.live().len(), other.live().len());
    // A deletion in the restored history is not taken for one that the node has seen.
    other.delete(&by, &deleted.id.to_string()).await.unwrap();
    until("the deletion", async || node.authenticate(brought_back.expose()).is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_during_which_the_history_of_etcd_is_replaced_fails() {
    let backup = tempfile::tempdir().unwrap();
    let mut member = Member::start().await;
    let options = member.options();
    let node = node(&options).await;
    admin(&node).await;
    member.restart(|data| copy_directory(data, backup.path())).await;
    for number in 0..5 {
        create(&node, &format!("lost {number}")).await;
    }
    let mut source = EtcdSource::open(options.clone()).await.unwrap();
    drop(node);
    restore(&mut member, backup.path()).await;
    // The tokens that the export expects have others in their places, at the same revision.
    let other = self::node(&options).await;
    for number in 0..20 {
        create(&other, &format!("new {number}")).await;
    }
    let error = loop {
        match source.next().await {
            Ok(changes) => assert!(!changes.is_empty(), "the export ended well"),
            Err(error) => break error,
        }
    };
    assert!(format!("{error:?}").contains("export them again"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_that_arrive_together_share_transactions() {
    const COUNT: u64 = 300;
    let options = etcd::options().await;
    let node = node(&options).await;
    let by = admin(&node).await;
    for number in 0..COUNT {
        create(&node, &number.to_string()).await;
    }
    let before = node.store_statistics().commits;
    let deletions = (2..COUNT + 2).map(|id| {
        let (node, by) = (node.clone(), by.clone());
        tokio::spawn(async move { node.delete(&by, &id.to_string()).await })
    });
    for deletion in deletions.collect::<Vec<_>>() {
        deletion.await.unwrap().unwrap();
    }
    let commits = node.store_statistics().commits - before;
    assert!(commits < COUNT / 4, "{commits}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_of_all_nodes_has_one_order_across_its_parts() {
    let options = etcd::options().await;
    let [one, other] = [node(&options).await, node(&options).await];
    // More than one part holds.
    let creations = [&one, &other].map(|node| {
        let node = node.clone();
        tokio::spawn(async move {
            for _ in 0..1100 {
                create(&node, &uuid::Uuid::new_v4().to_string()).await;
            }
        })
    });
    for creation in creations {
        within("the creations", creation).await.unwrap();
    }
    let (mut ids, mut from, mut pages) = (Vec::new(), AuditPosition::default(), 0);
    loop {
        let page = one.audit(from, None, 400).await.unwrap();
        pages += 1;
        ids.extend(page.records.iter().map(|record| record.token.as_u64()));
        match page.next {
            Some(next) => from = next,
            None => break,
        }
    }
    // IDs count up with each creation, so they tell the order.
    assert_eq!(ids, (1..=2200).collect::<Vec<_>>());
    assert!(pages >= 6 && from.0[0] > 0, "{pages} pages, {from:?}");
}

#[tokio::test]
async fn nothing_is_changed_before_the_store_is_loaded() {
    let store = EtcdStore::open(etcd::options().await).await.unwrap();
    let error = influxdb3_tokens::TokenStore::page(&store, None, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }));
}

/// Compacts etcd's history up to now.
async fn compact(member: &Member) {
    let mut client = etcd_client::Client::connect([format!("http://{}", member.address())], None).await.unwrap();
    let revision = client.get("any", None).await.unwrap().header().unwrap().revision();
    client.compact(revision, None).await.unwrap();
}

/// Starts a member again with a copy of its data that was made before.
pub(crate) async fn restore(member: &mut Member, backup: &Path) {
    let replace = |data: &Path| {
        fs::remove_dir_all(data.join("member")).unwrap();
        copy_directory(backup, data);
    };
    member.restart(replace).await;
}

pub(crate) fn copy_directory(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from.join("member")).arg(to).status().unwrap();
    assert!(copied.success());
}
