//! Laws of changes on behalf of a token that is deleted, or whose secret is regenerated, while they are under way.

use futures::future::join_all;
use influxdb3_tokens::{
    Actor, Creation, CreationOutcome, Deletion, DeletionOutcome, NewToken, Regeneration, RegenerationOutcome,
    Timestamp, TokenId, TokenName, TokenRecord, TokenSelector,
};

use super::{Subject, digest, name, token};

pub(crate) async fn a_deleted_token_changes_nothing(mut subject: Subject) {
    let (actor, stays) = (subject.create(token("actor")).await, subject.create(token("stays")).await);
    let by = holder(&actor);
    let made = subject.create_by(by, token("made")).await;
    let CreationOutcome::Created(made) = made else { panic!("{made:?}") };
    assert_eq!(made.created_by, Some(actor.id));
    assert_eq!(subject.delete_by(by, made.id).await, DeletionOutcome::Deleted(made.id));
    assert_eq!(subject.delete(actor.id).await, DeletionOutcome::Deleted(actor.id));
    for _ in 0..2 {
        // The actor comes first: it learns neither which tokens exist nor which names are in use.
        for selected in [stays.id.into(), name("stays"), TokenId::from_u64(99).into(), name("absent"), actor.id.into()]
        {
            assert_eq!(subject.delete_by(by, selected).await, DeletionOutcome::Unauthorized);
        }
        for name in ["stays", "new"] {
            assert_eq!(subject.create_by(by, token(name)).await, CreationOutcome::Unauthorized);
        }
        assert_eq!(subject.all().await, std::slice::from_ref(&stays));
        subject.restart().await;
    }
}

pub(crate) async fn a_token_deletes_itself_once(mut subject: Subject) {
    let stays = subject.create(token("stays")).await;
    for select in [|token: &TokenRecord| token.id.into(), |_: &TokenRecord| name("actor")] {
        let actor = subject.create(token("actor")).await;
        let by = holder(&actor);
        assert_eq!(subject.delete_by(by, select(&actor)).await, DeletionOutcome::Deleted(actor.id));
        assert_eq!(subject.delete_by(by, select(&actor)).await, DeletionOutcome::Unauthorized);
        // Another token has the name now.
        let heir = subject.create(token("actor")).await;
        assert_eq!(subject.delete_by(by, name("actor")).await, DeletionOutcome::Unauthorized);
        assert!(subject.live.contains(heir.id));
        assert_eq!(subject.delete(heir.id).await, DeletionOutcome::Deleted(heir.id));
    }
    subject.restart().await;
    assert_eq!(subject.all().await, [stays]);
}

pub(crate) async fn a_replaced_secret_of_the_operator_token_changes_nothing(mut subject: Subject) {
    let (old, stays) = (subject.create(token(TokenName::OPERATOR)).await, subject.create(token("stays")).await);
    let current = subject.regenerate_by(holder(&old)).await;
    let RegenerationOutcome::Regenerated(current) = current else { panic!("{current:?}") };
    for _ in 0..2 {
        assert_eq!(subject.regenerate_by(holder(&old)).await, RegenerationOutcome::Unauthorized);
        assert_eq!(subject.delete_by(holder(&old), stays.id).await, DeletionOutcome::Unauthorized);
        assert_eq!(subject.create_by(holder(&old), token("new")).await, CreationOutcome::Unauthorized);
        assert_eq!(subject.all().await, [current.clone(), stays.clone()]);
        subject.restart().await;
    }
    assert_eq!(subject.delete_by(holder(&current), stays.id).await, DeletionOutcome::Deleted(stays.id));
}

pub(crate) async fn an_identity_that_is_not_a_token_is_not_looked_up(subject: Subject) {
    let other = Actor::Other(TokenId::from_u64(u64::MAX));
    let CreationOutcome::Created(made) = subject.create_by(other, token("a")).await else { panic!() };
    assert_eq!(made.created_by, Some(other.id()));
    assert_eq!(subject.delete_by(other, made.id).await, DeletionOutcome::Deleted(made.id));
}

/// An admin token requests many deletions at once, its own among them. One task requests them all, so they reach the
/// store in order.
pub(crate) async fn a_token_deletes_nothing_after_its_own_deletion_when_all_are_under_way_together(subject: Subject) {
    const TARGETS: usize = 20;
    for own in 0..=TARGETS {
        let actor = subject.create(token("actor")).await;
        let mut targets = Vec::new();
        for number in 0..TARGETS {
            targets.push(subject.create(token(&number.to_string())).await.id);
        }
        targets.insert(own, actor.id);
        let outcomes = join_all(targets.iter().map(|target| subject.delete_by(holder(&actor), *target))).await;
        for (number, (target, outcome)) in targets.iter().zip(outcomes).enumerate() {
            let expected =
                if number <= own { DeletionOutcome::Deleted(*target) } else { DeletionOutcome::Unauthorized };
            assert_eq!(outcome, expected);
            assert_eq!(subject.live.contains(*target), number > own);
            subject.delete(*target).await;
        }
        assert!(subject.live.is_empty());
    }
}

/// The actor that holds this token's secret.
fn holder(token: &TokenRecord) -> Actor {
    Actor::Token { id: token.id, digest: token.digest }
}

fn deletion_by(by: Actor, token: impl Into<TokenSelector>) -> Deletion {
    Deletion::new(token, by, Timestamp::EPOCH).unwrap()
}

impl Subject {
    async fn create_by(&self, by: Actor, token: NewToken) -> CreationOutcome {
        let creation = Creation::new(token, Some(by), Timestamp::EPOCH).unwrap();
        self.store.create(creation).await.unwrap()
    }

    async fn delete_by(&self, by: Actor, token: impl Into<TokenSelector>) -> DeletionOutcome {
        self.store.delete(deletion_by(by, token)).await.unwrap()
    }

    async fn regenerate_by(&self, by: Actor) -> RegenerationOutcome {
        let regeneration = Regeneration::new(digest(), Some(by), Timestamp::EPOCH).unwrap();
        self.store.regenerate(regeneration).await.unwrap()
    }
}
