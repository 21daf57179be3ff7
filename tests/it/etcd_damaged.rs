//! Keys in etcd that somebody else has put or removed. Nothing is promised then, but nothing goes wrong silently.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, DeleteOptions};
use influxdb3_tokens::{
    Catalog, CreateError, DeleteError, EtcdOpenError, EtcdOptions, EtcdSource, EtcdStore, MoveError, NewToken,
    Permissions, Principal, StoreError, SystemClock, TokenId,
};

use crate::etcd::Member;
use crate::limits::within;

/// The only store of a member.
struct Place {
    member: Member,
    client: Client,
}

impl Place {
    async fn new() -> Self {
        let member = Member::start().await;
        let client = Client::connect([format!("http://{}", member.address())], None).await.unwrap();
        Self { member, client }
    }

    fn options(&self) -> EtcdOptions {
        let options = EtcdOptions::from_url(&format!("etcd://{}/tokens", self.member.address())).unwrap();
        options.max_staleness(EtcdOptions::LEAST_MAX_STALENESS).unwrap()
    }

    async fn open(&self) -> Result<EtcdStore, EtcdOpenError> {
        EtcdStore::open(self.options()).await
    }

    /// Opens and loads the store, as a node does.
    async fn load(&self) -> Result<Catalog, EtcdOpenError> {
        Ok(Catalog::open(Arc::new(self.open().await?), Arc::new(SystemClock)).await?)
    }

    async fn export(&self) -> Result<EtcdSource, EtcdOpenError> {
        EtcdSource::open(self.options()).await.map_err(|error| match error {
            MoveError::Store(error) => error.into(),
            error => panic!("{error:?}"),
        })
    }

    async fn node(&self) -> Catalog {
        Catalog::open(Arc::new(self.open().await.unwrap()), Arc::new(SystemClock)).await.unwrap()
    }

    async fn put(&mut self, key: &str, value: &str) {
        self.client.put(format!("/tokens/{key}"), value, None).await.unwrap();
    }

    async fn remove(&mut self, key: &str) {
        let deleted = self.client.delete(format!("/tokens/{key}"), None).await.unwrap();
        assert_eq!(deleted.deleted(), 1, "{key}");
    }

    async fn remove_all(&mut self) {
        self.client.delete("/tokens/", Some(DeleteOptions::new().with_prefix())).await.unwrap();
    }
}

fn new(name: &str) -> NewToken {
    NewToken::fresh(name.parse().unwrap(), Permissions::ADMIN).unwrap().0
}

async fn create(node: &Catalog, name: &str) -> Result<TokenId, CreateError> {
    node.create(new(name)).await.map(|token| token.id)
}

async fn admin(node: &Catalog) -> Principal {
    let (_, secret) = node.create_fresh("admin", Permissions::ADMIN, None).await.unwrap();
    node.authenticate_or_ask(secret.expose()).await.unwrap()
}

/// Whether the store has refused a change, and says to an operator what to do.
fn is_damage(error: &StoreError) -> bool {
    let StoreError::Unavailable { source } = error else { return false };
    source.to_string().contains("restore a snapshot of etcd")
}

