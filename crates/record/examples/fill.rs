//! Fills an empty record with customers and their history, and times what a desktop asks for.
//!
//! `cargo run --release -p hotline-record --example fill -- sqlite:/tmp/large.db 1000000 10000000`: a
//! million customers, ten million events, and one customer with a time line of ten thousand entries.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_model::{CustomerId, IdSource, SystemClock};
use hotline_record::{DatabaseAddress, Engine, Record, Settings};
use sqlx::{AnyConnection, Connection, Executor};

/// Rows of one INSERT: under SQLite's limit of parameters.
const ROWS: usize = 500;
/// Entries of the one long time line.
const LONG: usize = 10_000;
const SURNAMES: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"];
const GIVEN: [&str; 12] = ["小明", "敏", "伟", "芳", "秀英", "娜", "强", "磊", "洋", "艳", "志远", "雨桐"];
const RESULTS: [&str; 4] = [
    "您3月产生128.5元流量费,已按30元套餐核减,为您退费98.5元。",
    "您反映的好友计划问题已为您退费25元,7个工作日到账。",
    "您目前已按88元套餐执行,为您退费12元。",
    "您的电子礼品卡已重发,请查收短信。",
];

/// Values of rows, written as SQL: they are made here, none of them comes from anybody.
struct Rows {
    head: &'static str,
    values: Vec<String>,
}

impl Rows {
    const fn new(head: &'static str) -> Self {
        Self { head, values: Vec::new() }
    }

    async fn write(&mut self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        for rows in self.values.chunks(ROWS) {
            let sql = format!("{} VALUES {}", self.head, rows.join(","));
            connection.execute(sql.as_str()).await?;
        }
        self.values.clear();
        Ok(())
    }
}

struct Fill {
    connection: AnyConnection,
    ids: IdSource,
    start: jiff::Timestamp,
    customers: Rows,
    identities: Rows,
    links: Rows,
    tickets: Rows,
    calls: Rows,
    events: Rows,
    told: usize,
}

impl Fill {
    async fn one(&mut self, number: usize, calls: usize, events: usize) -> Result<CustomerId, sqlx::Error> {
        let at = self.start + Duration::from_secs(number as u64 % 86_400);
        let at_us = at.as_microsecond();
        let (customer, identity, ticket): (CustomerId, CustomerId, CustomerId) =
            (self.ids.next(at), self.ids.next(at), self.ids.next(at));
        let name = format!("{}{}", SURNAMES[number % 10], GIVEN[number / 10 % 12]);
        let phone = format!("+861{:010}", 3_800_000_000_u64 + number as u64);
        self.customers.values.push(format!("('{customer}','{name}','zh-CN',{at_us},{at_us})"));
        self.identities.values.push(format!("('{identity}','phone','{phone}',{at_us})"));
        self.links.values.push(format!("('{identity}','{customer}','verified','crm',{at_us})"));
        if number.is_multiple_of(10) {
            let (code, result) = (number, RESULTS[number / 10 % 4]);
            self.tickets.values.push(format!(
                        "('{ticket}','T-{number}','{customer}','{phone}','fill {code}',0,'closed','data-charge','zh-CN','{result}',{at_us},{at_us})"
                    ));
        }
        for call in 0..calls {
            let begun = at + Duration::from_secs(call as u64 * 3_600);
            let id: CustomerId = self.ids.next(begun);
            let us = begun.as_microsecond();
            self.calls.values.push(format!(
                        "('{id}','call','fill {id}','{id}','in','{identity}','{customer}','complaint-result','main',{us},{})",
                        us + 60_000_000
                    ));
            for step in 0..events {
                self.told += 1;
                self.events.values.push(format!(
                            "('call','{id}:{step}','call.entered','{customer}','{id}',{0},{0},'{{\"what\":\"entered\",\"plan\":\"main\",\"step\":\"menu\"}}')",
                            us + step as i64 * 1_000_000
                        ));
            }
        }
        if self.events.values.len() >= 8 * ROWS || self.customers.values.len() >= ROWS {
            self.write().await?;
        }
        Ok(customer)
    }

