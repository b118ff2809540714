//! Customers in full: whom a number may belong to, what is found, what is on the line, what is erased.

use super::*;

#[path = "erase.rs"]
mod erase;
#[path = "export.rs"]
mod export;

async fn customer(house: &House, reference: &str, phone: &str, name: &str) -> Upserted {
    let mut input = ticket(reference, phone);
    input.code = None;
    input.name = Some(name.to_owned().into());
    house.record.upsert_ticket(input, Language::ZhCn).await.unwrap()
}

fn phone(level: LinkLevel) -> NewLink {
    NewLink {
        kind: "phone".into(),
        namespace: String::new(),
        value: "010-62345678".to_owned().into(),
        level,
        method: "agent".into(),
    }
}

pub async fn a_number_with_five_customers_is_a_ranked_choice_and_names_nobody(house: House) {
    let record = &house.record;
    let mut five = Vec::new();
    for number in 0..5 {
        let made = customer(&house, &format!("T-{number}"), &format!("1380013800{number}"), "王小明").await;
        let level = [LinkLevel::Claimed, LinkLevel::Verified, LinkLevel::Observed][number % 3];
        record.link_identity(made.customer, phone(level), "min.li").await.unwrap();
        five.push(made.customer);
    }
    let mut open = ticket("T-9", "13800138004");
    (open.state, open.code) = (TicketState::Open, None);
    record.upsert_ticket(open, Language::ZhCn).await.unwrap();
    let number = PhoneNumber::parse("010-62345678").unwrap();
    let ranked: Vec<_> = record.find_matches(&number).await.unwrap();
    let order: Vec<_> = ranked.iter().map(|one| one.customer).collect();
    assert_eq!(order[0], five[4], "verified, and a ticket is open");
    assert_eq!((order[1], order[2], order.len()), (five[1], five[2], 5));
    assert_eq!(record.recognise(&CallerNumber::Phone(number.clone())).await.unwrap().customer, None);
    // A link does not become less sure, and one made by mistake is ended.
    let link = record.link_identity(five[4], phone(LinkLevel::Claimed), "min.li").await.unwrap();
    assert_eq!(record.find_matches(&number).await.unwrap()[0].level, LinkLevel::Verified);
    record.unlink_identity(five[4], link, "min.li").await.unwrap();
    assert_eq!(record.find_matches(&number).await.unwrap().len(), 4);
    assert!(matches!(
        record.unlink_identity(five[4], link, "min.li").await,
        Err(RecordError::NotFound("link"))
    ));
    // Two that were made one are named once.
    record.merge_customers(five[0], five[1], "min.li", None).await.unwrap();
    assert_eq!(record.find_matches(&number).await.unwrap().len(), 3);
    assert!(record.link_identity(five[0], phone(LinkLevel::Claimed), "x").await.is_ok());
}

pub async fn names_tickets_notes_and_numbers_are_found(house: House) {
    let record = &house.record;
    let ming = customer(&house, "CRM-2026-77", "13800138000", "王小明").await;
    let smith = customer(&house, "T-2", "+14155550123", "Anne <b>O'Smith</b>").await;
    let note = NewNote {
        customer: smith.customer,
        interaction: None,
        ticket: None,
        text: "要求重发电子礼品卡".to_owned().into(),
        key: Some("click-1".into()),
    };
    let first = record.add_note(note.clone(), "min.li").await.unwrap();
    assert_eq!(record.add_note(note, "min.li").await.unwrap(), first, "one click is one note");
    let found = |question: &'static str| {
        let record = record.clone();
        async move {
            let hits = record.search(question, 20).await.unwrap().hits;
            hits.into_iter().map(|hit| (hit.kind, hit.customer)).collect::<Vec<_>>()
        }
    };
    let of = |kind: &str, who: &Upserted| (kind.to_owned(), who.customer);
    assert_eq!(found("小明").await, [of("customer", &ming)]);
    assert_eq!(found("王").await, [of("customer", &ming)]);
    assert_eq!(found("重发").await, [of("note", &smith)]);
    assert_eq!(found("重发 礼品").await, [of("note", &smith)]);
    assert_eq!(found("smith anne").await, [of("customer", &smith)]);
    assert_eq!(found("0123").await, [of("customer", &smith)]);
    assert_eq!(found("138 0013 8000").await, [of("customer", &ming)]);
    assert_eq!(found("crm 77").await, [of("ticket", &ming)]);
    assert_eq!(found("退费 小明").await.len(), 1, "the ticket's words, the customer's name");
    assert_eq!(found("退费").await.len(), 2);
    for nothing in ["发重", "费退", "%", "'; DROP TABLE customer --", "\u{0}", "  ", "9999"] {
        assert!(found(nothing).await.is_empty(), "{nothing}");
    }
    // A result that changes is found by its new words only.
    let mut changed = ticket("CRM-2026-77", "13800138000");
    (changed.code, changed.result) = (None, Some("已按套餐核减。".to_owned().into()));
    record.upsert_ticket(changed, Language::ZhCn).await.unwrap();
    assert_eq!(found("退费").await, [of("ticket", &smith)]);
    assert_eq!(found("套餐核减").await, [of("ticket", &ming)]);
    assert!(!record.lacks_words().await.unwrap());
    execute(
        &house.address,
        "UPDATE customer SET indexed = 0; DELETE FROM search_word WHERE kind = 'customer'",
    )
    .await;
    assert!(record.lacks_words().await.unwrap() && found("小明").await.is_empty());
    assert_eq!(record.index_missing(100).await.unwrap(), 2);
    assert_eq!(found("小明").await, [of("customer", &ming)]);
}

