//! The page behind a link by which a customer sends files: plain HTML, which works without scripts in any browser inside
//! an app. Whoever opens it changes nothing; what is sent is a form.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Extension;
use axum::extract::multipart::{Field, Multipart, MultipartRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hotline_model::Language;
use hotline_record::{Attached, NewAttachment, UploadLink};
use serde::Deserialize;

use crate::Desk;
use crate::attachments::{folder, row};
use crate::files::{self, LARGEST, Refused};
use crate::public::{POLICY, address_of, escape, language_of};
use crate::serve::Place;

mod words;

use words::Words;

/// The largest form: ten files, and what stands around them.
pub const BODY: usize = 10 * LARGEST as usize + (1 << 20);

const STYLE: &str = include_str!("uploads/style.css");
/// Letters of a token: 128 bits in hexadecimal digits.
const TOKEN: usize = 32;

/// In which language the page is wanted.
#[derive(Default, Deserialize)]
pub struct Wanted {
    lang: Option<String>,
}

type Asker = Option<Extension<Arc<Place>>>;

/// The page's style.
pub async fn style() -> Response {
    let rules = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "public, max-age=3600"),
    ];
    (rules, STYLE).into_response()
}

/// What happened to one file.
struct Outcome {
    /// What the sender calls it.
    name: String,
    refused: Option<Why>,
}

/// Why a file is not here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    File(Refused),
    Full,
    Expired,
    Trouble,
}

