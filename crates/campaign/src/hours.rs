//! The next moment at which a telephone may ring from beginning to end, on the customer's clock.

use std::time::Duration;

use hotline_model::Calendar;
use jiff::Timestamp;

use crate::scheduler::after;

/// `at` itself or the next moment open, such that it is still open when the ringing ends; `None` if there
/// is none within the calendar's reach.
pub(crate) fn next_ring(hours: &Calendar, at: Timestamp, ring: Duration) -> Option<Timestamp> {
    let mut from = at;
    // A calendar has few openings a day; one whose openings are all shorter than the ring is given up.
    for _ in 0..1_000 {
        let opens = hours.next_open(from)?;
        let end = after(opens, ring);
        if hours.is_open(end) {
            return Some(opens);
        }
        from = end;
    }
    None
}
