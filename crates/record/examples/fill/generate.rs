//! Customers and their history, as a firm has them after some months: written as SQL, many rows a statement.

use std::time::Duration;

use hotline_model::{CustomerId, IdSource};
use hotline_record::Engine;
use sqlx::{AnyConnection, Connection, Executor};

/// Rows of one INSERT.
const ROWS: usize = 500;
/// Customers of one commit.
const COMMIT: usize = 5_000;
/// Entries of the one long time line.
pub const LONG: usize = 10_000;
/// Whose it is.
pub const LONG_PHONE: &str = "13800000000";
/// Who served them, by id: a letter and digits as ids have them.
const AGENTS: [&str; 3] =
    ["01M8000000000000000000000A", "01M8000000000000000000000B", "01M8000000000000000000000C"];
const SURNAMES: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"];
const GIVEN: [&str; 12] = ["小明", "敏", "伟", "芳", "秀英", "娜", "强", "磊", "洋", "艳", "志远", "雨桐"];
const FIRST: [&str; 6] = ["Anne", "James", "Maria", "Peter", "Susan", "Thomas"];
const LAST: [&str; 8] = ["Smith", "Miller", "Novak", "Brown", "Garcia", "Jones", "Keller", "Wilson"];
const RESULTS: [&str; 6] = [
    "您3月产生128.5元流量费,已按30元套餐核减,为您退费98.5元。",
    "您反映的好友计划问题已为您退费25元,7个工作日到账。",
    "Your refund of 25 yuan for the roaming package is on its way.",
    "您目前已按88元套餐执行,为您退费12元。",
    "您的电子礼品卡已重发,请查收短信。",
    "The gift card was sent again to your number.",
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

/// How much is made.
#[derive(Clone, Copy)]
pub struct Size {
    /// Customers.
    pub customers: usize,
    /// Entries of the journal.
    pub events: usize,
}

/// What was made.
pub struct Made {
    /// The customer with the long time line.
    pub long: CustomerId,
    /// Entries of the journal.
    pub events: usize,
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
    served: Rows,
    events: Rows,
    told: usize,
}

fn name(number: usize) -> String {
    if number.is_multiple_of(5) {
        format!("{} {}", FIRST[number / 5 % 6], LAST[number / 30 % 8])
    } else {
        format!("{}{}", SURNAMES[number / 5 % 10], GIVEN[number % 12])
    }
}

impl Fill {
    /// A customer with so many calls, and so many steps in all of them.
    async fn one(&mut self, number: usize, calls: usize, steps: usize) -> Result<CustomerId, sqlx::Error> {
        // One after the other, as customers come: so rows and indexes grow at their end.
        let at = self.start + Duration::from_secs(number as u64 * 20);
        let at_us = at.as_microsecond();
        let (customer, identity, ticket): (CustomerId, CustomerId, CustomerId) =
            (self.ids.next(at), self.ids.next(at), self.ids.next(at));
        let phone = format!("+861{:010}", 3_800_000_000_u64 + number as u64);
        self.customers.values.push(format!("('{customer}','{}','zh-CN',{at_us},{at_us})", name(number)));
        self.identities.values.push(format!("('{identity}','phone','{phone}',{at_us})"));
        self.links.values.push(format!("('{identity}','{customer}','verified','crm',{at_us})"));
        if number.is_multiple_of(10) {
            let result = RESULTS[number / 10 % 6];
            self.tickets.values.push(format!(
                "('{ticket}','T-{number}','{customer}','{phone}','fill {number}',0,'closed','data-charge','zh-CN',\
                 '{result}',{at_us},{at_us})"
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
            // Of the long time line an agent served every contact.
            if calls == LONG {
                self.served.values.push(format!(
                    "('{id}','{id}','service',0,{us},'served',{us},'{}','{customer}')",
                    AGENTS[call % AGENTS.len()]
                ));
            }
            for step in 0..steps * (call + 1) / calls - steps * call / calls {
                self.told += 1;
                self.events.values.push(format!(
                    "('call','{id}:{step}','call.entered','{customer}','{id}',{0},{0},\
                     '{{\"what\":\"entered\",\"plan\":\"main\",\"step\":\"menu\"}}')",
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
        self.served.write(c).await?;
        self.events.write(c).await
    }
}

/// Fills an empty record; `progress` hears how many customers are there.
pub async fn fill(
    url: &str,
    engine: Engine,
    size: Size,
    mut progress: impl FnMut(usize),
) -> Result<Made, Box<dyn std::error::Error>> {
    let mut connection = AnyConnection::connect(url).await?;
    // What is half filled is thrown away: nothing waits for the disk.
    connection
        .execute(match engine {
            Engine::Sqlite => {
                "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -200000"
            }
            Engine::Postgres => "SET synchronous_commit = off",
        })
        .await?;
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
        served: Rows::new(
            "INSERT INTO waiting (id, interaction_id, queue, priority, joined_at, state, since, agent_id, customer_id)",
        ),
        events: Rows::new(
            "INSERT INTO event (source, source_event_id, type, customer_id, interaction_id, occurred_at, \
             recorded_at, body)",
        ),
        told: 0,
    };
    let mut agents = Rows::new("INSERT INTO \"user\" (id, login, name, roles, created_at, changed_at)");
    agents.values.extend(AGENTS.iter().map(|id| format!("('{id}','{id}','{id}','agent',0,0)")));
    agents.write(&mut fill.connection).await?;
    let long = fill.one(0, LONG, LONG).await?;
    // Two calls a customer, and as many steps in each as are wanted in all.
    let others = size.customers.saturating_sub(1).max(1);
    let steps = size.events.saturating_sub(LONG).div_ceil(others);
    for number in 1..size.customers {
        fill.one(number, 2, steps).await?;
        if number.is_multiple_of(COMMIT) {
            fill.write().await?;
            fill.connection.execute("COMMIT").await?;
            fill.connection.execute("BEGIN").await?;
            progress(number);
        }
    }
    fill.write().await?;
    fill.connection.execute("COMMIT").await?;
    if engine == Engine::Postgres {
        // As its own housekeeping does after a while.
        fill.connection.execute("ANALYZE").await?;
    }
    fill.connection.close().await?;
    Ok(Made { long, events: fill.told })
}
