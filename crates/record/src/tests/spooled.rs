//! The process ends while the database is away.

use super::faults::{step, until};
use super::house::{House, Own, Shared};
use super::*;

/// A process of its own, which ends without a word when it is dropped.
struct Process(Option<tokio::runtime::Runtime>);

impl Process {
    fn start() -> Self {
        Self(Some(
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
        ))
    }

    /// Opens a record whose writer lives and ends with this process.
    fn open(&mut self, settings: Settings) -> House {
        let runtime = self.0.take().expect("it runs");
        let opened = std::thread::spawn(move || {
            let house = runtime.block_on(House::with(&settings)).unwrap();
            (runtime, house)
        });
        let (runtime, house) = opened.join().unwrap();
        self.0 = Some(runtime);
        house
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn settings(address: &DatabaseAddress, folder: &std::path::Path) -> Settings {
    Settings {
        server: Some("one".into()),
        spool: Some(folder.join("record.spool")),
        ..Settings::new(address.clone())
    }
}

#[tokio::test]
async fn what_the_database_could_not_take_is_there_after_the_process_was_killed() {
    let server = Own::start();
    let address = server.make_database().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("record.spool");
    let mut process = Process::start();
    let house = process.open(settings(&address, folder.path()));
    let call = house.call("13800138000").await;
    house.record.store_steps(call, None, &[step(&house, 1)]);
    assert!(house.record.flush(Duration::from_secs(10)).await);
    assert_eq!(std::fs::metadata(&spool).unwrap().len(), 0, "nothing waits while the database is there");
    server.stop("immediate");
    for number in 2..=100 {
        house.record.store_steps(call, None, &[step(&house, number)]);
    }
    let follow_up = NewFollowUp {
        customer: None,
        interaction: Some(call),
        ticket: None,
        phone: Some(PhoneNumber::parse("13800138000").unwrap()),
        reason: "look-up-failed".into(),
        note: None,
        due_in: Duration::from_secs(3600),
    };
    house.record.store_follow_up(follow_up);
    house.record.save_call(call, CallSave { outcome: Some("failed".into()), ..CallSave::default() });
    let reason = EndReason::new(Ending::Success, "hung-up");
    house.record.end_call(call, CallEnd { reason, at: house.clock.now() });
    let lines = || std::fs::read_to_string(&spool).unwrap().lines().count();
    until("all of it is on disk", async || lines() == 102).await;
    drop(house);
    drop(process);
    server.start_again();
    // The old process may hold the file for a moment.
    let mut opened = House::with(&settings(&address, folder.path())).await;
    until("the file is free", async || {
        if opened.is_err() {
            opened = House::with(&settings(&address, folder.path())).await;
        }
        opened.is_ok()
    })
    .await;
    let house = opened.unwrap();
    assert_eq!(
        house.record.end_orphans("2026-11-21T00:00:00Z".parse().unwrap()).await.unwrap(),
        0,
        "the call has its end"
    );
    assert_eq!(house.record.events_of(&call.to_string()).await.unwrap().len(), 101);
    let stored = house.record.find_contact(&call.to_string()).await.unwrap().unwrap();
    assert_eq!(
        (stored.outcome.as_deref(), stored.ending.as_deref()),
        (Some("failed"), Some("success/hung-up"))
    );
    until("the spool is empty", async || std::fs::metadata(&spool).unwrap().len() == 0).await;
    assert_eq!(house.record.spooled_steps(), 0);
}

#[tokio::test]
async fn what_is_replayed_twice_stands_there_once() {
    let server = Shared::get();
    let address = server.make_database().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("record.spool");
    let house = House::open(address.clone(), Some("one".into())).await.unwrap();
    let call = house.call("13800138000").await;
    assert!(house.record.flush(Duration::from_secs(10)).await);
    drop(house);
    let rows: Vec<_> = (1..=40)
        .map(|number| crate::deed::EventRow {
            source: "call".into(),
            source_event_id: format!("{call}:{number}"),
            type_name: "call.entered".into(),
            customer_id: None,
            interaction_id: Some(call.to_string()),
            ticket_id: None,
            occurred_at: number,
            body: "{}".into(),
        })
        .collect();
    let text = crate::spool::lines(
        rows.into_iter().map(|row| crate::deed::Deed::Steps(vec![row])).collect::<Vec<_>>().iter(),
    );
    for _ in 0..2 {
        std::fs::write(&spool, &text).unwrap();
        let mut opened = House::with(&settings(&address, folder.path())).await;
        until("the server before it is gone", async || {
            if opened.is_err() {
                opened = House::with(&settings(&address, folder.path())).await;
            }
            opened.is_ok()
        })
        .await;
        let house = opened.unwrap();
        assert!(house.record.flush(Duration::from_secs(10)).await);
        assert_eq!(house.record.events_of(&call.to_string()).await.unwrap().len(), 40);
        until("the spool is empty", async || std::fs::metadata(&spool).unwrap().len() == 0).await;
    }
}

#[tokio::test]
async fn a_full_disk_costs_no_call_and_nothing_that_memory_keeps() {
    let server = Own::start();
    let address = server.make_database().await;
    // Every write to this device finds the disk full.
    let settings =
        Settings { server: Some("one".into()), spool: Some("/dev/full".into()), ..Settings::new(address) };
    let house = House::with(&settings).await.unwrap();
    let call = house.call("13800138000").await;
    assert!(house.record.flush(Duration::from_secs(10)).await);
    server.stop("immediate");
    for number in 1..=50 {
        house.record.store_steps(call, None, &[step(&house, number)]);
    }
    until("the database is away", async || !house.record.is_available()).await;
    assert_eq!(house.record.spooled_steps(), 50);
    server.start_again();
    assert!(house.record.flush(Duration::from_secs(30)).await);
    assert_eq!(house.record.events_of(&call.to_string()).await.unwrap().len(), 50);
}