/// What a page says.
enum Said<'a> {
    /// The form; what was sent with it just now.
    Form(&'a UploadLink, Vec<Outcome>),
    /// Nothing was chosen.
    Nothing(&'a UploadLink),
    Expired,
    Unknown,
    TooMany,
    Busy,
    TooLarge(&'a UploadLink),
    Trouble,
}

/// The page of a link.
pub async fn page(
    State(desk): State<Desk>,
    Path(token): Path<String>,
    Query(wanted): Query<Wanted>,
    from: Asker,
    headers: HeaderMap,
) -> Response {
    match open(&desk, &token, from, &headers).await {
        Ok(link) => {
            let view = View { token: &token, language: language(&wanted, Some(&link), &headers) };
            let said = if is_over(&desk, &link) { Said::Expired } else { Said::Form(&link, Vec::new()) };
            view.answer(said)
        }
        Err(said) => View { token: &token, language: language(&wanted, None, &headers) }.answer(said),
    }
}

/// Takes the files of a form. The same file twice is one.
pub async fn take(
    State(desk): State<Desk>,
    Path(token): Path<String>,
    Query(wanted): Query<Wanted>,
    from: Asker,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let link = match open(&desk, &token, from, &headers).await {
        Ok(link) => link,
        Err(said) => {
            return View { token: &token, language: language(&wanted, None, &headers) }.answer(said);
        }
    };
    let view = View { token: &token, language: language(&wanted, Some(&link), &headers) };
    if is_over(&desk, &link) {
        return view.answer(Said::Expired);
    }
    let Ok(mut form) = form else { return view.answer(Said::Nothing(&link)) };
    let Some(_turn) = desk.uploads.of_link(&link.id) else { return view.answer(Said::Busy) };
    let mut outcomes = Vec::new();
    loop {
        // What stands between two files does not come for ever either.
        let Ok(field) = tokio::time::timeout(files::WHOLE, form.next_field()).await else {
            outcomes.push(Outcome { name: String::new(), refused: Some(Why::File(Refused::Broken)) });
            break;
        };
        let field = match field {
            Ok(Some(field)) => field,
            Ok(None) => break,
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return view.answer(Said::TooLarge(&link));
            }
            // What came whole until then is kept, and said.
            Err(_) => {
                outcomes.push(Outcome { name: String::new(), refused: Some(Why::File(Refused::Broken)) });
                break;
            }
        };
        if let Some(outcome) = take_one(&desk, &link, field).await {
            let ended = matches!(outcome.refused, Some(Why::File(Refused::Broken | Refused::Disk)));
            outcomes.push(outcome);
            if ended {
                break;
            }
        }
    }
    if outcomes.is_empty() {
        return view.answer(Said::Nothing(&link));
    }
    // How many more it takes is known anew.
    match desk.record.find_upload_link(&token).await {
        Ok(Some(now)) => view.answer(Said::Form(&now, outcomes)),
        Ok(None) => view.answer(Said::Unknown),
        Err(_) => view.answer(Said::Form(&link, outcomes)),
    }
}

/// One file of a form; of a field that is none nothing.
async fn take_one(desk: &Desk, link: &UploadLink, field: Field<'_>) -> Option<Outcome> {
    let name = field.file_name()?.to_owned();
    let told = |refused| Some(Outcome { name: name.clone(), refused });
    let Ok(folder) = folder(desk) else { return told(Some(Why::Trouble)) };
    let taken = match files::take(&desk.record, &folder, field).await {
        Ok(taken) => taken,
        // A browser sends a field without a file where nothing was chosen.
        Err(Refused::Empty) if name.is_empty() => return None,
        Err(refused) => return told(Some(Why::File(refused))),
    };
    let new = NewAttachment { link: Some(link.id.clone()), ..row(&taken, link.customer, &name) };
    match desk.record.add_attachment(new, "customer").await {
        Ok(Attached::Stored(_)) => {
            taken.keep();
            told(None)
        }
        Ok(Attached::Known(_)) => told(None),
        Ok(Attached::Full) => told(Some(Why::Full)),
        Ok(Attached::Expired) => told(Some(Why::Expired)),
        Err(error) => {
            tracing::error!(%error, "a file of a customer is not on the record");
            told(Some(Why::Trouble))
        }
    }
}

/// The link of a token. Whoever has one is served; who asks for others is counted.
async fn open(
    desk: &Desk,
    token: &str,
    from: Asker,
    headers: &HeaderMap,
) -> Result<UploadLink, Said<'static>> {
    let fits = token.len() == TOKEN && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits {
        match desk.record.find_upload_link(token).await {
            Ok(Some(link)) => return Ok(link),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "a link cannot be looked up");
                return Err(Said::Trouble);
            }
        }
    }
    let place = from.map(|Extension(place)| place);
    let address = address_of(place.as_ref(), headers).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let too_many = desk.guesses.count(address, desk.record.now());
    Err(if too_many { Said::TooMany } else { Said::Unknown })
}

fn is_over(desk: &Desk, link: &UploadLink) -> bool {
    link.valid_until <= desk.record.now()
}

/// The one that is asked for, else the message's, else the browser's first.
fn language(wanted: &Wanted, link: Option<&UploadLink>, headers: &HeaderMap) -> Language {
    let asked = wanted.lang.as_deref().and_then(|tag| tag.parse().ok());
    asked.or(link.map(|link| link.language)).unwrap_or_else(|| language_of(None, headers))
}

struct View<'a> {
    token: &'a str,
    language: Language,
}

