//! `/`: the page for people, which lists the tokens and deletes them, and draws what `/metrics` counts.
//!
//! It is static. A script reads [`tokens`](super::tokens) and calls the API with the token that a person enters. Requests
//! that change something carry that token in `Authorization`, which no other site's page can add, so a request cannot be
//! forged across sites.

use axum::Router;

use super::Ops;
use super::assets::{Asset, CSS, HTML, JAVASCRIPT, NOTHING, SVG};

/// Nothing from elsewhere and nothing inline. `require-trusted-types-for` stops a script that writes HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

macro_rules! files {
    ($($name:literal: $media_type:expr),* $(,)?) => {
        [$((concat!("/page/", $name), $media_type, include_bytes!(concat!("page/", $name)))),*]
    };
}

pub(super) fn routes() -> Router<Ops> {
    let files: [(_, _, &[u8]); _] = files!(
        "page.css": CSS,
        "page.js": JAVASCRIPT,
        "api.js": JAVASCRIPT,
        "charts.js": JAVASCRIPT,
        "format.js": JAVASCRIPT,
        "tokens.js": JAVASCRIPT,
        "icon.svg": SVG,
    );
    let page = Asset { media_type: HTML, content: include_bytes!("page/index.html"), policy: POLICY };
    files.into_iter().fold(page.at("/", Router::new()), |router, (path, media_type, content)| {
        Asset { media_type, content, policy: NOTHING }.at(path, router)
    })
}
