//! Rebates: upserted, sent again within limits, found, handed out and erased. Articles: written, found, fitting.

use std::collections::BTreeMap;

use hotline_model::{Pii, RebateInput, RebateState, RebateType};

use super::*;

pub fn rebate(reference: &str, phone: &str) -> RebateInput {
    RebateInput {
        external_ref: reference.into(),
        phone: phone.to_owned().into(),
        name: Some("王小明".to_owned().into()),
        language: None,
        activity: "春节充值返礼".into(),
        kind: RebateType::ERechargeCard,
        face_value: "50".into(),
        currency: hotline_model::Currency::Cny,
        quantity: 2,
        state: RebateState::Unused,
        returned_at: "2026-11-19T02:00:00Z".parse().unwrap(),
        used_at: None,
        expires_at: Some("2027-01-01T00:00:00Z".parse().unwrap()),
        message: Some("您获赠50元充值卡2张,卡密8842-1190。".to_owned().into()),
        changed_at: None,
    }
}

async fn put(house: &House, input: RebateInput) -> UpsertedRebate {
    let mut stored = house.record.upsert_rebates(vec![input], "crm").await.unwrap();
    stored.pop().unwrap().unwrap()
}

pub async fn the_same_rebate_twice_changes_nothing_and_an_older_change_is_not_taken(house: House) {
    let at = |text: &str| Some(text.parse().unwrap());
    let first = RebateInput { changed_at: at("2026-11-20T01:00:00Z"), ..rebate("R-1", "13800138000") };
    let made = put(&house, first.clone()).await;
    assert_eq!(made.change, Change::Created);
    let again = put(&house, first.clone()).await;
    assert_eq!((again.change, again.rebate), (Change::Unchanged, made.rebate));
    let used = RebateInput {
        state: RebateState::Used,
        used_at: at("2026-11-20T01:20:00Z"),
        message: None,
        expires_at: None,
        changed_at: at("2026-11-20T01:30:00Z"),
        ..first.clone()
    };
    assert_eq!(put(&house, used.clone()).await.change, Change::Changed);
    assert_eq!(put(&house, first.clone()).await.change, Change::Stale);
    let row = house.record.find_rebate(made.rebate).await.unwrap().unwrap();
    assert_eq!((row.state, row.used_at), (RebateState::Used, used.used_at));
    assert!(row.text.is_some() && row.expires_at.is_some(), "what is absent stays as it is");
    // What is told late of a time before it was last seen unchanged is stale too.
    let seen = RebateInput { changed_at: at("2026-11-20T01:50:00Z"), ..used };
    assert_eq!(put(&house, seen).await.change, Change::Unchanged);
    let late = RebateInput { changed_at: at("2026-11-20T01:40:00Z"), ..first };
    assert_eq!(put(&house, late).await.change, Change::Stale);
    let types: Vec<String> =
        house.record.follow(0, 100).await.unwrap().into_iter().map(|event| event.type_name).collect();
    assert_eq!(types, ["rebate.upserted", "rebate.upserted"]);
}

pub async fn a_bad_rebate_is_refused_alone_with_its_field(house: House) {
    let bad = |change: fn(&mut RebateInput)| {
        let mut input = rebate("R-2", "13800138001");
        change(&mut input);
        input
    };
    let inputs = vec![
        bad(|r| r.phone = "12".to_owned().into()),
        bad(|r| r.face_value = "5.001".into()),
        bad(|r| r.face_value = "-5".into()),
        bad(|r| r.quantity = 0),
        bad(|r| r.activity = "\u{202e}x".into()),
        bad(|r| r.used_at = Some(r.returned_at)),
        bad(|r| r.expires_at = Some("2026-01-01T00:00:00Z".parse().unwrap())),
        bad(|r| r.message = Some("长".repeat(1001).into())),
        bad(|r| r.external_ref = " ".into()),
        rebate("R-1", "13800138000"),
    ];
    let stored = house.record.upsert_rebates(inputs, "crm").await.unwrap();
    let fields: Vec<String> = stored
        .iter()
        .filter_map(|one| one.as_ref().err())
        .map(|error| error.to_string().split(':').next().unwrap().to_owned())
        .collect();
    let expected = [
        "phone",
        "face-value",
        "face-value",
        "quantity",
        "activity",
        "used-at",
        "expires-at",
        "message",
        "external-ref",
    ];
    assert_eq!(fields, expected);
    assert_eq!(stored.last().unwrap().as_ref().unwrap().change, Change::Created);
}

