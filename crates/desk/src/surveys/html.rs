//! The pages as HTML. Everything that comes from a plan, a ticket or a customer goes through [`escape`].

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use hotline_dialplan::writing::{Asked, Form, LONGEST, Said};
use hotline_model::Language;

use super::words::{self, Words};
use crate::public::escape;

/// Whose page is shown.
pub(super) struct Shown<'a> {
    pub token: &'a str,
    /// The language that is read.
    pub language: Language,
    /// The customer's own.
    pub own: Language,
}

/// A page that can do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    Unknown,
    Expired,
    Erased,
    TooMany,
    Unavailable,
    Unreadable,
}

fn paragraphs(texts: &[String]) -> String {
    texts.iter().map(|text| format!("<p>{}</p>\n", escape(text))).collect()
}

/// The number as a link that telephones dial.
fn dial(number: &str) -> String {
    let digits: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    format!("<a href=\"tel:{digits}\">{}</a>", escape(number))
}

/// A whole page. `head`: what stands above the rest, on every page the same; `body` and `foot` are HTML.
fn whole(status: StatusCode, title: &str, words: &Words, head: &str, body: &str, foot: &str) -> Response {
    let shown = if title == words.title { title.to_owned() } else { format!("{title} · {}", words.title) };
    let page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex, nofollow\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"format-detection\" content=\"telephone=no\">\n<title>{}</title>\n\
         <link rel=\"stylesheet\" href=\"/s/survey.css\">\n</head>\n<body>\n<header><span>{}</span>{head}</header>\n\
         <main>\n{body}</main>\n{foot}</body>\n</html>\n",
        words.tag,
        escape(&shown),
        escape(words.title),
    );
    (status, Html(page)).into_response()
}

/// The way to the other language; of a question, to the same one.
fn other_language(shown: &Shown<'_>, more: &str) -> String {
    let words = words::of(shown.language);
    let other = match shown.language {
        Language::ZhCn => Language::EnUs,
        Language::EnUs => Language::ZhCn,
    };
    let query = if other == shown.own { String::new() } else { format!("lang={}", other.tag()) };
    let query = [query, more.to_owned()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&amp;")) };
    format!(
        "<a class=\"other\" lang=\"{tag}\" hreflang=\"{tag}\" href=\"/s/{}{query}\">{}</a>",
        escape(shown.token),
        escape(words.other),
        tag = other.tag(),
    )
}

fn address(shown: &Shown<'_>, more: &str) -> String {
    let lang = if shown.language == shown.own { "" } else { shown.language.tag() };
    let lang = if lang.is_empty() { String::new() } else { format!("lang={lang}") };
    let parts: Vec<String> = [lang, more.to_owned()].into_iter().filter(|part| !part.is_empty()).collect();
    let query = if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&amp;")) };
    format!("/s/{}{query}", escape(shown.token))
}

fn stop_link(shown: &Shown<'_>) -> String {
    let words = words::of(shown.language);
    format!("<footer><a href=\"{}\">{}</a></footer>\n", address(shown, "stop=1"), escape(words.stop))
}

/// A question. `at`: which, from 0; `before`: how it was answered before; `wrong`: nothing was chosen.
pub(super) fn question(
    shown: &Shown<'_>,
    said: &[String],
    asked: &Asked,
    at: usize,
    before: Option<&Said>,
    wrong: bool,
) -> Response {
    let words = words::of(shown.language);
    let (number, most) = (at + 1, at + asked.left);
    let mut body = paragraphs(said);
    body.push_str(&format!(
        "<p class=\"progress\"><progress max=\"{most}\" value=\"{at}\" aria-hidden=\"true\"></progress> {}</p>\n",
        escape(&words::progress(shown.language, number, most)),
    ));
    body.push_str(&format!("<form method=\"post\" action=\"{}\">\n", address(shown, "")));
    let hidden = [("lang", shown.language.tag()), ("at", &at.to_string()), ("step", &asked.step)];
    for (name, value) in hidden {
        body.push_str(&format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)));
    }
    let (heading, before_it) = match asked.words.split_last() {
        Some((last, others)) => (last.as_str(), others),
        None => (words.title, &[][..]),
    };
    body.push_str(&paragraphs(before_it));
    let described = if wrong { " aria-describedby=\"wrong\"" } else { "" };
    let alert = if wrong {
        format!("<p id=\"wrong\" class=\"wrong\" role=\"alert\">{}</p>\n", escape(words.choose))
    } else {
        String::new()
    };
    match &asked.form {
        Form::Choices(choices) => {
            body.push_str(&format!(
                "<fieldset{described}>\n<legend><h1>{}</h1></legend>\n{alert}",
                escape(heading)
            ));
            for (place, choice) in choices.iter().enumerate() {
                let checked = match before {
                    Some(Said::Choice(value)) if *value == choice.value => " checked",
                    _ => "",
                };
                body.push_str(&format!(
                    "<label for=\"c{place}\"><input type=\"radio\" id=\"c{place}\" name=\"choice\" value=\"{}\" \
                     required{checked}> <span>{}</span></label>\n",
                    escape(&choice.value),
                    escape(&choice.label),
                ));
            }
            body.push_str("</fieldset>\n");
        }
        Form::Words => {
            let text = match before {
                Some(Said::Words(text)) => text.as_str(),
                _ => "",
            };
            // A line end right behind the tag is no part of the text.
            body.push_str(&format!(
                "<h1><label for=\"words\">{}</label></h1>\n<p id=\"hint\" class=\"hint\">{}</p>\n\
                 <textarea id=\"words\" name=\"words\" rows=\"5\" maxlength=\"{LONGEST}\" \
                 aria-describedby=\"hint\">\n{}</textarea>\n",
                escape(heading),
                escape(words.left_empty),
                escape(text),
            ));
        }
    }
    body.push_str("<div class=\"ways\">\n");
    body.push_str(&format!("<button type=\"submit\">{}</button>\n", escape(words.next)));
    if let Some(before) = at.checked_sub(1) {
        body.push_str(&format!(
            "<a href=\"{}\">{}</a>\n",
            address(shown, &format!("at={before}")),
            escape(words.back)
        ));
    }
    body.push_str("</div>\n</form>\n");
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let head = other_language(shown, &format!("at={at}"));
    whole(status, heading, words, &head, &body, &stop_link(shown))
}

