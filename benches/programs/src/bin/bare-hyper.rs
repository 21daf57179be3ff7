//! `bare-hyper [refuse] ADDRESS`: hyper that answers 204 to everything, which is as fast as a server on hyper can be; or
//! hyper that sends what our server answers to who has no credential, which takes more to send and to read.

use std::convert::Infallible;
use std::error::Error;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use influxdb3_tokens_server::listen;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: bare-hyper [refuse] ADDRESS";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, answer) = match arguments.as_slice() {
        [address] => (address, no_content as fn() -> _),
        [refuse, address] if refuse == "refuse" => (address, unauthorized as fn() -> _),
        _ => return Err(usage.into()),
    };
    let listener = listen(address.parse()?)?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = move |_: Request<Incoming>| std::future::ready(Ok::<_, Infallible>(answer()));
        tokio::spawn(async move {
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(answer)).await
        });
    }
}

fn no_content() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn unauthorized() -> Response<Full<Bytes>> {
    const BODY: &[u8] = br#"{"error":"a valid credential is required; see the header WWW-Authenticate"}"#;
    const UUID: HeaderValue = HeaderValue::from_static("8507fee0-ca4d-4b93-b392-36111c9bec6a");
    const SPAN: HeaderValue = HeaderValue::from_static("260627b560d4ed245e6c222220d79fc7");
    let mut response = Response::new(Full::new(Bytes::from_static(BODY)));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"influxdb3\""));
    headers.insert(HeaderName::from_static("cluster-uuid"), UUID);
    headers.insert(HeaderName::from_static("x-span-id"), SPAN);
    response
}
