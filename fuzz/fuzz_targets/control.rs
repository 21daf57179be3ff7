//! Both ends of the control socket: the first byte says which, the others are all that the other end sends.
#![no_main]

use influxdb3_tokens::{Catalog, TokenId};
use influxdb3_tokens_fuzz::{OPERATOR, block_on, catalog, contains, secret};
use influxdb3_tokens_server::fuzzing::{are_replies, ask, converse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((end, sent)) = input.split_first() else {
        return;
    };
    if *end == b's' { block_on(serve(sent)) } else { block_on(request(*end, sent)) }
});

/// The server answers each request with replies, and deletes a token only for one who knows an admin token's secret.
async fn serve(requests: &[u8]) {
    let catalog = catalog().await;
    let (server, client) = pair();
    let (mut reading, mut writing) = client.into_split();
    let mut replies = Vec::new();
    let send = async {
        // The server may have closed the connection.
        let _ = writing.write_all(requests).await;
        drop(writing);
    };
    let (_, _, read) = tokio::join!(converse(server, catalog.clone()), send, reading.read_to_end(&mut replies));
    read.expect("the connection ends");

    let (server, mut client) = pair();
    let check = are_replies(server);
    let repeat = async move {
        client.write_all(&replies).await.expect("they are read");
        drop(client);
    };
    let (are_replies, ()) = tokio::join!(check, repeat);
    assert!(are_replies);
    keeps_its_tokens(&catalog, requests);
}

fn keeps_its_tokens(catalog: &Catalog, requests: &[u8]) {
    assert!(catalog.live().contains(TokenId::OPERATOR), "the operator token cannot be deleted");
    let knows = |index| contains(requests, secret(index).expose());
    // An escape can stand for any character.
    if !knows(0) && !knows(1) && !requests.contains(&b'\\') {
        assert!([1, 2].into_iter().all(|id| catalog.live().contains(TokenId::from_u64(id))));
    }
    if catalog.authenticate(OPERATOR).is_none() {
        assert!(
            contains(requests, "regenerate") || requests.contains(&b'\\'),
            "nothing else ends the operator token's secret"
        );
    }
}

/// The command reads any reply without a panic, and tells no secret in an error.
async fn request(kind: u8, replies: &[u8]) {
    let (command, server) = pair();
    let (mut reading, mut writing) = server.into_split();
    let mut request = Vec::new();
    let reply = async {
        let _ = writing.write_all(replies).await;
        drop(writing);
    };
    let (asked, (), read) = tokio::join!(ask(command, kind, OPERATOR), reply, reading.read_to_end(&mut request));
    // The command may go away before it has read all.
    let _ = read;
    if let Err(error) = asked {
        assert!(!error.contains(OPERATOR) || contains(replies, "\"reason\""), "{error}");
    }
}

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("sockets can be made")
}
