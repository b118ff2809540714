//! Whether a ticket is one that a policy wants.

use std::fmt::Write;
use std::sync::Arc;

use hotline_model::campaign::{Name, Trigger, Who};
use hotline_model::{TicketId, TicketState};

use crate::event::{CustomerFacts, TicketFacts};
use crate::explain::NotDrawn;

/// Whether a ticket is drawn for the policy of this name.
///
/// # Errors
/// Why it is not.
pub fn draws(
    who: &Who,
    policy: &str,
    ticket: &TicketFacts,
    customer: Option<&CustomerFacts>,
) -> Result<(), NotDrawn> {
    let state = match who.trigger {
        Trigger::Closed => TicketState::Closed,
        Trigger::Changed => TicketState::Open,
    };
    if ticket.state != state {
        return Err(NotDrawn::State);
    }
    if !who.categories.is_empty() && !who.categories.contains(&ticket.category) {
        return Err(NotDrawn::Category);
    }
    let outcome = |outcome: &Name| who.outcomes.contains(outcome);
    if !who.outcomes.is_empty() && !ticket.outcome.as_ref().is_some_and(outcome) {
        return Err(NotDrawn::Outcome);
    }
    if ticket.outcome.as_ref().is_some_and(|outcome| who.except.contains(outcome)) {
        return Err(NotDrawn::Outcome);
    }
    for (name, values) in &who.attributes {
        let has = customer.and_then(|customer| customer.attributes.get(name));
        if !has.is_some_and(|value| values.contains(value)) {
            return Err(NotDrawn::Attribute(Arc::clone(name)));
        }
    }
    if place_in_sample(policy, ticket.ticket) >= who.share_permille {
        return Err(NotDrawn::Sample);
    }
    Ok(())
}

/// 0 to 999, the same on every machine and after every update: FNV-1a (RFC 9923) over the policy's name
/// and the ticket's id, mixed once more so that neighbouring ids fall far apart.
fn place_in_sample(policy: &str, ticket: TicketId) -> u16 {
    struct Fnv(u64);
    impl Write for Fnv {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            for byte in text.bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            Ok(())
        }
    }
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    // Writing into a number cannot fail.
    let _ = write!(hash, "{policy}/{ticket}");
    let mut mixed = hash.0;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % 1_000) as u16
}
