//! Tickets for the tests, with results as firms write them.

use serde_json::{Value, json};

/// A result in Chinese, with money, a plan and days: the longest that callers are read.
pub const REFUND: &str =
    "尊敬的客户,您好,您3月产生128.5元流量费,已按30元套餐核减,为您退费98.5元,7个工作日到账,请您关注。";
/// A result in English.
pub const REPAIRED: &str = "Your line was repaired on Friday, and we have taken this month off your bill.";

pub const PHONE: &str = "13800138000";
pub const LAST_FOUR: &str = "8000";
pub const NAME: &str = "李晓梅";
/// A code whose check digit fits.
pub const CODE: &str = "407192865";
/// Codes whose check digits fit and that no ticket has.
pub const WRONG: [&str; 4] = ["518302740", "629401837", "730519421", "192837460"];

/// A closed ticket with a result in Chinese.
pub fn closed() -> Value {
    json!({
        "external-ref": "T-1", "phone": PHONE, "name": NAME, "language": "zh-CN",
        "category": "data-charge", "state": "closed", "result": REFUND, "code": CODE,
    })
}

/// Another customer's, closed.
pub fn of_somebody_else() -> Value {
    json!({
        "external-ref": "T-2", "phone": "13912345678", "name": "王建国", "language": "zh-CN",
        "category": "data-charge", "state": "closed", "result": REFUND, "code": "203847167",
    })
}

/// A ticket that is being worked on.
pub fn open() -> Value {
    json!({
        "external-ref": "T-3", "phone": PHONE, "name": NAME, "language": "zh-CN",
        "category": "coverage", "state": "open", "code": "841620399",
    })
}
