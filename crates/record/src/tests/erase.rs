//! What an erasure leaves: no words about whom it took away, in no table and in no byte of the file.

use super::*;
use crate::{FollowUpAct, FollowUpList, NewFollowUp, NewNote};

/// Everything that is written down about the customer in words of somebody's own.
async fn written_about(house: &House) -> Upserted {
    let record = &house.record;
    let stored = customer(house, "T-1", "13800138000", "王小明").await;
    let other = customer(house, "T-2", "13900139000", "王小明").await;
    let why = Some("same household as Zhou Weiguang");
    record.merge_customers(other.customer, stored.customer, "min.li", why).await.unwrap();
    record.store_follow_up(NewFollowUp {
        customer: Some(stored.customer),
        interaction: None,
        ticket: None,
        phone: None,
        reason: "call-back".into(),
        note: Some("ask for Zhou Weiguang".to_owned().into()),
        due_in: Duration::from_secs(60),
    });
    assert!(record.flush(Duration::from_secs(5)).await);
    let follow_up = record.follow_ups(FollowUpList::Open, 10).await.unwrap().remove(0);
    let done = FollowUpAct::Done { outcome: "reached Zhou Weiguang".into() };
    record.act_on_follow_up(&follow_up.id, done, None, "min.li").await.unwrap();
    let text = "Zhou Weiguang will pay".to_owned().into();
    let note = NewNote { customer: stored.customer, interaction: None, ticket: None, text, key: None };
    record.add_note(note, "min.li").await.unwrap();
    stored
}

async fn no_words_about_a_customer_stay(house: House) {
    let record = &house.record;
    let stored = written_about(&house).await;
    assert!(record.merges_of(stored.customer).await.unwrap()[0].reason.is_some());
    record.erase_customer(stored.customer, "boss").await.unwrap();
    let [merge] = &record.merges_of(stored.customer).await.unwrap()[..] else { panic!("one merge") };
    assert_eq!((merge.reason.as_deref(), merge.made_by.as_str()), (None, "min.li"));
    let [follow_up] = &record.follow_ups_of(stored.customer).await.unwrap()[..] else { panic!("one") };
    assert_eq!((follow_up.outcome.as_deref(), follow_up.state.as_str()), (None, "done"));
    assert!(!super::dump(&house).await.contains("Weiguang"));
}

#[tokio::test]
async fn no_words_about_a_customer_stay_in_sqlite() {
    no_words_about_a_customer_stay(House::sqlite().await).await;
}

#[tokio::test]
async fn no_words_about_a_customer_stay_in_postgres() {
    no_words_about_a_customer_stay(House::postgres().await).await;
}

/// Whether a text stands anywhere in the database's file or in the log beside it.
fn stands_in_files(house: &House, text: &str) -> bool {
    let file = house.address.file().expect("SQLite has a file");
    let log = std::path::PathBuf::from(format!("{}-wal", file.display()));
    let bytes = [file.to_owned(), log].map(|path| std::fs::read(path).unwrap_or_default()).concat();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn what_was_erased_cannot_be_read_in_the_file() {
    let house = House::sqlite().await;
    let stored = written_about(&house).await;
    let gone = ["Weiguang", "王小明", "13800138000", "您的退费"];
    for text in gone {
        assert!(stands_in_files(&house, text), "{text} stands there before");
    }
    house.record.erase_customer(stored.customer, "boss").await.unwrap();
    for text in gone {
        assert!(!stands_in_files(&house, text), "{text} can still be read");
    }
}
