//! When tokens were used last, on any node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::{Client, ConnectOptions, GetOptions, KeyValue, Permission};
use influxdb3_tokens::{
    Catalog, Clock, EtcdOptions, EtcdSource, EtcdStore, EtcdTarget, MemoryStore, NewToken, Permissions, Principal,
    Secret, Timestamp, TokenId, export, import,
};

use crate::etcd::{self, Member};
use crate::etcd_nodes::{copy, copy_directory, restore, until};
use crate::limits::within;

/// A node, whose clock stands still in the minute that a test has set.
struct Node {
    catalog: Catalog,
    minute: Arc<Minute>,
}

#[derive(Debug)]
struct Minute(AtomicU64);

impl Clock for Minute {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst) * 60_000).unwrap()
    }
}

impl Node {
    /// A node that saves only when it is told to.
    async fn start(options: &EtcdOptions) -> Self {
        Self::saving_every(options, Duration::from_secs(3600)).await
    }

    async fn saving_every(options: &EtcdOptions, interval: Duration) -> Self {
        let store = EtcdStore::open(options.clone().save_uses_every(interval)).await.unwrap();
        let minute = Arc::new(Minute(AtomicU64::new(1)));
        Self { catalog: Catalog::open(Arc::new(store), Arc::clone(&minute) as _).await.unwrap(), minute }
    }

    async fn create(&self, name: &str) -> (TokenId, Secret) {
        let (token, secret) = NewToken::fresh(name.parse().unwrap(), Permissions::ADMIN).unwrap();
        (self.catalog.create(token).await.unwrap().id, secret)
    }

    async fn use_in(&self, minute: u64, secret: &Secret) -> Principal {
        self.minute.0.store(minute, Ordering::SeqCst);
        self.catalog.authenticate_or_ask(secret.expose()).await.unwrap()
    }

    /// The minutes of the last uses, as `show tokens` lists them.
    async fn shown(&self) -> BTreeMap<u64, u64> {
        let tokens = self.catalog.page(None, usize::MAX).await.unwrap();
        let at = |id| Some(self.catalog.live().last_used(id)?.as_millis() / 60_000);
        tokens.into_iter().filter_map(|token| Some((token.id.as_u64(), at(token.id)?))).collect()
    }
}

/// A store of its own, whose nodes are patient: a save that takes too long is given up.
async fn options() -> EtcdOptions {
    patient(etcd::options().await)
}

fn patient(options: EtcdOptions) -> EtcdOptions {
    options.max_staleness(Duration::from_secs(60)).unwrap()
}

/// Lets these nodes save until a new node shows these uses, because a save may fail on a slow machine.
async fn until_saved<const N: usize>(nodes: &[&Node], options: &EtcdOptions, uses: [(u64, u64); N]) {
    until("the uses", async || {
        for node in nodes {
            node.catalog.save_uses().await;
        }
        Node::start(options).await.shown().await == uses.into()
    })
    .await;
}

/// What etcd has.
struct Etcd {
    client: Client,
    prefix: String,
}

impl Etcd {
    async fn of(options: &EtcdOptions) -> Self {
        let client = Client::connect(options.members(), None).await.unwrap();
        let prefix = format!("{options:?}");
        let prefix = prefix.split('"').find(|text| text.starts_with('/')).unwrap().to_owned();
        Self { client, prefix }
    }

    async fn keys(&mut self, kind: &str) -> Vec<KeyValue> {
        let key = format!("{}/{kind}/", self.prefix);
        self.client.get(key, Some(GetOptions::new().with_prefix())).await.unwrap().take_kvs()
    }

    /// The values of the keys with uses.
    async fn uses(&mut self) -> Vec<String> {
        self.keys("uses").await.iter().map(|pair| pair.value_str().unwrap().to_owned()).collect()
    }

    async fn put_uses(&mut self, value: &str) {
        self.client.put(format!("{}/uses/{:020}", self.prefix, 0), value, None).await.unwrap();
    }

