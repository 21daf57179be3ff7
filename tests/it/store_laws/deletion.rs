//! Laws of deletions, by ID and by name.

use std::collections::BTreeSet;
use std::slice::from_ref;
use std::sync::Arc;

use influxdb3_tokens::{CreationOutcome, DeletionOutcome, NewToken, SecretOrigin, Timestamp, TokenId, TokenSelector};

use super::{Subject, creation, deletion, name, token};

pub(crate) async fn a_deleted_token_is_not_live_and_cannot_be_deleted_again(subject: Subject) {
    let (gone, stays) = (subject.create(token("a")).await, subject.create(token("b")).await);
    assert_eq!(subject.delete(gone.id).await, DeletionOutcome::Deleted(gone.id));
    assert!(!subject.live.contains(gone.id));
    assert_eq!(subject.live.find(&gone.digest), None);
    assert_eq!(subject.all().await, [stays]);
    assert_eq!(subject.delete(gone.id).await, DeletionOutcome::NotFound);
    assert_eq!(subject.delete(TokenId::from_u64(u64::MAX)).await, DeletionOutcome::NotFound);
}

pub(crate) async fn a_token_deleted_by_name_is_not_live_and_cannot_be_deleted_again(mut subject: Subject) {
    let expired = NewToken { expires_at: Some(Timestamp::EPOCH), ..token("döner / 🦀") };
    let (gone, stays) = (subject.create(expired).await, subject.create(token("b")).await);
    for absent in ["c", "B", "1", "2"] {
        assert_eq!(subject.delete(name(absent)).await, DeletionOutcome::NotFound);
    }
    assert_eq!(subject.delete(name("döner / 🦀")).await, DeletionOutcome::Deleted(gone.id));
    for _ in 0..2 {
        assert!(!subject.live.contains(gone.id));
        assert_eq!(subject.live.find(&gone.digest), None);
        assert_eq!(subject.all().await, from_ref(&stays));
        assert_eq!(subject.delete(name("döner / 🦀")).await, DeletionOutcome::NotFound);
        assert_eq!(subject.delete(gone.id).await, DeletionOutcome::NotFound);
        subject.restart().await;
    }
}

pub(crate) async fn a_name_used_again_leads_to_the_token_that_has_it_now(mut subject: Subject) {
    let stays = subject.create(token("b")).await;
    for round in 0..4 {
        let first = subject.create(token("a")).await;
        let selected = if round % 2 == 0 { TokenSelector::Id(first.id) } else { name("a") };
        assert_eq!(subject.delete(selected).await, DeletionOutcome::Deleted(first.id));
        assert_eq!(subject.delete(name("a")).await, DeletionOutcome::NotFound);
        if round > 1 {
            subject.restart().await;
        }
        let again = subject.create(token("a")).await;
        assert_eq!(subject.delete(first.id).await, DeletionOutcome::NotFound);
        assert!(subject.live.contains(again.id) && subject.live.contains(stays.id));
        assert_eq!(subject.delete(name("a")).await, DeletionOutcome::Deleted(again.id));
    }
    assert_eq!(subject.all().await, [stays]);
}

pub(crate) async fn a_name_can_be_used_again_as_soon_as_its_token_is_deleted(mut subject: Subject) {
    for _ in 0..3 {
        let record = subject.create(token("a")).await;
        assert_eq!(subject.delete(record.id).await, DeletionOutcome::Deleted(record.id));
    }
    let last = subject.create(token("a")).await;
    assert_eq!(subject.live.find(&last.digest).unwrap().id(), last.id);
    subject.restart().await;
    assert_eq!(subject.all().await, [last]);
}

pub(crate) async fn a_given_secret_of_a_deleted_token_cannot_be_used_again(mut subject: Subject) {
    let given = NewToken { origin: SecretOrigin::Given, ..token("a") };
    let record = subject.create(given.clone()).await;
    assert_eq!(subject.store.create(creation(given.clone())).await.unwrap(), CreationOutcome::NameTaken);
    assert_eq!(subject.delete(record.id).await, DeletionOutcome::Deleted(record.id));
    let renamed = NewToken { name: "b".parse().unwrap(), ..given.clone() };
    for _ in 0..2 {
        for token in [&given, &renamed] {
            assert_eq!(subject.store.create(creation(token.clone())).await.unwrap(), CreationOutcome::DigestDeleted);
        }
        subject.restart().await;
    }
    assert!(subject.live.is_empty());
}

/// Two select the token by its ID, two by its name.
pub(crate) async fn exactly_one_of_concurrent_deletions_finds_the_token(subject: Subject) {
    for _ in 0..100 {
        let id = subject.create(token("a")).await.id;
        let rivals: Vec<_> = [TokenSelector::Id(id), name("a"), name("a"), TokenSelector::Id(id)]
            .map(|token| {
                let store = Arc::clone(&subject.store);
                tokio::spawn(async move { store.delete(deletion(token)).await.unwrap() })
            })
            .into();
        let mut found = 0;
        for rival in rivals {
            found += usize::from(rival.await.unwrap() == DeletionOutcome::Deleted(id));
        }
        assert_eq!(found, 1);
        assert!(!subject.live.contains(id));
    }
}

/// Deletions by name meet deletions by ID and creations, so that the name changes hands all the time.
pub(crate) async fn a_deletion_by_name_never_ends_a_token_of_another_name(subject: Subject) {
    let stays = subject.create(token("b")).await;
    let mut named = BTreeSet::new();
    let mut deleted = Vec::new();
    for _ in 0..100 {
        let id = subject.create(token("a")).await.id;
        named.insert(id);
        let delete = |token: TokenSelector| {
            let store = Arc::clone(&subject.store);
            tokio::spawn(async move { store.delete(deletion(token)).await.unwrap() })
        };
        let create = {
            let store = Arc::clone(&subject.store);
            tokio::spawn(async move { store.create(creation(token("a"))).await.unwrap() })
        };
        let deletions = [delete(TokenSelector::Id(id)), delete(name("a")), delete(name("a"))];
        if let CreationOutcome::Created(record) = create.await.unwrap() {
            named.insert(record.id);
        }
        for deletion in deletions {
            if let DeletionOutcome::Deleted(id) = deletion.await.unwrap() {
                deleted.push(id);
            }
        }
        if let DeletionOutcome::Deleted(id) = subject.delete(name("a")).await {
            deleted.push(id);
        }
    }
    deleted.sort();
    assert!(deleted.iter().eq(&named), "{deleted:?} of {named:?}");
    assert_eq!(subject.all().await, [stays]);
}

pub(crate) async fn an_expired_token_stays_live_until_it_is_deleted(mut subject: Subject) {
    let expired = NewToken { expires_at: Some(Timestamp::EPOCH), ..token("a") };
    let record = subject.create(expired).await;
    subject.restart().await;
    assert!(subject.live.contains(record.id));
    assert_eq!(subject.store.create(creation(token("a"))).await.unwrap(), CreationOutcome::NameTaken);
    assert_eq!(subject.delete(record.id).await, DeletionOutcome::Deleted(record.id));
}