pub async fn a_rebate_is_sent_again_to_the_number_on_file_three_times_a_day(house: House) {
    let record = &house.record;
    let made = put(&house, rebate("R-1", "13800138000")).await;
    let first = record.resend_rebate(made.rebate, Some("click"), "min.li").await.unwrap();
    assert_eq!(first, RebateResend::Planned { left: 2 });
    let same = record.resend_rebate(made.rebate, Some("click"), "min.li").await.unwrap();
    assert_eq!(same, RebateResend::Planned { left: 2 }, "one click is one message");
    for left in [1, 0] {
        let sent = record.resend_rebate(made.rebate, None, "min.li").await.unwrap();
        assert_eq!(sent, RebateResend::Planned { left });
    }
    let more = record.resend_rebate(made.rebate, None, "min.li").await.unwrap();
    assert_eq!(more, RebateResend::TooOften);
    // It is another customer's number meanwhile: the count stays with the rebate.
    put(&house, rebate("R-1", "13900139000")).await;
    let more = record.resend_rebate(made.rebate, None, "min.li").await.unwrap();
    assert_eq!(more, RebateResend::TooOften);
    let claimed = record.claim_messages(10, true).await.unwrap();
    assert_eq!(claimed.len(), 3, "stored before they are sent");
    for message in &claimed {
        assert_eq!(message.recipient.e164(), "+8613800138000");
        assert_eq!(message.text.expose(), "您获赠50元充值卡2张,卡密8842-1190。");
    }
    house.clock.advance(Duration::from_secs(25 * 3600));
    let row = record.find_rebate(made.rebate).await.unwrap().unwrap();
    assert_eq!((row.resends, row.resends_left(record.now())), (3, 3));
    let sent = record.resend_rebate(made.rebate, None, "min.li").await.unwrap();
    assert_eq!(sent, RebateResend::Planned { left: 2 });
    let used = RebateInput { state: RebateState::Used, ..rebate("R-2", "13800138000") };
    let used = put(&house, used).await.rebate;
    let refused = record.resend_rebate(used, None, "min.li").await.unwrap();
    assert_eq!(refused, RebateResend::NotUsable(RebateState::Used));
    let silent = RebateInput { message: None, ..rebate("R-3", "13800138000") };
    let silent = put(&house, silent).await.rebate;
    assert_eq!(record.resend_rebate(silent, None, "x").await.unwrap(), RebateResend::NoText);
    let over = RebateInput { expires_at: Some(record.now()), ..rebate("R-4", "13800138000") };
    let over = put(&house, over).await.rebate;
    let refused = record.resend_rebate(over, None, "x").await.unwrap();
    assert_eq!(refused, RebateResend::NotUsable(RebateState::Expired), "before the firm says so");
    assert!(matches!(
        record.resend_rebate(house.ids.next(record.now()), None, "x").await,
        Err(RecordError::NotFound("rebate"))
    ));
}

