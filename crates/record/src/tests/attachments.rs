//! Files of customers, and the links by which they send them.

use std::time::Duration;

use hotline_model::CustomerId;

use super::house::House;
use super::*;
use crate::{Attached, EntryKind, LinkSent, NewAttachment};

fn file(house: &House, customer: CustomerId, name: &str, sha256: &str) -> NewAttachment {
    let id = house.record.new_attachment();
    NewAttachment {
        file: format!("{id}.jpg"),
        id,
        customer,
        interaction: None,
        ticket: None,
        link: None,
        name: name.to_owned().into(),
        media_type: "image/jpeg".into(),
        bytes: 7,
        sha256: sha256.into(),
    }
}

/// Sends a link and reads its token out of the message.
async fn link(house: &House, customer: CustomerId, key: &str) -> (LinkSent, Option<String>) {
    let words = |token: &str, language: Language| format!("{language} https://kf.example/u/{token} end");
    let sent =
        house.record.send_upload_link(customer, None, &words, Language::ZhCn, Some(key), "min.li").await;
    let claimed = house.record.claim_messages(1, true).await.unwrap();
    let token = claimed.first().map(|message| {
        let text = message.text.expose();
        text.split("/u/").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    });
    if let Some(message) = claimed.first() {
        house.record.settle_message(message, SendOutcome::Sent(None)).await.unwrap();
    }
    (sent.unwrap(), token)
}

pub async fn a_file_is_on_the_record_once_and_goes_with_its_customer(house: House) {
    let (record, stored) = (&house.record, house.with_ticket().await);
    let customer = stored.customer;
    let mut new = file(&house, customer, "C:\\fakepath\\账\u{202e}单.jpg", "aa");
    new.ticket = Some(stored.ticket.to_string());
    assert_eq!(record.add_attachment(new.clone(), "min.li").await.unwrap(), Attached::Stored(new.id.clone()));
    let again = file(&house, customer, "other.jpg", "aa");
    assert_eq!(record.add_attachment(again, "min.li").await.unwrap(), Attached::Known(new.id.clone()));
    let [one] = &record.attachments_of(customer).await.unwrap()[..] else { panic!("one") };
    assert_eq!((one.name.expose().as_str(), one.bytes, one.here), ("账单.jpg", 7, true));
    assert_eq!(one.ticket, Some(stored.ticket.to_string()));
    let events = record.follow(0, 100).await.unwrap();
    let told = events.iter().find(|event| event.type_name == "attachment.added").unwrap();
    assert!(!told.body.to_string().contains("账单"), "{}", told.body);
    let line = record.timeline(customer, None, 10).await.unwrap().unwrap();
    assert!(line.entries.iter().any(|entry| entry.kind == EntryKind::Attachment && entry.id == new.id));
    let data = record.export_customer(customer).await.unwrap().unwrap();
    assert_eq!(data["attachments"][0]["name"], "账单.jpg");
    // Somebody else's ticket.
    let mut other = ticket("T-9", "13900139000");
    other.code = None;
    let other = record.upsert_ticket(other, Language::ZhCn).await.unwrap();
    let mut bad = file(&house, customer, "a", "bb");
    bad.ticket = Some(other.ticket.to_string());
    let told = record.add_attachment(bad, "min.li").await.unwrap_err().to_string();
    assert!(told.starts_with("ticket: "), "{told}");
    // By age: those before a moment, with their files.
    house.clock.advance(Duration::from_secs(60));
    let second = file(&house, customer, "b.jpg", "cc");
    record.add_attachment(second.clone(), "min.li").await.unwrap();
    let old = record.old_attachments(house.clock.now(), 10).await.unwrap();
    assert_eq!(old.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [new.id.as_str()]);
    record.forget_attachments(&old).await.unwrap();
    let unnamed = record.unnamed_attachments(vec![new.file.clone(), second.file.clone()]).await.unwrap();
    assert_eq!(unnamed, [new.file.clone()]);
    record.delete_attachment(&second.id, "boss").await.unwrap();
    assert!(matches!(record.delete_attachment(&second.id, "boss").await, Err(RecordError::NotFound(_))));
    let third = file(&house, customer, "c.jpg", "dd");
    record.add_attachment(third.clone(), "min.li").await.unwrap();
    let erased = record.erase_customer(customer, "boss").await.unwrap();
    assert_eq!(erased.attachments.iter().map(|one| &one.file).collect::<Vec<_>>(), [&third.file]);
    assert_eq!(record.erased_attachments().await.unwrap(), erased.attachments);
    assert!(record.find_attachment(&third.id).await.unwrap().is_none());
    record.forget_attachments(&erased.attachments).await.unwrap();
    assert!(record.erased_attachments().await.unwrap().is_empty());
    let late = file(&house, customer, "d.jpg", "ee");
    assert!(record.add_attachment(late, "min.li").await.unwrap_err().to_string().contains("erased"));
}

