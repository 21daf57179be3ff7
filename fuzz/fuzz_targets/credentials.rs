//! The credentials of a request: the first line is the query, each other line the value of an `Authorization` header.
//!
//! Four routes take one scheme of the document each, and a fifth takes any. A request is let in only with a secret that
//! an independent reading finds where the scheme has it.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use http::Request;
use http::header::AUTHORIZATION;
use http::request::Parts;
use influxdb3_token_api::SECURITY_SCHEMES;
use influxdb3_token_api::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use influxdb3_token_api::server::{Guard, REALM, Rejection};
use influxdb3_tokens::{Catalog, CatalogApi, NewToken, Permissions, TokenId};
use influxdb3_tokens_fuzz::{block_on, catalog, secret};
use percent_encoding::percent_decode_str;

/// The routes: the document's schemes, one each, and all of them.
static ROUTES: LazyLock<Vec<&'static [SecurityRequirement]>> = LazyLock::new(|| {
    let one = |scheme: &'static SecurityScheme| SecurityRequirement::new(std::slice::from_ref(scheme));
    let every: &[_] = SECURITY_SCHEMES.iter().map(one).collect::<Vec<_>>().leak();
    every.chunks(1).chain([every]).collect()
});

static GUARD: LazyLock<Guard<CatalogApi>> = LazyLock::new(|| Guard::new(CatalogApi::new(block_on(tokens())), &REALM));

/// A secret that a person made, with characters that have a meaning in a query, in JSON or in `Basic` credentials.
const MADE: &str = r##"apiv3_:&=+%41#"\,;?/~!$'()*<>@[]^`{|}"##;

/// The token with the secret [`MADE`] has ID 3.
async fn tokens() -> Catalog {
    let catalog = catalog().await;
    let made = MADE.parse().expect("it is a secret");
    let token = NewToken::given("made".parse().expect("it is a name"), Permissions::ADMIN, &made);
    catalog.create(token).await.expect("no other token has it");
    catalog
}

libfuzzer_sys::fuzz_target!(|lines: &[u8]| {
    let Some(parts) = request(lines) else {
        return;
    };
    let mut admitted = Vec::new();
    for security in ROUTES.iter() {
        let checked = GUARD.check(security, &parts).now_or_never().expect("the catalog answers at once");
        let ids =
            security.iter().flat_map(|requirement| requirement.schemes).flat_map(|scheme| presented(scheme, &parts));
        let expected: Vec<TokenId> = ids.collect();
        match checked {
            Ok(principal) => {
                assert!(expected.contains(&principal.id()), "{principal:?}");
                admitted.push(principal.id());
            }
            Err(Rejection::Unauthenticated { .. }) => {
                assert!(expected.is_empty() || security.len() > 1, "{expected:?}")
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    // Two schemes may be used at once, but not two `Authorization` headers.
    assert!(admitted.is_empty() || parts.headers.get_all(AUTHORIZATION).iter().count() < 2);
});

fn request(lines: &[u8]) -> Option<Parts> {
    let mut lines = lines.split(|byte| *byte == b'\n');
    let query = std::str::from_utf8(lines.next()?).ok()?;
    let mut request = Request::delete(format!("/api/v3/configure/token?{query}"));
    for value in lines {
        request = request.header(AUTHORIZATION, value);
    }
    Some(request.body(()).ok()?.into_parts().0)
}

/// The token whose secret the request presents under a scheme.
fn presented(scheme: &SecurityScheme, parts: &Parts) -> Option<TokenId> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let value = values.next().map(|value| value.to_str().unwrap_or_default()).unwrap_or_default();
    if values.next().is_some() {
        return None;
    }
    let after = |name: &str| {
        let (word, rest) = value.split_once(' ')?;
        word.eq_ignore_ascii_case(name).then(|| rest.trim_start_matches(' ').to_owned())
    };
    let text = match scheme.kind {
        SecurityKind::Bearer => after("bearer")?,
        SecurityKind::Basic => {
            let decoded = String::from_utf8(STANDARD.decode(after("basic")?).ok()?).ok()?;
            decoded.split_once(':')?.1.to_owned()
        }
        _ if scheme.kind.is_key_in_authorization() => value.strip_prefix("Token ")?.to_owned(),
        _ => key_in_query(parts.uri.query()?)?,
    };
    let is = |index: &u8| if *index == 3 { text == MADE } else { secret(*index).expose() == text };
    (0..=3).find(is).map(|index| TokenId::from_u64(index.into()))
}

/// The value of `p`, unless it is given twice.
fn key_in_query(query: &str) -> Option<String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).ok();
    let mut values = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name).as_deref() == Some("p")).then_some(value)
    });
    let value = values.next()?;
    values.next().is_none().then(|| decode(value))?
}