    /// The number of transactions that changed something.
    async fn revision(&mut self) -> i64 {
        self.client.get("any", None).await.unwrap().header().unwrap().revision()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_on_one_node_is_shown_by_the_other_and_after_a_restart_of_both() {
    let options = options().await;
    let [one, other] = [Node::start(&options).await, Node::start(&options).await];
    let (a, b) = (one.create("a").await, one.create("b").await);
    one.use_in(7, &a.1).await;
    other.use_in(9, &b.1).await;
    one.use_in(8, &b.1).await;
    assert_eq!((one.shown().await, other.shown().await), ([(1, 7), (2, 8)].into(), [(2, 9)].into()));
    let latest = [(1, 7), (2, 9)];
    until_saved(&[&one, &other], &options, latest).await;
    for node in [&one, &other] {
        until("the use on the other", async || node.shown().await == latest.into()).await;
    }
    drop((one, other));
    for node in [Node::start(&options).await, Node::start(&options).await] {
        until("the uses", async || node.shown().await == latest.into()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_saves_uses_by_itself() {
    let options = options().await;
    let [one, other] = [Node::saving_every(&options, Duration::from_millis(50)).await, Node::start(&options).await];
    let (_, secret) = one.create("a").await;
    for minute in [7, 9] {
        one.use_in(minute, &secret).await;
        until("the use", async || other.shown().await == [(1, minute)].into()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_uses_that_two_nodes_save_at_the_same_time_none_is_lost() {
    let options = options().await;
    let nodes = [Node::start(&options).await, Node::start(&options).await];
    let mut tokens = Vec::new();
    for number in 0..40 {
        tokens.push(nodes[0].create(&number.to_string()).await);
    }
    let mut expected = BTreeMap::new();
    for round in 1..=20 {
        // Each node uses its half of the tokens, and all use the first one.
        for (number, (id, secret)) in tokens.iter().enumerate() {
            let minute = 100 * round + number as u64;
            nodes[number % 2].use_in(minute, secret).await;
            nodes[1 - number % 2].use_in(minute + 1, &tokens[0].1).await;
            expected.insert(id.as_u64(), minute);
        }
        expected.insert(tokens[0].0.as_u64(), 100 * round + 40);
        tokio::join!(nodes[0].catalog.save_uses(), nodes[1].catalog.save_uses());
        until("the uses of both", async || {
            let shown = Node::start(&options).await.shown().await;
            tokio::join!(nodes[0].catalog.save_uses(), nodes[1].catalog.save_uses());
            shown == expected
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_uses_of_ten_thousand_tokens_take_one_transaction() {
    const COUNT: usize = 10_000;
    let member = Member::start().await;
    let options = patient(member.options());
    let secrets = import_tokens(&options, COUNT).await;
    let [one, other] = [Node::start(&options).await, Node::start(&options).await];
    let mut etcd = Etcd::of(&options).await;
    let revisions = |pairs: Vec<KeyValue>| pairs.iter().map(KeyValue::mod_revision).collect::<Vec<_>>();
    let live = revisions(etcd.keys("live").await);
    for minute in [7, 8] {
        for secret in &secrets {
            one.use_in(minute, secret).await;
        }
        let before = etcd.revision().await;
        until("the uses", async || {
            one.catalog.save_uses().await;
            other.shown().await.values().eq([minute; COUNT].iter())
        })
        .await;
        assert_eq!(etcd.revision().await - before, 1);
        one.catalog.save_uses().await;
        assert_eq!(etcd.revision().await - before, 1, "nothing was used since");
        let uses = etcd.uses().await;
        let bytes: usize = uses.iter().map(String::len).sum();
        assert!(uses.len() == 10 && bytes < 6 * COUNT, "{} keys with {bytes} bytes", uses.len());
    }
    // Nothing that nodes watch.
    assert!(revisions(etcd.keys("live").await) == live);
}

/// Makes a store with so many tokens, and returns their secrets.
async fn import_tokens(options: &EtcdOptions, count: usize) -> Vec<Secret> {
    let store = Arc::new(MemoryStore::new());
    let minute = Arc::new(Minute(AtomicU64::new(1)));
    let catalog = Catalog::open(Arc::clone(&store) as _, minute).await.unwrap();
    let mut secrets = Vec::new();
    for number in 0..count {
        let (_, secret) = catalog.create_fresh(&number.to_string(), Permissions::ADMIN, None).await.unwrap();
        secrets.push(secret);
    }
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("export");
    export(&mut store.source().unwrap(), &file, true, |_, _| {}).await.unwrap();
    import(&file, &mut EtcdTarget::new(options.clone()), |_, _| {}).await.unwrap();
    secrets
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_may_not_save_uses_does_everything_else() {
    let member = Member::start().await;
    let options = patient(member.options());
    // A user that makes a store needs to read every key under the prefix.
    drop(EtcdStore::open(options.clone()).await.unwrap());
    let mut etcd = Etcd::of(&options).await;
    let root = etcd.prefix.clone();
    let client = &mut etcd.client;
    client.role_add("root").await.unwrap();
    client.user_add("root", "root", None).await.unwrap();
    client.user_grant_role("root", "root").await.unwrap();
    client.role_add("tokens").await.unwrap();
    let uses = || (root.clone() + "/uses/", root.clone() + "/uses0");
    for (from, end) in [(root.clone() + "/", uses().0), (uses().1, root.clone() + "0")] {
        let permission = Permission::read_write(from).with_range_end(end);
        client.role_grant_permission("tokens", permission).await.unwrap();
    }
    client.user_add("node", "hunter2", None).await.unwrap();
    client.user_grant_role("node", "tokens").await.unwrap();
    client.auth_enable().await.unwrap();

    let options = options.user("node", "hunter2");
    let node = Node::saving_every(&options, Duration::from_millis(5)).await;
    let (_, admin) = node.create("admin").await;
    for number in 2..20 {
        let (id, secret) = node.create(&number.to_string()).await;
        node.use_in(number, &secret).await;
        node.catalog.save_uses().await;
        assert_eq!(node.shown().await.get(&number), Some(&number));
        let admin = node.use_in(number, &admin).await;
        node.catalog.delete(&admin, &id.to_string()).await.unwrap();
    }
    node.catalog.probe_store().await.unwrap();
    let (statistics, copy) = (node.catalog.store_statistics(), copy(&node.catalog));
    assert!(!statistics.is_failing && copy.is_fresh);
    assert_eq!((copy.watch_restarts, copy.reloads, copy.fallback_reads), (0, 0, 0));

    // It may read them first. What it could not save then is saved once it may.
    let login = ConnectOptions::new().with_user("root", "root");
    let mut client = Client::connect([member.address().to_string()], Some(login)).await.unwrap();
    for permission in [Permission::read(uses().0), Permission::read_write(uses().0)] {
        client.role_grant_permission("tokens", permission.with_range_end(uses().1)).await.unwrap();
        node.catalog.save_uses().await;
    }
    until_saved(&[&node], &options, [(1, 19)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_that_were_not_saved_while_etcd_did_not_answer_are_saved_later() {
    let member = Member::start().await;
    let options = member.options().max_staleness(Duration::from_secs(2)).unwrap();
    let node = Node::saving_every(&options, Duration::from_millis(20)).await;
    let (_, secret) = node.create("a").await;
    node.use_in(7, &secret).await;
    until("the use", async || Node::start(&options).await.shown().await == [(1, 7)].into()).await;
    member.pause();
    node.minute.0.store(9, Ordering::SeqCst);
    assert!(node.catalog.authenticate(secret.expose()).is_some());
    within("the end of a node", node.catalog.save_uses()).await;
    until("the end of the copy", async || !copy(&node.catalog).is_fresh).await;
    within("the end of a node", node.catalog.save_uses()).await;
    member.resume();
    until("the use", async || Node::start(&options).await.shown().await == [(1, 9)].into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_deleted_token_does_not_stay() {
    let options = options().await;
    let mut etcd = Etcd::of(&options).await;
    let node = Node::start(&options).await;
    let mut tokens = Vec::new();
    for minute in 1..=3 {
        tokens.push(node.create(&minute.to_string()).await);
        node.use_in(minute, &tokens.last().unwrap().1).await;
    }
    let by = node.use_in(1, &tokens[0].1).await;
    until_saved(&[&node], &options, [(1, 1), (2, 2), (3, 3)]).await;
    assert_eq!(etcd.uses().await, [r#"{"latest":3,"uses":[1,2,0,1,0,0]}"#]);
    node.catalog.delete(&by, "2").await.unwrap();
    // Another node, which has used none of them.
    let _sweeping = Node::saving_every(&options, Duration::from_millis(50)).await;
    until("its end", async || etcd.uses().await == [r#"{"latest":3,"uses":[1,2,1,0]}"#]).await;
    for id in ["3", "1"] {
        node.catalog.delete(&by, id).await.unwrap();
    }
    until("the end of all", async || etcd.uses().await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_of_deleted_tokens_are_found_among_many() {
    const BLOCKS: u64 = 17;
    let options = options().await;
    let mut etcd = Etcd::of(&options).await;
    let node = Node::start(&options).await;
    let (_, admin) = node.create("admin").await;
    let mut last = TokenId::OPERATOR;
    for block in 0..BLOCKS {
        let next_id = (1024 * block + 7).to_string();
        etcd.client.put(format!("{}/next-id", etcd.prefix), next_id, None).await.unwrap();
        let (id, secret) = node.create(&block.to_string()).await;
        node.use_in(7, &secret).await;
        last = id;
    }
    until("the uses", async || {
        node.catalog.save_uses().await;
        etcd.uses().await.len() == 17
    })
    .await;
    let by = node.use_in(7, &admin).await;
    node.catalog.delete(&by, &last.to_string()).await.unwrap();
    let _sweeping = Node::saving_every(&options, Duration::from_millis(50)).await;
    until("its end", async || etcd.uses().await.len() == 16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_token_that_a_node_does_not_know_yet_is_kept() {
    const OF_THE_OTHER: &str = r#"{"latest":9,"uses":[2,0]}"#;
    within("a save by a node whose copy lags", async {
        loop {
            let options = options().await;
            let mut etcd = Etcd::of(&options).await;
            let node = Node::start(&options).await;
            let (_, secret) = node.create("a").await;
            node.use_in(7, &secret).await;
            etcd.put_uses(OF_THE_OTHER).await;
            // Now the node cannot tell that its copy has everything. It distrusts the copy soon, and begins again.
            etcd.client.delete(format!("{}/live/head", etcd.prefix), None).await.unwrap();
            node.catalog.save_uses().await;
            let uses = etcd.uses().await;
            if uses != [OF_THE_OTHER] {
                assert_eq!(uses, [r#"{"latest":9,"uses":[1,2,0,0]}"#]);
                return;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_value_is_forgotten() {
    let options = options().await;
    let mut etcd = Etcd::of(&options).await;
    let node = Node::start(&options).await;
    let (_, secret) = node.create("a").await;
    for damaged in ["", "{}", r#"{"latest":9,"uses":[1]}"#, "\u{1b}[2J"] {
        etcd.put_uses(damaged).await;
        assert_eq!(Node::start(&options).await.shown().await, [].into(), "{damaged:?}");
    }
    node.use_in(7, &secret).await;
    until_saved(&[&node], &options, [(1, 7)]).await;
    etcd.put_uses("damaged").await;
    let _sweeping = Node::saving_every(&options, Duration::from_millis(50)).await;
    until("its end", async || etcd.uses().await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_before_the_creation_of_a_token_or_from_the_future_is_not_shown() {
    let options = options().await;
    let mut etcd = Etcd::of(&options).await;
    let node = Node::start(&options).await;
    node.minute.0.store(30, Ordering::SeqCst);
    let (_, secret) = node.create("a").await;
    for (minute, shown) in [(29, None), (133_333_332, None), (30, Some(30)), (31, Some(31))] {
        etcd.put_uses(&format!(r#"{{"latest":{minute},"uses":[1,0]}}"#)).await;
        until(&minute.to_string(), async || Node::start(&options).await.shown().await.get(&1) == shown.as_ref()).await;
    }
    // Of a node whose clock was wrong.
    etcd.put_uses(r#"{"latest":133333332,"uses":[1,0]}"#).await;
    node.use_in(32, &secret).await;
    until_saved(&[&node], &options, [(1, 32)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_the_id_of_one_that_a_restore_has_undone_does_not_have_its_uses() {
    let backup = tempfile::tempdir().unwrap();
    let mut member = Member::start().await;
    let options = patient(member.options());
    let node = Node::start(&options).await;
    let (_, kept) = node.create("kept").await;
    node.use_in(5, &kept).await;
    until_saved(&[&node], &options, [(1, 5)]).await;
    member.restart(|data| copy_directory(data, backup.path())).await;
    let (undone, secret) = node.create("undone").await;
    node.use_in(20, &secret).await;
    until_saved(&[&node], &options, [(1, 5), (2, 20)]).await;
    node.use_in(21, &secret).await;
    restore(&mut member, backup.path()).await;
    let other = Node::start(&options).await;
    other.minute.0.store(30, Ordering::SeqCst);
    assert_eq!(other.create("another").await.0, undone);
    until("the restored tokens", async || {
        copy(&node.catalog).is_fresh && node.catalog.try_authenticate(secret.expose()).is_err()
    })
    .await;
    node.catalog.save_uses().await;
    for node in [&node, &other, &Node::start(&options).await] {
        until("the restored uses", async || node.shown().await == [(1, 5)].into()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_and_an_import_leave_uses_behind() {
    let [first, second] = [options().await, options().await];
    let node = Node::start(&first).await;
    let (_, secret) = node.create("a").await;
    node.use_in(7, &secret).await;
    until_saved(&[&node], &first, [(1, 7)]).await;
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("export");
    export(&mut EtcdSource::open(first).await.unwrap(), &file, true, |_, _| {}).await.unwrap();
    import(&file, &mut EtcdTarget::new(second.clone()), |_, _| {}).await.unwrap();
    let moved = Node::start(&second).await;
    assert_eq!(moved.shown().await, [].into());
    moved.use_in(9, &secret).await;
    until_saved(&[&moved], &second, [(1, 9)]).await;
}
