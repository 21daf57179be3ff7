//! The laws that every store must obey. [`laws`] generates a test for each of them.

mod actor;
mod audit;
mod deletion;
mod regeneration;

use std::future::ready;
use std::slice::from_ref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use influxdb3_tokens::{
    Actor, Catalog, Creation, CreationOutcome, Deletion, DeletionOutcome, Digest, LiveTokens, MemoryStore, NewToken,
    Permissions, Regeneration, RegenerationOutcome, SecretOrigin, StoreError, SystemClock, Timestamp, TokenId,
    TokenName, TokenRecord, TokenSelector, TokenStore,
};

/// Generates a test for each law. `$subject` names an asynchronous function that returns a new [`Subject`].
macro_rules! laws {
    ($subject:path) => {
        $crate::store_laws::laws! { $subject;
            a_created_token_is_live_with_every_field_it_was_given
            a_deleted_token_is_not_live_and_cannot_be_deleted_again
            a_token_deleted_by_name_is_not_live_and_cannot_be_deleted_again
            a_name_used_again_leads_to_the_token_that_has_it_now
            names_and_digests_are_unique_among_live_tokens
            a_name_can_be_used_again_as_soon_as_its_token_is_deleted
            a_given_secret_of_a_deleted_token_cannot_be_used_again
            a_store_can_be_loaded_only_once
            the_operator_token_has_id_0_and_the_others_count_up_from_1
            ids_are_not_reused
            a_regenerated_operator_token_keeps_everything_but_its_secret
            a_regeneration_changes_nothing_if_a_precondition_fails
            a_replaced_secret_of_the_operator_token_cannot_be_used_again
            a_deleted_token_changes_nothing
            a_token_deletes_itself_once
            a_replaced_secret_of_the_operator_token_changes_nothing
            an_identity_that_is_not_a_token_is_not_looked_up
            a_token_deletes_nothing_after_its_own_deletion_when_all_are_under_way_together
            exactly_one_of_concurrent_deletions_finds_the_token
            a_deletion_by_name_never_ends_a_token_of_another_name
            exactly_one_of_concurrent_creations_of_a_name_succeeds
            exactly_one_of_concurrent_regenerations_of_a_secret_succeeds
            a_change_is_completed_if_its_future_is_dropped
            pages_are_sorted_by_id_and_respect_the_limit
            an_expired_token_stays_live_until_it_is_deleted
            a_token_with_a_name_that_is_not_permitted_any_more_is_loaded_and_deleted
            the_cluster_uuid_survives_a_restart
            every_token_and_deletion_survives_a_restart
            every_change_leaves_one_record_in_order
            a_change_that_is_refused_leaves_no_record
            the_audit_trail_is_the_same_in_pages_of_any_size
        }
    };
    ($subject:path; $($law:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                let law = async { $crate::store_laws::$law($subject().await).await };
                tokio::time::timeout(std::time::Duration::from_secs(60), law).await.expect("the store answers in time");
            }
        )*
    };
}

pub(crate) use actor::*;
pub(crate) use audit::*;
pub(crate) use deletion::*;
pub(crate) use laws;
pub(crate) use regeneration::*;

pub(crate) async fn a_created_token_is_live_with_every_field_it_was_given(mut subject: Subject) {
    let token = NewToken {
        description: Some("reads “a” and 'b'; 🦀".parse().unwrap()),
        expires_at: Timestamp::from_millis(1_800_000_000_000),
        permissions: "db:a,b:read system:*:read".parse().unwrap(),
        ..token("döner / 🦀")
    };
    let by = Some(Actor::Other(TokenId::from_u64(77)));
    let creation = Creation::new(token.clone(), by, Timestamp::from_millis(1_700_000_000_002).unwrap()).unwrap();
    let CreationOutcome::Created(record) = subject.store.create(creation.clone()).await.unwrap() else { panic!() };
    assert_eq!(record, creation.into_record(record.id));
    assert_eq!(record.created_by, Some(TokenId::from_u64(77)));

    let live = subject.live.find(&token.digest).unwrap();
    assert_eq!(Some(&live), subject.live.by_id(record.id).as_ref());
    assert_eq!((live.id(), live.expires_at()), (record.id, token.expires_at));
    assert_eq!(live.permissions(), &token.permissions);
    assert_eq!(subject.all().await, from_ref(&record));
    subject.restart().await;
    assert_eq!(subject.all().await, [record]);
}

pub(crate) async fn names_and_digests_are_unique_among_live_tokens(subject: Subject) {
    let first = subject.create(token("a")).await;
    let same_name = token("a");
    let same_digest = NewToken { digest: first.digest, ..token("b") };
    let same_both = NewToken { digest: first.digest, ..token("a") };
    assert_eq!(subject.store.create(creation(same_name)).await.unwrap(), CreationOutcome::NameTaken);
    assert_eq!(subject.store.create(creation(same_digest)).await.unwrap(), CreationOutcome::DigestTaken);
    assert_eq!(subject.store.create(creation(same_both)).await.unwrap(), CreationOutcome::NameTaken);
    assert_eq!(subject.all().await, [first]);
    assert_eq!(subject.live.len(), 1);
}