    async fn write(&mut self) -> Result<(), sqlx::Error> {
        let c = &mut self.connection;
        // Each behind those it refers to.
        self.customers.write(c).await?;
        self.identities.write(c).await?;
        self.links.write(c).await?;
        self.tickets.write(c).await?;
        self.calls.write(c).await?;
        self.events.write(c).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, customers, events] = arguments.as_slice() else {
        return Err("fill ADDRESS CUSTOMERS EVENTS".into());
    };
    let address: DatabaseAddress = url.parse()?;
    let (customers, events): (usize, usize) = (customers.parse()?, events.parse()?);
    let record = Record::open(&Settings::new(address.clone()), Arc::new(SystemClock)).await?;
    if record.newest_seq().await? > 0 {
        return Err("the record is not empty: nothing is changed".into());
    }
    let long = fill(url, address.engine(), customers, events).await?;
    let begun = Instant::now();
    while record.lacks_words().await? {
        record.index_missing(2_000).await?;
    }
    println!("words made in {:.1} s", begun.elapsed().as_secs_f64());
    if address.engine() == Engine::Postgres {
        let mut connection = AnyConnection::connect(url).await?;
        connection.execute("ANALYZE").await?;
    }
    times(&record, long).await
}

async fn fill(
    url: &str,
    engine: Engine,
    customers: usize,
    events: usize,
) -> Result<CustomerId, Box<dyn Error>> {
    let begun = Instant::now();
    let mut connection = AnyConnection::connect(url).await?;
    if engine == Engine::Sqlite {
        // What is half filled is thrown away: nothing waits for the disk.
        connection
            .execute("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -200000")
            .await?;
    }
    connection.execute("BEGIN").await?;
    let mut fill = Fill {
        connection,
        ids: IdSource::new(7),
        start: "2026-01-01T00:00:00Z".parse()?,
        customers: Rows::new("INSERT INTO customer (id, name, language, created_at, changed_at)"),
        identities: Rows::new("INSERT INTO identity (id, kind, value, created_at)"),
        links: Rows::new("INSERT INTO identity_link (identity_id, customer_id, level, method, valid_from)"),
        tickets: Rows::new(
            "INSERT INTO ticket (id, external_ref, customer_id, phone, code, code_expires_at, state, category, \
             language, result, changed_at, created_at)",
        ),
        calls: Rows::new(
            "INSERT INTO interaction (id, channel, native_id, root_id, direction, identity_id, customer_id, \
             reason, plan, started_at, ended_at)",
        ),
        events: Rows::new(
            "INSERT INTO event (source, source_event_id, type, customer_id, interaction_id, occurred_at, \
             recorded_at, body)",
        ),
        told: 0,
    };
    let long = fill.one(0, LONG, 1).await?;
    // Two calls a customer, and as many steps in each as are wanted in all.
    let steps = (events.saturating_sub(LONG) / customers.max(1) / 2).max(1);
    for number in 1..customers {
        fill.one(number, 2, steps).await?;
        if number % 5_000 == 0 {
            fill.write().await?;
            fill.connection.execute("COMMIT").await?;
            fill.connection.execute("BEGIN").await?;
        }
    }
    fill.write().await?;
    fill.connection.execute("COMMIT").await?;
    println!("{customers} customers and {} events in {:.1} s", fill.told, begun.elapsed().as_secs_f64());
    Ok(long)
}

/// What a desktop asks for, each fifty times: the middle one and the slowest but one.
async fn times(record: &Record, long: CustomerId) -> Result<(), Box<dyn Error>> {
    macro_rules! time {
        ($name:expr, $ask:expr) => {{
            let mut took = Vec::new();
            for _ in 0..50 {
                let begun = Instant::now();
                let _ = $ask.await?;
                took.push(begun.elapsed());
            }
            took.sort();
            println!("{:<44} p50 {:>8.2} ms  p98 {:>8.2} ms", $name, ms(took[25]), ms(took[48]));
        }};
    }
    time!("card, 10,000 entries", record.card(long));
    time!("time line, first page of 50", record.timeline(long, None, 50));
    let page = record.timeline(long, None, 200).await?.and_then(|page| page.next);
    time!("time line, a later page of 50", record.timeline(long, page.as_ref(), 50));
    for question in ["王小明", "退费", "退费 王小明", "礼品卡", "0999", "王", "13800009999", "无此词语"]
    {
        time!(format!("search {question}"), record.search(question, 20));
    }
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
