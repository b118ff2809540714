//! The messages that policies send, in the customer's language.

use hotline_campaign::Notice;
use hotline_model::Language;
use hotline_model::campaign::{Part, Told};
use hotline_record::{NewMessage, RecordError};
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
    pub(super) async fn message_of(&self, notice: &Notice) -> Result<Option<NewMessage>, RecordError> {
        let record = &self.caller.record;
        let calling = self.calling.borrow().clone();
        let policy = calling.settings.policies.get(&notice.policy);
        let Some(message) = policy.and_then(|policy| policy.message.clone()) else { return Ok(None) };
        let Some(ticket) = record.find_ticket(notice.ticket).await? else { return Ok(None) };
        let known = record.campaign_customers(&[notice.customer]).await?;
        let Some(customer) = known.into_iter().next() else { return Ok(None) };
        let moved = record.campaign_tickets(&[notice.ticket]).await?;
        let zone = customer.zone.unwrap_or_else(|| calling.zone.clone());
        let now = self.now();
        let language = customer.attributes.get("language").and_then(|tag| tag.parse().ok());
        let language = language.unwrap_or(ticket.language);
        let facts = Facts {
            reference: ticket.external_ref,
            category: ticket.category.unwrap_or_default(),
            closed_on: moved.first().map_or(now, |facts| facts.since).to_zoned(zone.clone()).date(),
            due_on: ticket.due_at.map(|at| at.to_zoned(zone).date()),
            number: calling.short_number.clone(),
        };
        let Some(parts) = message.texts.get(&language) else { return Ok(None) };
        Ok(Some(NewMessage {
            idempotency_key: format!("notice-{}", notice.call),
            customer: notice.customer,
            ticket: Some(notice.ticket),
            recipient: notice.number.clone(),
            text: write(parts, &facts, language).into(),
            due_at: now,
            urgent: true,
            attempt: Some(notice.call),
            until: Some(notice.until),
        }))
    }
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
        };
        let parts = |words: &str| {
            let told = Told::ALL.map(Part::Told);
            let joint = std::iter::repeat(Part::Words(words.to_owned()));
            told.into_iter().zip(joint).flat_map(|(told, joint)| [told, joint]).collect::<Vec<_>>()
        };
        assert_eq!(
            write(&parts(";"), &facts, Language::ZhCn),
            "T-1;billing;2026年11月2日;2026年12月24日;10086;"
        );
        assert_eq!(
            write(&parts("; "), &facts, Language::EnUs),
            "T-1; billing; November 2, 2026; December 24, 2026; 10086; "
        );
        facts.due_on = None;
        assert!(write(&parts(","), &facts, Language::ZhCn).contains("待定"));
        assert!(write(&parts(","), &facts, Language::EnUs).contains("a date to be set"));
    }
}
