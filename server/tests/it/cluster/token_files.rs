//! Token files of servers whose tokens are in etcd.

use std::net::SocketAddr;
use std::time::Duration;

use influxdb3_tokens::Secret;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Etcd, Node, create};
use crate::cli::token_files::write;

/// How long each answer of etcd takes, as if its disk were slow.
const DELAY: Duration = Duration::from_millis(40);

/// With the least bound, a request waits for 4 s behind others. These take longer.
const TOKENS: usize = 110;

/// Leads to a member of etcd, which seems to answer slowly.
async fn slow_way_to(member: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client, member));
        }
    });
    address
}

async fn carry(client: TcpStream, member: SocketAddr) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_member, mut to_member) = TcpStream::connect(member).await.unwrap().into_split();
    let there = copy(&mut from_client, &mut to_member);
    // Each part waits by itself, not for the delays of those before it.
    let (parts, mut delayed) = mpsc::unbounded_channel();
    let back = async move {
        let mut part = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_member.read(&mut part).await {
            _ = parts.send((Instant::now() + DELAY, part[..length].to_vec()));
        }
    };
    let late = async {
        while let Some((at, part)) = delayed.recv().await {
            sleep_until(at).await;
            if to_client.write_all(&part).await.is_err() {
                return;
            }
        }
    };
    // The ends of connections; ignore the errors.
    _ = tokio::join!(there, back, late);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_more_tokens_than_etcd_creates_in_the_time_of_a_request_is_applied() {
    let Some(etcd) = Etcd::start().await else { return };
    let way = slow_way_to(etcd.address()).await;
    let secrets: Vec<_> = (0..TOKENS).map(|_| Secret::generate().unwrap().expose().to_owned()).collect();
    let tokens: Vec<_> = (0..TOKENS)
        .map(|number| json!({"token": secrets[number], "name": format!("{number}"), "permissions": ["db:a:read"]}))
        .collect();
    let file = etcd.beside("tokens.json");
    write(&file, &json!({ "tokens": tokens }).to_string());
    let option = format!("--permission-tokens-file={}", file.display());
    let node = tokio::task::spawn_blocking(move || {
        Node::start_on(&format!("--store=etcd://{way}/tokens"), &[&option, "--max-staleness=500ms"])
    });
    let node = node.await.unwrap();
    let last = create(&["--admin", "--name=last", &etcd.store()]);
    assert_eq!(last.id, Some(i64::try_from(TOKENS).unwrap() + 1));
    node.until_verified(secrets.last().unwrap(), 200).await;
}
