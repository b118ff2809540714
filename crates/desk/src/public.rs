//! What the pages for customers have in common: surveys and uploads are reached by a link alone, by whatever browser a
//! messenger opens.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use hotline_model::Language;

use crate::serve::Place;

/// What such a page may do: nothing runs, and only our own style paints.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A text as it stands in HTML, between tags and in quoted attributes. Of what cannot be seen only line ends stay.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() && c != '\n' => {}
            c => safe.push(c),
        }
    }
    safe
}

/// Who asks: the proxy's word for it where a proxy on this machine or in the house asks. `None`: not by a connection of
/// ours.
pub(crate) fn address_of(asked: Option<&Arc<Place>>, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = asked?.address();
    Some(relayed(peer, headers).unwrap_or(peer))
}

/// For whom a proxy of our own network asks; `None`: whoever is at the other end asks for themselves.
pub(crate) fn relayed(peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let inside = match peer {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    forwarded?.rsplit(',').next()?.trim().parse().ok().filter(|_| inside)
}

/// The language that is asked for, else the browser's first.
pub(crate) fn language_of(tag: Option<&str>, headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let browser = if accepted.trim_start().starts_with("en") { Language::EnUs } else { Language::ZhCn };
    tag.and_then(|tag| tag.parse().ok()).unwrap_or(browser)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_of_our_own_network_tells_for_whom_it_asks_and_nobody_else_does() {
        let told = |peer: &str, list: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", list.parse().unwrap());
            relayed(peer.parse().unwrap(), &headers).map(|address| address.to_string())
        };
        assert_eq!(told("10.0.0.7", "192.0.2.1, 198.51.100.9").as_deref(), Some("198.51.100.9"));
        assert_eq!(told("127.0.0.1", "2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(told("203.0.113.5", "192.0.2.1"), None);
        assert_eq!(told("10.0.0.7", "unknown"), None);
        assert_eq!(relayed("10.0.0.7".parse().unwrap(), &HeaderMap::new()), None);
    }

    #[test]
    fn nothing_that_is_shown_becomes_markup() {
        assert_eq!(escape("<b a='1' c=\"2\">&"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
        assert_eq!(escape("a\u{1b}[31m\u{0}\nb\r"), "a[31m\nb");
    }

    #[test]
    fn a_page_speaks_the_language_that_is_asked_for_or_the_browsers() {
        let mut headers = HeaderMap::new();
        assert_eq!(language_of(None, &headers), Language::ZhCn);
        headers.insert(ACCEPT_LANGUAGE, axum::http::HeaderValue::from_static("en-GB,en;q=0.8"));
        assert_eq!(language_of(None, &headers), Language::EnUs);
        assert_eq!(language_of(Some("zh-CN"), &headers), Language::ZhCn);
        assert_eq!(language_of(Some("xx"), &headers), Language::EnUs);
    }
}
