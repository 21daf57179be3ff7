//! `bare-hyper ANSWER ADDRESS`: serves the same answer to every request with hyper, without looking at the request.
//!
//! `ANSWER` is JSON: `[401, [["content-type", "application/json"]], "{}"]`. Hyper adds `content-length` and `date`.

use std::convert::Infallible;

use bench_programs::Failure;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use influxdb3_tokens_server::listen;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [answer, address] = arguments.as_slice() else { return Err("usage: bare-hyper ANSWER ADDRESS".into()) };
    let answer: &'static Response<Full<Bytes>> = Box::leak(Box::new(parse(answer)?));
    let listener = listen(address.parse()?)?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(|_: Request<Incoming>| std::future::ready(Ok::<_, Infallible>(answer.clone())));
        tokio::spawn(async move {
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
        });
    }
}

/// Parses an answer. Its texts live as long as the program, so that a clone counts no references.
fn parse(answer: &str) -> Result<Response<Full<Bytes>>, Failure> {
    let (status, fields, body): (u16, Vec<(String, String)>, String) = serde_json::from_str(answer)?;
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let mut value = HeaderValue::from_static(value.leak());
        // The server sends a new span ID each time, and keeps it out of HTTP/2's table of headers.
        value.set_sensitive(name == "x-span-id");
        headers.append(HeaderName::from_static(name.leak()), value);
    }
    let mut response = Response::new(Full::new(Bytes::from_static(body.leak().as_bytes())));
    *response.status_mut() = status.try_into()?;
    *response.headers_mut() = headers;
    Ok(response)
}
