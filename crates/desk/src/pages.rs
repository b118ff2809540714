//! The desktop's own files, which are compiled in, and the rules that browsers keep for them.

use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::extract::no_route;

/// What `tools/desktop` built; without it the folder holds nothing that is served.
#[derive(RustEmbed)]
#[folder = "../../desktop/dist"]
struct Built;

/// Nothing but our own files runs, paints or is spoken to; nobody frames the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page in place of the desktop where it was not built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>hotline</title><p>The desktop is not in this binary. \
                         <code>tools/desktop</code> builds it; then <code>cargo build --release</code> takes it in. \
                         The API is at <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.";

/// The page of every address that a person may open.
pub async fn page(headers: HeaderMap) -> Response {
    match Built::get("index.html") {
        Some(file) => answer("index.html", file, &headers),
        None => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            let mut answer =
                (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, html)], NOT_BUILT).into_response();
            guard(&mut answer);
            answer
        }
    }
}

/// The icon.
pub async fn icon(headers: HeaderMap) -> Response {
    match Built::get("icon.svg") {
        Some(file) => answer("icon.svg", file, &headers),
        None => no_route().await.into_response(),
    }
}

/// A script or a style sheet. Its name has a hash of what it holds, so it never changes.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let name = format!("assets/{name}");
    match Built::get(&name) {
        Some(file) => answer(&name, file, &headers),
        None => no_route().await.into_response(),
    }
}

fn answer(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let forever = name.starts_with("assets/");
    let etag = hex(&file.metadata.sha256_hash()[..16]);
    let known = headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let packed = Built::get(&format!("{name}.gz")).filter(|_| takes_gzip(headers));
    let mut answer = match (&packed, known) {
        (_, true) => StatusCode::NOT_MODIFIED.into_response(),
        (Some(packed), _) => packed.data.clone().into_response(),
        (None, _) => file.data.into_response(),
    };
    let given = answer.headers_mut();
    if packed.is_some() && !known {
        given.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    given.insert(VARY, HeaderValue::from_static("accept-encoding"));
    given.insert(CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    let keep = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
    given.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        given.insert(ETAG, etag);
    }
    guard(&mut answer);
    answer
}

fn guard(answer: &mut Response) {
    const RULES: [(HeaderName, &str); 5] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "microphone=(self), camera=(), geolocation=()"),
    ];
    for (name, rule) in RULES {
        answer.headers_mut().insert(name, HeaderValue::from_static(rule));
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let takes = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    takes.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|part| part == "q=0")
    })
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}