pub(crate) async fn a_store_can_be_loaded_only_once(subject: Subject) {
    let record = subject.create(token("a")).await;
    assert!(matches!(load(Arc::clone(&subject.store)).await, Err(StoreError::Unavailable { .. })));
    subject.delete(record.id).await;
    assert!(subject.live.is_empty());
}

pub(crate) async fn the_operator_token_has_id_0_and_the_others_count_up_from_1(mut subject: Subject) {
    assert_eq!(subject.create(token("a")).await.id.as_u64(), 1);
    assert_eq!(subject.create(token(TokenName::OPERATOR)).await.id, TokenId::OPERATOR);
    assert_eq!(subject.create(token("b")).await.id.as_u64(), 2);
    subject.restart().await;
    assert_eq!(subject.all().await.len(), 3);
    let second = subject.store.create(creation(token(TokenName::OPERATOR))).await.unwrap();
    assert_eq!(second, CreationOutcome::NameTaken);
}

pub(crate) async fn ids_are_not_reused(mut subject: Subject) {
    for expected in 1..=5 {
        let record = subject.create(token("a")).await;
        assert_eq!(record.id.as_u64(), expected);
        subject.delete(record.id).await;
        subject.restart().await;
    }
}

pub(crate) async fn exactly_one_of_concurrent_creations_of_a_name_succeeds(subject: Subject) {
    for _ in 0..100 {
        let rivals: Vec<_> = (0..4)
            .map(|_| {
                let store = Arc::clone(&subject.store);
                tokio::spawn(async move { store.create(creation(token("a"))).await.unwrap() })
            })
            .collect();
        let mut created = Vec::new();
        for rival in rivals {
            if let CreationOutcome::Created(record) = rival.await.unwrap() {
                created.push(record);
            }
        }
        assert_eq!(created.len(), 1);
        assert_eq!(subject.live.len(), 1);
        subject.delete(created[0].id).await;
    }
}

pub(crate) async fn a_change_is_completed_if_its_future_is_dropped(subject: Subject) {
    for _ in 0..100 {
        let record = subject.create(token("a")).await;
        tokio::select! {
            biased;
            _ = subject.store.delete(deletion(record.id)) => {}
            () = ready(()) => {}
        }
        // Later requests are answered after the deletion.
        assert_eq!(subject.all().await, []);
        assert_eq!(subject.live.find(&record.digest), None);
        assert!(subject.live.is_empty());
    }
}

pub(crate) async fn pages_are_sorted_by_id_and_respect_the_limit(subject: Subject) {
    let mut records = vec![subject.create(token(TokenName::OPERATOR)).await];
    for number in 1..=20 {
        records.push(subject.create(token(&format!("token {number}"))).await);
    }
    for gone in [3, 4, 5, 20] {
        subject.delete(TokenId::from_u64(gone)).await;
    }
    records.retain(|record| ![3, 4, 5, 20].contains(&record.id.as_u64()));

    let page = |after, limit| subject.store.page(after, limit);
    let id = |id| Some(TokenId::from_u64(id));
    assert_eq!(page(None, usize::MAX).await.unwrap(), records);
    assert_eq!(page(None, 0).await.unwrap(), []);
    assert_eq!(page(None, 4).await.unwrap(), records[..4]);
    assert_eq!(page(id(0), 4).await.unwrap(), records[1..5]);
    assert_eq!(page(id(4), 4).await.unwrap(), records[3..7]);
    assert_eq!(page(id(18), 4).await.unwrap(), records[16..]);
    assert_eq!(page(id(19), 4).await.unwrap(), []);
    assert_eq!(page(id(u64::MAX), 4).await.unwrap(), []);
}

pub(crate) async fn a_token_with_a_name_that_is_not_permitted_any_more_is_loaded_and_deleted(mut subject: Subject) {
    let (old, names) = (["a\u{202e}b", " a", "\u{200b}"].map(|name| TokenName::existing(name).unwrap()), 300);
    let permissions: Vec<_> = (0..names).map(|number| format!("db:a\u{200b}{number}:read")).collect();
    let permissions = Permissions::existing(&permissions.join(" ")).unwrap();
    let mut records = Vec::new();
    for name in &old {
        let old = NewToken { name: name.clone(), permissions: permissions.clone(), ..token("a") };
        records.push(subject.create(old).await);
    }
    subject.restart().await;
    assert_eq!(subject.all().await, records);
    for (name, record) in old.into_iter().zip(records) {
        assert_eq!(subject.live.find(&record.digest).unwrap().permissions(), &permissions);
        assert_eq!(subject.delete(TokenSelector::Name(name)).await, DeletionOutcome::Deleted(record.id));
    }
    subject.restart().await;
    assert!(subject.live.is_empty());
}

