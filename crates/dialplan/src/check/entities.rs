//! The records that a plan may hold, with their fields.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use crate::plan::Type;

fn record(cell: &'static OnceLock<Arc<IndexMap<String, Type>>>, fields: &[(&str, Type)]) -> Type {
    let made = || Arc::new(fields.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect());
    Type::Record(Arc::clone(cell.get_or_init(made)))
}

/// A ticket as a verified caller may hear of it.
pub(crate) fn ticket() -> Type {
    static CELL: OnceLock<Arc<IndexMap<String, Type>>> = OnceLock::new();
    record(
        &CELL,
        &[
            ("result", Type::Text),
            ("state", Type::Choice),
            ("category", Type::Text),
            ("reference", Type::Text),
            ("changed-on", Type::Date),
        ],
    )
}

/// Something of value that a verified caller was given.
pub(crate) fn rebate() -> Type {
    static CELL: OnceLock<Arc<IndexMap<String, Type>>> = OnceLock::new();
    record(
        &CELL,
        &[
            ("number", Type::Number),
            ("count", Type::Number),
            ("activity", Type::Text),
            ("returned-on", Type::Date),
            ("type", Type::Choice),
            ("face-value", Type::Money),
            ("quantity", Type::Number),
            ("state", Type::Choice),
        ],
    )
}

/// The customer whom the caller's number suggests.
pub(crate) fn customer() -> Type {
    static CELL: OnceLock<Arc<IndexMap<String, Type>>> = OnceLock::new();
    record(
        &CELL,
        &[("name", Type::Text), ("tier", Type::Choice), ("language", Type::Choice), ("over-65", Type::Flag)],
    )
}

/// Who calls.
pub(crate) fn caller() -> Type {
    static CELL: OnceLock<Arc<IndexMap<String, Type>>> = OnceLock::new();
    record(&CELL, &[("number", Type::Digits), ("withheld", Type::Flag)])
}

/// The call itself.
pub(crate) fn call() -> Type {
    static CELL: OnceLock<Arc<IndexMap<String, Type>>> = OnceLock::new();
    record(
        &CELL,
        &[
            ("dialled", Type::Digits),
            ("language", Type::Choice),
            ("date", Type::Date),
            ("time", Type::Time),
            ("weekday", Type::Choice),
        ],
    )
}

/// By when a follow-up was promised.
pub(crate) fn promise() -> Type {
    static CELL: OnceLock<Arc<IndexMap<String, Type>>> = OnceLock::new();
    record(&CELL, &[("date", Type::Date), ("time", Type::Time)])
}

/// The record that always goes by this name.
pub(crate) fn builtin(variable: &str) -> Option<Type> {
    match variable {
        "ticket" => Some(ticket()),
        "rebate" => Some(rebate()),
        "customer" => Some(customer()),
        "caller" => Some(caller()),
        "call" => Some(call()),
        _ => None,
    }
}
