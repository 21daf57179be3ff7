//! Moving everything that a store has to another store.

mod files;
mod interrupted;
#[cfg(feature = "etcd")]
mod many;
pub(crate) mod place;

use std::collections::BTreeSet;

use influxdb3_tokens::{
    Actor, AuditPosition, AuditRecord, Begun, Creation, CreationOutcome, Deletion, DeletionOutcome, Digest, NewToken,
    Origin, Regeneration, RegenerationOutcome, SecretOrigin, Timestamp, TokenId, TokenName, TokenRecord, TokenStore,
    export, import,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::store_laws::{creation, deletion, digest, regeneration, token};
use place::{Place, kinds};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_equal_in_the_other_store() {
    let files = tempfile::tempdir().unwrap();
    for from in kinds() {
        let first = Place::new(from).await;
        let ended = history(&*first.open().await).await;
        let expected = Everything::of(&*first.open().await).await;
        for to in kinds() {
            let mut second = Place::new(to).await;
            move_all(&first, &mut second, &files).await;
            let store = second.open().await;
            assert_eq!(Everything::of(&*store).await, expected, "{from:?} to {to:?}");
            obeys_laws(&*store, &expected, &ended).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_tokens_is_moved() {
    let files = tempfile::tempdir().unwrap();
    for kind in kinds() {
        let (first, mut second) = (Place::new(kind).await, Place::new(kind).await);
        let expected = Everything::of(&*first.open().await).await;
        move_all(&first, &mut second, &files).await;
        let store = second.open().await;
        assert_eq!(Everything::of(&*store).await, expected, "{kind:?}");
        obeys_laws(&*store, &expected, &BTreeSet::new()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_moved_and_used_is_moved_again() {
    let files = tempfile::tempdir().unwrap();
    let mut place = Place::new(kinds()[0]).await;
    let mut ended = history(&*place.open().await).await;
    for kind in kinds().into_iter().chain(kinds()) {
        let mut next = Place::new(kind).await;
        move_all(&place, &mut next, &files).await;
        let store = next.open().await;
        let CreationOutcome::Created(record) = store.create(creation(token("used"))).await.unwrap() else { panic!() };
        delete(&*store, record.id, 77).await;
        ended.insert(record.digest.to_string());
        drop(store);
        place = next;
    }
    let store = place.open().await;
    let everything = Everything::of(&*store).await;
    obeys_laws(&*store, &everything, &ended).await;
}

/// Moves everything through a file.
pub(crate) async fn move_all(from: &Place, to: &mut Place, files: &TempDir) {
    let file = files.path().join("export");
    let mut source = from.source().await;
    let moved = export(&mut *source, &file, true, |_, _| {}).await.unwrap();
    drop(source);
    let imported = to.import(async |target| import(&file, target, |_, _| {}).await).await.unwrap();
    assert_eq!((imported.moved, imported.begun), (moved, Begun::After(0)));
}

/// Everything that can be seen of a store.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything {
    cluster: Uuid,
    tokens: Vec<TokenRecord>,
    audit: Vec<AuditRecord>,
}

impl Everything {
    pub(crate) async fn of(store: &dyn TokenStore) -> Self {
        let (mut audit, mut position) = (Vec::new(), Some(AuditPosition::default()));
        while let Some(from) = position {
            let mut page = store.audit(from, None, 1000).await.unwrap();
            audit.append(&mut page.records);
            position = page.next;
        }
        Self { cluster: store.cluster_uuid(), tokens: store.page(None, usize::MAX).await.unwrap(), audit }
    }
}

/// Makes changes of every kind. Returns the digests that are refused afterwards.
async fn history(store: &dyn TokenStore) -> BTreeSet<String> {
    let mut ended = BTreeSet::new();
    // An identity that has the ID of a token which is created later.
    let early = Creation::new(token("early"), Some(Actor::Other(TokenId::from_u64(3))), at(1)).unwrap();
    created(store, early).await;
    let operator = created(store, creation(token(TokenName::OPERATOR))).await;
    let full = NewToken {
        description: Some("reads “a” and 'b'; 🦀".parse().unwrap()),
        expires_at: Some(at(1_800_000_000_000)),
        permissions: "db:a,b:read system:*:read".parse().unwrap(),
        name: TokenName::existing("a\u{202e}b / ö").unwrap(),
        ..token("a")
    };
    let by = Actor::Token { id: TokenId::OPERATOR, digest: operator.digest };
    let full = Creation::new(full, Some(by), at(5)).unwrap();
    created(store, full.requested_from(Some(Origin::Peer("203.0.113.7".parse().unwrap())))).await;
    // The token that the identity seems to be.
    let third = created(store, creation(token("third"))).await;
    assert_eq!(third.id, TokenId::from_u64(3));
    let third = Actor::Token { id: third.id, digest: third.digest };
    let mut present = operator.digest;
    // In another order than that of their texts.
    let mut later = [digest(), digest(), digest()];
    later.reverse();
    for next in later {
        let regeneration = Regeneration::new(next, None, at(6)).unwrap();
        let outcome = store.regenerate(regeneration.requested_from(Some(Origin::Command(Some(0))))).await.unwrap();
        assert!(matches!(outcome, RegenerationOutcome::Regenerated(_)));
        ended.insert(present.to_string());
        present = next;
    }
    let by_itself = regeneration(digest(), Some(present));
    assert!(matches!(store.regenerate(by_itself).await.unwrap(), RegenerationOutcome::Regenerated(_)));
    ended.insert(present.to_string());
    // A name that is used again and again, and deleted in the end.
    for _ in 0..4 {
        let record = created(store, creation(token("again"))).await;
        let deletion = Deletion::new(record.id, third, at(7)).unwrap().requested_from(Some(Origin::TokenFile));
        assert!(matches!(store.delete(deletion).await.unwrap(), DeletionOutcome::Deleted(_)));
        ended.insert(record.digest.to_string());
    }
    // A name that a live token has after another one.
    let record = created(store, creation(token("twice"))).await;
    delete(store, record.id, 8).await;
    ended.insert(record.digest.to_string());
    created(store, creation(token("twice"))).await;
    let own = created(store, creation(token("own"))).await;
    let itself = Actor::Token { id: own.id, digest: own.digest };
    let outcome = store.delete(Deletion::new(own.id, itself, at(9)).unwrap()).await.unwrap();
    assert_eq!(outcome, DeletionOutcome::Deleted(own.id));
    ended.insert(own.digest.to_string());
    // The last ID is that of a deleted token.
    ended
}

/// Whether the store that has this goes on as the one would that was moved.
async fn obeys_laws(store: &dyn TokenStore, everything: &Everything, ended: &BTreeSet<String>) {
    for text in ended {
        let given = NewToken { digest: from_text(text), origin: SecretOrigin::Given, ..token("refused") };
        let outcome = store.create(creation(given)).await.unwrap();
        assert_eq!(outcome, CreationOutcome::DigestDeleted, "{text}");
        let outcome = store.regenerate(regeneration(from_text(text), None)).await.unwrap();
        assert_eq!(outcome, RegenerationOutcome::DigestTaken, "{text}");
    }
    for token in &everything.tokens {
        let same_name = NewToken { name: token.name.clone(), ..self::token("taken") };
        if !token.name.is_operator() {
            assert_eq!(store.create(creation(same_name)).await.unwrap(), CreationOutcome::NameTaken);
        }
        let same_digest = NewToken { digest: token.digest, ..self::token("taken") };
        assert_eq!(store.create(creation(same_digest)).await.unwrap(), CreationOutcome::DigestTaken);
    }
    let is_other = |record: &&AuditRecord| record.token != TokenId::OPERATOR;
    let last = everything.audit.iter().filter(is_other).map(|record| record.token.as_u64()).max();
    let next = created(store, creation(token("next"))).await;
    assert_eq!(next.id.as_u64(), last.unwrap_or(0) + 1);
    delete(store, next.id, 10).await;
    let later = Everything::of(store).await;
    assert_eq!(later.tokens, everything.tokens);
    let (before, new) = later.audit.split_at(everything.audit.len());
    assert_eq!(before, everything.audit);
    assert_eq!(new.iter().map(|record| record.token).collect::<Vec<_>>(), [next.id, next.id]);
}

async fn created(store: &dyn TokenStore, creation: Creation) -> TokenRecord {
    match store.create(creation).await.unwrap() {
        CreationOutcome::Created(record) => record,
        other => panic!("{other:?}"),
    }
}

async fn delete(store: &dyn TokenStore, id: TokenId, time: u64) {
    let deletion = Deletion::new(id, *deletion(id).by(), at(time)).unwrap();
    assert_eq!(store.delete(deletion).await.unwrap(), DeletionOutcome::Deleted(id));
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn from_text(text: &str) -> Digest {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    Digest::from_bytes(std::array::from_fn(byte))
}
