use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::MemoryStore;

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
        let (record, secret) = self.catalog.create(request(name, permissions)).await.unwrap();
        (record.id, secret)
    }

    async fn admin(&self, name: &str) -> Principal {
        let (_, secret) = self.create(name, "*:*:*").await;
        self.catalog.authenticate(secret.expose()).unwrap()
    }
}

fn request(name: &str, permissions: &str) -> TokenRequest {
    TokenRequest { name: name.parse().unwrap(), permissions: permissions.parse().unwrap(), expires_in: None }
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
    let expires_in = Some(Duration::from_millis(1000));
    let token = TokenRequest { expires_in, ..request("brief", "db:*:read") };
    let (record, secret) = world.catalog.create(token).await.unwrap();
    assert_eq!(record.expires_at, Timestamp::from_millis(1000));

    world.clock.advance_to(999);
    assert!(world.catalog.authenticate(secret.expose()).is_some());
    world.clock.advance_to(1000);
    assert_eq!(world.catalog.authenticate(secret.expose()), None);
    world.catalog.delete(&admin, &record.id.to_string()).await.unwrap();
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
    world.admin("_admin").await;
    let refused = world.catalog.delete(&admin, "0").await;
    assert!(matches!(refused, Err(DeleteError::OperatorToken)));
}

#[tokio::test]
async fn an_admin_token_may_delete_itself() {
    let world = World::new().await;
    let admin = world.admin("second admin").await;
    world.catalog.delete(&admin, &admin.id().to_string()).await.unwrap();
    assert!(world.catalog.live().is_empty());
}

#[tokio::test]
async fn a_token_against_the_rules_is_not_created() {
    let world = World::new().await;
    world.create("taken", "db:*:read").await;
    let late = TokenRequest { expires_in: Some(Duration::MAX), ..request("late", "db:*:read") };

    let refused = world.catalog.create(request("taken", "*:*:*")).await;
    assert!(matches!(refused, Err(CreateError::NameTaken)));
    let refused = world.catalog.create(request("_admin", "db:*:read,write")).await;
    assert!(matches!(refused, Err(CreateError::OperatorNotAdmin)));
    let refused = world.catalog.create(late).await;
    assert!(matches!(refused, Err(CreateError::ExpiryOutOfRange)));
    assert_eq!(world.catalog.live().len(), 1);
}

#[tokio::test]
async fn an_import_changes_nothing_where_the_name_or_the_secret_exists() {
    let world = World::new().await;
    let secret = format!("apiv3_{}", "A".repeat(86));
    let import = |name: &str, secret: &str| TokenImport {
        name: name.parse().unwrap(),
        secret: secret.parse().unwrap(),
        permissions: Permissions::ADMIN,
        expires_at: None,
    };
    let other = Secret::generate().unwrap();

    let first = world.catalog.import(import("_admin", &secret)).await.unwrap();
    assert!(matches!(first, Import::Created(_)));
    for (name, secret, outcome) in [
        ("_admin", secret.as_str(), Import::Exists),
        ("_admin", other.expose(), Import::NameTaken),
        ("other", &secret, Import::SecretTaken),
    ] {
        assert_eq!(world.catalog.import(import(name, secret)).await.unwrap(), outcome);
    }
    assert_eq!(world.catalog.authenticate(&secret).unwrap().id(), TokenId::OPERATOR);
    assert_eq!(world.catalog.authenticate(other.expose()), None);
}
