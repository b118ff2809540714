//! What customers were given back, upserted by the firm's own number.

use hotline_model::{
    Currency, CustomerId, Fields, IdentityId, Language, Money, PhoneNumber, Pii, RebateId, RebateInput,
    RebateState, RebateType, Value,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::erase::erased_ref;
use crate::indexing::index_rebate;
use crate::profile::checked;
use crate::sql::{Columns, FAMILY};
use crate::tickets::{Change, Owner, customer_for, refuse_ahead};
use crate::{Record, RecordError};

/// One is sent again at most so often in 24 hours.
pub const REBATE_RESENDS_A_DAY: i64 = 3;

/// In microseconds.
pub(crate) const DAY: i64 = 24 * 3_600_000_000;
/// Rebates of one customer that are shown.
const SHOWN: i64 = 200;
/// The most one of them may be worth: 1,000,000.00.
const MOST: i64 = 100_000_000;

/// What came of a rebate that was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpsertedRebate {
    /// The rebate.
    pub rebate: RebateId,
    /// Its customer.
    pub customer: CustomerId,
    /// What was done.
    pub change: Change,
}

/// A rebate as it stands.
#[derive(Debug, Clone)]
pub struct RebateRow {
    /// The rebate.
    pub id: RebateId,
    /// The firm's own number.
    pub external_ref: String,
    /// Whose it is.
    pub customer: CustomerId,
    /// The number on file.
    pub phone: PhoneNumber,
    /// The activity that it belongs to.
    pub activity: String,
    /// What it is.
    pub kind: RebateType,
    /// What one of them is worth.
    pub face_value: Money,
    /// How many of them.
    pub quantity: u32,
    /// Whether it can still be used, as the firm's own system said last; see [`RebateRow::state_at`].
    pub state: RebateState,
    /// When it was given.
    pub returned_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it can be used no longer.
    pub expires_at: Option<Timestamp>,
    /// The text message that carried it.
    pub text: Option<Pii<String>>,
    /// How often it was sent again.
    pub resends: i64,
    /// How often it was sent again in the last 24 hours.
    pub resends_today: i64,
}

impl RebateRow {
    /// Where it stands at a time: one whose time is over is expired before the firm's own system says so.
    pub fn state_at(&self, now: Timestamp) -> RebateState {
        state_at(self.state, self.expires_at, now)
    }

    /// How often it may be sent again now: 0 if it cannot be at all.
    pub fn resends_left(&self, now: Timestamp) -> u32 {
        if self.state_at(now) != RebateState::Unused || self.text.is_none() {
            return 0;
        }
        u32::try_from(REBATE_RESENDS_A_DAY - self.resends_today).unwrap_or(0)
    }

    pub(crate) fn from_row(row: &AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            id: row.parsed("id")?,
            external_ref: row.text("external_ref")?,
            customer: row.parsed("customer_id")?,
            phone: row.parsed("phone")?,
            activity: row.text("activity")?,
            kind: row.parsed("type")?,
            face_value: Money { hundredths: row.int("face_value")?, currency: currency(row)? },
            quantity: u32::try_from(row.int("quantity")?)
                .map_err(|_| RecordError::Corrupt("a quantity".into()))?,
            state: row.parsed("state")?,
            returned_at: row.time("returned_at")?,
            used_at: row.time_or_none("used_at")?,
            expires_at: row.time_or_none("expires_at")?,
            text: row.text_or_none("text")?.map(Pii::new),
            resends: row.int("resends")?,
            resends_today: row.int("resends_today")?,
        })
    }
}

/// Where a rebate stands at a time.
pub(crate) fn state_at(state: RebateState, expires_at: Option<Timestamp>, now: Timestamp) -> RebateState {
    match state {
        RebateState::Unused if expires_at.is_some_and(|at| at <= now) => RebateState::Expired,
        state => state,
    }
}

const fn word(currency: Currency) -> &'static str {
    match currency {
        Currency::Cny => "CNY",
        Currency::Usd => "USD",
    }
}

fn currency(row: &AnyRow) -> Result<Currency, RecordError> {
    match row.text("currency")?.as_str() {
        "CNY" => Ok(Currency::Cny),
        "USD" => Ok(Currency::Usd),
        _ => Err(RecordError::Corrupt("a currency".into())),
    }
}

