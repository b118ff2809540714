//! What is looked at before a ticket is stored, each refusal naming its field.

use std::time::Duration;

use hotline_model::{CustomerId, Language, PhoneNumber, TicketCode, TicketInput, TicketState};
use jiff::Timestamp;

use crate::RecordError;

/// A ticket that was looked over: what the tables take.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(super) input: TicketInput,
    pub(super) phone: PhoneNumber,
    pub(super) code: Option<TicketCode>,
    pub(super) language: Language,
    pub(super) result: Option<String>,
    pub(super) result_language: Option<Language>,
    /// Whose it is, where that is known; else the number tells.
    pub(crate) customer: Option<CustomerId>,
}

/// Looks a ticket over without storing it.
///
/// # Errors
/// [`RecordError::Invalid`] with what is wrong, naming the field.
pub(crate) fn check(input: TicketInput, default_language: Language) -> Result<Checked, RecordError> {
    let invalid = |text: String| Err(RecordError::Invalid(text));
    let reference = input.external_ref.trim();
    if reference.is_empty() || reference.chars().count() > 64 || reference.chars().any(char::is_control) {
        return invalid("external-ref: 1 to 64 characters are expected".into());
    }
    let Ok(phone) = PhoneNumber::parse(input.phone.expose()) else {
        return invalid("phone: not a telephone number; write it as 13800138000 or +8613800138000".into());
    };
    let code = match &input.code {
        Some(code) => match code.expose().parse::<TicketCode>() {
            Ok(code) => Some(code),
            Err(error) => return invalid(format!("code: {error}; leave it empty and one is made")),
        },
        None => None,
    };
    if input.category.as_ref().is_some_and(|text| text.chars().count() > 64) {
        return invalid("category: 64 characters at most".into());
    }
    if input.outcome.as_ref().is_some_and(|text| text.chars().count() > 64) {
        return invalid("outcome: 64 characters at most".into());
    }
    let result =
        input.result.as_ref().map(|text| text.expose().trim().to_owned()).filter(|text| !text.is_empty());
    if result.as_ref().is_some_and(|text| text.chars().count() > 2000) {
        return invalid("result: 2,000 characters at most".into());
    }
    if result.as_ref().is_some_and(|text| !text.chars().any(char::is_alphanumeric)) {
        return invalid("result: there is nothing in it that can be spoken".into());
    }
    let words = [
        result.as_deref(),
        input.name.as_ref().map(|name| name.expose().as_str()),
        input.category.as_deref(),
        input.outcome.as_deref(),
    ];
    if words.into_iter().flatten().any(|text| text.chars().any(is_unspeakable)) {
        return invalid("result, name, category and outcome: control characters are not taken".into());
    }
    if input.state == TicketState::Closed && result.is_none() {
        return invalid("result: a closed ticket needs the words that the customer shall hear".into());
    }
    let language = input.language.unwrap_or(default_language);
    let result_language =
        result.as_ref().map(|text| input.result_language.unwrap_or_else(|| Language::of_text(text)));
    Ok(Checked { phone, code, language, result, result_language, customer: None, input })
}

/// How far a clock elsewhere may be ahead of this server's.
const AHEAD: Duration = Duration::from_secs(300);

/// Refuses a change that is yet to come: every one that does come would be older, and taken for stale.
///
/// # Errors
/// [`RecordError::Invalid`], naming the field.
pub(crate) fn refuse_ahead(changed_at: Option<Timestamp>, now: Timestamp) -> Result<(), RecordError> {
    if changed_at.is_none_or(|at| at <= now + AHEAD) {
        return Ok(());
    }
    Err(RecordError::Invalid(format!(
        "changed-at: more than five minutes ahead of this server's clock, where it is {}; write when it was changed, \
         with the time zone, or leave it out",
        now.strftime("%Y-%m-%dT%H:%M:%SZ")
    )))
}

/// Controls, but for the ends of lines, and the marks that turn the direction of writing.
pub(crate) fn is_unspeakable(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
