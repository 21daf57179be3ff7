//! What RFC 9113, sections 3 to 8, and RFC 7541 forbid or require of a client, each with the answer of the server.

use std::iter::repeat_n;

use super::frames::*;
use crate::running::Server;

const PROTOCOL: u32 = 1;
const FLOW_CONTROL: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE: u32 = 6;
const COMPRESSION: u32 = 9;

/// How a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// The connection goes on, and stream 1 is not reset.
    Fine,
    /// Stream 1 is reset with this error. The server may end the connection instead (RFC 9113, section 5.4).
    Reset(u32),
    /// The connection ends with this error, or with PROTOCOL_ERROR, which the library sends for most.
    Ends(u32),
    /// The connection goes on, and stream 1 has an answer with the status 400.
    Rejected,
}
use Expected::{Ends, Fine, Rejected, Reset};

type Case = (&'static str, Vec<u8>, Expected);

fn settings(id: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

/// A request with these fields on stream 1.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)
}

/// A good request on stream 1 with this field in addition.
fn with(name: &str, value: &str) -> Vec<u8> {
    block(&field(name, value))
}

/// A good request on stream 1 whose block of fields ends in this.
fn block(end: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &[GET, end].concat())
}

fn frames() -> Vec<Case> {
    let big = vec![0; 16_385];
    vec![
        // Section 4.
        ("a frame of an unknown type", frame(0x16, 0, 0, b"12345678"), Fine),
        ("unknown flags", frame(PING, 0xfe, 0, b"12345678"), Fine),
        ("the reserved bit of a stream", frame(PING, 0, 0x8000_0000, b"12345678"), Fine),
        ("DATA that is too long", [begun(1), frame(DATA, 0, 1, &big)].concat(), Ends(FRAME_SIZE)),
        ("HEADERS that are too long", frame(HEADERS, END_HEADERS, 1, &big), Ends(FRAME_SIZE)),
        ("SETTINGS that are too long", frame(SETTINGS, 0, 0, &big), Ends(FRAME_SIZE)),
        ("an unknown frame that is too long", frame(0x16, 0, 0, &big), Ends(FRAME_SIZE)),
        // Section 5.1.
        ("DATA of an idle stream", frame(DATA, 0, 1, b"x"), Ends(PROTOCOL)),
        ("RST_STREAM of an idle stream", frame(RST_STREAM, 0, 1, &[0; 4]), Ends(PROTOCOL)),
        ("WINDOW_UPDATE of an idle stream", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), Ends(PROTOCOL)),
        ("CONTINUATION of an idle stream", frame(CONTINUATION, END_HEADERS, 1, GET), Ends(PROTOCOL)),
        ("an even stream", request(2), Ends(PROTOCOL)),
        ("a stream below an earlier one", [request(5), request(3)].concat(), Ends(PROTOCOL)),
        ("DATA behind the end", [request(1), frame(DATA, 0, 1, b"x")].concat(), Reset(STREAM_CLOSED)),
        ("HEADERS behind the end", [request(1), request(1)].concat(), Reset(STREAM_CLOSED)),
        ("CONTINUATION behind the end", [request(1), frame(CONTINUATION, 4, 1, GET)].concat(), Ends(PROTOCOL)),
        ("WINDOW_UPDATE behind the end", [request(1), frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])].concat(), Fine),
        ("PRIORITY behind the end", [request(1), frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])].concat(), Fine),
        // Section 6.1.
        ("DATA without a stream", frame(DATA, 0, 0, b"x"), Ends(PROTOCOL)),
        ("padding as long as DATA", [begun(1), frame(DATA, PADDED, 1, b"\x02xx")].concat(), Fine),
        ("padding longer than DATA", [begun(1), frame(DATA, PADDED, 1, b"\x06xx")].concat(), Ends(PROTOCOL)),
        ("padding of empty DATA", [begun(1), frame(DATA, PADDED, 1, b"")].concat(), Ends(PROTOCOL)),
        // Section 6.2.
        ("HEADERS without a stream", frame(HEADERS, END_HEADERS | END_STREAM, 0, GET), Ends(PROTOCOL)),
        ("padding longer than HEADERS", frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff\x82"), Ends(PROTOCOL)),
        (
            "a request that depends on itself",
            {
                let priority = [&[0, 0, 0, 1, 1][..], GET].concat();
                frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, &priority)
            },
            Reset(PROTOCOL),
        ),
        ("PING within fields", [frame(HEADERS, 0, 1, GET), frame(PING, 0, 0, &[0; 8])].concat(), Ends(PROTOCOL)),
        (
            "an unknown frame within fields",
            [frame(HEADERS, 0, 1, GET), frame(0x16, 0, 0, b"")].concat(),
            Ends(PROTOCOL),
        ),
        ("another request within fields", [frame(HEADERS, 0, 1, GET), request(3)].concat(), Ends(PROTOCOL)),
        ("DATA within fields", [frame(HEADERS, 0, 1, GET), frame(DATA, 0, 1, b"x")].concat(), Ends(PROTOCOL)),
        (
            "PRIORITY within fields",
            [frame(HEADERS, 0, 1, GET), frame(PRIORITY, 0, 3, &[0; 5])].concat(),
            Ends(PROTOCOL),
        ),
        // Section 6.3.
        ("PRIORITY without a stream", frame(PRIORITY, 0, 0, &[0; 5]), Ends(PROTOCOL)),
        ("PRIORITY of four bytes", frame(PRIORITY, 0, 1, &[0; 4]), Ends(FRAME_SIZE)),
        ("PRIORITY of an idle stream", frame(PRIORITY, 0, 1, &[0; 5]), Fine),
        // Section 6.4.
        ("RST_STREAM without a stream", frame(RST_STREAM, 0, 0, &[0; 4]), Ends(PROTOCOL)),
        ("RST_STREAM of three bytes", [begun(1), frame(RST_STREAM, 0, 1, &[0; 3])].concat(), Ends(FRAME_SIZE)),
        ("RST_STREAM of five bytes", [begun(1), frame(RST_STREAM, 0, 1, &[0; 5])].concat(), Ends(FRAME_SIZE)),
        // Section 6.5.
        ("SETTINGS of a stream", frame(SETTINGS, 0, 1, b""), Ends(PROTOCOL)),
        ("an acknowledgement with settings", frame(SETTINGS, ACK, 0, &[0; 6]), Ends(FRAME_SIZE)),
        ("SETTINGS of five bytes", frame(SETTINGS, 0, 0, &[0; 5]), Ends(FRAME_SIZE)),
        ("ENABLE_PUSH of 2", settings(2, 2), Ends(PROTOCOL)),
        ("INITIAL_WINDOW_SIZE of 2^31", settings(4, 1 << 31), Ends(FLOW_CONTROL)),
        ("MAX_FRAME_SIZE of 16383", settings(5, 16_383), Ends(PROTOCOL)),
        ("MAX_FRAME_SIZE of 2^24", settings(5, 1 << 24), Ends(PROTOCOL)),
        ("an unknown setting", settings(0xff, 7), Fine),
        ("a table of no size", settings(1, 0), Fine),
        // Section 6.6.
        ("PUSH_PROMISE", [begun(1), frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])].concat(), Ends(PROTOCOL)),
        // Section 6.7.
        ("PING of a stream", frame(PING, 0, 1, &[0; 8]), Ends(PROTOCOL)),
        ("PING of six bytes", frame(PING, 0, 0, &[0; 6]), Ends(FRAME_SIZE)),
        ("PING of nine bytes", frame(PING, 0, 0, &[0; 9]), Ends(FRAME_SIZE)),
        ("an acknowledgement of no PING", frame(PING, ACK, 0, &[7; 8]), Fine),
        // Section 6.8.
        ("GOAWAY of a stream", frame(GOAWAY, 0, 1, &[0; 8]), Ends(PROTOCOL)),
        ("GOAWAY of four bytes", frame(GOAWAY, 0, 0, &[0; 4]), Ends(FRAME_SIZE)),
        // Section 6.9.
        ("WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), Ends(PROTOCOL)),
        ("WINDOW_UPDATE of 0 of a stream", [begun(1), frame(WINDOW_UPDATE, 0, 1, &[0; 4])].concat(), Reset(PROTOCOL)),
        ("WINDOW_UPDATE of three bytes", frame(WINDOW_UPDATE, 0, 0, &[0; 3]), Ends(FRAME_SIZE)),
        ("a window beyond 2^31-1", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]), Ends(FLOW_CONTROL)),
        (
            "a window of a stream beyond 2^31-1",
            { [begun(1), frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff])].concat() },
            Reset(FLOW_CONTROL),
        ),
        // Section 6.10.
        (
            "CONTINUATION without a stream",
            { [frame(HEADERS, END_STREAM, 1, GET), frame(CONTINUATION, END_HEADERS, 0, b"")].concat() },
            Ends(PROTOCOL),
        ),
        (
            "CONTINUATION of another stream",
            { [frame(HEADERS, END_STREAM, 1, GET), frame(CONTINUATION, END_HEADERS, 3, b"")].concat() },
            Ends(PROTOCOL),
        ),
        (
            "CONTINUATION behind whole fields",
            [request(1), frame(CONTINUATION, END_HEADERS, 1, b"")].concat(),
            Ends(PROTOCOL),
        ),
        (
            "CONTINUATION behind DATA",
            { [begun(1), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, GET)].concat() },
            Ends(PROTOCOL),
        ),
        (
            "CONTINUATION",
            [frame(HEADERS, END_STREAM, 1, &GET[..3]), frame(CONTINUATION, 4, 1, &GET[3..])].concat(),
            Fine,
        ),
        // Section 5.5 of RFC 9113 has the last word: what is unknown is ignored.
        ("an unknown frame of a stream", [begun(1), frame(0x77, 0xff, 1, b"x")].concat(), Fine),
    ]
}

