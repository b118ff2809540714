//! Text messages of customers in: what they write back to a message of ours.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hotline_model::{PhoneNumber, Pii};
use hotline_record::NewReply;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Body;
use crate::surveys;

/// A text message of a customer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The provider's own name for it: the same one again changes nothing.
    id: String,
    /// Who wrote.
    from: String,
    /// The number that it was sent to.
    to: String,
    /// The words.
    text: String,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Taken {
    /// The contact that it is on the record.
    contact: String,
    /// `answered`: an answer to an open survey; `refused`: the customer wants no more calls and messages from us; nothing:
    /// it stands on the time line, and if the customer has an open ticket somebody is to read it.
    taken_as: Option<&'static str>,
}

/// Words by which customers refuse all further messages, alone in a message and in any spelling that [`plain`] makes
/// one of: `T`, `TD` and 退订 are what Chinese providers have customers told, `STOP`, `STOPALL` and `UNSUBSCRIBE` what
/// English ones do. What may as well answer a question is none of them: `N` says no, `END` and `QUIT` mean to get out of
/// this survey, not never to be called again.
const REFUSALS: [&str; 6] = ["T", "TD", "退订", "STOP", "UNSUBSCRIBE", "STOPALL"];

/// The words as they are compared: full-width characters as the usual ones, capitals, no spaces and stops around them.
pub(crate) fn plain(text: &str) -> String {
    let usual = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        other => other,
    };
    let text: String = text.chars().take(200).map(usual).collect();
    text.trim_matches(|c: char| !c.is_alphanumeric()).to_uppercase()
}

/// Takes in a text message of a customer. The same one again changes nothing. For supervisors, operators and machines.
#[utoipa::path(
    post, path = "/api/v1/replies", request_body = Reply,
    responses(
        (status = 200, body = Taken), (status = 422, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem),
    )
)]
pub async fn put(
    State(desk): State<Desk>,
    asker: Asker,
    Body(reply): Body<Reply>,
) -> Result<(StatusCode, Json<Taken>), ApiError> {
    asker.may_tell()?;
    let invalid = |what: &str| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", what);
    if reply.id.trim().is_empty() || reply.id.len() > 200 {
        return Err(invalid("id: 1 to 200 characters are expected"));
    }
    let from =
        PhoneNumber::parse(&reply.from).map_err(|_| invalid("from: a telephone number is expected"))?;
    // The provider tells us again of what it was not sure that we heard.
    if let Some((contact, outcome)) = desk.record.reply_of(&reply.id).await? {
        let taken_as = match outcome.as_deref() {
            Some("contained") => Some("answered"),
            Some("refused") => Some("refused"),
            _ => None,
        };
        return Ok((StatusCode::OK, Json(Taken { contact, taken_as })));
    }
    let words = plain(&reply.text);
    let taken_as = if REFUSALS.contains(&words.as_str()) {
        // A telephone refuses, whoever of its owners we wrote to.
        (desk.record.refuse_number(&from, "message").await? > 0).then_some("refused")
    } else {
        match desk.record.writer_of(&from).await? {
            Some(customer) if surveys::take_reply(&desk, customer, &words).await? => Some("answered"),
            _ => None,
        }
    };
    let outcome = taken_as.map(|taken| if taken == "answered" { "contained" } else { taken });
    let new = NewReply { id: reply.id, from, to: reply.to, text: Pii::new(reply.text), outcome };
    let stored = desk.record.store_reply(new).await?;
    Ok((StatusCode::OK, Json(Taken { contact: stored.contact, taken_as })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_as_they_are_meant() {
        for (text, meant) in [(" 1。", "1"), ("2", "2"), ("t", "T"), ("「退订」", "退订"), ("Stop!", "STOP")]
        {
            assert_eq!(plain(text), meant);
        }
        assert_eq!(plain("!?"), "");
    }
}
