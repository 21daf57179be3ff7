//! `/docs`: the document as a page to try it out, `/openapi.json` and `/openapi.yaml`.

use axum::Router;
use influxdb3_token_api::OPENAPI;
use swagger_ui_redist::SwaggerUi;

use super::Ops;
use super::assets::{Asset, CSS, HTML, JAVASCRIPT, NOTHING};
use super::yaml;

/// Swagger UI sets styles of elements and draws icons from `data:` URLs. Its scripts are files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The files of Swagger UI that the page needs.
const SWAGGER_UI: [(&str, &str); 2] = [("swagger-ui.css", CSS), ("swagger-ui-bundle.js", JAVASCRIPT)];

pub(super) fn routes() -> Router<Ops> {
    let file = |media_type, content| Asset { media_type, content, policy: NOTHING };
    let page = Asset { media_type: HTML, content: include_bytes!("docs/index.html"), policy: POLICY };
    let yaml = yaml::from_json(OPENAPI).expect("the document is JSON");

    let mut router = page.at("/docs", Router::new());
    router = file(CSS, include_bytes!("docs/docs.css")).at("/docs/docs.css", router);
    router = file(JAVASCRIPT, include_bytes!("docs/docs.js")).at("/docs/docs.js", router);
    router = file("application/json", OPENAPI.as_bytes()).at("/openapi.json", router);
    // RFC 9512.
    router = file("application/yaml", yaml.leak().as_bytes()).at("/openapi.yaml", router);
    for (name, media_type) in SWAGGER_UI {
        let mut files = SwaggerUi::static_files().iter();
        let (_, content) = files.find(|(file, _)| file.file_name() == name).expect("Swagger UI has this file");
        router = file(media_type, content).at(&format!("/docs/{name}"), router);
    }
    router
}
