mod shared;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::store::MemoryStore;
use crate::token::{Permissions, Secret};

#[derive(Debug, Default)]
struct ManualClock(AtomicU64);

impl ManualClock {
    fn advance_to(&self, millis: u64) {
        self.0.store(millis, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct World {
    catalog: Catalog,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(MemoryStore::new());
        let catalog = Catalog::open(store, Arc::clone(&clock) as _).await.unwrap();
        Self { catalog, clock }
    }

    async fn create(&self, name: &str, permissions: &str) -> (TokenId, Secret) {
        let (token, secret) = fresh(name, permissions);
        (self.catalog.create(token).await.unwrap().id, secret)
    }

    async fn admin(&self, name: &str) -> Principal {
        let (_, secret) = self.create(name, "*:*:*").await;
        self.catalog.authenticate(secret.expose()).unwrap()
    }
}

fn fresh(name: &str, permissions: &str) -> (NewToken, Secret) {
    NewToken::fresh(name.parse().unwrap(), permissions.parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_created_token_is_authenticated_and_a_deleted_one_refused() {
    let world = World::new().await;
    let admin = world.admin("_admin").await;
    assert_eq!(admin.id(), TokenId::OPERATOR);

    let (id, secret) = world.create("reader", "db:*:read").await;
    let reader = world.catalog.authenticate(secret.expose()).unwrap();
    assert_eq!(reader.id(), id);
    assert!(!reader.is_admin());

    world.catalog.delete(&admin, &id.to_string()).await.unwrap();
    assert_eq!(world.catalog.authenticate(secret.expose()), None);
    let again = world.catalog.delete(&admin, &id.to_string()).await;
    assert!(matches!(again, Err(DeleteError::NotFound)));
}

#[tokio::test]
async fn a_successful_authentication_is_the_last_use_of_a_token() {
    let world = World::new().await;
    let (id, secret) = world.create("a", "*:*:*").await;
    let (token, brief) = fresh("brief", "*:*:*");
    let expires_at = Timestamp::from_millis(300_000);
    let brief_id = world.catalog.create(NewToken { expires_at, ..token }).await.unwrap().id;
    let last_used = |id| world.catalog.live().last_used(id).map(Timestamp::as_millis);
    assert_eq!(last_used(id), None);
    for (now, expected) in [(119_999, 60_000), (120_000, 120_000), (179_000, 120_000), (299_999, 240_000)] {
        world.clock.advance_to(now);
        assert!([&secret, &brief].iter().all(|secret| world.catalog.authenticate(secret.expose()).is_some()));
        assert_eq!([id, brief_id].map(last_used), [Some(expected); 2]);
    }
    // A refused credential is no use: the token has expired, and stays so.
    for now in [300_000, 200_000] {
        world.clock.advance_to(now);
        assert_eq!(world.catalog.authenticate(brief.expose()), None);
        assert_eq!(last_used(brief_id), Some(240_000));
    }
}

#[tokio::test]
async fn a_regenerated_token_keeps_its_last_use() {
    let world = World::new().await;
    let (id, secret) = world.create("_admin", "*:*:*").await;
    world.clock.advance_to(60_000);
    world.catalog.authenticate(secret.expose()).unwrap();
    world.catalog.regenerate_operator().await.unwrap();
    assert_eq!(world.catalog.live().last_used(id).map(Timestamp::as_millis), Some(60_000));
    assert_eq!(world.catalog.live().last_used(TokenId::from_u64(1)), None);
}

#[tokio::test]
async fn a_token_deleted_by_its_name_is_refused() {
    let world = World::new().await;
    let admin = world.admin("second admin").await;
    let (id, secret) = world.create("reader", "db:*:read").await;
    assert_eq!(world.catalog.delete_by_name(&admin, "reader").await.unwrap(), id);
    assert_eq!(world.catalog.authenticate(secret.expose()), None);
    let again = world.catalog.delete_by_name(&admin, "reader").await;
    assert!(matches!(again, Err(DeleteError::NotFound)));
    assert_eq!(world.catalog.delete_by_name(&admin, "second admin").await.unwrap(), admin.id());
    assert!(world.catalog.live().is_empty());
}

#[tokio::test]
async fn a_token_with_a_name_that_is_not_permitted_any_more_can_be_deleted_and_not_created() {
    let world = World::new().await;
    let admin = world.admin("_admin").await;
    let name = "ci\u{202e}";
    let (token, _) = fresh("ci", "db:*:read");
    let old = NewToken { name: TokenName::existing(name).unwrap(), ..token };
    let old = world.catalog.create(old).await.unwrap();
    assert_eq!(world.catalog.delete_by_name(&admin, name).await.unwrap(), old.id);
    let refused = world.catalog.create_fresh(name, Permissions::ADMIN, None).await;
    assert!(matches!(refused, Err(CreateError::InvalidName(_))));
}

#[tokio::test]
async fn a_malformed_or_unknown_secret_is_refused() {
    let world = World::new().await;
    let unknown = Secret::generate().unwrap();
    for secret in ["", "apiv3_", unknown.expose()] {
        assert_eq!(world.catalog.authenticate(secret), None);
    }
}

#[tokio::test]
async fn a_token_expires_on_time_and_can_still_be_deleted() {
    let world = World::new().await;
    let admin = world.admin("_admin").await;
    let (token, secret) = fresh("brief", "db:*:read");
    let expires_at = world.catalog.now().checked_add(Duration::from_millis(1000));
    let record = world.catalog.create(NewToken { expires_at, ..token }).await.unwrap();
    assert_eq!((record.created_at, record.expires_at), (Timestamp::EPOCH, Timestamp::from_millis(1000)));

    world.clock.advance_to(999);
    assert!(world.catalog.authenticate(secret.expose()).is_some());
    world.clock.advance_to(1000);
    assert_eq!(world.catalog.authenticate(secret.expose()), None);
    world.catalog.delete(&admin, &record.id.to_string()).await.unwrap();
}

#[tokio::test]
async fn a_token_that_was_refused_as_expired_stays_refused_when_the_clock_is_set_back() {
    let world = World::new().await;
    let tokens = async |name: &str| {
        let expires_at = Timestamp::from_millis(1000);
        let (token, secret) = fresh(name, "db:*:read");
        world.catalog.create(NewToken { expires_at, ..token }).await.unwrap();
        (world.catalog.authenticate(secret.expose()).unwrap(), secret)
    };
    let ((seen, seen_secret), (_, unseen), (session, session_secret)) =
        (tokens("seen").await, tokens("unseen").await, tokens("session").await);
    let (_, unlimited) = world.create("unlimited", "db:*:read").await;
    world.clock.advance_to(1000);
    assert_eq!(world.catalog.authenticate(seen_secret.expose()), None);
    assert!(world.catalog.is_expired(&session));

    world.clock.advance_to(0);
    let accepted = |secret: &Secret| world.catalog.authenticate(secret.expose()).is_some();
    assert_eq!([&seen_secret, &session_secret, &unseen, &unlimited].map(accepted), [false, false, true, true]);
    assert!(world.catalog.is_expired(&seen) && world.catalog.is_expired(&session));

    // It is not one of the tokens.
    let by = |id| Principal::new(id, *seen.digest(), Timestamp::from_millis(1), Permissions::ADMIN);
    assert!(!world.catalog.is_expired(&by(seen.id())));
}

#[tokio::test]
async fn a_clock_at_either_end_of_its_range_is_no_failure() {
    let world = World::new().await;
    let admin = world.admin("_admin").await;
    let (_, brief) = world.catalog.create_fresh("brief", Permissions::ADMIN, Some(Duration::ZERO)).await.unwrap();
    assert_eq!(world.catalog.authenticate(brief.expose()), None);
    world.clock.advance_to(Timestamp::MAX.as_millis());
    let late = world.catalog.create_fresh("late", Permissions::ADMIN, Some(Duration::from_millis(1))).await;
    assert!(matches!(late, Err(CreateError::ExpiryTooLate(_))));
    let (last, secret) = world.catalog.create_fresh("last", Permissions::ADMIN, Some(Duration::ZERO)).await.unwrap();
    assert_eq!((last.created_at, last.expires_at), (Timestamp::MAX, Some(Timestamp::MAX)));
    assert_eq!(world.catalog.authenticate(secret.expose()), None);
    assert!(crate::admin_token_object(&last, &secret).expiry.is_some_and(|expiry| expiry.is_string()));
    for id in [1, 2] {
        world.catalog.delete(&admin, &id.to_string()).await.unwrap();
    }
    world.catalog.regenerate_operator_by(&admin).await.unwrap();
}

#[tokio::test]
async fn the_lifetime_of_a_fresh_token_begins_when_it_is_created() {
    let world = World::new().await;
    world.clock.advance_to(7);
    let lifetime = Some(Duration::from_secs(1));
    let (token, secret) = world.catalog.create_fresh("ci", Permissions::ADMIN, lifetime).await.unwrap();
    assert_eq!((token.created_at.as_millis(), token.created_by), (7, None));
    assert_eq!(token.expires_at, Timestamp::from_millis(1007));
    assert_eq!(world.catalog.authenticate(secret.expose()).unwrap().id(), token.id);
    let (token, _) = world.catalog.create_fresh("other", Permissions::ADMIN, None).await.unwrap();
    assert_eq!(token.expires_at, None);
    let too_late = world.catalog.create_fresh("a", Permissions::ADMIN, Some(Duration::from_secs(u64::MAX))).await;
    assert!(matches!(too_late, Err(CreateError::ExpiryTooLate(_))));
    assert!(matches!(world.catalog.create_fresh("", Permissions::ADMIN, None).await, Err(CreateError::InvalidName(_))));
    assert_eq!(world.catalog.live().len(), 2);
}

#[tokio::test]
async fn the_checks_of_a_deletion_come_in_the_documented_order() {
    let world = World::new().await;
    let (_, secret) = world.create("writer", "db:*:write").await;
    let writer = world.catalog.authenticate(secret.expose()).unwrap();
    let admin = world.admin("second admin").await;

    for id in ["0", "1", "99", "x"] {
        let refused = world.catalog.delete(&writer, id).await;
        assert!(matches!(refused, Err(DeleteError::NotAdmin)), "{id}");
    }
    for id in ["0", "99", "01", "+1", "1.0", "", "x"] {
        let refused = world.catalog.delete(&admin, id).await;
        assert!(matches!(refused, Err(DeleteError::NotFound)), "{id}");
    }
    for name in ["_admin", "writer", "x", ""] {
        let refused = world.catalog.delete_by_name(&writer, name).await;
        assert!(matches!(refused, Err(DeleteError::NotAdmin)), "{name}");
    }
    for name in ["_admin", "1", "Writer", "", "a\nb"] {
        let refused = world.catalog.delete_by_name(&admin, name).await;
        assert!(matches!(refused, Err(DeleteError::NotFound)), "{name}");
    }
    world.admin("_admin").await;
    let refused = [world.catalog.delete(&admin, "0").await, world.catalog.delete_by_name(&admin, "_admin").await];
    for refused in refused {
        assert!(matches!(refused, Err(DeleteError::OperatorToken)));
    }
}

#[tokio::test]
async fn an_admin_token_may_delete_itself() {
    let world = World::new().await;
    let admin = world.admin("second admin").await;
    world.catalog.delete(&admin, &admin.id().to_string()).await.unwrap();
    assert!(world.catalog.live().is_empty());
}

#[tokio::test]
async fn an_operator_token_that_is_not_an_admin_token_is_not_created() {
    let world = World::new().await;
    let refused = world.catalog.create(fresh("_admin", "db:*:read,write").0).await;
    assert!(matches!(refused, Err(CreateError::InvalidOperator)));
    assert!(world.catalog.live().is_empty());
}

#[tokio::test]
async fn an_operator_token_that_would_expire_is_not_created() {
    let world = World::new().await;
    let expiring = NewToken { expires_at: Some(Timestamp::MAX), ..fresh("_admin", "*:*:*").0 };
    let refused = world.catalog.create(expiring).await;
    assert!(matches!(refused, Err(CreateError::InvalidOperator)));
    assert!(world.catalog.live().is_empty());
}

#[tokio::test]
async fn only_an_admin_token_creates_tokens_and_is_recorded() {
    let world = World::new().await;
    let admin = world.admin("second admin").await;
    let (reader, secret) = world.create("reader", "db:*:read").await;
    let reads = world.catalog.authenticate(secret.expose()).unwrap();
    for name in ["new", "reader", "_admin", ""] {
        let refused = world.catalog.create_fresh_by(&reads, name, Permissions::ADMIN, None).await;
        assert!(matches!(refused, Err(CreateError::NotAdmin)), "{name}");
    }
    let operator = || world.catalog.create_fresh_by(&admin, TokenName::OPERATOR, Permissions::ADMIN, None);
    assert!(matches!(operator().await, Err(CreateError::OperatorToken)));
    let (created, _) = world.catalog.create_fresh_by(&admin, "new", Permissions::ADMIN, None).await.unwrap();
    assert_eq!(created.created_by, Some(admin.id()));
    let taken = world.catalog.create_fresh_by(&admin, "new", Permissions::ADMIN, None).await;
    assert!(matches!(taken, Err(CreateError::NameTaken)));
    let others = world.catalog.page(None, 9).await.unwrap();
    let created_by: Vec<_> = others.iter().map(|token| (token.id, token.created_by)).collect();
    assert_eq!(created_by, [(admin.id(), None), (reader, None), (created.id, Some(admin.id()))]);
    world.create("_admin", "*:*:*").await;
    assert!(matches!(operator().await, Err(CreateError::NameTaken)));
}

#[tokio::test]
async fn the_operator_token_regenerates_its_secret_and_the_old_one_is_refused() {
    let world = World::new().await;
    let admin = world.admin("second admin").await;
    assert!(matches!(world.catalog.regenerate_operator().await, Err(RegenerateError::NotFound)));
    let operator = world.admin("_admin").await;
    let refused = world.catalog.regenerate_operator_by(&admin).await;
    assert!(matches!(refused, Err(RegenerateError::NotOperator)));

    let mut secrets = Vec::new();
    let (record, secret) = world.catalog.regenerate_operator_by(&operator).await.unwrap();
    assert_eq!((record.id, record.name.as_str()), (TokenId::OPERATOR, TokenName::OPERATOR));
    assert_eq!((record.digest, record.expires_at), (secret.digest(), None));
    let again = world.catalog.regenerate_operator_by(&operator).await;
    assert!(matches!(again, Err(RegenerateError::Unauthorized)));
    secrets.push(secret);
    secrets.push(world.catalog.regenerate_operator().await.unwrap().1);
    let accepted = secrets.iter().map(|secret| world.catalog.authenticate(secret.expose()).is_some());
    assert_eq!(accepted.collect::<Vec<_>>(), [false, true]);
    assert_eq!(world.catalog.live().find(operator.digest()), None);
}

#[tokio::test]
async fn a_creation_changes_nothing_if_the_name_or_the_secret_is_in_use() {
    let world = World::new().await;
    let admin = world.admin("second admin").await;
    let (secret, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
    let given = |name: &str, secret| NewToken::given(name.parse().unwrap(), Permissions::ADMIN, secret);
    let create = async |name, secret| world.catalog.create(given(name, secret)).await;

    let created = create("ci", &secret).await.unwrap();
    assert!(matches!(create("ci", &secret).await, Err(CreateError::AlreadyExists)));
    assert!(matches!(create("ci", &other).await, Err(CreateError::NameTaken)));
    assert!(matches!(create("other", &secret).await, Err(CreateError::SecretTaken)));
    assert_eq!(world.catalog.authenticate(secret.expose()).unwrap().id(), created.id);
    assert_eq!(world.catalog.authenticate(other.expose()), None);

    world.catalog.delete(&admin, &created.id.to_string()).await.unwrap();
    for name in ["ci", "other"] {
        assert!(matches!(create(name, &secret).await, Err(CreateError::SecretDeleted)));
    }
    assert_eq!(world.catalog.authenticate(secret.expose()), None);
}
