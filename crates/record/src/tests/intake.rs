//! Customers as the firm's own system tells them.

use std::io::Cursor;

use super::*;

fn input(reference: &str, name: &str, phones: &[&str]) -> CustomerInput {
    CustomerInput {
        external_ref: reference.into(),
        name: Some(name.to_owned().into()),
        phones: phones.iter().map(|phone| (*phone).to_owned().into()).collect(),
        ..CustomerInput::default()
    }
}

async fn upsert(house: &House, input: CustomerInput) -> UpsertedCustomer {
    house.record.upsert_customers(vec![input], "crm").await.unwrap().remove(0).unwrap()
}

pub async fn a_customer_of_the_firms_own_system_is_stored_once_and_what_is_late_is_not_taken(house: House) {
    let record = &house.record;
    let full = CustomerInput {
        email: Some("Ming@Example.com".to_owned().into()),
        language: Some(Language::EnUs),
        tier: Some("gold".into()),
        do_not_call: Some(true),
        tags: vec!["vip".into()],
        attributes: [("plan".to_owned(), Some("88".to_owned()))].into(),
        changed_at: Some("2026-11-20T01:00:00Z".parse().unwrap()),
        ..input("C-1", "王小明", &["13800138000", "010-62345678"])
    };
    let made = upsert(&house, full.clone()).await;
    assert_eq!(made.change, Change::Created);
    let card = record.card(made.customer).await.unwrap().unwrap();
    assert_eq!((card.version, card.identities.len(), card.do_not_call), (1, 3, true));
    assert_eq!((card.tags.as_slice(), card.tier.as_deref()), (&["vip".to_owned()][..], Some("gold")));
    assert_eq!(record.search("C-1", 5).await.unwrap().hits[0].customer, made.customer);
    let number = CallerNumber::parse("13800138000");
    assert_eq!(record.recognise(&number).await.unwrap().customer, Some(made.customer));
    // Twice, late, out of order.
    assert_eq!(upsert(&house, full.clone()).await.change, Change::Unchanged);
    let later = CustomerInput {
        name: Some("王晓明".to_owned().into()),
        changed_at: Some("2026-11-20T01:40:00Z".parse().unwrap()),
        ..full.clone()
    };
    assert_eq!(upsert(&house, later.clone()).await.change, Change::Changed);
    let between = CustomerInput { changed_at: Some("2026-11-20T01:20:00Z".parse().unwrap()), ..full.clone() };
    assert_eq!(upsert(&house, between.clone()).await.change, Change::Stale);
    // The same data with a later time is no change, but what is older than it is late from now on.
    let seen = CustomerInput { changed_at: Some("2026-11-20T02:04:00Z".parse().unwrap()), ..later.clone() };
    let tried = record.try_customers(vec![seen.clone(), between]).await.unwrap();
    assert!(matches!(tried[..], [Ok(Change::Unchanged), Ok(Change::Stale)]), "{tried:?}");
    assert_eq!(upsert(&house, seen).await.change, Change::Unchanged);
    assert_eq!(upsert(&house, later).await.change, Change::Stale);
    // A change that is yet to come would make late whatever comes: it is refused, and nothing is frozen.
    let ahead = CustomerInput { changed_at: Some("2026-11-20T02:06:00Z".parse().unwrap()), ..full };
    let refused = record.upsert_customers(vec![ahead.clone()], "crm").await.unwrap().remove(0).unwrap_err();
    assert!(refused.to_string().starts_with("changed-at: more than five minutes ahead"), "{refused}");
    assert!(record.try_customers(vec![ahead]).await.unwrap()[0].is_err());
    let card = record.card(made.customer).await.unwrap().unwrap();
    assert_eq!((card.version, card.name.unwrap().expose().as_str()), (2, "王晓明"));
    // What is absent stays; an attribute goes by `null`.
    let bare = CustomerInput {
        name: None,
        attributes: [("plan".to_owned(), None)].into(),
        ..input(" C-1 ", "", &[])
    };
    assert_eq!(upsert(&house, bare).await.change, Change::Changed);
    let card = record.card(made.customer).await.unwrap().unwrap();
    assert!(
        card.attributes.is_empty() && card.identities.len() == 3 && card.language == Some(Language::EnUs)
    );
    let types: Vec<String> =
        record.follow(0, 100).await.unwrap().into_iter().map(|event| event.type_name).collect();
    assert_eq!(types, ["customer.created", "consent.withdrawn", "customer.changed", "customer.changed"]);
    // One that is wrong leaves the others of its group.
    let group = vec![input("C-2", "a", &["12"]), input("", "b", &[]), input("C-3", "<b>c</b>", &[])];
    let done = record.upsert_customers(group, "crm").await.unwrap();
    let told = |at: usize| done[at].as_ref().unwrap_err().to_string();
    assert!(told(0).starts_with("phone: ") && told(1).starts_with("external-ref: "));
    assert_eq!(done[2].as_ref().unwrap().change, Change::Created);
    let both = vec![input("C-4", "d", &[]), input("C-4", "e", &[])];
    let done = record.upsert_customers(both, "crm").await.unwrap();
    assert_eq!(done[0].as_ref().unwrap().customer, done[1].as_ref().unwrap().customer);
    assert_eq!(done[1].as_ref().unwrap().change, Change::Changed, "of two in one group the last one holds");
}