pub(crate) const COLUMNS: &str = "id, external_ref, customer_id, phone, activity, type, face_value, currency, quantity, \
    state, returned_at, used_at, expires_at, text, resends, changed_at";

/// What a rebate's columns are followed by: `$2` is the time 24 hours ago.
pub(crate) const RESENT: &str =
    "(SELECT COUNT(*) FROM message m WHERE m.rebate_id = rebate.id AND m.created_at > $2) AS resends_today";

/// A rebate that was looked over: what the tables take.
#[derive(Debug, Clone, PartialEq)]
struct Checked {
    input: RebateInput,
    phone: PhoneNumber,
    face_value: Money,
}

fn check(mut input: RebateInput, now: Timestamp) -> Result<Checked, RecordError> {
    let invalid = |text: String| Err(RecordError::Invalid(text));
    refuse_ahead(input.changed_at, now)?;
    input.external_ref = input.external_ref.trim().to_owned();
    checked("external-ref", &input.external_ref, 64)?;
    input.activity = input.activity.trim().to_owned();
    checked("activity", &input.activity, 100)?;
    let name = input.name.take().map(|name| name.into_exposed().trim().to_owned());
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        checked("name", &name, 100)?;
        input.name = Some(name.into());
    }
    let text = input.message.take().map(|text| text.into_exposed().trim().to_owned());
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        checked("message", &text, 1000)?;
        input.message = Some(text.into());
    }
    let Ok(phone) = PhoneNumber::parse(input.phone.expose()) else {
        return invalid("phone: not a telephone number; write it as 13800138000 or +8613800138000".into());
    };
    let Ok(mut face_value) = input.face_value.parse::<Money>() else {
        return invalid("face-value: an amount with at most two decimals is expected, as 50 or 98.50".into());
    };
    if face_value.hundredths < 1 || face_value.hundredths > MOST {
        return invalid("face-value: 0.01 to 1,000,000 is expected".into());
    }
    if input.currency != Currency::Cny {
        face_value.currency = input.currency;
    }
    if input.quantity < 1 || input.quantity > 1000 {
        return invalid("quantity: 1 to 1,000 is expected".into());
    }
    if input.used_at.is_some() && input.state != RebateState::Used {
        return invalid("used-at: only of one whose state is `used`".into());
    }
    if input.expires_at.is_some_and(|at| at < input.returned_at) {
        return invalid("expires-at: before it was given (returned-at)".into());
    }
    Ok(Checked { input, phone, face_value })
}

impl Record {
    /// Looks a rebate over without storing it: a dry run.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] with what is wrong, naming the field.
    pub fn check_rebate(input: &RebateInput, now: Timestamp) -> Result<(), RecordError> {
        check(input.clone(), now).map(|_| ())
    }

    /// Stores rebates, each whole or not at all, in their order and in one transaction. The same one again changes
    /// nothing, what is older than what is known is not taken, and who was erased does not come back.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it: nothing of it is stored then. What is wrong
    /// with one stands at its place: [`RecordError::Invalid`], naming the field.
    pub async fn upsert_rebates(
        &self,
        inputs: Vec<RebateInput>,
        by: &str,
    ) -> Result<Vec<Result<UpsertedRebate, RecordError>>, RecordError> {
        let now = self.now();
        let looked_over: Vec<Result<Checked, RecordError>> =
            inputs.into_iter().map(|input| check(input, now)).collect();
        let good: Vec<Checked> = looked_over.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
        let mut stored =
            if good.is_empty() { Vec::new() } else { self.store_rebates(good, by).await? }.into_iter();
        Ok(looked_over
            .into_iter()
            .filter_map(|one| match one {
                Ok(_) => stored.next().map(Ok),
                Err(error) => Some(Err(error)),
            })
            .collect())
    }

    async fn store_rebates(&self, good: Vec<Checked>, by: &str) -> Result<Vec<UpsertedRebate>, RecordError> {
        self.change((good, by.to_owned()), |connection, input, stamp| {
            Box::pin(async move {
                let (good, by) = &*input;
                let mut stored = Vec::with_capacity(good.len());
                for rebate in good {
                    stored.push(upsert(connection, rebate, by, &stamp).await?);
                }
                Ok(stored)
            })
        })
        .await
    }