impl View<'_> {
    fn answer(&self, said: Said<'_>) -> Response {
        let words = words::of(self.language);
        let (status, main) = match said {
            Said::Form(link, outcomes) => {
                let none_came = !outcomes.is_empty() && outcomes.iter().all(|one| one.refused.is_some());
                let status = if none_came { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
                (status, self.form(words, link, &told(words, &outcomes)))
            }
            Said::Nothing(link) => {
                (StatusCode::UNPROCESSABLE_ENTITY, self.form(words, link, &alert(words.nothing)))
            }
            Said::TooLarge(link) => {
                (StatusCode::PAYLOAD_TOO_LARGE, self.form(words, link, &alert(words.too_large)))
            }
            Said::Expired => (StatusCode::GONE, plain(words.expired, words.expired_hint)),
            Said::Unknown => (StatusCode::NOT_FOUND, plain(words.unknown, words.unknown_hint)),
            Said::TooMany => (StatusCode::TOO_MANY_REQUESTS, plain(words.too_many, words.later)),
            Said::Busy => (StatusCode::SERVICE_UNAVAILABLE, plain(words.busy, words.later)),
            Said::Trouble => (StatusCode::SERVICE_UNAVAILABLE, plain(words.trouble, words.later)),
        };
        let html = format!(
            "<!doctype html><html lang=\"{tag}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"robots\" content=\"noindex, nofollow\"><meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title}</title><link rel=\"stylesheet\" href=\"/u/style.css\"></head>\
             <body><main>{main}</main><footer>{other}</footer></body></html>",
            tag = self.language.tag(),
            title = words.title,
            other = self.other(),
        );
        let mut answer = (status, html).into_response();
        let rules: [(HeaderName, &str); 6] = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (CACHE_CONTROL, "no-store"),
            (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        ];
        for (name, rule) in rules {
            answer.headers_mut().insert(name, HeaderValue::from_static(rule));
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
        }
        answer
    }

    /// The way to the other language.
    fn other(&self) -> String {
        let (language, name) = match self.language {
            Language::ZhCn => (Language::EnUs, "English"),
            Language::EnUs => (Language::ZhCn, "中文"),
        };
        format!(
            "<a href=\"/u/{}?lang={tag}\" lang=\"{tag}\" hreflang=\"{tag}\">{name}</a>",
            escape(self.token),
            tag = language.tag()
        )
    }

    fn form(&self, words: &Words, link: &UploadLink, said: &str) -> String {
        let head = format!("<h1>{}</h1>{said}", words.title);
        if link.left == 0 {
            return format!("{head}<p>{}</p>", words.full);
        }
        format!(
            "{head}<form method=\"post\" enctype=\"multipart/form-data\" action=\"/u/{token}?lang={tag}\">\
             <p><label for=\"files\">{choose}</label></p>\
             <p><input id=\"files\" name=\"files\" type=\"file\" multiple required aria-describedby=\"hint\" \
             accept=\"image/jpeg,image/png,image/webp,image/heic,application/pdf\"></p>\
             <p id=\"hint\" class=\"hint\">{kinds}<br>{left}</p>\
             <p><button type=\"submit\">{send}</button></p></form><p class=\"hint\">{who}</p>",
            token = escape(self.token),
            tag = self.language.tag(),
            choose = words.choose,
            kinds = words.kinds,
            left = (words.left)(link.left),
            send = words.send,
            who = words.who_sees,
        )
    }
}

fn plain(title: &str, hint: &str) -> String {
    format!("<h1>{title}</h1><p>{hint}</p>")
}

fn alert(text: &str) -> String {
    format!("<p class=\"bad\" role=\"alert\">{text}</p>")
}

/// What happened to the files of a form, each with its name as text.
fn told(words: &Words, outcomes: &[Outcome]) -> String {
    if outcomes.is_empty() {
        return String::new();
    }
    let mut list = String::from("<ul class=\"told\" role=\"status\">");
    for one in outcomes {
        let name = escape(one.name.rsplit(['/', '\\']).next().unwrap_or_default());
        let name: String = if name.is_empty() { words.a_file.into() } else { name };
        let (class, what) = match one.refused {
            None => ("good", words.received),
            Some(why) => ("bad", words.why(why)),
        };
        list.push_str(&format!("<li class=\"{class}\"><bdi>{name}</bdi> {what}</li>"));
    }
    list.push_str("</ul>");
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_calls_a_file_is_text() {
        let sent = Outcome { name: "<img src=x onerror=alert(1)>\".jpg".into(), refused: None };
        let html = told(words::of(Language::EnUs), &[sent]);
        assert!(!html.contains("<img") && html.contains("&lt;img"), "{html}");
        assert!(!html.contains("alert(1)>\""), "{html}");
    }
}
