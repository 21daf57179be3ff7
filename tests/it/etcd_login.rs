//! An etcd that takes its time to let a node log in.

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
    let mut client = Client::connect([format!("http://{}", member.address())], None).await.unwrap();
    client.user_add("root", PASSWORD, None).await.unwrap();
    client.user_grant_role("root", "root").await.unwrap();
    client.auth_enable().await.unwrap();
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
    let login = etcd_client::ConnectOptions::new().with_user("root", PASSWORD);
    let mut client = Client::connect([format!("http://{}", member.address())], Some(login)).await.unwrap();
    client.user_change_password("root", PASSWORD).await.unwrap();
    within("the second login", async {
        while !node.live().is_fresh() || node.create_fresh("another", Permissions::ADMIN, None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(node.authenticate_or_ask(secret.expose()).await.is_ok());
}
