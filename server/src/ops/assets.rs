//! Files that are part of the program, as responses.

use std::hash::{DefaultHasher, Hasher};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Ops;

/// A file, and what browsers may do with it.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    pub(super) media_type: &'static str,
    pub(super) content: &'static [u8],
    /// Its Content-Security-Policy.
    pub(super) policy: &'static str,
}

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const CSS: &str = "text/css; charset=utf-8";
pub(super) const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub(super) const SVG: &str = "image/svg+xml";

/// The policy of a file that is not a page.
pub(super) const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

impl Asset {
    /// Adds the route of this file. Browsers keep it, and ask whether it has changed.
    pub(super) fn at(self, path: &str, router: Router<Ops>) -> Router<Ops> {
        let etag = self.etag();
        router.route(path, get(async move |headers: HeaderMap| self.answer(&etag, &headers)))
    }

    fn etag(&self) -> HeaderValue {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.content);
        HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).expect("hexadecimal digits are visible ASCII")
    }

    fn answer(&self, etag: &HeaderValue, request: &HeaderMap) -> Response {
        const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
        let headers = [
            (ETAG, etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy)),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        ];
        if matches(request, etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, [(CONTENT_TYPE, self.media_type)], self.content).into_response()
    }
}

/// Whether the client has this file already (RFC 9110, section 13.1.2).
fn matches(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let values = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(|tag| tag.trim());
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Asset = Asset { media_type: CSS, content: b"a{}", policy: NOTHING };

    fn status(tags: &[&str]) -> StatusCode {
        let tags = tags.iter().map(|tag| (IF_NONE_MATCH, HeaderValue::try_from(*tag).unwrap()));
        FILE.answer(&FILE.etag(), &HeaderMap::from_iter(tags)).status()
    }

    #[test]
    fn a_file_that_the_client_has_is_not_sent_again() {
        let etag = FILE.etag();
        let etag = etag.to_str().unwrap();
        for tags in [&[etag][..], &[&format!("W/{etag}")], &[&format!("\"x\", {etag}")], &["\"x\"", etag], &["*"]] {
            assert_eq!(status(tags), StatusCode::NOT_MODIFIED, "{tags:?}");
        }
        for tags in [&[][..], &["\"x\""], &[&etag[1..]]] {
            assert_eq!(status(tags), StatusCode::OK, "{tags:?}");
        }
        assert_ne!(FILE.etag(), Asset { content: b"b{}", ..FILE }.etag());
    }
}