    /// The rebates of a customer, the newest first, 200 at most.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn rebates_of(&self, customer: CustomerId) -> Result<Vec<RebateRow>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {COLUMNS}, {RESENT} FROM rebate WHERE customer_id IN {FAMILY} AND phone <> '' \
             ORDER BY returned_at DESC, id DESC LIMIT {SHOWN}"
        ))
        .bind(customer.to_string())
        .bind(self.now_micros() - DAY)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(RebateRow::from_row).collect()
    }

    /// What a plan may tell a verified customer of a rebate, the newest first, with `skip` left out before it. Dates are
    /// those of `zone`. Taken back ones are told too: with their state.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_told_rebate(
        &self,
        customer: CustomerId,
        skip: u32,
        zone: &TimeZone,
    ) -> Result<Option<(RebateId, Fields)>, RecordError> {
        let Some(family) = self.family(customer).await? else { return Ok(None) };
        let rows = self.rebates_of(family.root).await?;
        let Some(row) = rows.get(skip as usize) else { return Ok(None) };
        let number = |number: usize| Value::Number(i64::try_from(number).unwrap_or(i64::MAX).into());
        let fields = [
            ("number", number(skip as usize + 1)),
            ("count", number(rows.len())),
            ("activity", Value::text(row.activity.clone())),
            ("returned-on", Value::Date(row.returned_at.to_zoned(zone.clone()).date())),
            ("type", Value::Choice(row.kind.word().into())),
            ("face-value", Value::Money(row.face_value)),
            ("quantity", Value::Number(i64::from(row.quantity).into())),
            ("state", Value::Choice(row.state_at(self.now()).word().into())),
        ];
        Ok(Some((row.id, fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())))
    }

    /// A rebate by its id.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_rebate(&self, rebate: RebateId) -> Result<Option<RebateRow>, RecordError> {
        let row =
            sqlx::query(&format!("SELECT {COLUMNS}, {RESENT} FROM rebate WHERE id = $1 AND phone <> ''"))
                .bind(rebate.to_string())
                .bind(self.now_micros() - DAY)
                .fetch_optional(&self.readers)
                .await?;
        row.as_ref().map(RebateRow::from_row).transpose()
    }
}

/// What is new about a rebate that is known; `None`: nothing.
fn news(row: &RebateRow, checked: &Checked) -> Option<RebateRow> {
    let input = &checked.input;
    let new = RebateRow {
        phone: checked.phone.clone(),
        activity: input.activity.clone(),
        kind: input.kind,
        face_value: checked.face_value,
        quantity: input.quantity,
        state: input.state,
        returned_at: input.returned_at,
        // Of one that turns out not to be used, when it was used is no longer so.
        used_at: if input.state == RebateState::Used { input.used_at.or(row.used_at) } else { None },
        expires_at: input.expires_at.or(row.expires_at),
        text: input.message.clone().or_else(|| row.text.clone()),
        ..row.clone()
    };
    let told = |one: &RebateRow| {
        (
            (one.phone.clone(), one.activity.clone(), one.kind, one.face_value, one.quantity),
            (one.state, one.returned_at, one.used_at, one.expires_at),
            one.text.as_ref().map(|text| text.expose().clone()),
        )
    };
    (told(&new) != told(row)).then_some(new)
}

