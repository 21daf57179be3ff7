//! Queries and forms: any text is read or refused, and encoded pairs are read as what they were.
#![no_main]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, LazyLock, Mutex};

use arbitrary::Arbitrary;
use futures::FutureExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use influxdb3_token_api::server::REALM;
use openapi_stub_runtime::security::{Authentication, AuthenticationError, Authenticator};
use openapi_stub_runtime::server::{self as runtime, Document, Failure, Realm, RequestBody};
use openapi_stub_runtime::{Body, Context, Location, Operation, Parameter, Style};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Query(&'a str),
    Form(&'a [u8]),
    Json(&'a [u8]),
    Values { style: u8, values: Vec<&'a str> },
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Query(query) => drop(send(query, "text/plain", b"")),
        Input::Form(form) => drop(send("", "application/x-www-form-urlencoded", form)),
        Input::Json(json) => {
            let read = send("", "application/json", json);
            assert!(read.is_none() || influxdb3_tokens_fuzz::is_json(json));
        }
        Input::Values { style, values } => round_trip(style, &values),
    }
});

static OPERATION: Operation = Operation::new("o", Method::POST, "/o")
    .parameters(&[
        Parameter::new("single", Location::Query),
        Parameter::new("repeated", Location::Query).style(Style::Repeated),
        Parameter::new("comma", Location::Query).style(Style::Separated(',')),
        Parameter::new("space", Location::Query).style(Style::Separated(' ')),
        Parameter::new("bar", Location::Query).style(Style::Separated('|')),
        Parameter::new("number", Location::Query),
        Parameter::new("deep", Location::Query).style(Style::Deep),
    ])
    .request_body(&[&["text/plain"], &["application/x-www-form-urlencoded"], &["application/json"]]);

/// What the operation reads: nothing that a document could not declare.
#[derive(Default)]
struct Read {
    single: Option<String>,
    lists: [Option<Vec<String>>; 4],
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Fields {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    joined: Vec<u8>,
    count: Option<i64>,
}

/// Keeps what the last call read.
struct Implementation(Mutex<Option<Read>>);

static SERVICE: LazyLock<(Arc<Implementation>, Api)> = LazyLock::new(|| {
    let implementation = Arc::new(Implementation(Mutex::new(None)));
    (Arc::clone(&implementation), Api::new(implementation, Nobody))
});

enum Operations {}

impl Document<Arc<Implementation>, Context<()>> for Operations {
    const OPERATIONS: &'static [Operation] = std::slice::from_ref(&OPERATION);
    const BASE_PATH: &'static str = "";
    const REALM: &'static Realm = &REALM;

    async fn call<B: RequestBody>(
        api: &Arc<Implementation>,
        request: &mut runtime::Request<'_, B>,
        _: &Context<()>,
    ) -> Result<Response<Body>, Failure> {
        let (parameters, body) = request.take_parts();
        let read = Read {
            single: parameters.get(0)?,
            lists: [parameters.get(1)?, parameters.get(2)?, parameters.get(3)?, parameters.get(4)?],
        };
        let _: Option<f64> = parameters.get(5)?;
        let _: Option<BTreeMap<String, String>> = parameters.get(6)?;
        match body.group()? {
            0 => drop(body.text::<String>().await?),
            1 => drop(body.form::<Fields>(&[("joined", ',')]).await?),
            _ => drop(body.json::<Fields>().await?),
        }
        *api.0.lock().expect("no call panicked") = Some(read);
        runtime::Reply::new(204).empty()
    }
}

/// The operation is public.
struct Nobody;

impl Authenticator for Nobody {
    type Principal = ();

    async fn authenticate(&self, _: Authentication<'_>) -> Result<(), AuthenticationError> {
        Err(AuthenticationError::Refused)
    }
}

type Api = runtime::Service<Operations, Arc<Implementation>, Nobody>;

/// Sends a request. Returns what was read, or `None` if it was refused with a status for that.
fn send(query: &str, content_type: &str, body: &[u8]) -> Option<Read> {
    let request = Request::post(format!("/o?{query}")).header("content-type", content_type);
    let request = request.body(Full::new(Cursor::new(body.to_vec()))).ok()?;
    let response = SERVICE.1.handle(request).now_or_never().expect("nothing is waited for");
    match response.status() {
        StatusCode::NO_CONTENT => SERVICE.0.0.lock().expect("no call panicked").take(),
        StatusCode::BAD_REQUEST => None,
        other => panic!("{other}"),
    }
}

/// Values, encoded in a style, are read as what they were.
fn round_trip(style: u8, values: &[&str]) {
    let encode = |value: &&str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let values: Vec<&str> = values.to_vec();
    let encoded = |separator: &str| values.iter().map(encode).collect::<Vec<_>>().join(separator);
    let (query, index) = match style % 5 {
        0 => (format!("single={}", encoded("")), None),
        1 => (values.iter().map(|value| format!("repeated={}&", encode(value))).collect(), Some(0)),
        2 => (format!("comma={}", encoded(",")), Some(1)),
        3 => (format!("space={}", encoded("%20")), Some(2)),
        _ => (format!("bar={}", encoded("%7C")), Some(3)),
    };
    // No item can contain a separator that is always encoded.
    let separator = [None, None, Some(' '), Some('|')];
    if index.and_then(|index: usize| separator[index]).is_some_and(|it| values.iter().any(|value| value.contains(it))) {
        return;
    }
    // An URI has a greatest length.
    let Some(read) = send(&query, "text/plain", b"") else {
        assert!(query.len() > 60_000, "{query}");
        return;
    };
    let Some(index) = index else {
        assert_eq!(read.single, Some(values.concat()));
        return;
    };
    let expected = match (values.is_empty(), index) {
        (true, 0) => None,
        (true, _) => Some(vec![String::new()]),
        (false, _) => Some(values.iter().map(|value| (*value).to_owned()).collect()),
    };
    assert_eq!(read.lists[index], expected);
}
