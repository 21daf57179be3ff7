//! Prefixes of stores that begin with each other.

use std::sync::Arc;

use etcd_client::{Client, Permission};
use influxdb3_tokens::{
    Catalog, EtcdOpenError, EtcdOptions, EtcdSource, EtcdStore, EtcdTarget, MoveError, Permissions, SystemClock,
    export, import,
};

use crate::etcd::{self, Member};

/// Where stores are, each under a prefix that begins with a common one.
struct Stores(EtcdOptions);

impl Stores {
    async fn new() -> Self {
        Self(etcd::options().await)
    }

    fn options(&self, rest: &str) -> EtcdOptions {
        let url = format!("etcd://{}{}", self.0.members()[0], self.prefix(rest));
        EtcdOptions::from_url(&url).unwrap()
    }

    fn prefix(&self, rest: &str) -> String {
        format!("{}{rest}", self.0.prefix())
    }

    async fn open(&self, rest: &str) -> Result<EtcdStore, EtcdOpenError> {
        EtcdStore::open(self.options(rest)).await
    }

    /// The key because of which no store is made.
    async fn refused(&self, rest: &str) -> String {
        match self.open(rest).await.err() {
            Some(EtcdOpenError::Occupied { prefix, key }) if prefix == self.prefix(rest) => {
                key.strip_prefix(self.0.prefix()).unwrap().to_owned()
            }
            opened => panic!("{rest}: {opened:?}"),
        }
    }
}

#[tokio::test]
async fn no_store_is_made_whose_keys_another_one_would_take_for_its_own() {
    let stores = Stores::new().await;
    stores.open("/a").await.unwrap();
    for below in ["/a/live", "/a/live/b", "/a/names/b", "/a/digests", "/a/audit/0", "/a/uses"] {
        assert_eq!(stores.refused(below).await, "/a/cluster");
    }
    for apart in ["/a/b", "/a/lives", "/ab", "/live"] {
        assert!(stores.open(apart).await.unwrap().is_new(), "{apart}");
    }
    assert!(!stores.open("/a").await.unwrap().is_new());
}

#[tokio::test]
async fn no_store_is_made_that_would_take_the_keys_of_another_one_for_its_own() {
    let stores = Stores::new().await;
    for (above, below) in [("/a", "/a/live"), ("/b", "/b/names/c"), ("/c/d", "/c/d/uses/e")] {
        stores.open(below).await.unwrap();
        let key = stores.refused(above).await;
        assert!(key.starts_with(&format!("{below}/")), "{key}");
        assert!(!stores.open(below).await.unwrap().is_new());
    }
    // A new store does not take over the keys that a removed one has left.
    let mut client = Client::connect([format!("http://{}", stores.0.members()[0])], None).await.unwrap();
    client.put(stores.prefix("/f/live/00000000000000000001"), "x", None).await.unwrap();
    assert_eq!(stores.refused("/f").await, "/f/live/00000000000000000001");
}

#[tokio::test]
async fn stores_that_were_made_under_such_prefixes_can_be_opened() {
    let stores = Stores::new().await;
    stores.open("/a").await.unwrap();
    let mut client = Client::connect([format!("http://{}", stores.0.members()[0])], None).await.unwrap();
    for key in ["cluster", "next-id", "epoch", "live/head"] {
        let got = client.get(stores.prefix(&format!("/a/{key}")), None).await.unwrap();
        client.put(stores.prefix(&format!("/a/live/{key}")), got.kvs()[0].value(), None).await.unwrap();
    }
    for rest in ["/a", "/a/live"] {
        Catalog::open(Arc::new(stores.open(rest).await.unwrap()), Arc::new(SystemClock)).await.unwrap();
    }
}

#[tokio::test]
async fn no_import_makes_such_a_store() {
    let stores = Stores::new().await;
    let catalog = Catalog::open(Arc::new(stores.open("/a").await.unwrap()), Arc::new(SystemClock)).await.unwrap();
    catalog.create_fresh("ci", Permissions::ADMIN, None).await.unwrap();
    stores.open("/b/live").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export");
    let mut source = EtcdSource::open(stores.options("/a")).await.unwrap();
    export(&mut source, &file, false, |_, _| ()).await.unwrap();
    for (rest, named) in [("/a/names", "/a"), ("/b", "/b")] {
        let mut target = EtcdTarget::new(stores.options(rest));
        match import(&file, &mut target, |_, _| ()).await {
            Err(MoveError::NotEmpty { place }) => assert!(place.contains(&format!("{} ", stores.prefix(named)))),
            imported => panic!("{rest}: {imported:?}"),
        }
    }
    import(&file, &mut EtcdTarget::new(stores.options("/a/b")), |_, _| ()).await.unwrap();
}

#[tokio::test]
async fn a_user_that_may_not_read_the_keys_around_its_prefix_makes_a_store() {
    const PASSWORD: &str = "correct horse battery staple";
    let member = Member::start().await;
    let mut client = Client::connect([format!("http://{}", member.address())], None).await.unwrap();
    client.role_add("tokens").await.unwrap();
    client.role_grant_permission("tokens", Permission::read_write("/a/live/b/").with_prefix()).await.unwrap();
    for (user, role) in [("root", "root"), ("node", "tokens")] {
        client.user_add(user, PASSWORD, None).await.unwrap();
        client.user_grant_role(user, role).await.unwrap();
    }
    client.auth_enable().await.unwrap();
    let options = |prefix| {
        let options = EtcdOptions::from_url(&format!("etcd://{}{prefix}", member.address())).unwrap();
        options.user("node", PASSWORD)
    };
    let opened = EtcdStore::open(options("/a")).await.err().unwrap();
    assert!(matches!(opened, EtcdOpenError::Refused(_)), "{opened:?}");
    assert!(EtcdStore::open(options("/a/live/b")).await.unwrap().is_new());
}
