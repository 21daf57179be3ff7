use super::*;

fn limits() -> Limits {
    Limits { head: 300, target: 100, fields: 4 }
}

/// The fault, and how many bytes are safe, however the bytes arrive.
fn read(bytes: &[u8]) -> (usize, Option<Fault>) {
    let whole = Reader::new(limits()).feed(bytes);
    let mut results = vec![(whole.safe, whole.fault)];
    for at in 0..bytes.len() {
        results.push(feed(&[&bytes[..at], &bytes[at..]]));
    }
    results.push(feed(&bytes.chunks(1).collect::<Vec<_>>()));
    for result in &results {
        assert_eq!(*result, results[0], "{}", bytes.escape_ascii());
    }
    results[0]
}

fn feed(pieces: &[&[u8]]) -> (usize, Option<Fault>) {
    let mut reader = Reader::new(limits());
    let (mut before, mut safe) = (0, 0);
    for piece in pieces {
        let fed = reader.feed(piece);
        if fed.safe > 0 {
            safe = before + fed.safe;
        }
        if fed.fault.is_some() {
            return (safe, fed.fault);
        }
        before += piece.len();
    }
    (safe, None)
}

#[test]
fn a_well_formed_request_is_safe_as_a_whole() {
    let requests: [&[u8]; 16] = [
        b"GET / HTTP/1.1\r\nhost:x\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost:x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT a.test:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET http://a.test HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET HTTPS://[::1]:80/?a HTTP/1.1\r\nhost: x\r\n\r\n",
        b"DELETE /a?b=%C3%A9 HTTP/1.1\r\nhost:x\r\nname:\tv\xc3\xa9 \t\r\nempty:\r\n\r\n",
        b"!#$%&'*+-.^_`|~09azAZ /a HTTP/1.1\r\nhost:x\r\n!#$%&'*+-.^_`|~:x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost:x\r\ncontent-length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost:x\r\nContent-Length:\t 003 \r\n\r\n\r\n\x00",
        b"POST / HTTP/1.1\r\nhost:x\r\nTransfer-Encoding: Chunked\t\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost:x\r\ntransfer-encoding:chunked\r\n\r\n3\r\na\r\n\r\n0A;a=\"b\"\r\n0123456789\r\n0\r\nlast: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost:x\r\n\r\nGET / HTTP/1.1\r\nhost:x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost:x\r\ncontent-length: 2\r\n\r\nabGET / HTTP/1.1\r\nhost:x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost:x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nPOST / HTTP/1.1\r\nhost:x\r\ncontent-length: 1\r\n\r\na",
        b"GET / HTTP/1.1\r\nhost:x\r\na:1\r\nb:1\r\nc:1\r\n\r\nGET / HTTP/1.1\r\nhost:x\r\na:1\r\nb:1\r\nc:1\r\n\r\n",
    ];
    for request in requests {
        assert_eq!(read(request), (request.len(), None), "{}", request.escape_ascii());
    }
}

#[test]
fn an_incomplete_head_is_not_safe() {
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    for length in 0..request.len() {
        assert_eq!(read(&request[..length]), (0, None));
        let second = [&request[..], &request[..length]].concat();
        assert_eq!(read(&second), (request.len(), None));
    }
}