pub async fn a_link_brings_ten_files_in_48_hours_and_its_token_is_nowhere(house: House) {
    let (record, customer) = (&house.record, house.with_ticket().await.customer);
    let (sent, token) = link(&house, customer, "one").await;
    let token = token.unwrap();
    assert_eq!((sent, token.len()), (LinkSent::Planned, 32));
    assert_eq!(link(&house, customer, "one").await, (LinkSent::Planned, None), "the same wish once more");
    let found = record.find_upload_link(&token).await.unwrap().unwrap();
    assert_eq!((found.customer, found.left, found.language), (customer, 10, Language::ZhCn));
    assert!(record.find_upload_link(&"0".repeat(32)).await.unwrap().is_none());
    let data = record.export_customer(customer).await.unwrap().unwrap().to_string();
    assert!(!data.contains(&token) && data.contains("kf.example/u/…"), "{data}");
    for number in 0..11 {
        let mut new = file(&house, customer, "a.jpg", &format!("{number}"));
        new.link = Some(found.id.clone());
        let done = record.add_attachment(new.clone(), "customer").await.unwrap();
        assert_eq!(done, if number < 10 { Attached::Stored(new.id) } else { Attached::Full });
    }
    let mut twice = file(&house, customer, "a.jpg", "3");
    twice.link = Some(found.id.clone());
    assert!(matches!(record.add_attachment(twice, "customer").await.unwrap(), Attached::Known(_)));
    assert_eq!(record.find_upload_link(&token).await.unwrap().unwrap().left, 0);
    for key in ["two", "three", "four", "five"] {
        assert_eq!(link(&house, customer, key).await.0, LinkSent::Planned);
    }
    assert_eq!(link(&house, customer, "six").await.0, LinkSent::TooOften);
    house.clock.advance(Duration::from_secs(25 * 3600));
    let (_, fresh) = link(&house, customer, "seven").await;
    let fresh = record.find_upload_link(&fresh.unwrap()).await.unwrap().unwrap();
    house.clock.advance(Duration::from_secs(48 * 3600));
    let mut late = file(&house, customer, "a.jpg", "late");
    late.link = Some(fresh.id);
    assert_eq!(record.add_attachment(late, "customer").await.unwrap(), Attached::Expired);
    assert_eq!(
        record.prune_upload_links(house.clock.now()).await.unwrap(),
        5,
        "the last ends at this moment"
    );
    assert!(record.find_upload_link(&token).await.unwrap().is_none());
}

pub async fn a_link_goes_to_the_number_on_file_alone(house: House) {
    let record = &house.record;
    let customer = house.with_ticket().await.customer;
    let view = record.card(customer).await.unwrap().unwrap();
    for identity in view.identities {
        record.unlink_identity(customer, identity.id.parse().unwrap(), "min.li").await.unwrap();
    }
    assert_eq!(link(&house, customer, "one").await, (LinkSent::NoNumber, None));
    let (_, token) = {
        let mut other = ticket("T-9", "13900139000");
        other.code = None;
        let other = record.upsert_ticket(other, Language::ZhCn).await.unwrap().customer;
        let sent = link(&house, other, "two").await;
        record.erase_customer(other, "boss").await.unwrap();
        sent
    };
    assert!(
        record.find_upload_link(&token.unwrap()).await.unwrap().is_none(),
        "of who was erased there is none"
    );
}