/// The end: what the plan says there. `stopped`: the customer wants to hear of us no more already.
pub(super) fn thanks(shown: &Shown<'_>, said: &[String], stopped: bool) -> Response {
    let words = words::of(shown.language);
    let body = format!(
        "<h1>{}</h1>\n{}<p class=\"hint\">{}</p>\n",
        escape(words.thanks),
        paragraphs(said),
        escape(words.close)
    );
    let foot = if stopped { String::new() } else { stop_link(shown) };
    whole(StatusCode::OK, words.thanks, words, &other_language(shown, ""), &body, &foot)
}

/// Whether the customer really wants to hear of us no more.
pub(super) fn stop(shown: &Shown<'_>) -> Response {
    let words = words::of(shown.language);
    let body = format!(
        "<h1>{}</h1>\n<p>{}</p>\n<form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"lang\" value=\"{}\">\n<input type=\"hidden\" name=\"act\" value=\"stop\">\n\
         <div class=\"ways\">\n<button type=\"submit\">{}</button>\n<a href=\"{}\">{}</a>\n</div>\n</form>\n",
        escape(words.stop_ask),
        escape(words.stop_means),
        address(shown, ""),
        shown.language.tag(),
        escape(words.stop_yes),
        address(shown, ""),
        escape(words.stop_no),
    );
    whole(StatusCode::OK, words.stop_ask, words, &other_language(shown, "stop=1"), &body, "")
}

/// The customer will hear of us no more.
pub(super) fn stopped(shown: &Shown<'_>) -> Response {
    let words = words::of(shown.language);
    let body = format!("<h1>{}</h1>\n<p>{}</p>\n", escape(words.stopped), escape(words.stopped_means));
    whole(StatusCode::OK, words.stopped, words, "", &body, "")
}

/// A page that can do nothing, and says so.
pub(super) fn dead(dead: Dead, number: &str, language: Language) -> Response {
    let words = words::of(language);
    let (status, title, means) = match dead {
        Dead::Unknown => (StatusCode::NOT_FOUND, words.unknown, words.unknown_means),
        Dead::Expired => (StatusCode::GONE, words.expired, words.expired_means),
        Dead::Erased => (StatusCode::GONE, words.erased, words.erased_means),
        Dead::TooMany => (StatusCode::TOO_MANY_REQUESTS, words.too_many, words.too_many_means),
        Dead::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, words.unavailable, words.unavailable_means),
        Dead::Unreadable => (StatusCode::BAD_REQUEST, words.unreadable, words.unreadable_means),
    };
    let help = if number.is_empty() {
        String::new()
    } else {
        format!("<p>{}</p>\n", words::call_instead(language, &dial(number)))
    };
    let body = format!("<h1>{}</h1>\n<p>{}</p>\n{help}", escape(title), escape(means));
    whole(status, title, words, "", &body, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_no_markup() {
        assert_eq!(dial("10086\"><x"), "<a href=\"tel:10086\">10086&quot;&gt;&lt;x</a>");
    }
}