pub async fn a_rebate_is_found_stands_on_the_line_and_goes_with_its_customer(house: House) {
    let record = &house.record;
    let made = put(&house, rebate("R-1", "13800138000")).await;
    record.resend_rebate(made.rebate, None, "min.li").await.unwrap();
    let hits = record.search("充值返礼", 10).await.unwrap().hits;
    assert_eq!((hits[0].kind.as_str(), hits[0].customer), ("rebate", made.customer));
    assert_eq!(hits[0].title.as_deref(), Some("R-1"));
    let line = record.timeline(made.customer, None, 50).await.unwrap().unwrap().entries;
    let entry = line.iter().find(|entry| entry.kind == EntryKind::Rebate).unwrap();
    assert_eq!((entry.subject.as_deref(), entry.state.as_deref()), (Some("春节充值返礼"), Some("unused")));
    assert!(line.iter().all(|entry| entry.text.is_none()), "no line tells a card's secret");
    let export = record.export_customer(made.customer).await.unwrap().unwrap();
    assert_eq!(export["rebates"][0]["face-value"], "50.00");
    // Of two who are one, everything is shown.
    let other = put(&house, rebate("R-2", "13900139000")).await;
    record.merge_customers(other.customer, made.customer, "min.li", None).await.unwrap();
    assert_eq!(record.rebates_of(made.customer).await.unwrap().len(), 2);
    house.clock.advance(Duration::from_secs(90 * 86_400));
    let line = record.timeline(made.customer, None, 50).await.unwrap().unwrap().entries;
    let state =
        |entry: &TimelineEntry| entry.kind == EntryKind::Rebate && entry.state.as_deref() == Some("expired");
    assert_eq!(line.iter().filter(|entry| state(entry)).count(), 2);
    record.erase_customer(made.customer, "boss").await.unwrap();
    assert!(record.rebates_of(made.customer).await.unwrap().is_empty());
    assert!(record.search("充值返礼", 10).await.unwrap().hits.is_empty());
    assert_eq!(
        put(&house, rebate("R-1", "13800138000")).await.change,
        Change::Stale,
        "they do not come back"
    );
    let export = record.export_customer(made.customer).await.unwrap().unwrap().to_string();
    assert!(!export.contains("8842") && !export.contains("13800138000"), "{export}");
    // What can be used no longer goes by its age, with its words.
    let kept = put(&house, RebateInput { expires_at: None, ..rebate("R-5", "13700137000") }).await;
    let gone = put(&house, rebate("R-6", "13700137000")).await;
    let before = record.now();
    assert_eq!(record.count_older(Retained::Rebates, before).await.unwrap(), 3);
    assert_eq!(record.delete_older(Retained::Rebates, before).await.unwrap(), 3);
    assert!(record.find_rebate(kept.rebate).await.unwrap().is_some());
    assert!(record.find_rebate(gone.rebate).await.unwrap().is_none());
    assert_eq!(record.search("充值返礼", 10).await.unwrap().hits.len(), 1);
}

pub fn article(title: &str, topics: &[&str]) -> ArticleInput {
    ArticleInput {
        title: BTreeMap::from([(Language::ZhCn, title.to_owned())]),
        body: BTreeMap::from([(Language::ZhCn, "先核对套餐,再退费。".to_owned())]),
        categories: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        state: ArticleState::Published,
        ..ArticleInput::default()
    }
}

