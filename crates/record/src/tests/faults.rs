//! What the record does when the database goes away, others write at the same moment, or two
//! servers share it.

use std::collections::BTreeSet;

use sqlx::{Connection, Executor, PgConnection};

use super::house::{House, Own, Shared, count, execute};
use super::*;

async fn verify_error(house: &House, call: CallId) -> RecordError {
    let attempt = VerifyAttempt {
        policy: policy(),
        given: [(Factor::Code, "407192865".to_owned().into())].into(),
        call,
        caller: CallerNumber::Withheld,
    };
    house.record.verify(attempt).await.unwrap_err()
}

pub fn step(house: &House, number: u32) -> CallStep {
    let event = StepEvent::entered("p", &format!("s{number}"));
    CallStep { number, at: house.clock.now(), event }
}

pub async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !look().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn steps_survive_a_file_that_another_program_locks() {
    let house = House::sqlite().await;
    let call = house.call("13800138000").await;
    assert!(house.record.flush(Duration::from_secs(5)).await);
    // Another program locks the file.
    let mut other =
        <sqlx::SqliteConnection as sqlx::Connection>::connect(house.address.expose()).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    for number in 1..=50 {
        let event = StepEvent::entered("p", &format!("s{number}"));
        house.record.store_steps(call, None, &[CallStep { number, at: house.clock.now(), event }]);
    }
    let refused = verify_error(&house, call).await;
    assert!(matches!(refused, RecordError::Unavailable(_)));
    assert!(!house.record.is_available());
    assert_eq!(house.record.spooled_steps(), 50);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert!(house.record.flush(Duration::from_secs(10)).await);
    assert!(house.record.is_available());
    assert_eq!(house.record.events_of(&call.to_string()).await.unwrap().len(), 50);
    assert_eq!(house.record.spooled_steps(), 0);
}

