//! A record moved from one engine to the other.

use super::house::{House, Shared, execute};
use super::people::user;
use super::*;
use crate::{dry_run, is_in_use, transfer};

/// A record with something in every table.
async fn filled(house: &House) -> (CallId, Upserted) {
    let stored = house.with_ticket().await;
    let call = house.call("13800138000").await;
    assert_eq!(house.verify(call, "13800138000", "407192865", "8000").await.verdict, Verdict::Passed);
    let steps: Vec<_> = (1..=700)
        .map(|number| CallStep {
            number,
            at: house.clock.now(),
            event: StepEvent::entered("p", &format!("第{number}步")),
        })
        .collect();
    house.record.store_steps(call, Some(stored.customer), &steps);
    house.record.save_call(call, CallSave { tags: vec!["angry".into()], ..CallSave::default() });
    let job = house.record.due_jobs(JobKind::RenderResult, 1).await.unwrap().remove(0);
    house.record.finish_render(&job).await.unwrap();
    let message = NewMessage {
        idempotency_key: job.key.clone(),
        customer: stored.customer,
        ticket: Some(stored.ticket),
        recipient: PhoneNumber::parse("13800138000").unwrap(),
        text: "请拨打10086".to_owned().into(),
        due_at: house.clock.now(),
        urgent: false,
        attempt: None,
        until: None,
    };
    house.record.plan_message(&job, message).await.unwrap();
    let claimed = house.record.claim_messages(1, false).await.unwrap();
    house.record.settle_message(&claimed[0], SendOutcome::Undeliverable("off".into())).await.unwrap();
    let audio = StoredAudio { samples: (-300..300).collect(), rate_hz: 24_000 };
    house.record.store_audio(AudioKey { key: "k", text_key: "t", voice: "zf" }, &audio).await.unwrap();
    house.record.store_plan("main", "1", "plan: main").await.unwrap();
    house.record.log_access("tests", stored.customer, "customer").await.unwrap();
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let agent = user(house, "min.li", &[Role::Agent]).await;
    house.record.store_queue_rows(&super::queues::rows(house, agent).await);
    house.record.set_telephone("hotline", super::queues::telephone("min.li")).await.unwrap();
    assert!(house.record.flush(Duration::from_secs(5)).await);
    house.record.wrap_up(call, "settled", None, "min.li", false).await.unwrap();
    house.record.sign_in("min.li", "right-password".to_owned().into()).await.unwrap();
    house.record.sign_in("nobody", "right-password".to_owned().into()).await.unwrap();
    house.record.begin_sign_in(begun("state"), Duration::from_secs(600)).await.unwrap();
    let deeds = super::campaigns::deeds(house, stored.ticket, stored.customer);
    house.record.store_campaign(deeds).await.unwrap();
    let mut other = ticket("T-2", "13900139000");
    other.code = None;
    let other = house.record.upsert_ticket(other, Language::ZhCn).await.unwrap().customer;
    let merge = house.record.merge_customers(other, stored.customer, "min.li", None).await.unwrap();
    house.record.undo_merge(&merge, "min.li").await.unwrap();
    let rows = format!(
        "INSERT INTO customer_attribute (customer_id, name, value, at) VALUES ('{0}', 'plan', '88', 1); \
         INSERT INTO note (id, customer_id, text, made_by, at) VALUES ('n', '{0}', '退费', 'min.li', 1)",
        stored.customer
    );
    execute(&house.address, &rows).await;
    let others = "INSERT INTO webhook (name, seq) VALUES ('crm', 1); \
        INSERT INTO webhook_delivery (id, webhook, seq, type, state, run_at, created_at, changed_at) \
        VALUES ('d', 'crm', 1, 'ticket.created', 'dead', 1, 1, 1); INSERT INTO mark (name, at) VALUES ('m', 1)";
    execute(&house.address, others).await;
    let calls_made = "INSERT INTO survey_answer (call_id, question, answer, plan, plan_version, at) \
        VALUES ('c', 'content', 'yes', 'survey', '1', 1); INSERT INTO caller_words (call_id, name, recording, seconds, at) \
        VALUES ('c', 'comment', 'c.wav', 7, 1); INSERT INTO survey_page (attempt_id, token_hash, customer_id, \
        ticket_id, policy, plan, plan_version, language, given, created_at, valid_until) \
        VALUES ('a', 'h', 'c', 't', 'survey', 'ask', '1', 'zh-CN', '{}', 1, 2); INSERT INTO lease (name, holder, until_at) VALUES ('campaigns', 'one', 1)";
    execute(&house.address, calls_made).await;
    let agreed = format!(
        "INSERT INTO consent (id, customer_id, kind, given, channel, noted_by, at) \
         VALUES ('a', '{0}', 'recording', 1, 'call', 'min.li', 1); \
         INSERT INTO attachment (id, customer_id, name, media_type, bytes, sha256, file, server, made_by, at) \
         VALUES ('a', '{0}', '账单.jpg', 'image/jpeg', 7, 'aa', 'a.jpg', '', 'customer', 1); \
         INSERT INTO upload_link (id, token_hash, customer_id, message_id, language, made_by, made_at, valid_until) \
         VALUES ('u', 'hash', '{0}', 'm', 'zh-CN', 'min.li', 1, 2); \
         INSERT INTO review (id, interaction_id, agent_id, reviewer, scores, state, made_at, changed_at) \
         VALUES ('r', 't', 'anna', 'boss', '[]', 'draft', 1, 1); \
         INSERT INTO dissatisfaction (interaction_id, reason, made_by, at) VALUES ('t', 'money', 'min.li', 1)",
        stored.customer
    );
    execute(&house.address, &agreed).await;
    let rebates = vec![super::rebates::rebate("R-1", "13800138000")];
    assert!(house.record.upsert_rebates(rebates, "crm").await.unwrap()[0].is_ok());
    let article = super::rebates::article("流量费争议", &["data-charge"]);
    house.record.add_article(article, None, "min.li").await.unwrap();
    // One customer merged into another who comes later.
    let merged = "INSERT INTO customer (id, created_at, changed_at) VALUES ('zz', 1, 1); \
        INSERT INTO customer (id, merged_into, created_at, changed_at) VALUES ('aa', 'zz', 1, 1)";
    execute(&house.address, merged).await;
    (call, stored)
}

