//! A node loads all tokens, however their IDs are spread.

use std::sync::Arc;

use etcd_client::{Client, GetOptions};
use influxdb3_tokens::{Catalog, EtcdOptions, EtcdStore, NewToken, Permissions, Secret, SystemClock};

use crate::etcd::Member;

async fn node(options: &EtcdOptions) -> Catalog {
    Catalog::open(Arc::new(EtcdStore::open(options.clone()).await.unwrap()), Arc::new(SystemClock)).await.unwrap()
}

async fn create(node: &Catalog, name: &str) -> Secret {
    let (token, secret) = NewToken::fresh(name.parse().unwrap(), Permissions::ADMIN).unwrap();
    node.create(token).await.unwrap();
    secret
}

/// Lets the next token have this ID.
async fn go_on_at(member: &Member, id: u64) {
    let mut client = Client::connect([format!("http://{}", member.address())], None).await.unwrap();
    let all = client.get("/", Some(GetOptions::new().with_prefix().with_keys_only())).await.unwrap();
    let key = all.kvs().iter().find(|pair| pair.key().ends_with(b"/next-id")).unwrap().key().to_vec();
    client.put(key, id.to_string(), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_with_ids_far_apart_and_in_a_row_are_all_loaded() {
    let member = Member::start().await;
    let options = member.options();
    let one = node(&options).await;
    let mut secrets = vec![create(&one, "first").await];
    for id in [999, 1000, 1001, 4_000, 5_000_000_000] {
        go_on_at(&member, id).await;
        secrets.push(create(&one, &id.to_string()).await);
    }
    // More than are read at a time.
    for number in 0..1100 {
        secrets.push(create(&one, &format!("in a row {number}")).await);
    }
    let other = node(&options).await;
    assert_eq!(other.live().len(), secrets.len());
    for secret in &secrets {
        assert!(other.authenticate(secret.expose()).is_some());
    }
}