pub async fn articles_are_written_once_changed_by_version_and_found(house: House) {
    let record = &house.record;
    let made =
        record.add_article(article("流量费争议", &["data-charge"]), Some("k"), "min.li").await.unwrap();
    let again = record.add_article(article("另一篇", &[]), Some("k"), "min.li").await.unwrap();
    assert_eq!(again, made, "one click is one article");
    let mut input = made.input.clone();
    input.title.insert(Language::EnUs, "Disputed data charges".into());
    let lacking = record.change_article(made.id, input.clone(), Some(1), "min.li").await.unwrap_err();
    assert!(lacking.to_string().starts_with("title, body: "), "{lacking}");
    input.body.insert(Language::EnUs, "Check the plan first.".into());
    input.external_ref = Some("K-1".into());
    let changed = record.change_article(made.id, input.clone(), Some(1), "wei").await.unwrap();
    assert_eq!((changed.version, changed.changed_by.as_str()), (2, "wei"));
    assert_eq!(record.change_article(made.id, input.clone(), Some(2), "wei").await.unwrap().version, 2);
    let late = record.change_article(made.id, input.clone(), Some(1), "min.li").await;
    assert!(matches!(late, Err(RecordError::Stale(_))));
    let taken = ArticleInput { external_ref: Some("K-1".into()), ..article("x", &[]) };
    let taken = record.add_article(taken, None, "wei").await.unwrap_err().to_string();
    assert!(taken.starts_with("external-ref: another"), "{taken}");
    let draft = ArticleInput { state: ArticleState::Draft, ..article("退费草稿", &[]) };
    record.add_article(draft, None, "wei").await.unwrap();
    let found = async |words: &'static str, shown_only| {
        let list = ArticleList { words: Some(words), shown_only, limit: 50, ..ArticleList::default() };
        record.articles(list).await.unwrap().len()
    };
    assert_eq!((found("退费", false).await, found("退费", true).await), (2, 1));
    assert_eq!((found("dispu", true).await, found("流量 套餐", true).await), (1, 1));
    assert_eq!((found("K-1", true).await, found("另一", false).await), (1, 0));
    assert_eq!(found("' OR 1=1 --", false).await, 0);
    let bad =
        ArticleInput { valid_from: Some(record.now()), valid_to: Some(record.now()), ..article("x", &[]) };
    assert!(record.add_article(bad, None, "x").await.unwrap_err().to_string().starts_with("valid-to: "));
}

pub async fn articles_fit_by_open_tickets_calls_that_go_on_and_what_was_given(house: House) {
    let record = &house.record;
    let mut open = ticket("T-1", "13800138000");
    (open.state, open.result, open.code) = (TicketState::Open, None, None);
    let made = record.upsert_ticket(open, Language::ZhCn).await.unwrap();
    put(&house, rebate("R-1", "13800138000")).await;
    let tag = |title: &str, tag: &str| ArticleInput { tags: vec![tag.into()], ..article(title, &[]) };
    let soon = record.now() + Duration::from_secs(3600);
    for input in [
        tag("春节活动", "春节充值返礼"),
        article("资费", &["Data-Charge"]),
        tag("投诉流程", "complaint-result"),
        article("宽带", &["broadband"]),
        ArticleInput { state: ArticleState::Draft, ..article("草稿", &["data-charge"]) },
        ArticleInput { valid_from: Some(soon), ..article("以后", &["data-charge"]) },
        ArticleInput { valid_to: Some(record.now()), ..article("以前", &["data-charge"]) },
    ] {
        record.add_article(input, None, "wei").await.unwrap();
    }
    let titles = async || {
        let found = record.articles_for(made.customer).await.unwrap();
        found.into_iter().map(|one| one.input.title[&Language::ZhCn].clone()).collect::<Vec<_>>()
    };
    assert_eq!(titles().await, ["资费", "春节活动"]);
    let call = house.call("13800138000").await;
    let event = StepEvent::Started {
        plan: "complaint-result".into(),
        version: "1".into(),
        language: Language::ZhCn,
        title: BTreeMap::default(),
    };
    let step = CallStep { number: 1, at: record.now(), event };
    record.store_steps(call, Some(made.customer), &[step]);
    assert!(record.flush(Duration::from_secs(5)).await);
    assert_eq!(titles().await, ["资费", "春节活动", "投诉流程"], "the call's path says something too");
    for number in 0..6 {
        record.add_article(article(&format!("资费{number}"), &["data-charge"]), None, "wei").await.unwrap();
    }
    assert_eq!(titles().await.len(), 5);
    let nobody: Pii<String> = "13700137000".to_owned().into();
    let mut other = ticket("T-2", nobody.expose());
    (other.code, other.category) = (None, None);
    let other = record.upsert_ticket(other, Language::ZhCn).await.unwrap();
    assert!(record.articles_for(other.customer).await.unwrap().is_empty());
}