async fn moved_to(house: House, target: DatabaseAddress) {
    let (call, stored) = filled(&house).await;
    let would = dry_run(&house.address, &target).await.unwrap();
    assert!(would.tables.iter().all(|(_, rows)| *rows > 0), "every table has something to move: {would:?}");
    if let Some(file) = target.file() {
        assert!(!file.exists() || std::fs::metadata(file).unwrap().len() == 0, "a dry run makes nothing");
    }
    let mut told = Vec::new();
    let done = transfer(&house.address, &target, &mut |table, rows, total| told.push((table, rows, total)))
        .await
        .unwrap();
    assert_eq!(done.tables, would.tables);
    assert_eq!(done.added_meanwhile, 0);
    for (table, total) in &done.tables {
        assert!(told.contains(&(*table, *total, *total)), "{table} was told to its end");
    }
    // All of it is there as it was, and what comes stands behind it.
    let there = House::open(target.clone(), Some("one".into())).await.unwrap();
    let before = house.record.follow(0, 2000).await.unwrap();
    let after = there.record.follow(0, 2000).await.unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(
        format!("{:?}", house.record.find_customer(stored.customer, 10).await.unwrap()),
        format!("{:?}", there.record.find_customer(stored.customer, 10).await.unwrap())
    );
    assert_eq!(house.record.find_audio("k").await.unwrap(), there.record.find_audio("k").await.unwrap());
    there.record.store_steps(
        call,
        None,
        &[CallStep { number: 9000, at: there.clock.now(), event: StepEvent::entered("p", "later") }],
    );
    assert!(there.record.flush(Duration::from_secs(5)).await);
    let newest = before.last().unwrap().seq;
    let new = there.record.follow(newest, 10).await.unwrap();
    assert!(new.len() == 1 && new[0].seq > newest, "{new:?}");
    // A second time it is refused, and nothing is changed.
    let again = transfer(&house.address, &target, &mut |_, _, _| {}).await.unwrap_err().to_string();
    assert!(again.contains("not empty") && again.contains("customer: 4 rows"), "{again}");
    assert!(dry_run(&house.address, &target).await.unwrap_err().to_string().contains("not empty"));
}

