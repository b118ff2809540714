//! The messages that policies send, in the customer's language.

use hotline_campaign::Notice;
use hotline_model::campaign::{Message, Part, Policy, Told};
use hotline_model::{Fields, Language, Pii, Value};
use hotline_record::{NewMessage, NewPage, RecordError};
use jiff::Timestamp;
use jiff::civil::Date;

use super::caller::Run;

/// What a message tells.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The firm's own number of the ticket.
    pub reference: String,
    /// What the ticket is about; empty if nobody said.
    pub category: String,
    /// The day on which it was closed or moved.
    pub closed_on: Date,
    /// The day by which it is to be settled, if there is one.
    pub due_on: Option<Date>,
    /// The number to dial.
    pub number: String,
    /// Where the survey is answered in writing; empty where the message tells no link.
    pub link: String,
}

/// What stands in a link's token: no two of them look alike, and none ends a link for those who find links in texts.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A link's secret: 128 random bits in letters and digits.
fn token(random: u128) -> String {
    (0..26).map(|place| char::from(LETTERS[(random >> (place * 5) & 31) as usize])).collect()
}

/// A message, and the page that its link leads to.
#[derive(Debug)]
pub(super) struct Written {
    pub message: NewMessage,
    pub page: Option<NewPage>,
}

/// The words with what is told in its places, in written form.
pub(super) fn write(parts: &[Part], facts: &Facts, language: Language) -> String {
    let word = |part: &Part| match part {
        Part::Words(words) => words.clone(),
        Part::Told(Told::Reference) => facts.reference.clone(),
        Part::Told(Told::Category) => facts.category.clone(),
        Part::Told(Told::ClosedOn) => day(facts.closed_on, language),
        Part::Told(Told::DueOn) => match (facts.due_on, language) {
            (Some(date), _) => day(date, language),
            (None, Language::ZhCn) => "待定".to_owned(),
            (None, Language::EnUs) => "a date to be set".to_owned(),
        },
        Part::Told(Told::Number) => facts.number.clone(),
        Part::Told(Told::Link) => facts.link.clone(),
    };
    parts.iter().map(word).collect()
}

/// 2026年11月20日, November 20, 2026.
fn day(date: Date, language: Language) -> String {
    let form = match language {
        Language::ZhCn => "%Y年%-m月%-d日",
        Language::EnUs => "%B %-d, %Y",
    };
    date.strftime(form).to_string()
}

impl Run<'_> {
    /// The message that a notice is; `None` if its ticket, its customer or its policy is gone.
    pub(super) async fn message_of(&self, notice: &Notice) -> Result<Option<Written>, RecordError> {
        let record = &self.caller.record;
        let calling = self.calling.borrow().clone();
        let Some(policy) = calling.settings.policies.get(&notice.policy) else { return Ok(None) };
        let Some(message) = policy.message.clone() else { return Ok(None) };
        let Some(ticket) = record.find_ticket(notice.ticket).await? else { return Ok(None) };
        let known = record.campaign_customers(&[notice.customer]).await?;
        let Some(customer) = known.into_iter().next() else { return Ok(None) };
        let moved = record.campaign_tickets(&[notice.ticket]).await?;
        let zone = customer.zone.unwrap_or_else(|| policy.hours.zone.clone());
        let now = self.now();
        let language = customer.attributes.get("language").and_then(|tag| tag.parse().ok());
        let language = language.unwrap_or(ticket.language);
        let mut facts = Facts {
            reference: ticket.external_ref,
            category: ticket.category.unwrap_or_default(),
            closed_on: moved.first().map_or(now, |facts| facts.since).to_zoned(zone.clone()).date(),
            due_on: ticket.due_at.map(|at| at.to_zoned(zone).date()),
            number: calling.short_number.clone(),
            link: String::new(),
        };
        let page = match (message.has_link(), &calling.links) {
            (false, _) => None,
            // Nobody could open it: it is not sent. The configuration is refused without it where it is loaded.
            (true, None) => return Ok(None),
            (true, Some(base)) => {
                let token = token(rand::random());
                facts.link = format!("{}/s/{token}", base.trim_end_matches('/'));
                let Some(page) = page_of(notice, policy, &message, &facts, language, token, now) else {
                    return Ok(None);
                };
                Some(page)
            }
        };
        let Some(parts) = message.texts.get(&language) else { return Ok(None) };
        let message = NewMessage {
            idempotency_key: format!("notice-{}", notice.call),
            customer: notice.customer,
            ticket: Some(notice.ticket),
            recipient: notice.number.clone(),
            text: write(parts, &facts, language).into(),
            due_at: now,
            urgent: true,
            attempt: Some(notice.call),
            until: Some(notice.until),
        };
        Ok(Some(Written { message, page }))
    }
}

/// The page of a link: the plan of the policy's calls, told of the ticket what a call would be told.
fn page_of(
    notice: &Notice,
    policy: &Policy,
    message: &Message,
    facts: &Facts,
    language: Language,
    token: String,
    now: Timestamp,
) -> Option<NewPage> {
    let given: Fields = [
        ("reference".to_owned(), Value::text(&facts.reference)),
        ("category".to_owned(), Value::text(&facts.category)),
        ("closed-on".to_owned(), Value::Date(facts.closed_on)),
    ]
    .into();
    let valid = message.otherwise.as_ref()?.valid;
    Some(NewPage {
        attempt: notice.call,
        token: Pii::new(token),
        customer: notice.customer,
        ticket: notice.ticket,
        policy: notice.policy.to_string(),
        plan: policy.calls.as_ref()?.plan.to_string(),
        language,
        given: Pii::new(serde_json::to_string(&given).ok()?),
        valid_until: now.checked_add(valid).unwrap_or(Timestamp::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_stands_in_its_place_in_the_words_of_the_language() {
        let mut facts = Facts {
            reference: "T-1".into(),
            category: "billing".into(),
            closed_on: "2026-11-02".parse().unwrap(),
            due_on: Some("2026-12-24".parse().unwrap()),
            number: "10086".into(),
            link: "https://x.example/s/1".into(),
        };
        let parts = |words: &str| {
            let told = Told::ALL.map(Part::Told);
            let joint = std::iter::repeat(Part::Words(words.to_owned()));
            told.into_iter().zip(joint).flat_map(|(told, joint)| [told, joint]).collect::<Vec<_>>()
        };
        assert_eq!(
            write(&parts(";"), &facts, Language::ZhCn),
            "T-1;billing;2026年11月2日;2026年12月24日;10086;https://x.example/s/1;"
        );
        assert_eq!(
            write(&parts("; "), &facts, Language::EnUs),
            "T-1; billing; November 2, 2026; December 24, 2026; 10086; https://x.example/s/1; "
        );
        facts.due_on = None;
        assert!(write(&parts(","), &facts, Language::ZhCn).contains("待定"));
        assert!(write(&parts(","), &facts, Language::EnUs).contains("a date to be set"));
    }

    #[test]
    fn tokens_have_all_their_bits_and_nothing_that_ends_a_link() {
        let mut seen = std::collections::BTreeSet::new();
        for bit in 0..128 {
            let token = token(1 << bit);
            assert!(token.len() == 26 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
            assert!(seen.insert(token));
        }
    }
}
