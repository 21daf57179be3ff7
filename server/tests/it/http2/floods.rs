//! Floods of frames: each ends its connection or stays bounded, and other clients are served meanwhile.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::frames::*;
use crate::client::Request;
use crate::document::DELETED;
use crate::limits::within;
use crate::running::Server;

const ENHANCE_YOUR_CALM: u32 = 11;

/// More than any flood may send, in bytes: it exceeds the buffers of both systems by far.
const TOO_MUCH: usize = 256 << 20;

/// How a flood ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The server ended the connection, with this error if the client saw it.
    Closed(Option<u32>),
    /// The server reads no more, because the client does not read.
    Stuck,
    /// The server has read everything.
    Endured,
}

/// Sends `begin` and then `again` until the connection ends or takes no more, or up to `limit` bytes. Meanwhile and
/// afterwards another client deletes a token.
async fn flood(settings: &[u8], begin: &[u8], mut again: impl FnMut() -> Vec<u8>, limit: usize) -> End {
    let server = Server::in_memory().await;
    let operator = server.operator().await;
    let mut connection = Connection::bare(server.address).await;
    connection.send(&[&frame(SETTINGS, 0, 0, settings), begin].concat()).await.unwrap();
    let mut sent = 0;
    let mut is_stuck = false;
    let mut round = 0;
    while sent < limit {
        let bytes: Vec<u8> = std::iter::repeat_with(&mut again).take(500).flatten().collect();
        sent += bytes.len();
        match timeout(Duration::from_secs(2), connection.stream.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
                break;
            }
            Err(_) => {
                is_stuck = true;
                break;
            }
        }
        if round % 64 == 0 {
            is_served(&server, &operator).await;
        }
        round += 1;
    }
    is_served(&server, &operator).await;
    if is_stuck {
        return End::Stuck;
    }
    let outcome = connection.outcome().await;
    if outcome.is_open { End::Endured } else { End::Closed(outcome.goaway) }
}

async fn is_served(server: &Server, operator: &str) {
    let (token, _) = server.token("db:d:read").await;
    let request = Request::delete(token).bearer(operator);
    for client in server.clients().await {
        let mut client = client;
        let status = within("a good client", client.send(&request)).await.status;
        assert!(status == DELETED || status == 404);
    }
}

/// Streams with odd numbers.
fn streams() -> impl FnMut() -> u32 {
    let mut next = 1;
    move || {
        next += 2;
        next - 2
    }
}

fn is_closed_as_a_flood(end: &End) -> bool {
    // A reset may overtake the GOAWAY.
    matches!(end, End::Closed(Some(ENHANCE_YOUR_CALM) | None))
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let mut next = streams();
    let again = || {
        let stream = next();
        [request(stream), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let end = flood(b"", b"", again, TOO_MUCH).await;
    assert!(is_closed_as_a_flood(&end), "{end:?}");
}

#[tokio::test]
async fn streams_that_make_the_server_reset_them_end_the_connection() {
    let mut next = streams();
    let again = || {
        let stream = next();
        [begun(stream), frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff])].concat()
    };
    let end = flood(b"", b"", again, TOO_MUCH).await;
    assert!(is_closed_as_a_flood(&end), "{end:?}");
}

#[tokio::test]
async fn fields_that_never_end_end_the_connection() {
    let begin = frame(HEADERS, 0, 1, GET);
    for payload in [&b""[..], b"\x82", &field("x-some", "value").repeat(100)] {
        let end = flood(b"", &begin, || frame(CONTINUATION, 0, 1, payload), TOO_MUCH).await;
        assert!(matches!(end, End::Closed(_)), "{end:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_acknowledgements_cannot_send_without_end() {
    for again in [frame(SETTINGS, 0, 0, b""), frame(PING, 0, 0, &[0; 8])] {
        let end = flood(b"", b"", || again.clone(), TOO_MUCH).await;
        assert!(matches!(end, End::Stuck | End::Closed(_)), "{end:?}");
    }
}

#[tokio::test]
async fn more_streams_than_allowed_are_refused() {
    let server = Server::in_memory().await;
    // Responses stay, because their stream has no window.
    let mut connection = Connection::bare(server.address).await;
    let mut bytes = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    bytes.extend((0..1000).flat_map(|stream| request(2 * stream + 1)));
    connection.send(&bytes).await.unwrap();
    let outcome = connection.outcome().await;
    const REFUSED: u32 = 7;
    let refused = outcome.resets.iter().filter(|(_, code)| *code == REFUSED).count();
    assert!(refused >= 700 || !outcome.is_open, "{refused} of 1000 refused, {:?}", outcome.goaway);
}

#[tokio::test]
async fn a_client_that_never_reads_responses_cannot_send_without_end() {
    let mut next = streams();
    let end = flood(&[0, 4, 0, 0, 0, 0], b"", || request(next()), TOO_MUCH).await;
    assert!(matches!(end, End::Stuck | End::Closed(_)), "{end:?}");
}

#[tokio::test]
async fn fields_from_the_table_that_are_used_often_are_refused() {
    let server = Server::in_memory().await;
    let mut connection = Connection::open(server.address).await;
    // One byte for each use of a field of 4,000 bytes.
    let value = [&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4000]].concat();
    let bomb = [GET, &value, &[0xbe; 10_000]].concat();
    connection.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb)).await.unwrap();
    let outcome = connection.outcome().await;
    let has_431 = outcome.answered.iter().any(|(_, fields)| fields.windows(3).any(|three| three == b"431"));
    assert!(has_431 || !outcome.resets.is_empty() || outcome.goaway.is_some(), "{outcome:?}");
}

/// These frames cost a server that reads them no memory, and no answer.
#[tokio::test]
async fn frames_without_an_effect_are_endured_or_refused() {
    let priority = frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]);
    let unknown = frame(0x77, 0, 0, b"");
    let window = frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]);
    let acknowledged = frame(PING, ACK, 0, &[0; 8]);
    for again in [priority, unknown, window, acknowledged] {
        let end = flood(b"", b"", || again.clone(), 4 << 20).await;
        assert!(matches!(end, End::Endured | End::Closed(_)), "{end:?}");
    }
}

#[tokio::test]
async fn empty_data_is_endured_or_refused() {
    let end = flood(b"", &begun(1), || frame(DATA, 0, 1, b""), 4 << 20).await;
    assert!(matches!(end, End::Endured | End::Closed(_)), "{end:?}");
    let end = flood(b"", &begun(1), || frame(DATA, PADDED, 1, b"\0"), 4 << 20).await;
    assert!(matches!(end, End::Endured | End::Closed(_)), "{end:?}");
}