/// Whether a server uses it is seen from outside, and nothing of it is changed by looking.
#[tokio::test]
async fn a_database_with_a_server_on_it_is_recognised() {
    let server = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let files = DatabaseAddress::sqlite(&folder.path().join("record.db"));
    assert!(!is_in_use(&files).await.unwrap(), "there is no file yet");
    for address in [files, server.make_database().await] {
        let house = House::open(address.clone(), Some("one".into())).await.unwrap();
        house.with_ticket().await;
        assert!(is_in_use(&address).await.unwrap(), "{address}");
        house.with_ticket().await;
        drop(house);
        let mut tries = 0;
        while is_in_use(&address).await.unwrap() {
            tries += 1;
            assert!(tries < 100, "{address}: who has gone is gone");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn from_sqlite_to_postgres() {
    let server = Shared::get();
    moved_to(House::sqlite().await, server.make_database().await).await;
}

#[tokio::test]
async fn from_postgres_to_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    moved_to(House::postgres().await, DatabaseAddress::sqlite(&folder.path().join("new.db"))).await;
}

#[tokio::test]
async fn what_goes_wrong_leaves_the_target_empty_and_it_can_be_tried_again() {
    let server = Shared::get();
    let (house, target) = (House::sqlite().await, server.make_database().await);
    filled(&house).await;
    drop(House::open(target.clone(), None).await.unwrap());
    // The last table but one breaks off.
    execute(&target, "ALTER TABLE plan_version ADD CONSTRAINT never CHECK (plan = 'other')").await;
    assert!(transfer(&house.address, &target, &mut |_, _, _| {}).await.is_err());
    let there = House::open(target.clone(), None).await.unwrap();
    assert!(there.record.follow(0, 10).await.unwrap().is_empty());
    drop(there);
    // A row that arrives changed is noticed.
    execute(&target, "ALTER TABLE plan_version DROP CONSTRAINT never").await;
    let change = "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.source = 'x'; RETURN NEW; \
        END $$; CREATE TRIGGER spoil BEFORE INSERT ON plan_version FOR EACH ROW EXECUTE FUNCTION spoil()";
    execute(&target, change).await;
    let told = transfer(&house.address, &target, &mut |_, _, _| {}).await.unwrap_err().to_string();
    assert!(told.contains("plan_version") && told.contains("changed"), "{told}");
    execute(&target, "DROP TRIGGER spoil ON plan_version").await;
    transfer(&house.address, &target, &mut |_, _, _| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_on_writing_is_told_of() {
    let server = Shared::get();
    let (house, target) = (House::sqlite().await, server.make_database().await);
    let (call, _) = filled(&house).await;
    let (record, clock) = (house.record.clone(), Arc::clone(&house.clock));
    let mut once = true;
    let mut write = |table: &'static str, _, _| {
        if table == "identity" && std::mem::take(&mut once) {
            let event = StepEvent::entered("p", "meanwhile");
            record.store_steps(call, None, &[CallStep { number: 9001, at: clock.now(), event }]);
            let flushed = tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(record.flush(Duration::from_secs(5)))
            });
            assert!(flushed);
        }
    };
    let done = transfer(&house.address, &target, &mut write).await.unwrap();
    assert_eq!(done.added_meanwhile, 1);
    let there = House::open(target, None).await.unwrap();
    let events: u64 = done.tables.iter().find(|(table, _)| *table == "event").unwrap().1;
    assert_eq!(there.record.follow(0, 5000).await.unwrap().len() as u64, events);
}

#[tokio::test]
async fn a_source_that_is_missing_or_old_is_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let missing = DatabaseAddress::sqlite(&folder.path().join("none.db"));
    let target = DatabaseAddress::sqlite(&folder.path().join("new.db"));
    assert!(dry_run(&missing, &target).await.unwrap_err().to_string().contains("not there"));
    assert!(!folder.path().join("none.db").exists());
    std::fs::write(folder.path().join("none.db"), "").unwrap();
    assert!(dry_run(&missing, &target).await.unwrap_err().to_string().contains("older version"));
}
