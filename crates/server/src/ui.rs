//! The files of the pages, and what browsers are told to keep to.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use include_dir::{Dir, File, include_dir};

use crate::app::App;
use crate::problem::Problem;

/// What `ui/dist` held when the program was built; `build.rs` copied it.
static FILES: Dir<'_> = include_dir!("$OUT_DIR/ui");

/// What is shown when the pages were not built.
const NOT_BUILT: &str = include_str!("not_built.html");

/// Whether the pages were built into this program.
pub(crate) fn has_pages() -> bool {
    FILES.get_file("index.html").is_some()
}

/// The OpenAPI document, ready to be sent.
#[derive(Clone)]
pub(crate) struct Document(Bytes);

impl Document {
    pub(crate) fn new(text: String) -> Document {
        Document(text.into())
    }

    pub(crate) fn answer(&self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0.clone()).into_response()
    }
}

/// A file of the pages. What is no file is a page's address: the pages find their way by it themselves.
pub(crate) async fn page(request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return Problem::not_found("address").into_response();
    }
    if !matches!(request.method().as_str(), "GET" | "HEAD") {
        return crate::observe::method_not_allowed().await.into_response();
    }
    let name = path.trim_start_matches('/');
    let packed = takes_gzip(request.headers());
    if let Some(file) = FILES.get_file(name) {
        return send(file, packed);
    }
    if name.starts_with("assets/") {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    }
    match FILES.get_file("index.html") {
        Some(index) => send(index, packed),
        None => Html(NOT_BUILT).into_response(),
    }
}

/// Whether a browser says that it unpacks gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, rest) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = matches!(
                rest.replace(' ', "").as_str(),
                "q=0" | "q=0.0" | "q=0.00" | "q=0.000"
            );
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
}

fn send(file: &'static File<'_>, packed: bool) -> Response {
    let path = file.path().to_string_lossy();
    let media = match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    // Names of assets hold their hash; the page that names them must be looked at each time.
    let cache = match path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
    ];
    match packed.then(|| FILES.get_file(format!("{path}.gz"))).flatten() {
        Some(small) => {
            let coding = [(header::CONTENT_ENCODING, "gzip")];
            (headers, coding, Bytes::from_static(small.contents())).into_response()
        }
        None => (headers, Bytes::from_static(file.contents())).into_response(),
    }
}

/// What a page may load: its own files and nothing else. `style-src 'unsafe-inline'` is for the component library, which
/// sets sizes and colours in `style` attributes; scripts have no such exception.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // A set-up link has its token in its address.
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Puts the security headers on every answer.
pub(crate) async fn secure(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Answers of the API are about clients: no cache may keep them.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if app.settings().https {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_packed_only_to_who_unpacks_them() {
        for (accepts, packed) in [
            ("gzip, deflate, br", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0, br", false),
            ("gzip; q=0", false),
            ("identity", false),
            ("xgzip", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts))]);
            assert_eq!(takes_gzip(&headers), packed, "{accepts}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
