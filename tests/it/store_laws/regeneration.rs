//! Laws of regenerations of the operator token's secret.

use std::sync::Arc;

use futures::FutureExt;
use influxdb3_tokens::{CreationOutcome, NewToken, RegenerationOutcome, SecretOrigin, TokenId, TokenName};

use super::{Subject, creation, digest, regeneration, token};

pub(crate) async fn a_regenerated_operator_token_keeps_everything_but_its_secret(mut subject: Subject) {
    let stays = subject.create(token("a")).await;
    let mut operator = subject.create(token(TokenName::OPERATOR)).await;
    for round in 0..4 {
        let before = subject.live.by_id(TokenId::OPERATOR).unwrap();
        let mut until_deleted = subject.live.until_deleted(&before);
        assert!((&mut until_deleted).now_or_never().is_none());

        let fresh = digest();
        let replaces = (round % 2 == 0).then_some(operator.digest);
        operator.digest = fresh;
        let outcome = subject.regenerate(fresh, replaces).await;
        assert_eq!(outcome, RegenerationOutcome::Regenerated(operator.clone()));

        assert!(until_deleted.now_or_never().is_some());
        for _ in 0..2 {
            assert_eq!(subject.live.find(before.digest()), None);
            let live = subject.live.find(&fresh).unwrap();
            assert_eq!(Some(&live), subject.live.by_id(TokenId::OPERATOR).as_ref());
            assert!(live.id() == TokenId::OPERATOR && live.is_admin() && live.expires_at().is_none());
            assert!(subject.live.until_deleted(&live).now_or_never().is_none());
            assert_eq!(subject.live.len(), 2);
            assert_eq!(subject.all().await, [operator.clone(), stays.clone()]);
            subject.restart().await;
        }
    }
}

pub(crate) async fn a_regeneration_changes_nothing_if_a_precondition_fails(mut subject: Subject) {
    let other = subject.create(token("a")).await;
    assert_eq!(subject.regenerate(digest(), None).await, RegenerationOutcome::NotFound);
    assert_eq!(subject.regenerate(digest(), Some(digest())).await, RegenerationOutcome::Unauthorized);
    let operator = subject.create(token(TokenName::OPERATOR)).await;
    assert_eq!(subject.regenerate(digest(), Some(digest())).await, RegenerationOutcome::Unauthorized);
    assert_eq!(subject.regenerate(digest(), Some(other.digest)).await, RegenerationOutcome::Unauthorized);
    let deleted = subject.create(token("b")).await;
    subject.delete(deleted.id).await;
    for taken in [other.digest, operator.digest, deleted.digest] {
        assert_eq!(subject.regenerate(taken, None).await, RegenerationOutcome::DigestTaken);
        assert_eq!(subject.regenerate(taken, Some(operator.digest)).await, RegenerationOutcome::DigestTaken);
    }
    for _ in 0..2 {
        assert_eq!(subject.live.find(&operator.digest).unwrap().id(), TokenId::OPERATOR);
        assert_eq!(subject.all().await, [operator.clone(), other.clone()]);
        subject.restart().await;
    }
}

pub(crate) async fn a_replaced_secret_of_the_operator_token_cannot_be_used_again(mut subject: Subject) {
    let replaced = subject.create(token(TokenName::OPERATOR)).await.digest;
    let current = digest();
    subject.regenerate(current, None).await;
    assert_eq!(subject.regenerate(replaced, None).await, RegenerationOutcome::DigestTaken);
    for _ in 0..2 {
        for (name, digest, outcome) in [
            (TokenName::OPERATOR, replaced, CreationOutcome::NameTaken),
            ("a", replaced, CreationOutcome::DigestDeleted),
            ("a", current, CreationOutcome::DigestTaken),
        ] {
            let given = NewToken { origin: SecretOrigin::Given, digest, ..token(name) };
            assert_eq!(subject.store.create(creation(given)).await.unwrap(), outcome);
        }
        assert_eq!(subject.live.find(&replaced), None);
        subject.restart().await;
    }
}

pub(crate) async fn exactly_one_of_concurrent_regenerations_of_a_secret_succeeds(subject: Subject) {
    let mut operator = subject.create(token(TokenName::OPERATOR)).await;
    for _ in 0..100 {
        let rivals: Vec<_> = (0..4)
            .map(|_| {
                let (store, replaces) = (Arc::clone(&subject.store), operator.digest);
                let regeneration = regeneration(digest(), Some(replaces));
                tokio::spawn(async move { store.regenerate(regeneration).await.unwrap() })
            })
            .collect();
        let mut regenerated = Vec::new();
        for rival in rivals {
            match rival.await.unwrap() {
                RegenerationOutcome::Regenerated(record) => regenerated.push(record),
                outcome => assert_eq!(outcome, RegenerationOutcome::Unauthorized),
            }
        }
        assert_eq!(regenerated.len(), 1);
        assert_eq!(subject.live.find(&operator.digest), None);
        operator = regenerated.remove(0);
        assert_eq!(subject.live.find(&operator.digest).unwrap().id(), TokenId::OPERATOR);
        assert_eq!(subject.live.len(), 1);
    }
    assert_eq!(subject.all().await, [operator]);
}