pub async fn the_time_line_has_every_channel_in_one_order_page_by_page(house: House) {
    let record = &house.record;
    let one = customer(&house, "T-1", "13800138000", "王小明").await;
    let other = customer(&house, "T-2", "13900139000", "王小明").await;
    record.merge_customers(other.customer, one.customer, "min.li", None).await.unwrap();
    for minute in 0..7 {
        house.clock.advance(Duration::from_secs(60));
        let call = house.call(if minute % 2 == 0 { "13800138000" } else { "13900139000" }).await;
        let save = CallSave { reason: Some("complaint-result".into()), ..CallSave::default() };
        record.save_call(call, save);
        let reason = EndReason::new(Ending::Caller, "hung-up");
        record.end_call(call, CallEnd { reason, at: house.clock.now() });
        let text = format!("第{minute}次").into();
        let note = NewNote { customer: other.customer, interaction: None, ticket: None, text, key: None };
        record.add_note(note, "min.li").await.unwrap();
    }
    record.store_follow_up(NewFollowUp {
        customer: Some(one.customer),
        interaction: None,
        ticket: None,
        phone: None,
        reason: "call-back".into(),
        note: None,
        due_in: Duration::from_secs(60),
    });
    assert!(record.flush(Duration::from_secs(5)).await);
    let whole = record.timeline(other.customer, None, 100).await.unwrap().unwrap();
    assert_eq!((whole.entries.len(), whole.next), (7 + 7 + 2 + 1, None));
    assert!(whole.entries.windows(2).all(|pair| (pair[0].at, &pair[0].id) > (pair[1].at, &pair[1].id)));
    let (mut paged, mut next) = (Vec::new(), None);
    loop {
        let page = record.timeline(one.customer, next.as_ref(), 4).await.unwrap().unwrap();
        assert!(page.entries.len() <= 4);
        paged.extend(page.entries.into_iter().map(|entry| entry.id));
        let Some(cursor) = page.next else { break };
        next = Some(cursor.to_string().parse().unwrap());
    }
    assert_eq!(paged, whole.entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>());
    for bad in ["", "x", "1", "1.", "1.a b", "1.'; DROP"] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad}");
    }
    house.clock.advance(Duration::from_secs(600));
    let card = record.card(other.customer).await.unwrap().unwrap();
    assert_eq!(card.id, one.customer);
    let repeat = Alert::RepeatContact { contacts: 7, ticket: None, reason: Some("complaint-result".into()) };
    assert!(card.alerts.contains(&repeat), "{:?}", card.alerts);
    assert!(card.alerts.iter().any(|alert| matches!(alert, Alert::FollowUpOverdue { .. })));
    assert!(record.card(7.into()).await.unwrap().is_none());
}

