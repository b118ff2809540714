//! A customer's data handed out: all of it, however much it is.

use serde_json::json;

use super::*;
use crate::{NewFollowUp, NewReply, NewReview, Score};

async fn what_was_written_is_handed_out(house: House) {
    let record = &house.record;
    let mut input = ticket("T-1", "13800138000");
    input.outcome = Some("refunded".into());
    let stored = record.upsert_ticket(input, Language::ZhCn).await.unwrap();
    let anna = crate::tests::people::user(&house, "anna", &[Role::Agent]).await;
    let call = house.call("13800138000").await;
    let now = house.clock.now();
    let over = now + jiff::SignedDuration::from_secs(60);
    let left = StepEvent::LeftQueue { step: "s".into(), how: "answered".into() };
    let steps = [
        CallStep { number: 1, at: now, event: StepEvent::Joined { agent: Some(anna.into()) } },
        CallStep { number: 2, at: over, event: left },
    ];
    record.store_steps(call, Some(stored.customer), &steps);
    let reason = EndReason::new(Ending::Caller, "hung-up");
    record.end_call(call, CallEnd { reason, at: over });
    record.store_follow_up(NewFollowUp {
        customer: Some(stored.customer),
        interaction: Some(call),
        ticket: None,
        phone: Some(PhoneNumber::parse("13800138000").unwrap()),
        reason: "call-back".into(),
        note: Some("晚上再打".to_owned().into()),
        due_in: Duration::from_secs(60),
    });
    assert!(record.flush(Duration::from_secs(5)).await);
    record.wrap_up(call, "settled", Some("很客气".to_owned().into()), "anna", false).await.unwrap();
    let reply = NewReply {
        id: "sms-1".into(),
        from: PhoneNumber::parse("13800138000").unwrap(),
        to: "10690001".into(),
        text: "还没收到 407192865".to_owned().into(),
        outcome: None,
    };
    record.store_reply(reply).await.unwrap();
    let talk = record.talks_of(&call.to_string()).await.unwrap().remove(0).id;
    let score = Score { criterion: "greeting".into(), score: Some(3), scale: 5, weight: 1 };
    let review = NewReview { talk, scores: vec![score], note: None, version: None };
    let review = record.store_review(review, true, "boss").await.unwrap();
    record.share_review(&review.id, "boss").await.unwrap();
    let answer = Some("下次注意".to_owned().into());
    record.answer_review(&review.id, anna, answer, true).await.unwrap();
    let deeds = crate::tests::campaigns::deeds(&house, stored.ticket, stored.customer);
    record.store_campaign(deeds).await.unwrap();

    let data = record.export_customer(stored.customer).await.unwrap().unwrap();
    assert!(data["external-ref"].is_null() && data.as_object().unwrap().contains_key("external-ref"));
    assert_eq!(data["tickets"][0]["outcome"], "refunded");
    let contacts = data["contacts"].as_array().unwrap();
    let of = |channel: &str| contacts.iter().find(|one| one["channel"] == channel).unwrap();
    assert_eq!(of("message")["note"], "还没收到 •••••••••", "their own words, and no code");
    let written = &of("call")["wrap-ups"][0];
    assert_eq!((&written["note"], &written["by"]), (&"很客气".into(), &"anna".into()));
    let follow_ups = data["follow-ups"].as_array().unwrap();
    assert!(follow_ups.iter().any(|one| one["note"] == "晚上再打" && one["phone"] == "+8613800138000"));
    let review = &data["reviews"][0];
    assert_eq!((&review["scores"][0]["score"], &review["answer"]), (&json!(3), &json!("下次注意")));
    let decision = &data["campaign-decisions"][0];
    assert_eq!((&decision["policy"], &decision["verdict"]), (&"survey".into(), &"called".into()));
    let attempt = &data["campaign-attempts"][0];
    assert_eq!((&attempt["policy"], &attempt["number"]), (&json!("survey"), &json!(3)));
    assert!(!data.to_string().contains("407192865"));
}

#[tokio::test]
async fn what_was_written_is_handed_out_of_sqlite() {
    what_was_written_is_handed_out(House::sqlite().await).await;
}

#[tokio::test]
async fn what_was_written_is_handed_out_of_postgres() {
    what_was_written_is_handed_out(House::postgres().await).await;
}

/// So many rows, made beside the record: `i` counts them.
fn many(table: &str, columns: &str, values: &str, count: u32) -> String {
    format!(
        "INSERT INTO {table} ({columns}) WITH RECURSIVE n (i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT {values} FROM n"
    )
}

async fn nothing_is_cut(house: House) {
    let id = house.with_ticket().await.customer;
    let rebates = many(
        "rebate",
        "id, external_ref, customer_id, phone, activity, type, face_value, currency, quantity, state, returned_at, \
         changed_at, created_at",
        &format!(
            "'0000000000000000000000' || CAST(1000 + i AS TEXT), 'R-' || CAST(i AS TEXT), '{id}', '+8613800138000', \
             'spring', 'e-voucher', 5000, 'CNY', 1, 'unused', i, i, i"
        ),
        250,
    );
    let files = many(
        "attachment",
        "id, customer_id, name, media_type, bytes, sha256, file, server, made_by, at",
        &format!("'f' || CAST(i AS TEXT), '{id}', 'a.jpg', 'image/jpeg', 7, 'aa', 'a.jpg', '', 'min.li', i"),
        250,
    );
    let consents = many(
        "consent",
        "id, customer_id, kind, given, channel, noted_by, at",
        &format!("'c' || CAST(i AS TEXT), '{id}', 'marketing', 1, 'web', 'min.li', i"),
        600,
    );
    for sql in [rebates, files, consents] {
        crate::tests::house::execute(&house.address, &sql).await;
    }
    let data = house.record.export_customer(id).await.unwrap().unwrap();
    let count = |list: &str| data[list].as_array().unwrap().len();
    assert_eq!((count("rebates"), count("attachments"), count("consents")), (250, 250, 600));
    let current = data["consents"].as_array().unwrap().iter().filter(|one| one["current"] == true).count();
    assert_eq!((current, &data["consents"][0]["current"]), (1, &true.into()));
}

#[tokio::test]
async fn nothing_is_cut_of_sqlite() {
    nothing_is_cut(House::sqlite().await).await;
}

#[tokio::test]
async fn nothing_is_cut_of_postgres() {
    nothing_is_cut(House::postgres().await).await;
}