async fn upsert(
    connection: &mut AnyConnection,
    checked: &Checked,
    by: &str,
    stamp: &Stamp,
) -> Result<UpsertedRebate, RecordError> {
    let input = &checked.input;
    let changed_at = input.changed_at.map(Timestamp::as_microsecond);
    let known = sqlx::query(&format!("SELECT {COLUMNS}, {RESENT} FROM rebate WHERE external_ref = $1"))
        .bind(&input.external_ref)
        .bind(stamp.now - DAY)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(known) = known else {
        // The firm's own system does not know that the customer was erased here.
        let erased = sqlx::query("SELECT id, customer_id FROM rebate WHERE external_ref = $1")
            .bind(erased_ref(&input.external_ref))
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = erased {
            let (rebate, customer) = (row.parsed("id")?, row.parsed("customer_id")?);
            return Ok(UpsertedRebate { rebate, customer, change: Change::Stale });
        }
        return insert(connection, checked, by, stamp).await;
    };
    let row = RebateRow::from_row(&known)?;
    let done = |customer, change| Ok(UpsertedRebate { rebate: row.id, customer, change });
    let known_at = known.int("changed_at")?;
    if changed_at.is_some_and(|at| at < known_at) {
        return done(row.customer, Change::Stale);
    }
    let Some(new) = news(&row, checked) else {
        // What is older than this and comes late is not taken either.
        if changed_at.is_some_and(|at| at > known_at) {
            sqlx::query("UPDATE rebate SET changed_at = $2 WHERE id = $1")
                .bind(row.id.to_string())
                .bind(changed_at)
                .execute(connection)
                .await?;
        }
        return done(row.customer, Change::Unchanged);
    };
    let customer =
        if row.phone == new.phone { row.customer } else { owner(connection, checked, stamp).await? };
    sqlx::query(
        "UPDATE rebate SET customer_id = $2, phone = $3, activity = $4, type = $5, face_value = $6, currency = $7, \
         quantity = $8, state = $9, returned_at = $10, used_at = $11, expires_at = $12, text = $13, changed_at = $14 \
         WHERE id = $1",
    )
    .bind(new.id.to_string())
    .bind(customer.to_string())
    .bind(new.phone.e164())
    .bind(&new.activity)
    .bind(new.kind.word())
    .bind(new.face_value.hundredths)
    .bind(word(new.face_value.currency))
    .bind(i64::from(new.quantity))
    .bind(new.state.word())
    .bind(new.returned_at.as_microsecond())
    .bind(new.used_at.map(Timestamp::as_microsecond))
    .bind(new.expires_at.map(Timestamp::as_microsecond))
    .bind(new.text.as_ref().map(|text| text.expose().clone()))
    .bind(changed_at.unwrap_or(stamp.now))
    .execute(&mut *connection)
    .await?;
    let stored = UpsertedRebate { rebate: new.id, customer, change: Change::Changed };
    tell(connection, checked, stored, by, stamp).await?;
    Ok(stored)
}

async fn insert(
    connection: &mut AnyConnection,
    checked: &Checked,
    by: &str,
    stamp: &Stamp,
) -> Result<UpsertedRebate, RecordError> {
    let customer = owner(connection, checked, stamp).await?;
    let (id, input) = (stamp.new_id::<RebateId>(), &checked.input);
    sqlx::query(
        "INSERT INTO rebate (id, external_ref, customer_id, phone, activity, type, face_value, currency, quantity, \
         state, returned_at, used_at, expires_at, text, changed_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&id)
    .bind(&input.external_ref)
    .bind(customer.to_string())
    .bind(checked.phone.e164())
    .bind(&input.activity)
    .bind(input.kind.word())
    .bind(checked.face_value.hundredths)
    .bind(word(checked.face_value.currency))
    .bind(i64::from(input.quantity))
    .bind(input.state.word())
    .bind(input.returned_at.as_microsecond())
    .bind(input.used_at.map(Timestamp::as_microsecond))
    .bind(input.expires_at.map(Timestamp::as_microsecond))
    .bind(input.message.as_ref().map(|text| text.expose().clone()))
    .bind(input.changed_at.map_or(stamp.now, Timestamp::as_microsecond))
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    let rebate = id.parse().map_err(|_| RecordError::Corrupt("a new id".into()))?;
    let stored = UpsertedRebate { rebate, customer, change: Change::Created };
    tell(connection, checked, stored, by, stamp).await?;
    Ok(stored)
}

/// The customer a rebate's number belongs to, made if nobody has it.
async fn owner(
    connection: &mut AnyConnection,
    checked: &Checked,
    stamp: &Stamp,
) -> Result<CustomerId, RecordError> {
    let owner = Owner {
        phone: &checked.phone,
        name: checked.input.name.as_ref().map(|name| name.expose().clone()),
        language: checked.input.language.map(Language::tag),
        customer: &stamp.new_id::<CustomerId>(),
        identity: &stamp.new_id::<IdentityId>(),
    };
    customer_for(connection, owner, stamp.now).await
}

/// The words that search finds it by, and the journal's entry.
async fn tell(
    connection: &mut AnyConnection,
    checked: &Checked,
    stored: UpsertedRebate,
    by: &str,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let (id, customer, input) = (stored.rebate.to_string(), stored.customer.to_string(), &checked.input);
    index_rebate(connection, &id, &customer, input).await?;
    let body = serde_json::json!({ "rebate": id, "change": stored.change, "rebate-type": input.kind,
        "state": input.state, "activity": input.activity, "by": by });
    Entry { type_name: "rebate.upserted", customer: Some(&customer), body, ..Entry::default() }
        .write(connection, stamp)
        .await
}