pub async fn two_agents_who_click_at_once_are_told_who_was_faster(house: House) {
    let record = &house.record;
    let made = customer(&house, "T-1", "13800138000", "王小明").await;
    let new = AgentTicket {
        customer: made.customer,
        key: Some("click-1".into()),
        category: Some("plan".into()),
        due_at: Some("2026-11-20T03:00:00Z".parse().unwrap()),
        language: Language::ZhCn,
    };
    let stored = record.make_ticket(new.clone(), "min.li").await.unwrap();
    let again = record.make_ticket(new, "min.li").await.unwrap();
    assert_eq!((again.ticket, again.change), (stored.ticket, Change::Unchanged));
    let version = record.find_ticket(stored.ticket).await.unwrap().unwrap().version;
    let change = |owner: &str| TicketChange { owner: Some(owner.into()), ..TicketChange::default() };
    let (first, second) = tokio::join!(
        record.change_ticket(stored.ticket, change("min.li"), Some(version), "min.li"),
        record.change_ticket(stored.ticket, change("wang"), Some(version), "wang"),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    house.clock.advance(Duration::from_secs(2 * 3600));
    let card = record.card(made.customer).await.unwrap().unwrap();
    assert!(matches!(card.alerts[0], Alert::TicketOverdue { ticket, .. } if ticket == stored.ticket));
    // A result that is published sets in motion what the firm's own system would.
    let result: hotline_model::Pii<String> = "为您退费12元。".to_owned().into();
    assert!(record.publish_result(stored.ticket, result.clone(), Some(version), "wang").await.is_err());
    record.publish_result(stored.ticket, result, None, "wang").await.unwrap();
    let ticket = record.find_ticket(stored.ticket).await.unwrap().unwrap();
    assert_eq!((ticket.state, ticket.result_version), (TicketState::Closed, 1));
    let due = record.due_jobs(JobKind::RenderResult, 10).await.unwrap();
    assert!(due.iter().any(|job| job.ticket == stored.ticket));
    let bad = ProfileChange { name: Some("\u{202e}王".to_owned().into()), ..ProfileChange::default() };
    assert!(record.change_profile(made.customer, bad, None, "x").await.is_err());
    let good = || ProfileChange {
        name: Some("<script>alert(1)</script>".to_owned().into()),
        add_tags: vec!["angry".into()],
        attributes: [("plan".to_owned(), Some("88".to_owned()))].into(),
        ..ProfileChange::default()
    };
    let version = record.change_profile(made.customer, good(), Some(card.version), "min.li").await.unwrap();
    let stale = record.change_profile(made.customer, good(), Some(card.version), "wang").await;
    assert!(matches!(stale, Err(RecordError::Stale(_))), "{stale:?}");
    let card = record.card(made.customer).await.unwrap().unwrap();
    assert_eq!(card.name.unwrap().expose(), "<script>alert(1)</script>", "kept as it was written");
    assert_eq!((card.version, card.tags, card.attributes.len()), (version, vec!["angry".to_owned()], 1));
}

pub async fn a_follow_up_is_taken_by_one_and_done_once(house: House) {
    let record = &house.record;
    record.store_follow_up(NewFollowUp {
        customer: None,
        interaction: None,
        ticket: None,
        phone: None,
        reason: "call-back".into(),
        note: None,
        due_in: Duration::from_secs(60),
    });
    assert!(record.flush(Duration::from_secs(5)).await);
    let id = record.follow_ups(FollowUpList::Untaken, 10).await.unwrap().remove(0).id;
    record.act_on_follow_up(&id, FollowUpAct::Take, Some(1), "min.li").await.unwrap();
    let refused = record.act_on_follow_up(&id, FollowUpAct::Take, Some(1), "wang").await;
    assert_eq!(refused.unwrap_err().to_string(), "the follow-up is with min.li");
    assert!(record.follow_ups(FollowUpList::Untaken, 10).await.unwrap().is_empty());
    assert_eq!(record.follow_ups(FollowUpList::Of("min.li"), 10).await.unwrap().len(), 1);
    record.act_on_follow_up(&id, FollowUpAct::Release, None, "min.li").await.unwrap();
    let done = || FollowUpAct::Done { outcome: "reached".into() };
    record.act_on_follow_up(&id, done(), None, "wang").await.unwrap();
    assert!(record.act_on_follow_up(&id, done(), None, "wang").await.is_err());
    assert!(record.follow_ups(FollowUpList::Open, 10).await.unwrap().is_empty());
    let kept = record.find_follow_up(&id).await.unwrap().unwrap();
    assert_eq!((kept.outcome.as_deref(), kept.owner.as_deref()), (Some("reached"), Some("wang")));
}

/// Everything a database holds in texts, for what may not be in it any more.
pub async fn dump(house: &House) -> String {
    let mut all = String::new();
    for (table, columns) in [
        ("customer", "COALESCE(name, '') || COALESCE(tier, '')"),
        ("identity", "value"),
        ("event", "body"),
        ("ticket", "phone || code || external_ref || COALESCE(result, '')"),
        ("message", "recipient || text"),
        ("note", "text"),
        ("follow_up", "COALESCE(phone, '') || COALESCE(note, '') || COALESCE(outcome, '')"),
        ("customer_merge", "COALESCE(reason, '')"),
        ("verification", "caller"),
        ("search_word", "word"),
        ("customer_tag", "tag"),
        ("interaction", "native_id || COALESCE(note, '') || COALESCE(recording, '')"),
    ] {
        let rows = sqlx::query(&format!("SELECT {columns} AS texts FROM {table}"))
            .fetch_all(&house.record.readers)
            .await
            .unwrap();
        for row in rows {
            all.push_str(&sqlx::Row::get::<String, _>(&row, "texts"));
            all.push('\n');
        }
    }
    all
}

pub async fn a_result_that_cannot_be_published_leaves_the_ticket_as_it_was(house: House) {
    let mut open = ticket("T-1", "13800138000");
    (open.state, open.result) = (TicketState::Open, None);
    let ticket = house.record.upsert_ticket(open, Language::ZhCn).await.unwrap().ticket;
    let before = house.record.find_ticket(ticket).await.unwrap().unwrap().version;
    let seq = house.record.newest_seq().await.unwrap();
    let bad = house.record.publish_result(ticket, "😀".to_owned().into(), Some(before), "min.li").await;
    assert!(bad.unwrap_err().to_string().starts_with("result: "));
    let after = house.record.find_ticket(ticket).await.unwrap().unwrap();
    assert_eq!((after.version, after.state), (before, TicketState::Open));
    assert_eq!(house.record.newest_seq().await.unwrap(), seq, "nothing of it is told");
    let good = house.record.publish_result(ticket, "退费25元。".to_owned().into(), Some(before), "min.li");
    assert_eq!(good.await.unwrap().change, Change::Changed);
    let stale = house.record.publish_result(ticket, "退费30元。".to_owned().into(), Some(before), "bo").await;
    assert!(matches!(stale, Err(RecordError::Stale(_))));
    let after = house.record.find_ticket(ticket).await.unwrap().unwrap();
    assert_eq!((after.result.as_deref(), after.result_version), (Some("退费25元。"), 1));
}

pub async fn a_customer_erased_during_a_call_leaves_counts_and_nothing_else(house: House) {
    let record = &house.record;
    let stored = house.with_ticket().await;
    let bystander = customer(&house, "T-2", "13900139000", "李四").await;
    let shared = NewLink { value: "13900139000".to_owned().into(), ..phone(LinkLevel::Observed) };
    record.link_identity(stored.customer, shared, "min.li").await.unwrap();
    let change = ProfileChange {
        name: Some("王小明".to_owned().into()),
        add_tags: vec!["angry".into()],
        ..ProfileChange::default()
    };
    record.change_profile(stored.customer, change, None, "min.li").await.unwrap();
    let call = house.call("13800138000").await;
    assert_eq!(house.verify(call, "13800138000", "407192865", "8000").await.verdict, Verdict::Passed);
    let step = |number: u32, keys: &str| CallStep {
        number,
        at: house.clock.now(),
        event: StepEvent::Keyed { step: "code".into(), keys: keys.into() },
    };
    record.store_steps(call, Some(stored.customer), &[step(1, "13800138000#1")]);
    let job = record.due_jobs(JobKind::RenderResult, 1).await.unwrap().remove(0);
    record.finish_render(&job).await.unwrap();
    let message = NewMessage {
        idempotency_key: "m".into(),
        customer: stored.customer,
        ticket: Some(stored.ticket),
        recipient: PhoneNumber::parse("13800138000").unwrap(),
        text: "编号407192865".to_owned().into(),
        due_at: house.clock.now(),
        urgent: false,
        attempt: None,
        until: None,
    };
    record.plan_message(&job, message).await.unwrap();
    assert!(record.flush(Duration::from_secs(5)).await);
    let export = record.export_customer(stored.customer).await.unwrap().unwrap();
    assert_eq!(export["identities"][1]["value"], "+8613900139000");
    assert_eq!(
        (&export["name"], &export["messages"][0]["text"]),
        (&"王小明".into(), &"编号•••••••••".into())
    );
    assert!(!export.to_string().contains("407192865"));
    let vcon = record.export_vcon(&call.to_string()).await.unwrap().unwrap();
    assert_eq!(vcon["parties"][0]["tel"], "+8613800138000");
    assert_eq!(vcon["uuid"].as_str().unwrap().len(), 36);
    // What draft-ietf-vcon-vcon-core-04 asks for: no parameter without a value, JSON as JSON, and what belongs where.
    assert!(vcon.get("subject").is_none() && vcon["dialog"][0].get("duration").is_none(), "{vcon}");
    assert_eq!((&vcon["vcon"], &vcon["dialog"][0]["type"]), (&"0.4.0".into(), &"recording-set".into()));
    assert_eq!(vcon["dialog"][0]["recordings"].as_array().unwrap().len(), 0);
    let attached = &vcon["attachments"][0];
    assert!(attached["body"]["path"].is_array() && attached["encoding"] == "json", "{attached}");
    assert!(attached["start"].is_string() && attached["party"] == 1 && attached["dialog"] == 0, "{attached}");
    assert_eq!((&vcon["parties"][0]["type"], &vcon["parties"][1]["type"]), (&"person".into(), &"bot".into()));
    assert_eq!(vcon["parties"][0]["validation"], "verified");
    let erased = record.erase_customer(stored.customer, "boss").await.unwrap();
    assert_eq!(erased.spoken, [("您的退费25元7个工作日到账。".to_owned(), Some(Language::ZhCn))]);
    // The call goes on.
    record.store_steps(call, Some(stored.customer), &[step(2, "13800138000#2")]);
    record.confirm_steps(call, Some(stored.customer), &[step(3, "13800138000#3")]).await.unwrap();
    let note = Some("王小明说".to_owned());
    record.save_call(call, CallSave { note, tags: vec!["angry".into()], ..CallSave::default() });
    record.store_follow_up(NewFollowUp {
        customer: Some(stored.customer),
        interaction: Some(call),
        ticket: None,
        phone: Some(PhoneNumber::parse("13800138000").unwrap()),
        reason: "call-back".into(),
        note: Some("王小明".to_owned().into()),
        due_in: Duration::from_secs(60),
    });
    let tried = house.verify(call, "13800138000", "407192865", "8000").await;
    assert!(matches!(tried.verdict, Verdict::Refused(_)), "{:?}", tried.verdict);
    let reason = EndReason::new(Ending::Caller, "hung-up");
    record.end_call(call, CallEnd { reason, at: house.clock.now() });
    assert!(record.flush(Duration::from_secs(5)).await);
    let left = dump(&house).await;
    for gone in ["13800138000", "8310083168", "407192865", "王小明", "小明", "angry", "T-1\n"] {
        assert!(!left.contains(gone), "{gone} is still there:\n{left}");
    }
    assert_eq!(left.matches("退费25元").count(), 1, "of the other's ticket");
    assert!(left.contains("13900139000") && left.contains("李四"), "others keep what is theirs");
    assert_eq!(record.events_of(&call.to_string()).await.unwrap().len(), 5, "steps, verification, follow-up");
    assert!(record.claim_messages(10, false).await.unwrap().is_empty());
    assert!(record.find_ticket(stored.ticket).await.unwrap().is_none());
    let card = record.card(stored.customer).await.unwrap().unwrap();
    assert!(card.erased_at.is_some() && card.identities.is_empty());
    assert!(record.timeline(stored.customer, None, 50).await.unwrap().unwrap().entries.len() >= 3);
    // The firm's own system does not know, and hands the ticket over again: nothing comes back.
    let again = house.with_ticket().await;
    assert_eq!((again.change, again.customer), (Change::Stale, stored.customer));
    assert!(!dump(&house).await.contains("13800138000"));
    assert!(record.merge_customers(stored.customer, bystander.customer, "x", None).await.is_err());
    record.erase_customer(stored.customer, "boss").await.unwrap();
    assert_eq!(house.with_ticket().await.change, Change::Stale);
}