pub async fn whom_a_ticket_made_is_taken_for_the_firms_own_and_nobody_else_is(house: House) {
    let record = &house.record;
    let by_ticket = house.with_ticket().await.customer;
    let taken = upsert(&house, input("C-1", "王小明", &["13800138000"])).await;
    assert_eq!((taken.customer, taken.change), (by_ticket, Change::Changed));
    // A number that a family shares makes nobody one with another.
    let other = upsert(&house, input("C-2", "李芳", &["13800138000"])).await;
    assert_eq!(other.change, Change::Created);
    let number = PhoneNumber::parse("13800138000").unwrap();
    assert_eq!(record.find_matches(&number).await.unwrap().len(), 2);
    assert_eq!(record.recognise(&CallerNumber::Phone(number)).await.unwrap().customer, None);
    // Two whom tickets made, and whose numbers one customer has: a person decides whether they are one.
    let mut made = Vec::new();
    for (reference, phone) in [("T-8", "13800138008"), ("T-9", "13800138009")] {
        let mut new = ticket(reference, phone);
        new.code = None;
        made.push(record.upsert_ticket(new, Language::ZhCn).await.unwrap().customer);
    }
    let third = upsert(&house, input("C-3", "赵六", &["13800138008", "13800138009"])).await;
    assert!(third.change == Change::Created && !made.contains(&third.customer));
    // A link that nobody proved makes nobody the firm's own.
    let guessed = record.upsert_customers(vec![input("C-5", "x", &["13800138005"])], "crm").await.unwrap();
    let guessed = guessed[0].as_ref().unwrap().customer;
    execute(&house.address, "UPDATE customer SET external_ref = NULL WHERE external_ref = 'C-5'").await;
    execute(
        &house.address,
        &format!("UPDATE identity_link SET level = 'claimed' WHERE customer_id = '{guessed}'"),
    )
    .await;
    assert_ne!(upsert(&house, input("C-6", "y", &["13800138005"])).await.customer, guessed);
}

pub async fn who_was_erased_or_merged_here_stays_so_whatever_the_firms_own_system_says(house: House) {
    let record = &house.record;
    let a = upsert(&house, input("C-1", "王小明", &["13800138000"])).await.customer;
    let b = upsert(&house, input("C-2", "李雷", &["13900139000"])).await.customer;
    let merge = record.merge_customers(a, b, "min.li", None).await.unwrap();
    assert_eq!(upsert(&house, input("C-1", "王小明", &["13800138000"])).await.change, Change::Unchanged);
    // Its own record changes, so that an undone merge finds what is its own.
    assert_eq!(upsert(&house, input("C-1", "王大明", &["13800138000"])).await.customer, a);
    assert_eq!(record.card(a).await.unwrap().unwrap().name.unwrap().expose(), "李雷");
    record.undo_merge(&merge, "min.li").await.unwrap();
    assert_eq!(record.card(a).await.unwrap().unwrap().name.unwrap().expose(), "王大明");
    record.merge_customers(a, b, "min.li", None).await.unwrap();
    record.erase_customer(b, "boss").await.unwrap();
    for (reference, phone, id) in [("C-1", "13800138000", a), ("C-2", "13900139000", b)] {
        let again = upsert(&house, input(reference, "王小明", &[phone])).await;
        assert_eq!((again.customer, again.change), (id, Change::Stale));
    }
    let left = dump(&house).await;
    assert!(!left.contains("王大明") && !left.contains("13800138000"), "{left}");
    let rows =
        sqlx::query("SELECT external_ref AS texts FROM customer").fetch_all(&record.readers).await.unwrap();
    let kept: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, "texts")).collect();
    assert!(kept.iter().all(|text| text.starts_with("erased ")), "nobody reads a number from it: {kept:?}");
}

pub async fn a_file_is_taken_in_row_by_row_and_one_that_was_cut_short_once_more(house: House) {
    let record = &house.record;
    let mut text = "external-ref,name,phone\n".to_owned();
    for number in 0..130 {
        text.push_str(&format!("C-{number},客户{number},1380013{number:04}\n"));
    }
    text.push_str("C-bad,x,12\n");
    let take = async |text: String, listen: usize| {
        let file = CustomerFile::open(Cursor::new(text.into_bytes()), None).unwrap();
        let (tell, mut heard) = tokio::sync::mpsc::channel(1);
        let listener = tokio::spawn(async move {
            let mut told = Vec::new();
            while told.len() < listen {
                match heard.recv().await {
                    Some(one) => told.push(one),
                    None => break,
                }
            }
            told
        });
        let counts = record.import_customers(file, false, "crm", &tell).await.unwrap();
        drop(tell);
        (counts, listener.await.unwrap())
    };
    // Whoever listens goes away after the first rows.
    let (cut, told) = take(text.clone(), 1).await;
    assert_eq!(told, [Told::Done { line: 51 }]);
    assert!(cut.created >= 50, "{cut:?}");
    let (counts, told) = take(text, usize::MAX).await;
    assert_eq!(counts.created + counts.unchanged, 130);
    assert_eq!((counts.unchanged, counts.refused), (cut.created, 1));
    assert!(
        matches!(&told[told.len() - 2], Told::Bad { line: 132, problem } if problem.starts_with("phone: "))
    );
    assert_eq!(record.search("客户129", 5).await.unwrap().hits.len(), 1);
}
