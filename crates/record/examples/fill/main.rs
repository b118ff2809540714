//! Fills an empty record with customers and their history, and times what a desktop asks for: `tools/fill` runs it.
//!
//! `fill ADDRESS CUSTOMERS EVENTS`; `fill ADDRESS` times what was filled before. Exit code 1: a figure is above its
//! bound.

mod generate;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use generate::{LONG_PHONE, Size, fill};
use hotline_model::{CustomerId, SystemClock};
use hotline_record::{DatabaseAddress, Record, Settings};

/// What is asked for, in Chinese and in English: rare and frequent words, several together, numbers, one character,
/// nothing that is there.
const QUESTIONS: [&str; 18] = [
    "王小明",
    "退费",
    "退费 王小明",
    "礼品卡",
    "王",
    "refund",
    "gift card",
    "roaming smith",
    "anne",
    "anne smith",
    "anne 退费 礼品卡",
    "smith 重发",
    "s m",
    "退费 王小明 13800009999",
    "yuan you james brown",
    "0999",
    "13800009999",
    "无此词语",
];
/// How often each is asked.
const ASKED: usize = 50;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, size) = match arguments.as_slice() {
        [url] => (url, None),
        [url, customers, events] => {
            (url, Some(Size { customers: customers.parse()?, events: events.parse()? }))
        }
        _ => return Err("fill ADDRESS [CUSTOMERS EVENTS]".into()),
    };
    let address: DatabaseAddress = url.parse()?;
    let record = Record::open(&Settings::new(address.clone()), Arc::new(SystemClock)).await?;
    let Some(size) = size else {
        let long =
            record.search(LONG_PHONE, 1).await?.hits.pop().ok_or("this is not a record that was filled")?;
        return times(&record, long.customer).await;
    };
    if record.newest_seq().await? > 0 {
        return Err("the record is not empty: nothing is changed".into());
    }
    let begun = Instant::now();
    let made = fill(url, address.engine(), size, |done| progress("customers", done, size.customers)).await?;
    eprintln!(
        "\r{} customers, {} events: {:.0} s",
        size.customers,
        made.events,
        begun.elapsed().as_secs_f64()
    );
    let (begun, mut done) = (Instant::now(), 0);
    while record.lacks_words().await? {
        done += record.index_missing(500).await?;
        progress("rows with their words", done as usize, size.customers + size.customers / 10);
    }
    eprintln!("\rwords of {done} rows: {:.0} s", begun.elapsed().as_secs_f64());
    times(&record, made.long).await
}

fn progress(what: &str, done: usize, of: usize) {
    if done.is_multiple_of(50_000) {
        eprint!("\r{done} of {of} {what}");
        let _ = std::io::stderr().flush();
    }
}

/// Each asked often, as the API asks, the look at whoever was found logged: the middle one, and the slowest but one.
async fn times(record: &Record, long: CustomerId) -> Result<ExitCode, Box<dyn Error>> {
    let mut missed = false;
    macro_rules! time {
        ($name:expr, $bound:expr, $ask:expr) => {{
            let mut took = Vec::new();
            for _ in 0..ASKED {
                let begun = Instant::now();
                $ask;
                took.push(begun.elapsed());
            }
            took.sort();
            let (middle, slow, bound): (_, _, f64) = (ms(took[ASKED / 2]), ms(took[ASKED - 2]), $bound);
            missed |= slow >= bound;
            let told = if slow < bound { "" } else { "  MISSED" };
            println!("{:<44} {middle:>9.1} {slow:>9.1} {bound:>9.0}{told}", $name);
        }};
    }
    println!("{:<44} {:>9} {:>9} {:>9}", "ms", "p50", "p98", "below");
    time!("card, 10,000 entries", 50.0, {
        record.card(long).await?;
        record.log_access("fill", long, "card").await?;
    });
    time!("time line of 10,000, first page of 50", 50.0, {
        record.timeline(long, None, 50).await?;
        record.log_access("fill", long, "timeline").await?;
    });
    time!("who served them last, of 10,000", 50.0, {
        let known = record.queue_facts(Some(long), None, None, true).await?;
        known.last_agent.ok_or("nobody has served them")?;
    });
    let mut deep = None;
    for _ in 0..40 {
        deep = record.timeline(long, deep.as_ref(), 200).await?.and_then(|page| page.next);
    }
    time!("time line of 10,000, its page behind 8,000", 50.0, {
        record.timeline(long, deep.as_ref(), 50).await?;
    });
    for question in QUESTIONS {
        let found = record.search(question, 20).await?.hits.len();
        time!(format!("search {question} ({found} shown)"), 100.0, {
            let hits = record.search(question, 20).await?.hits;
            record.log_accesses("fill", hits.iter().map(|hit| hit.customer), "search").await?;
        });
    }
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
