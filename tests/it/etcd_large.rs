//! Answers of etcd that are longer than the client would take by itself.

use std::sync::Arc;

use futures::future::join_all;
use influxdb3_tokens::{Catalog, EtcdOptions, EtcdStore, NewToken, Permissions, SystemClock};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::etcd::Member;
use crate::limits::within;

/// More than four mebibytes of permissions.
const TOKENS: usize = 300;

async fn node(url: &str) -> Catalog {
    let options = EtcdOptions::from_url(url).unwrap();
    Catalog::open(Arc::new(EtcdStore::open(options).await.unwrap()), Arc::new(SystemClock)).await.unwrap()
}

async fn create_many(node: &Catalog) {
    let names: Vec<_> = (0..60).map(|number| format!("{number:0>255}")).collect();
    let permissions: Permissions = format!("db:{}:read", names.join(",")).parse().unwrap();
    let creations = (0..TOKENS).map(|number| {
        let (token, _) = NewToken::fresh(number.to_string().parse().unwrap(), permissions.clone()).unwrap();
        node.create(token)
    });
    assert!(join_all(creations).await.iter().all(Result::is_ok));
}

/// Takes one connection after another to the member, until it is aborted.
fn forward(way: Arc<TcpListener>, member: &Member) -> JoinHandle<()> {
    let member = member.address();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = way.accept().await.unwrap();
            let mut far = TcpStream::connect(member).await.unwrap();
            _ = copy_bidirectional(&mut near, &mut far).await;
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_with_long_permissions_are_loaded_and_followed() {
    let member = Member::start().await;
    let direct = format!("etcd://{}/large", member.address());
    let one = node(&direct).await;
    let way = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let forwarded = forward(way.clone(), &member);
    let cut_off = node(&format!("etcd://{}/large", way.local_addr().unwrap())).await;
    forwarded.abort();
    create_many(&one).await;
    assert!(cut_off.live().is_empty());

    // The changes come in one answer.
    let forwarded = forward(way, &member);
    within("the changes", async {
        while cut_off.live().len() < TOKENS {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(cut_off.store_statistics().copy.unwrap().reloads, 0);
    // So do the tokens.
    assert_eq!(node(&direct).await.live().len(), TOKENS);
    forwarded.abort();
}