pub(crate) async fn the_cluster_uuid_survives_a_restart(mut subject: Subject) {
    let uuid = subject.store.cluster_uuid();
    assert!(!uuid.is_nil());
    subject.restart().await;
    assert_eq!(subject.store.cluster_uuid(), uuid);
}

pub(crate) async fn every_token_and_deletion_survives_a_restart(mut subject: Subject) {
    let mut records = vec![subject.create(token(TokenName::OPERATOR)).await];
    for number in 0..50 {
        let expires_at = (number % 2 == 0).then_some(Timestamp::MAX);
        records.push(subject.create(NewToken { expires_at, ..token(&number.to_string()) }).await);
    }
    for gone in records.extract_if(10..30, |_| true) {
        subject.delete(gone.id).await;
    }
    subject.restart().await;
    assert_eq!(subject.all().await, records);
    assert_eq!(subject.live.len(), records.len());
    for record in &records {
        let live = subject.live.find(&record.digest).unwrap();
        assert_eq!((live.id(), live.expires_at()), (record.id, record.expires_at));
    }
}

/// A store under test, and its live tokens.
pub(crate) struct Subject {
    store: Arc<dyn TokenStore>,
    live: LiveTokens,
    reopen: Option<Reopen>,
}

type Reopen = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn TokenStore>> + Send + Sync>;

impl Subject {
    /// Loads this store. Its restarts do nothing unless [`Self::reopened_by`] says how to open it again.
    pub(crate) async fn new(store: impl TokenStore) -> Self {
        let store: Arc<dyn TokenStore> = Arc::new(store);
        let live = load(Arc::clone(&store)).await.unwrap();
        Self { store, live, reopen: None }
    }

    /// Opens the store again with `open` after a restart has dropped it.
    pub(crate) fn reopened_by<S, F>(self, open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        S: TokenStore,
        F: Future<Output = S> + Send + 'static,
    {
        let reopen = move || open().map(|store| Arc::new(store) as Arc<dyn TokenStore>).boxed();
        Self { reopen: Some(Box::new(reopen)), ..self }
    }

    /// Drops the store and opens it again. A store that is not durable stays open instead.
    async fn restart(&mut self) {
        if let Some(open) = &self.reopen {
            self.store = Arc::new(MemoryStore::new());
            self.store = open().await;
            self.live = load(Arc::clone(&self.store)).await.unwrap();
        }
    }

    async fn create(&self, token: NewToken) -> TokenRecord {
        match self.store.create(creation(token)).await.unwrap() {
            CreationOutcome::Created(record) => record,
            other => panic!("{other:?}"),
        }
    }

    async fn delete(&self, token: impl Into<TokenSelector>) -> DeletionOutcome {
        self.store.delete(deletion(token)).await.unwrap()
    }

    async fn regenerate(&self, digest: Digest, replaces: Option<Digest>) -> RegenerationOutcome {
        self.store.regenerate(regeneration(digest, replaces)).await.unwrap()
    }

    async fn all(&self) -> Vec<TokenRecord> {
        self.store.page(None, usize::MAX).await.unwrap()
    }
}

/// Opens a catalog, which loads the store, and returns the live tokens.
pub(crate) async fn load(store: Arc<dyn TokenStore>) -> Result<LiveTokens, StoreError> {
    let catalog = Catalog::open(store, Arc::new(SystemClock)).await?;
    Ok(catalog.live().clone())
}

/// An actor that no store has to look up.
const NOBODY: Actor = Actor::Other(TokenId::from_u64(u64::MAX));

/// An admin token with a unique digest.
pub(crate) fn token(name: &str) -> NewToken {
    NewToken {
        name: name.parse().unwrap(),
        description: None,
        digest: digest(),
        origin: SecretOrigin::Fresh,
        expires_at: None,
        permissions: Permissions::ADMIN,
    }
}

/// A unique digest.
pub(crate) fn digest() -> Digest {
    static DIGESTS: AtomicU64 = AtomicU64::new(0);
    let mut digest = [0; 64];
    digest[..8].copy_from_slice(&DIGESTS.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    Digest::from_bytes(digest)
}

pub(crate) fn creation(token: NewToken) -> Creation {
    Creation::new(token, None, Timestamp::from_millis(1_700_000_000_000).unwrap()).unwrap()
}

pub(crate) fn deletion(token: impl Into<TokenSelector>) -> Deletion {
    let at = Timestamp::from_millis(1_700_000_000_001).unwrap();
    Deletion::new(token, NOBODY, at).unwrap()
}

pub(crate) fn regeneration(digest: Digest, replaces: Option<Digest>) -> Regeneration {
    let by = replaces.map(|digest| Actor::Token { id: TokenId::OPERATOR, digest });
    Regeneration::new(digest, by, Timestamp::from_millis(1_700_000_000_003).unwrap()).unwrap()
}

/// Selects the token with this name.
pub(crate) fn name(name: &str) -> TokenSelector {
    TokenSelector::Name(name.parse().unwrap())
}
