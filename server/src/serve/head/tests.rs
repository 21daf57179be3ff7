//! The stream passes the same bytes on, however they arrive.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, timeout};

use super::*;

const GOOD: &[u8] = b"POST / HTTP/1.1\r\nhost:x\r\ncontent-length: 1\r\n\r\na";

/// What hyper reads of these pieces until the end, with a buffer of this size, and whether a head is refused.
async fn passed(pieces: &[&[u8]], buffer: usize) -> (Vec<u8>, Option<Fault>) {
    let (mut client, server) = duplex(1 << 16);
    let (mut screened, refusal) = Screened::new(server, Limits::default());
    let (mut passed, mut space) = (Vec::new(), vec![0; buffer]);
    for piece in pieces {
        client.write_all(piece).await.unwrap();
        // Until nothing is left to read at once.
        while let Ok(read) = timeout(Duration::ZERO, screened.read(&mut space)).await {
            let read = read.unwrap();
            passed.extend_from_slice(&space[..read]);
            if read == 0 {
                break;
            }
        }
    }
    drop(client);
    screened.read_to_end(&mut passed).await.unwrap();
    (passed, refusal.fault())
}

#[tokio::test]
async fn well_formed_bytes_are_passed_on() {
    let start = [&PREFACE[..], b"\0\0\0\x04\0\0\0\0\0\n\n"].concat();
    let many = [GOOD, b"GET / HTTP/1.0\r\n\r\n", GOOD].concat();
    for bytes in [&start, &many] {
        for buffer in [1, 24, 8192] {
            for at in 0..bytes.len() {
                assert_eq!(passed(&[&bytes[..at], &bytes[at..]], buffer).await, (bytes.clone(), None));
            }
            assert_eq!(passed(&bytes.chunks(1).collect::<Vec<_>>(), buffer).await, (bytes.clone(), None));
        }
    }
}

#[tokio::test]
async fn an_incomplete_head_is_not_passed_on() {
    assert_eq!(passed(&[b"PRI * HTTP/2.0\r\n"], 24).await, (Vec::new(), None));
    assert_eq!(passed(&[GOOD, b"GET / HTTP/1.1\r\n"], 24).await, (GOOD.to_owned(), None));
}

#[tokio::test]
async fn another_request_takes_the_place_of_a_malformed_one() {
    for malformed in [&b"GET / HTTP/1.1\n\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", b"PRIX /\n"] {
        let bytes = [GOOD, malformed, GOOD].concat();
        for buffer in [1, 24, 8192] {
            for at in 0..bytes.len() {
                let (passed, fault) = passed(&[&bytes[..at], &bytes[at..]], buffer).await;
                assert_eq!(passed.escape_ascii().to_string(), [GOOD, REFUSED].concat().escape_ascii().to_string());
                assert!(fault.is_some());
            }
        }
        let (passed, fault) = passed(&[malformed], 24).await;
        assert!(passed == REFUSED && fault.is_some(), "{}", malformed.escape_ascii());
    }
}

#[tokio::test]
async fn a_refusal_is_not_known_before_what_takes_the_place_is_passed_on() {
    let (mut client, server) = duplex(1 << 16);
    let (mut screened, refusal) = Screened::new(server, Limits::default());
    client.write_all(&[GOOD, b"\n"].concat()).await.unwrap();
    let mut space = vec![0; 8192];
    assert_eq!(screened.read(&mut space).await.unwrap(), GOOD.len());
    assert_eq!(refusal.fault(), None);
    assert_eq!(screened.read(&mut space).await.unwrap(), REFUSED.len());
    assert_eq!(refusal.fault(), Some(Fault::EmptyLine));
}

#[tokio::test]
async fn a_malformed_chunk_ends_the_input() {
    let head = b"POST / HTTP/1.1\r\nhost:x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n";
    let bytes = [&head[..], b"ab", GOOD].concat();
    for at in 0..bytes.len() {
        assert_eq!(passed(&[&bytes[..at], &bytes[at..]], 24).await, ([&head[..], b"a"].concat(), None));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_refused_connection_waits_for_the_client_within_limits() {
    for (sent, seconds) in [(&b"\n"[..], 2), (GOOD, 0), (b"", 0), (&GOOD[..GOOD.len() - 1], 2)] {
        let (mut client, server) = duplex(1 << 16);
        let (mut screened, _) = Screened::new(server, Limits::default());
        client.write_all(sent).await.unwrap();
        let _ = timeout(Duration::ZERO, screened.read(&mut [0; 8192])).await;
        let begun = Instant::now();
        screened.shutdown().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), seconds, "{}", sent.escape_ascii());
    }
    let (mut client, server) = duplex(1 << 16);
    let (mut screened, _) = Screened::new(server, Limits::default());
    client.write_all(b"\n").await.unwrap();
    assert_eq!(screened.read(&mut [0; 8192]).await.unwrap(), REFUSED.len());
    let sending = tokio::spawn(async move { while client.write_all(&[b'x'; 1000]).await.is_ok() {} });
    let begun = Instant::now();
    screened.shutdown().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 0);
    drop(screened);
    sending.await.unwrap();
}