#[test]
fn a_malformed_head_is_refused_and_the_requests_before_it_are_safe() {
    use Fault::*;
    let good = b"POST / HTTP/1.1\r\nhost:x\r\ncontent-length: 1\r\n\r\na";
    let heads: [(&[u8], Fault); 73] = [
        (b"\x16\x03\x01", Tls),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", EmptyLine),
        (b"\nGET / HTTP/1.1\r\n\r\n", EmptyLine),
        (b" GET / HTTP/1.1\r\n\r\n", EmptyLine),
        (b"\0", Method),
        (b"(GET / HTTP/1.1\r\n\r\n", Method),
        (b"GET\t/ HTTP/1.1\r\n\r\n", Method),
        (b"GET\r\n", Method),
        (b"G\xc3\xa9T / HTTP/1.1\r\n\r\n", Method),
        (b"GET  / HTTP/1.1\r\n\r\n", Target),
        (b"GET * HTTP/1.1\r\n\r\n", Target),
        (b"OPTIONS ** HTTP/1.1\r\n\r\n", Target),
        (b"OPTIONS */ HTTP/1.1\r\n\r\n", Target),
        (b"options * HTTP/1.1\r\n\r\n", Target),
        (b"GET a.test HTTP/1.1\r\n\r\n", Target),
        (b"GET ?a HTTP/1.1\r\n\r\n", Target),
        (b"GET ftp://a.test/ HTTP/1.1\r\n\r\n", Target),
        (b"GET http:/a HTTP/1.1\r\n\r\n", Target),
        (b"GET http:///a HTTP/1.1\r\n\r\n", Target),
        (b"GET httpss://a HTTP/1.1\r\n\r\n", Target),
        (b"GET hhttp://a HTTP/1.1\r\n\r\n", Target),
        (b"GET http://?a HTTP/1.1\r\n\r\n", Target),
        (b"GET http:// HTTP/1.1\r\n\r\n", Target),
        (b"CONNECT / HTTP/1.1\r\n\r\n", Target),
        (b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", Target),
        (b"GET /a#b HTTP/1.1\r\n\r\n", Target),
        (b"GET /a\\b HTTP/1.1\r\n\r\n", Target),
        (b"GET /\"<>\" HTTP/1.1\r\n\r\n", Target),
        (b"GET /\0 HTTP/1.1\r\n\r\n", Target),
        (b"GET /\x7f HTTP/1.1\r\n\r\n", Target),
        (b"GET /\tHTTP/1.1\r\n\r\n", Target),
        (b"GET /\r\n", Target),
        (b"GET /\n", Target),
        (b"GET / \r\n", Version),
        (b"GET /  HTTP/1.1\r\n\r\n", Version),
        (b"GET / http/1.1\r\n\r\n", Version),
        (b"GET / HTTP/1.1 \r\n\r\n", Version),
        (b"GET / HTTP/1.10\r\n\r\n", Version),
        (b"GET / HTTP/11\r\n\r\n", Version),
        (b"GET / HTTP/1\r\n\r\n", Version),
        (b"GET / HTTP/1.2\r\n\r\n", OtherVersion),
        (b"GET / HTTP/2.0\r\n\r\n", OtherVersion),
        (b"GET / HTTP/0.9\r\n\r\n", OtherVersion),
        (b"PRI * HTTP/2.0\r\n\r\n", Target),
        (b"GET / HTTP/1.1\n\n", LineEnd),
        (b"GET / HTTP/1.1\r\r\n", LineEnd),
        (b"GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n", LineEnd),
        (b"GET / HTTP/1.1\r\na: b\r\r\n\r\n", LineEnd),
        (b"GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n", LineEnd),
        (b"GET / HTTP/1.1\r\n\n", LineEnd),
        (b"GET / HTTP/1.1\r\n\r\r", LineEnd),
        (b"GET / HTTP/1.1\r\n a: b\r\n\r\n", Folded),
        (b"GET / HTTP/1.1\r\na: b\r\n\tc\r\n\r\n", Folded),
        (b"GET / HTTP/1.1\r\na : b\r\n\r\n", Name),
        (b"GET / HTTP/1.1\r\na\r\n\r\n", Name),
        (b"GET / HTTP/1.1\r\n: b\r\n\r\n", Name),
        (b"GET / HTTP/1.1\r\n\xc3\xa9: b\r\n\r\n", Name),
        (b"GET / HTTP/1.1\r\na: \0\r\n\r\n", Value),
        (b"GET / HTTP/1.1\r\na: \x7f\r\n\r\n", Value),
        (b"GET / HTTP/1.1\r\ncontent-length:\r\n\r\n", Length),
        (b"GET / HTTP/1.1\r\ncontent-length: +1\r\n\r\n", Length),
        (b"GET / HTTP/1.1\r\ncontent-length: 1, 1\r\n\r\n", Length),
        (b"GET / HTTP/1.1\r\ncontent-length: 1 1\r\n\r\n", Length),
        (b"GET / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n", Length),
        (b"GET / HTTP/1.1\r\ncontent-length: 18446744073709551617\r\n\r\n", Length),
        (b"GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n", Lengths),
        (b"GET / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", EncodingAndLength),
        (b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n", EncodingAndLength),
        (b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", Encoding),
        (b"GET / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n", Encoding),
        (b"GET / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", EncodingInHttp10),
        (b"GET / HTTP/1.1\r\n\r\n", NoHost),
        (b"GET http://a.test/ HTTP/1.1\r\nhosts: a\r\n\r\n", NoHost),
    ];
    for (head, fault) in heads {
        assert_eq!(read(head), (0, Some(fault)), "{}", head.escape_ascii());
        assert_eq!(read(&[good, head].concat()), (good.len(), Some(fault)), "{}", head.escape_ascii());
    }
}

#[test]
fn a_malformed_chunk_is_refused_where_it_becomes_malformed() {
    let head = b"POST / HTTP/1.1\r\nhost:x\r\ntransfer-encoding: chunked\r\n\r\n";
    let bodies: [(&[u8], usize, Fault); 20] = [
        (b"\r\n", 0, Fault::Chunk),
        (b"\n", 0, Fault::Chunk),
        (b" 1\r\na", 0, Fault::Chunk),
        (b"+1\r\na", 0, Fault::Chunk),
        (b"-1\r\na", 0, Fault::Chunk),
        (b"0x1\r\na", 1, Fault::Chunk),
        (b"1 \r\na", 1, Fault::Chunk),
        (b"1\na", 1, Fault::Chunk),
        (b"1\r\r\na", 2, Fault::Chunk),
        (b"g\r\n", 0, Fault::Chunk),
        (b";a\r\n", 0, Fault::Chunk),
        (b"1;\n", 2, Fault::Chunk),
        (b"1;\0", 2, Fault::Chunk),
        (b"1;\xc3\xa9", 2, Fault::Chunk),
        (b"1;\r\r", 3, Fault::Chunk),
        (b"1\r\na\n0\r\n\r\n", 4, Fault::Chunk),
        (b"1\r\nab\r\n", 4, Fault::Chunk),
        (b"00000000000000001\r\na", 16, Fault::Chunk),
        (b"0\r\n a", 3, Fault::Folded),
        (b"0\r\nContent-Length: 1\r\n\r\n", 17, Fault::Trailer),
    ];
    for (body, safe, fault) in bodies {
        assert_eq!(read(&[head, body].concat()), (head.len() + safe, Some(fault)), "{}", body.escape_ascii());
    }
}

#[test]
fn the_limits_hold() {
    let target = |length: usize| format!("GET /{} HTTP/1.1\r\nhost:x\r\n\r\n", "a".repeat(length - 1));
    assert_eq!(read(target(100).as_bytes()).1, None);
    assert_eq!(read(target(101).as_bytes()).1, Some(Fault::TargetTooLong));
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nhost:x\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert_eq!(read(fields(3).as_bytes()).1, None);
    assert_eq!(read(fields(4).as_bytes()).1, Some(Fault::TooManyFields));
    let head = |length: usize| format!("GET / HTTP/1.1\r\nhost:x\r\na: {}\r\n\r\n", "b".repeat(length - 31));
    assert_eq!((head(300).len(), read(head(300).as_bytes()).1), (300, None));
    assert_eq!(read(head(303).as_bytes()).1, Some(Fault::HeadTooLong));
    let chunks = |extensions: usize, count: usize| {
        let chunk = format!("1;{}\r\na\r\n", "b".repeat(extensions));
        format!("POST / HTTP/1.1\r\nhost:x\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(count))
    };
    assert_eq!(Reader::new(limits()).feed(chunks(0, 100).as_bytes()).fault, None);
    assert_eq!(Reader::new(limits()).feed(chunks(300, 1).as_bytes()).fault, Some(Fault::Chunk));
    assert_eq!(Reader::new(limits()).feed(chunks(10, 100).as_bytes()).fault, Some(Fault::Chunk));
    let plain =
        "POST / HTTP/1.1\r\nhost:x\r\ntransfer-encoding: chunked\r\n\r\n".to_owned() + &"1\r\na\r\n".repeat(10_000);
    assert_eq!(Reader::new(limits()).feed(plain.as_bytes()).fault, None);
}
