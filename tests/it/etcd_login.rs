//! An etcd that takes its time to let a node log in, or that has no authentication any more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::Client;
use influxdb3_tokens::{Catalog, EtcdOptions, EtcdStore, Permissions, SystemClock};
use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};

use crate::etcd::Member;
use crate::limits::within;

const PASSWORD: &str = "correct horse battery staple";

/// Forwards connections to the member. The first answer on each takes longer than a node waits for one, and not as long as
/// it takes a connection for broken.
async fn slow_way(member: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from_near, mut to_near) = near.into_split();
                let (mut from_far, mut to_far) = TcpStream::connect(member).await.unwrap().into_split();
                let there = copy(&mut from_near, &mut to_far);
                let back = async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    copy(&mut from_far, &mut to_near).await
                };
                _ = tokio::join!(there, back);
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_logs_in_however_long_that_takes_and_again_when_its_login_is_not_valid_any_more() {
    let member = Member::start().await;
    enable(&member).await;
    let url = format!("etcd://{}/login", slow_way(member.address()).await);
    let options = EtcdOptions::from_url(&url).unwrap().user("root", PASSWORD);
    let options = options.max_staleness(EtcdOptions::LEAST_MAX_STALENESS).unwrap();

    let store = within("the store", async {
        loop {
            // A busy machine may take longer.
            if let Ok(store) = EtcdStore::open(options.clone()).await {
                return store;
            }
        }
    })
    .await;
    let node = Catalog::open(Arc::new(store), Arc::new(SystemClock)).await.unwrap();
    let (_, secret) = node.create_fresh("ci", Permissions::ADMIN, None).await.unwrap();

    // etcd forgets the logins of a user that gets another password, even if it is the same.
    root(&member).await.user_change_password("root", PASSWORD).await.unwrap();
    until_it_works(&node, "the second login").await;
    assert!(node.authenticate_or_ask(secret.expose()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_user_goes_on_while_etcd_has_no_authentication_and_logs_in_when_it_has() {
    let mut member = Member::start().await;
    let options = member.options().max_staleness(EtcdOptions::LEAST_MAX_STALENESS).unwrap();
    let store = EtcdStore::open(options.user("root", PASSWORD)).await.unwrap();
    let node = Catalog::open(Arc::new(store), Arc::new(SystemClock)).await.unwrap();
    for _ in 0..2 {
        enable(&member).await;
        until_it_works(&node, "a login").await;
        // The node needs new connections, and a new stream of changes.
        member.restart(|_| ()).await;
        until_it_works(&node, "a login after a restart").await;
        root(&member).await.auth_disable().await.unwrap();
        until_it_works(&node, "requests without a login").await;
        member.restart(|_| ()).await;
        until_it_works(&node, "connections without a login").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_credentials_leave_the_open_connections_alone() {
    let member = Member::start().await;
    let options = member.options().max_staleness(EtcdOptions::LEAST_MAX_STALENESS).unwrap();
    let store = Arc::new(EtcdStore::open(options.clone()).await.unwrap());
    let node = Catalog::open(Arc::clone(&store) as _, Arc::new(SystemClock)).await.unwrap();
    let other = Catalog::open(Arc::new(EtcdStore::open(options.clone()).await.unwrap()), Arc::new(SystemClock));
    let other = other.await.unwrap();
    let restarts = || node.store_statistics().copy.unwrap().watch_restarts;
    until_it_works(&node, "the stream of changes").await;
    let before = restarts();
    for number in 1..=5 {
        store.renew(&options.clone().user("root", PASSWORD));
        assert!(creates(&other).await);
        until_it_works(&node, "requests on new connections").await;
        within("the changes of both", async {
            while node.live().len() < 2 * number {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    // The stream of changes is on the first connection.
    assert_eq!(restarts(), before);
}

/// Gives etcd a user, and enables authentication.
async fn enable(member: &Member) {
    let mut client = Client::connect([format!("http://{}", member.address())], None).await.unwrap();
    // The user may be from before.
    _ = client.user_add("root", PASSWORD, None).await;
    _ = client.user_grant_role("root", "root").await;
    client.auth_enable().await.unwrap();
}

/// A client that has logged in.
async fn root(member: &Member) -> Client {
    let login = etcd_client::ConnectOptions::new().with_user("root", PASSWORD);
    Client::connect([format!("http://{}", member.address())], Some(login)).await.unwrap()
}

/// Waits until the node has a fresh copy and makes changes.
async fn until_it_works(node: &Catalog, what: &str) {
    within(what, async {
        while !node.live().is_fresh() || !creates(node).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn creates(node: &Catalog) -> bool {
    node.create_fresh(&uuid::Uuid::new_v4().to_string(), Permissions::ADMIN, None).await.is_ok()
}