/// Whether a store was refused because of this key, and the error says what to do.
fn names(error: &EtcdOpenError, key: &str) -> bool {
    let EtcdOpenError::Damaged(cause) = error else { return false };
    let text = cause.to_string();
    text.contains(key) && text.contains("restore a snapshot of etcd")
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_store_is_made_where_another_one_has_lost_a_key() {
    let mut place = Place::new().await;
    create(&place.node().await, "ci").await.unwrap();
    place.remove("cluster").await;
    let error = place.open().await.err().unwrap();
    assert!(names(&error, "/tokens/cluster"), "{error:?}");
    let error = EtcdStore::open_existing(place.options()).await.err().unwrap();
    assert!(names(&error, "/tokens/cluster"), "{error:?}");
    // The IDs do not begin again.
    let next_id = place.client.get("/tokens/next-id", None).await.unwrap();
    assert_eq!(next_id.kvs()[0].value(), b"2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_damaged_is_not_taken_for_an_etcd_that_does_not_answer() {
    let mut place = Place::new().await;
    create(&place.node().await, "ci").await.unwrap();
    let token = format!("live/{:020}", 1);
    for key in ["cluster", "next-id", &token, "live/head"] {
        let of_token = key == token;
        let before = place.client.get(format!("/tokens/{key}"), None).await.unwrap();
        let before = before.kvs()[0].value_str().unwrap().to_owned();
        if key != "live/head" {
            place.put(key, "x").await;
            let error = place.load().await.err().unwrap();
            assert!(names(&error, key), "{key}: {error:?}");
        }
        if !of_token {
            place.remove(key).await;
            let error = place.load().await.err().unwrap();
            assert!(names(&error, key), "{key}: {error:?}");
        }
        place.put(key, &before).await;
    }
    place.load().await.unwrap();

    let digest = format!("digests/{}", "0".repeat(128));
    for key in ["cluster", "next-id", "epoch", &digest] {
        place.export().await.unwrap();
        let before = place.client.get(format!("/tokens/{key}"), None).await.unwrap();
        place.put(key, "x").await;
        let error = place.export().await.err().unwrap();
        assert!(names(&error, key), "{key}: {error:?}");
        for pair in before.kvs() {
            place.put(key, pair.value_str().unwrap()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_means_nothing_hides_no_token() {
    let mut place = Place::new().await;
    let node = place.node().await;
    create(&node, "ci").await.unwrap();
    for key in ["live/zzz", "live/", "live/0", "live/head/0", "audits", "zzz"] {
        place.put(key, "x").await;
    }
    create(&node, "another").await.unwrap();
    assert_eq!(place.node().await.live().len(), 2);
    assert_eq!(node.page(None, 10).await.unwrap().len(), 2);
}

/// etcd can leave out that a key was removed, if it is compacted at that moment (its issues 18089 and 19179).
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_seen_by_its_mark_alone() {
    let mut place = Place::new().await;
    let node = place.node().await;
    let (token, secret) = NewToken::fresh("ci".parse().unwrap(), Permissions::ADMIN).unwrap();
    let token = node.create(token).await.unwrap();
    let accepted = node.authenticate_or_ask(secret.expose()).await.unwrap();
    place.put(&format!("deleted/{:020}", token.id.as_u64()), "a mark").await;
    within("the deletion", node.until_deleted(&accepted)).await;
    assert!(node.live().is_empty());
    // The stream goes on.
    create(&node, "another").await.unwrap();
    until("the next token", || node.live().len() == 1 && node.live().is_fresh()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_damaged_keys_prevent_is_refused_at_once() {
    let mut place = Place::new().await;
    let node = place.node().await;
    let by = admin(&node).await;
    let ids = [create(&node, "a").await.unwrap(), create(&node, "b").await.unwrap()].map(|id| id.to_string());
    let created = async |what: &str| match create(&node, "c").await {
        Err(CreateError::Store(error)) => assert!(is_damage(&error), "{what}: {error:?}"),
        created => panic!("{what}: {created:?}"),
    };
    let damages = [("next-id", u64::MAX.to_string()), ("next-id", "1".to_owned()), ("names/c", "x".to_owned())];
    for (next_id, (key, value)) in (4..).zip(damages) {
        place.put(key, &value).await;
        created(&format!("{key} {value}")).await;
        // It is repaired.
        place.put("next-id", &next_id.to_string()).await;
        assert_eq!(create(&node, &format!("after {key} {value}")).await.unwrap(), TokenId::from_u64(next_id));
    }
    place.remove("next-id").await;
    created("no next-id").await;
    assert!(node.page(None, 10).await.is_err());
    // The writer goes on.
    node.delete(&by, &ids[0]).await.unwrap();

    place.remove("epoch").await;
    created("no epoch").await;
    match node.delete(&by, &ids[1]).await {
        Err(DeleteError::Store(error)) => assert!(is_damage(&error), "{error:?}"),
        deleted => panic!("{deleted:?}"),
    }
    place.put("epoch", "0").await;
    node.delete(&by, &ids[1]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_named_and_costs_nothing_but_its_token() {
    let mut place = Place::new().await;
    let node = place.node().await;
    let (_, secret) = node.create_fresh("ci", Permissions::ADMIN, None).await.unwrap();
    let key = format!("live/{:020}", 9);
    place.put(&key, "{}").await;
    until("the damage", || !node.live().is_fresh()).await;
    assert!(node.authenticate_or_ask(secret.expose()).await.is_ok());
    let store = Arc::new(place.open().await.unwrap());
    let Err(StoreError::Unavailable { source }) = Catalog::open(store, Arc::new(SystemClock)).await else { panic!() };
    assert!(source.to_string().contains(&key), "{source}");

    place.remove(&key).await;
    until("a fresh copy", || node.live().is_fresh()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_follow_another_store_under_its_prefix() {
    let mut place = Place::new().await;
    let node = place.node().await;
    create(&node, "ci").await.unwrap();
    place.remove_all().await;
    let other = place.node().await;
    assert_ne!(node.cluster_uuid(), other.cluster_uuid());
    create(&other, "another").await.unwrap();
    let copy = || node.store_statistics().copy.unwrap();
    until("two attempts to load", || copy().reloads >= 2 && !copy().is_fresh).await;
}
