//! Laws of the audit trail.

use influxdb3_tokens::{
    Actor, AuditPosition, AuditRecord, AuditedChange, Creation, CreationOutcome, Deletion, DeletionOutcome, NewToken,
    Origin, Regeneration, RegenerationOutcome, SecretOrigin, Timestamp, TokenId, TokenName,
};

use super::{Subject, creation, deletion, digest, name, token};

pub(crate) async fn every_change_leaves_one_record_in_order(mut subject: Subject) {
    let at = |millis: u64| Timestamp::from_millis(1_700_000_000_000 + millis).unwrap();
    let peer = |text: &str| Some(Origin::Peer(text.parse().unwrap()));
    let first = NewToken { digest: digest(), ..token(TokenName::OPERATOR) };
    let operator = Actor::Token { id: TokenId::OPERATOR, digest: first.digest };

    // The clock was set back before the last of them: the order is that of the changes.
    let create = Creation::new(token("a"), None, at(10)).unwrap().requested_from(Some(Origin::TokenFile));
    let a = subject.created(create).await;
    let create = Creation::new(first, None, at(11)).unwrap().requested_from(Some(Origin::Command(Some(1000))));
    subject.created(create).await;
    let create = Creation::new(token("b"), Some(operator), at(12)).unwrap().requested_from(peer("2001:db8::1"));
    let b = subject.created(create).await;
    let regeneration = Regeneration::new(digest(), Some(operator), at(13)).unwrap().requested_from(peer("192.0.2.1"));
    let outcome = subject.store.regenerate(regeneration.clone()).await.unwrap();
    assert!(matches!(outcome, RegenerationOutcome::Regenerated(_)));
    let by_b = Actor::Token { id: b.id, digest: b.digest };
    let by_name = Deletion::new(name("a"), by_b, at(14)).unwrap().requested_from(Some(Origin::Command(None)));
    assert_eq!(subject.store.delete(by_name).await.unwrap(), DeletionOutcome::Deleted(a.id));
    let again = subject.created(Creation::new(token("a"), None, at(15)).unwrap()).await;
    let by_id = Deletion::new(b.id, by_b, at(1)).unwrap().requested_from(peer("192.0.2.2"));
    assert_eq!(subject.store.delete(by_id).await.unwrap(), DeletionOutcome::Deleted(b.id));

    use AuditedChange::{Created, Deleted, Regenerated};
    let operator = Some((TokenId::OPERATOR, TokenName::OPERATOR));
    let record = |change, token, name: &str, millis, by: Option<(TokenId, &str)>, origin| AuditRecord {
        change,
        token,
        name: Some(name.parse().unwrap()),
        at: at(millis),
        by: by.map(|(id, _)| id),
        by_name: by.map(|(_, name)| name.parse().unwrap()),
        origin,
    };
    let expected = [
        record(Created, a.id, "a", 10, None, Some(Origin::TokenFile)),
        record(Created, TokenId::OPERATOR, TokenName::OPERATOR, 11, None, Some(Origin::Command(Some(1000)))),
        record(Created, b.id, "b", 12, operator, peer("2001:db8::1")),
        record(Regenerated, TokenId::OPERATOR, TokenName::OPERATOR, 13, operator, peer("192.0.2.1")),
        record(Deleted, a.id, "a", 14, Some((b.id, "b")), Some(Origin::Command(None))),
        record(Created, again.id, "a", 15, None, None),
        record(Deleted, b.id, "b", 1, Some((b.id, "b")), peer("192.0.2.2")),
    ];
    for _ in 0..2 {
        assert_eq!(subject.audit(None, usize::MAX).await, expected);
        subject.restart().await;
    }
}

pub(crate) async fn a_change_that_is_refused_leaves_no_record(subject: Subject) {
    let a = subject.create(token("a")).await;
    let given = NewToken { origin: SecretOrigin::Given, ..token("b") };
    let gone = subject.create(given.clone()).await;
    subject.delete(gone.id).await;
    let before = subject.audit(None, 9).await;
    assert_eq!(before.len(), 3);

    subject.store.create(creation(token("a"))).await.unwrap();
    subject.store.create(creation(NewToken { digest: a.digest, ..token("c") })).await.unwrap();
    subject.store.create(creation(given)).await.unwrap();
    subject.store.delete(deletion(gone.id)).await.unwrap();
    subject.store.delete(deletion(name("b"))).await.unwrap();
    let dead = Actor::Token { id: gone.id, digest: gone.digest };
    subject.store.delete(Deletion::new(a.id, dead, Timestamp::EPOCH).unwrap()).await.unwrap();
    subject.regenerate(digest(), None).await;
    assert_eq!(subject.audit(None, 9).await, before);
}

pub(crate) async fn the_audit_trail_is_the_same_in_pages_of_any_size(subject: Subject) {
    for number in 0..12 {
        let record = subject.create(token(&number.to_string())).await;
        if number % 3 == 0 {
            subject.delete(record.id).await;
        }
        if number == 5 {
            subject.create(token(TokenName::OPERATOR)).await;
        }
        if number % 4 == 3 {
            subject.regenerate(digest(), None).await;
        }
    }
    let all = subject.audit(None, usize::MAX).await;
    assert_eq!(all.len(), 12 + 4 + 1 + 2);
    for size in [1, 2, 3, 7, 18, 19, 20] {
        assert_eq!(subject.audit(None, size).await, all, "{size}");
        for since in [1, 3, 4] {
            let since = Timestamp::from_millis(1_700_000_000_000 + since);
            let later: Vec<_> = all.iter().filter(|record| Some(record.at) >= since).cloned().collect();
            assert_eq!(subject.audit(since, size).await, later, "{size}");
        }
    }
    let beyond = subject.store.audit(AuditPosition([u64::MAX; 4]), None, 9).await.unwrap();
    assert_eq!((beyond.records, beyond.next), (Vec::new(), None));
}

impl Subject {
    /// The whole trail since a moment, read in pages of this size.
    async fn audit(&self, since: Option<Timestamp>, size: usize) -> Vec<AuditRecord> {
        let (mut records, mut from) = (Vec::new(), AuditPosition::default());
        loop {
            let page = self.store.audit(from, since, size).await.unwrap();
            assert!(page.records.len() <= size);
            records.extend(page.records);
            match page.next {
                Some(next) => from = next,
                None => return records,
            }
        }
    }

    async fn created(&self, creation: Creation) -> influxdb3_tokens::TokenRecord {
        match self.store.create(creation).await.unwrap() {
            CreationOutcome::Created(record) => record,
            other => panic!("{other:?}"),
        }
    }
}