#[tokio::test]
async fn steps_survive_a_server_that_crashes_and_stand_there_once() {
    let server = Own::start();
    let house = House::open(server.make_database().await, Some("one".into())).await.unwrap();
    let call = house.call("13800138000").await;
    house.record.store_steps(call, None, &[step(&house, 1)]);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    // It crashes while steps are handed over.
    for number in 2..=300 {
        house.record.store_steps(call, None, &[step(&house, number)]);
        if number == 100 {
            server.stop("immediate");
        }
        if number % 10 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let refused = verify_error(&house, call).await;
    assert!(matches!(refused, RecordError::Unavailable(_)), "{refused}");
    assert!(!house.record.is_available());
    assert!(house.record.find_contact(&call.to_string()).await.is_err(), "who asks is told");
    let end = EndReason::new(Ending::Success, "hung-up");
    house.record.end_call(call, CallEnd { reason: end, at: house.clock.now() });
    assert!(house.record.spooled_steps() >= 200);
    server.start_again();
    assert!(house.record.flush(Duration::from_secs(30)).await);
    assert!(house.record.is_available());
    let stored = house.record.events_of(&call.to_string()).await.unwrap();
    assert_eq!(stored.len(), 300);
    assert!(stored.is_sorted_by(|a, b| a.seq < b.seq));
    assert_eq!(
        house.record.find_contact(&call.to_string()).await.unwrap().unwrap().ending.as_deref(),
        Some("success/hung-up")
    );
    assert_eq!(house.record.spooled_steps(), 0);
    // And what somebody waits for works again, too.
    house.with_ticket().await;
}

#[tokio::test]
async fn a_database_that_takes_no_changes_for_a_while_loses_nothing() {
    let server = Shared::get();
    let house = House::open(server.make_database().await, Some("one".into())).await.unwrap();
    let call = house.call("13800138000").await;
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let (_, name) = house.address.user_and_database();
    // What a fail-over to a standby looks like: connections break, the new ones only read.
    let end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    execute(&house.address, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    execute(&house.address, end_sessions).await;
    house.record.store_steps(call, None, &[step(&house, 1)]);
    until("the database is away", async || !house.record.is_available()).await;
    let writable =
        format!("BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = off; COMMIT");
    execute(&house.address, &writable).await;
    execute(&house.address, end_sessions).await;
    assert!(house.record.flush(Duration::from_secs(20)).await);
    assert_eq!(house.record.events_of(&call.to_string()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_standby_takes_over_when_the_first_host_is_gone() {
    let first = Own::start();
    let alone = first.make_database().await;
    let standby = first.standby();
    let both = format!("{},{}", standby.host(), first.host());
    let address: DatabaseAddress = alone.expose().replace(&first.host(), &both).parse().unwrap();
    // The standby stands first in the address and is passed over: it takes no changes.
    let house = House::open(address.clone(), Some("one".into())).await.unwrap();
    let call = house.call("13800138000").await;
    house.record.store_steps(call, None, &[step(&house, 1)]);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let replica: DatabaseAddress = alone.expose().replace(&first.host(), &standby.host()).parse().unwrap();
    until("the standby has what was stored", async || count(&replica, "event").await >= 1).await;
    first.stop("immediate");
    house.record.store_steps(call, None, &[step(&house, 2)]);
    until("the database is away", async || !house.record.is_available()).await;
    standby.promote();
    assert!(house.record.flush(Duration::from_secs(30)).await);
    // Who reads has followed.
    assert_eq!(house.record.events_of(&call.to_string()).await.unwrap().len(), 2);
    house.with_ticket().await;
}

#[tokio::test]
async fn a_step_that_the_server_always_fails_on_is_laid_aside_and_the_others_are_stored() {
    let server = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        server: Some("one".into()),
        spool: Some(folder.path().join("record.spool")),
        patience: Duration::from_millis(600),
        ..Settings::new(server.make_database().await)
    };
    let house = House::with(&settings).await.unwrap();
    let sql = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.source_event_id LIKE '%:2' THEN RAISE EXCEPTION 'broken' USING ERRCODE = 'XX000'; END IF; \
         RETURN NEW; END $$; CREATE TRIGGER fail BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION fail()";
    execute(&house.address, sql).await;
    let call = house.call("13800138000").await;
    for number in 1..=3 {
        house.record.store_steps(call, None, &[step(&house, number)]);
    }
    assert!(house.record.flush(Duration::from_secs(20)).await);
    assert!(house.record.is_available());
    assert_eq!(house.record.events_of(&call.to_string()).await.unwrap().len(), 2);
    let aside = std::fs::read_to_string(folder.path().join("record.spool.refused")).unwrap();
    assert_eq!(aside.lines().count(), 1);
    assert!(aside.contains("\"s2\"") || aside.contains("s2"), "{aside}");
}

/// A database whose tickets collide the first `times` times they are written.
async fn colliding(times: u32) -> (Shared, House) {
    let server = Shared::get();
    let house = House::open(server.make_database().await, Some("one".into())).await.unwrap();
    let sql = format!(
        "CREATE SEQUENCE tries; CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'collision' USING ERRCODE = '40P01'; END IF; \
         RETURN NEW; END $$; CREATE TRIGGER collide BEFORE INSERT ON ticket FOR EACH ROW EXECUTE FUNCTION collide()"
    );
    execute(&house.address, &sql).await;
    (server, house)
}

#[tokio::test]
async fn a_deadlock_is_tried_again_unnoticed() {
    let (_server, house) = colliding(3).await;
    assert_eq!(house.with_ticket().await.change, Change::Created);
    assert!(house.record.is_available());
}

#[tokio::test]
async fn a_deadlock_without_end_is_told_and_the_next_one_works() {
    let (_server, house) = colliding(7).await;
    let refused = house.record.upsert_ticket(ticket("T-1", "13800138000"), Language::ZhCn).await.unwrap_err();
    assert!(matches!(refused, RecordError::Unavailable(_)), "{refused}");
    assert_eq!(house.with_ticket().await.change, Change::Created);
}

/// Two servers on one database.
async fn two_servers() -> (Shared, House, House) {
    let server = Shared::get();
    let address = server.make_database().await;
    let one = House::open(address.clone(), Some("one".into())).await.unwrap();
    let two = House::open(address, Some("two".into())).await.unwrap();
    (server, one, two)
}

#[tokio::test]
async fn two_servers_never_take_the_same_job_nor_the_same_message() {
    let (_server, one, two) = two_servers().await;
    for number in 0..60 {
        let mut input = ticket(&format!("T-{number}"), &format!("138001380{number:02}"));
        input.code = None;
        let house = if number % 2 == 0 { &one } else { &two };
        house.record.upsert_ticket(input, Language::ZhCn).await.unwrap();
    }
    let work = async |house: &House| {
        let mut taken = Vec::new();
        loop {
            let jobs =
                house.record.claim_jobs(JobKind::RenderResult, 3, Duration::from_secs(600)).await.unwrap();
            if jobs.is_empty() {
                break;
            }
            for job in jobs {
                let stored = house.record.find_ticket(job.ticket).await.unwrap().unwrap();
                let message = NewMessage {
                    idempotency_key: job.key.clone(),
                    customer: stored.customer,
                    ticket: Some(stored.id),
                    recipient: stored.phone,
                    text: "请拨打10086".to_owned().into(),
                    due_at: house.clock.now(),
                    urgent: false,
                    attempt: None,
                    until: None,
                };
                house.record.plan_message(&job, message).await.unwrap();
                taken.push(job.id);
            }
        }
        let mut sent = Vec::new();
        while house.record.has_due_messages(false).await.unwrap() {
            let claimed = house.record.claim_messages(3, false).await.unwrap();
            sent.extend(claimed.into_iter().map(|message| message.idempotency_key));
        }
        (taken, sent)
    };
    let ((jobs, messages), (more_jobs, more_messages)) = tokio::join!(work(&one), work(&two));
    assert!(!jobs.is_empty() && !more_jobs.is_empty(), "both worked: {} and {}", jobs.len(), more_jobs.len());
    let all: BTreeSet<_> = jobs.iter().chain(&more_jobs).collect();
    assert_eq!((all.len(), jobs.len() + more_jobs.len()), (60, 60));
    // One of them may have looked for messages before the other had planned its last ones.
    let late = one.record.claim_messages(100, false).await.unwrap();
    let late = late.into_iter().map(|message| message.idempotency_key);
    let every: Vec<_> = messages.into_iter().chain(more_messages).chain(late).collect();
    assert_eq!((every.iter().collect::<BTreeSet<_>>().len(), every.len()), (60, 60));
}

#[tokio::test]
async fn a_job_that_somebody_is_taking_is_passed_over() {
    let (_server, one, _two) = two_servers().await;
    one.with_ticket().await;
    let mut other = ticket("T-2", "13900139000");
    other.code = None;
    one.record.upsert_ticket(other, Language::ZhCn).await.unwrap();
    let jobs = one.record.due_jobs(JobKind::RenderResult, 10).await.unwrap();
    let mut program = PgConnection::connect(one.address.expose()).await.unwrap();
    program.execute("BEGIN").await.unwrap();
    program
        .execute(format!("SELECT id FROM job WHERE id = '{}' FOR UPDATE", jobs[0].id).as_str())
        .await
        .unwrap();
    let taken = one.record.claim_jobs(JobKind::RenderResult, 10, Duration::from_secs(60)).await.unwrap();
    assert_eq!(taken.iter().map(|job| &job.id).collect::<Vec<_>>(), [&jobs[1].id]);
}

#[tokio::test]
async fn what_a_server_left_is_its_own_again_and_nobody_elses() {
    let (server, one, two) = two_servers().await;
    one.with_ticket().await;
    let call = one.call("13800138000").await;
    assert!(one.record.flush(Duration::from_secs(5)).await);
    let held = one.record.claim_jobs(JobKind::RenderResult, 10, Duration::from_secs(600)).await.unwrap();
    assert_eq!(held.len(), 1);
    let later = "2026-11-20T02:10:00Z".parse().unwrap();
    assert_eq!(two.record.end_orphans(later).await.unwrap(), 0, "the call of another server goes on");
    assert_eq!(two.record.release_jobs().await.unwrap(), 0);
    let address = one.address.clone();
    let same = House::open(address.clone(), Some("one".into())).await.err().unwrap().to_string();
    assert!(same.contains("record.server") && same.contains("`one`"), "{same}");
    // It ends, and starts again.
    drop(one);
    let again = House::open(address, Some("one".into())).await.unwrap();
    assert_eq!(again.record.end_orphans(later).await.unwrap(), 1);
    assert_eq!(again.record.release_jobs().await.unwrap(), 1);
    assert_eq!(
        again.record.claim_jobs(JobKind::RenderResult, 1, Duration::ZERO).await.unwrap()[0].id,
        held[0].id
    );
    assert!(again.record.find_contact(&call.to_string()).await.unwrap().unwrap().ended_at.is_some());
    drop(server);
}

#[tokio::test]
async fn a_reader_that_follows_two_servers_misses_nothing() {
    let (_server, one, two) = two_servers().await;
    const STEPS: u32 = 400;
    let write = async |house: &House| {
        let call = house.call("13800138000").await;
        for number in 1..=STEPS {
            house.record.store_steps(call, None, &[step(house, number)]);
            if number % 7 == 0 {
                assert!(house.record.flush(Duration::from_secs(10)).await);
            }
        }
        assert!(house.record.flush(Duration::from_secs(10)).await);
    };
    let read = async || {
        let (mut seq, mut seen) = (0, 0);
        until("every step was seen", async || {
            let events = two.record.follow(seq, 50).await.unwrap();
            seen += events.len();
            seq = events.last().map_or(seq, |event| event.seq);
            seen == 2 * STEPS as usize
        })
        .await;
    };
    tokio::join!(write(&one), write(&two), read());
}

#[tokio::test]
async fn wrong_attempts_are_counted_one_by_one_whichever_server_they_reach() {
    let (_server, one, two) = two_servers().await;
    one.with_ticket().await;
    let from = "13900139000";
    let attempts = async |house: &House| {
        let mut counted = 0;
        for _ in 0..8 {
            let call = house.call(from).await;
            let verdict = house.verify(call, from, "123456784", "8000").await.verdict;
            counted += usize::from(verdict == Verdict::Refused(Refusal::UnknownCode));
        }
        counted
    };
    let (first, second) = tokio::join!(attempts(&one), attempts(&two));
    assert_eq!(
        first + second,
        9,
        "nine of a caller's attempts in a day are answered, the others learn nothing"
    );
}
