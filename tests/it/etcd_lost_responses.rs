//! Requests that etcd answers, but whose answer is lost on the way: the node sends them again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use influxdb3_tokens::{Catalog, CreateError, EtcdOptions, EtcdStore, NewToken, Permissions, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::etcd::Member;
use crate::limits::within;

/// Leads to a member of etcd. It can lose what the member says.
struct Link {
    address: SocketAddr,
    is_lossy: Arc<AtomicBool>,
    connections: Arc<Mutex<JoinSet<()>>>,
}

impl Link {
    async fn to(member: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, is_lossy) = (listener.local_addr().unwrap(), Arc::<AtomicBool>::default());
        let link = Self { address, is_lossy, connections: Arc::default() };
        let (is_lossy, connections) = (link.is_lossy.clone(), link.connections.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let is_lossy = is_lossy.clone();
                connections.lock().unwrap().spawn(carry(client, member, is_lossy));
            }
        });
        link
    }

    /// Loses every answer from now on.
    fn lose(&self) {
        self.is_lossy.store(true, Ordering::SeqCst);
    }

    /// Ends all connections. New ones lose nothing.
    fn reset(&self) {
        self.is_lossy.store(false, Ordering::SeqCst);
        self.connections.lock().unwrap().abort_all();
    }
}

async fn carry(client: TcpStream, member: SocketAddr, is_lossy: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_member, mut to_member) = TcpStream::connect(member).await.unwrap().into_split();
    let there = copy(&mut from_client, &mut to_member);
    let back = async {
        let mut part = vec![0; 4096];
        while let Ok(length @ 1..) = from_member.read(&mut part).await {
            if !is_lossy.load(Ordering::SeqCst) && to_client.write_all(&part[..length]).await.is_err() {
                return;
            }
        }
    };
    // The ends of connections; ignore the errors.
    _ = tokio::join!(there, back);
}

async fn node(address: SocketAddr) -> Catalog {
    let options = EtcdOptions::from_url(&format!("etcd://{address}/lost")).unwrap();
    Catalog::open(Arc::new(EtcdStore::open(options).await.unwrap()), Arc::new(SystemClock)).await.unwrap()
}

async fn until_live(node: &Catalog, count: usize) {
    within("the change", async {
        while node.live().len() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_is_repeated_after_its_token_was_deleted_does_not_bring_it_back() {
    let member = Member::start().await;
    let link = Link::to(member.address()).await;
    let [one, other] = [node(link.address).await, node(member.address()).await];
    // Afterwards this node knows the next ID, and need not ask for it.
    let (token, secret) = NewToken::fresh("admin".parse().unwrap(), Permissions::ADMIN).unwrap();
    one.create(token).await.unwrap();
    let by = other.authenticate_or_ask(secret.expose()).await.unwrap();
    until_live(&other, 1).await;

    link.lose();
    let (token, secret) = NewToken::fresh("lost".parse().unwrap(), Permissions::ADMIN).unwrap();
    let creation = tokio::spawn(async move { one.create(token).await });
    until_live(&other, 2).await;
    let created = other.authenticate(secret.expose()).unwrap();
    other.delete(&by, &created.id().to_string()).await.unwrap();
    link.reset();
    let outcome = within("the outcome", creation).await.unwrap();
    assert!(matches!(outcome, Err(CreateError::SecretDeleted)), "{outcome:?}");
    assert!(other.authenticate_or_ask(secret.expose()).await.is_err());
}