fn messages() -> Vec<Case> {
    let (method, scheme, path, authority) =
        ((":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "x"));
    vec![
        // Section 8.2.
        ("a name in capitals", with("X-Some", "a"), Reset(PROTOCOL)),
        ("a name with a space", with("x some", "a"), Reset(PROTOCOL)),
        ("an empty name", with("", "a"), Reset(PROTOCOL)),
        ("a value with a line end", with("x-some", "a\r\nb"), Reset(PROTOCOL)),
        ("a value with a NUL", with("x-some", "a\0b"), Reset(PROTOCOL)),
        ("the field Connection", with("connection", "close"), Reset(PROTOCOL)),
        ("the field Keep-Alive", with("keep-alive", "1"), Reset(PROTOCOL)),
        ("the field Proxy-Connection", with("proxy-connection", "close"), Reset(PROTOCOL)),
        ("the field Transfer-Encoding", with("transfer-encoding", "chunked"), Reset(PROTOCOL)),
        ("the field Upgrade", with("upgrade", "h2c"), Reset(PROTOCOL)),
        ("the field TE with gzip", with("te", "gzip"), Reset(PROTOCOL)),
        ("the field TE with trailers", with("te", "trailers"), Fine),
        // Section 8.3.
        ("no method", fields(&[scheme, path, authority]), Reset(PROTOCOL)),
        ("no scheme", fields(&[method, path, authority]), Reset(PROTOCOL)),
        ("no path", fields(&[method, scheme, authority]), Reset(PROTOCOL)),
        ("an empty path", fields(&[method, scheme, (":path", ""), authority]), Reset(PROTOCOL)),
        ("a path without a slash", fields(&[method, scheme, (":path", "a"), authority]), Reset(PROTOCOL)),
        ("two methods", fields(&[method, method, scheme, path, authority]), Reset(PROTOCOL)),
        ("two schemes", fields(&[method, scheme, scheme, path, authority]), Reset(PROTOCOL)),
        ("two paths", fields(&[method, scheme, path, path, authority]), Reset(PROTOCOL)),
        ("two authorities", fields(&[method, scheme, path, authority, authority]), Reset(PROTOCOL)),
        ("a status", fields(&[method, scheme, path, authority, (":status", "200")]), Reset(PROTOCOL)),
        ("an unknown pseudo-header", fields(&[method, scheme, path, authority, (":x", "a")]), Reset(PROTOCOL)),
        ("a pseudo-header behind a field", fields(&[method, scheme, path, ("x", "a"), authority]), Reset(PROTOCOL)),
        ("CONNECT with a path", fields(&[(":method", "CONNECT"), scheme, path, authority]), Reset(PROTOCOL)),
        ("no authority and no host", fields(&[method, scheme, path]), Rejected),
        ("a host without an authority", fields(&[method, scheme, path, ("host", "x")]), Fine),
        ("a host that differs", with("host", "y"), Rejected),
        ("two hosts", fields(&[method, scheme, path, ("host", "x"), ("host", "x")]), Rejected),
        ("an authority with a user", fields(&[method, scheme, path, (":authority", "u@x")]), Rejected),
        // Section 8.1.
        (
            // The stream is answered by then, and trailers are ignored.
            "a pseudo-header as a trailer",
            { [begun(1), frame(HEADERS, END_HEADERS | END_STREAM, 1, &field(":path", "/"))].concat() },
            Fine,
        ),
        (
            "trailers that do not end the stream",
            { [begun(1), frame(HEADERS, END_HEADERS, 1, &field("x-some", "a"))].concat() },
            Reset(PROTOCOL),
        ),
        (
            "more DATA than the length says",
            {
                let head = frame(HEADERS, END_HEADERS, 1, &[POST, &field("content-length", "1")].concat());
                [head, frame(DATA, END_STREAM, 1, b"xx")].concat()
            },
            Reset(PROTOCOL),
        ),
        (
            "less DATA than the length says",
            {
                let head = frame(HEADERS, END_HEADERS, 1, &[POST, &field("content-length", "3")].concat());
                [head, frame(DATA, END_STREAM, 1, b"xx")].concat()
            },
            Reset(PROTOCOL),
        ),
    ]
}

fn compression() -> Vec<Case> {
    vec![
        ("the index 0", block(b"\x80"), Ends(COMPRESSION)),
        ("an index beyond the tables", block(b"\xfe"), Ends(COMPRESSION)),
        ("an index of a name beyond the tables", block(b"\x7f\x20\x01a"), Ends(COMPRESSION)),
        ("an integer that never ends", block(&[&b"\xff"[..], &[0xff; 12]].concat()), Ends(COMPRESSION)),
        ("an integer that is cut", block(b"\xff"), Ends(COMPRESSION)),
        ("a text that is cut", block(b"\0\x05ab"), Ends(COMPRESSION)),
        ("a table greater than the setting", frame(HEADERS, 5, 1, &[b"\x3f\xe2\x1f", GET].concat()), Ends(COMPRESSION)),
        ("a size of the table behind a field", block(b"\x20"), Ends(COMPRESSION)),
        ("a size of the table first", frame(HEADERS, 5, 1, &[b"\x20", GET].concat()), Fine),
        ("Huffman padding of eight bits", block(b"\0\x01a\x82\x1f\xff"), Ends(COMPRESSION)),
        ("Huffman padding of zeros", block(b"\0\x01a\x81\x18"), Ends(COMPRESSION)),
        ("the end symbol in Huffman", block(b"\0\x01a\x84\xff\xff\xff\xff"), Ends(COMPRESSION)),
        (
            "a field that is stored and used",
            block(&[b"\x40\x06x-some\x01a".to_vec(), repeat_n(0xbe, 20).collect()].concat()),
            Fine,
        ),
    ]
}

#[tokio::test]
async fn each_violation_of_http2_gets_the_answer_that_the_rfcs_say() {
    let server = Server::in_memory().await;
    let cases: Vec<Case> = [frames(), messages(), compression()].concat();
    assert!(cases.len() >= 60);
    let mut wrong = Vec::new();
    for (name, bytes, expected) in cases {
        let mut connection = Connection::open(server.address).await;
        let _ = connection.send(&bytes).await;
        let outcome = connection.outcome().await;
        let reset = outcome.resets.iter().find(|(stream, _)| *stream == 1).map(|(_, code)| *code);
        // The first byte of the fields is `:status 400` of the static table.
        let is_rejected = outcome.answered.iter().any(|(stream, fields)| *stream == 1 && fields[0] == 0x8c);
        let is_right = match expected {
            Fine => outcome.is_open && reset.is_none_or(|code| code == 0) && !is_rejected,
            Reset(code) if outcome.is_open => reset == Some(code),
            Reset(code) | Ends(code) => !outcome.is_open && [Some(code), Some(PROTOCOL)].contains(&outcome.goaway),
            Rejected => outcome.is_open && is_rejected,
        };
        if !is_right {
            wrong.push(format!("{name}: {outcome:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn settings_and_pings_are_acknowledged() {
    let server = Server::in_memory().await;
    let mut connection = Connection::open(server.address).await;
    connection.send(&frame(PING, 0, 0, b"abcdefgh")).await.unwrap();
    let (mut settings, mut pings) = (0, 0);
    while settings + pings < 2 {
        let frame = connection.next().await.unwrap();
        settings += usize::from(frame.kind == SETTINGS && frame.flags == ACK && frame.payload.is_empty());
        pings += usize::from(frame.kind == PING && frame.flags == ACK && frame.payload == b"abcdefgh");
    }
    assert_eq!((settings, pings), (1, 1));
}
