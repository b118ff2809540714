//! The interpreter's doors to the record and to web services: each question runs beside the call
//! and comes back as a note.

use std::time::Duration;

use hotline_dialplan::Answer;
use hotline_dialplan::session::Verified;
use hotline_model::verification::{Given, Verdict, VerificationPolicy};
use hotline_model::{CallId, CallerNumber, CustomerId, Decimal, Fields, RebateId, TicketId, Value};
use hotline_record::{Record, VerifyAttempt};
use jiff::tz::TimeZone;
use tokio::time::Instant;

use crate::figures;

/// Every verification that does not pass is answered this long after it was asked, whatever the
/// reason: the time tells nothing.
const REFUSAL_AFTER: Duration = Duration::from_millis(600);

/// What a door brings back.
pub(crate) struct Brought {
    pub answer: Answer,
    /// Whose call it turned out to be.
    pub verified: Option<(TicketId, CustomerId)>,
    /// The rebate that it tells of.
    pub rebate: Option<RebateId>,
}

impl From<Answer> for Brought {
    fn from(answer: Answer) -> Self {
        Self { answer, verified: None, rebate: None }
    }
}

pub(crate) async fn verify(
    record: Record,
    policy: VerificationPolicy,
    given: Given,
    call: CallId,
    caller: CallerNumber,
) -> Brought {
    let asked = Instant::now();
    let outcome = record.verify(VerifyAttempt { policy, given, call, caller }).await;
    figures::record_answered("verify", asked.elapsed());
    let brought = match outcome {
        Ok(outcome) => {
            figures::verified(outcome.verdict.word());
            match (outcome.verdict, outcome.passed) {
                (Verdict::Passed, Some((ticket, customer, fields))) => {
                    let answer = Answer::Verified { verdict: Verified::Passed { ticket: fields } };
                    return Brought { verified: Some((ticket, customer)), ..Brought::from(answer) };
                }
                (Verdict::Pending, _) => Answer::Verified { verdict: Verified::Pending },
                _ => Answer::Verified { verdict: Verified::Refused },
            }
        }
        Err(error) => {
            figures::verified("failed");
            tracing::warn!(call.id = %call, %error, "a verification could not be made");
            Answer::Failed
        }
    };
    tokio::time::sleep_until(asked + REFUSAL_AFTER).await;
    brought.into()
}

/// The ticket that was verified in this call, as it stands now.
pub(crate) async fn ticket(record: Record, ticket: Option<TicketId>) -> Brought {
    let Some(id) = ticket else { return Answer::Empty.into() };
    let asked = Instant::now();
    let found = record.find_told_ticket(id).await;
    figures::record_answered("ticket", asked.elapsed());
    match found {
        Ok(Some(fields)) => Answer::Found { fields }.into(),
        Ok(None) => Answer::Empty.into(),
        Err(_) => Answer::Failed.into(),
    }
}

/// A rebate of the customer who was verified in this call, the newest first; dates are those of `zone`.
pub(crate) async fn rebates(
    record: Record,
    customer: Option<CustomerId>,
    skip: u32,
    zone: TimeZone,
) -> Brought {
    let Some(customer) = customer else { return Answer::Empty.into() };
    let asked = Instant::now();
    let found = record.find_told_rebate(customer, skip, &zone).await;
    figures::record_answered("rebates", asked.elapsed());
    match found {
        Ok(Some((rebate, fields))) => {
            Brought { answer: Answer::Found { fields }, verified: None, rebate: Some(rebate) }
        }
        Ok(None) => Answer::Empty.into(),
        Err(_) => Answer::Failed.into(),
    }
}

pub(crate) async fn customer(record: Record, caller: CallerNumber) -> Brought {
    let asked = Instant::now();
    let known = record.recognise(&caller).await;
    figures::record_answered("customer", asked.elapsed());
    match known {
        Ok(known) if known.customer.is_some() => {
            let mut fields = Fields::new();
            if let Some(language) = known.language {
                fields.insert("language".into(), Value::Choice(language.tag().into()));
            }
            if let Some(tier) = known.tier {
                fields.insert("tier".into(), Value::Choice(tier));
            }
            Answer::Found { fields }.into()
        }
        Ok(_) => Answer::Empty.into(),
        Err(_) => Answer::Failed.into(),
    }
}

/// The web services that plans may ask: those of the list, nothing else. Addresses are not
/// followed elsewhere, answers are short.
#[derive(Clone, Default)]
pub struct HttpDoor {
    hosts: Vec<String>,
}

/// The longest answer that is read.
const ANSWER: usize = 64 << 10;

impl HttpDoor {
    /// A door to these hosts (`crm.example`, `127.0.0.1:9000`).
    pub const fn new(hosts: Vec<String>) -> Self {
        Self { hosts }
    }

    /// Asks; `expected` names the fields that the plan knows, with their types.
    pub(crate) async fn ask(
        &self,
        url: String,
        with: Vec<(String, String)>,
        expected: Vec<(String, &'static str)>,
        within: Duration,
    ) -> Brought {
        match self.try_ask(&url, &with, &expected, within).await {
            Ok(Some(fields)) => Answer::Found { fields }.into(),
            Ok(None) => Answer::Empty.into(),
            Err(problem) => {
                tracing::warn!(problem, "a web service could not be asked");
                Answer::Failed.into()
            }
        }
    }

    async fn try_ask(
        &self,
        url: &str,
        with: &[(String, String)],
        expected: &[(String, &'static str)],
        within: Duration,
    ) -> Result<Option<Fields>, &'static str> {
        let mut url = reqwest::Url::parse(url).map_err(|_| "the address is none")?;
        let host = url.host_str().unwrap_or_default();
        let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        if !self.hosts.contains(&named) {
            return Err("the host is not on the list of the configuration");
        }
        // What a caller keyed is data: it is escaped, and never becomes part of the address.
        url.query_pairs_mut().extend_pairs(with);
        // The address is looked up once, for the connection that is made.
        let client = reqwest::Client::builder()
            .timeout(within)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| "no client can be made")?;
        let mut answer = client.get(url).send().await.map_err(|_| "it does not answer")?;
        match answer.status().as_u16() {
            200 => {}
            404 | 204 => return Ok(None),
            _ => return Err("it answers with an error"),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| "its answer breaks off")? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER {
                return Err("its answer is longer than 64 KB");
            }
        }
        let value: serde_json::Value = serde_json::from_slice(&body).map_err(|_| "its answer is no JSON")?;
        let object = value.as_object().ok_or("its answer is no JSON object")?;
        let mut fields = Fields::new();
        for (name, type_name) in expected {
            let value = object.get(name).and_then(|value| typed(value, type_name));
            fields.insert(name.clone(), value.ok_or("its answer lacks a field, or one has the wrong type")?);
        }
        Ok(Some(fields))
    }
}

/// A JSON value as the type that the plan expects.
fn typed(value: &serde_json::Value, type_name: &str) -> Option<Value> {
    let text = || match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(match type_name {
        "digits" => Value::Digits(text().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?),
        "number" => Value::Number(Decimal::parse(&text()?)?),
        "money" => Value::Money(text()?.parse().ok()?),
        "date" => Value::Date(text()?.parse().ok()?),
        "time" => Value::Time(text()?.parse().ok()?),
        "text" => Value::text(text()?),
        "choice" => Value::Choice(text()?),
        "flag" => Value::Flag(value.as_bool()?),
        _ => return None,
    })
}
