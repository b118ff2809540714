//! What the exchange counts for Prometheus. Every label's values are few and fixed by the code or by
//! the configuration: never a number, a name, or anything else that comes with a call.

use std::time::Duration;

use hotline_media::{LegStats, ThreadSnapshot};
use hotline_model::EndReason;
use hotline_queue::{Queues, WaitingRow, WaitingState};
use metrics::{counter, gauge, histogram};

pub(crate) fn call_began(trunk: &str) {
    counter!("hotline_calls_started_total", "trunk" => trunk.to_owned()).increment(1);
}

/// A call to a customer begins.
pub(crate) fn call_made(trunk: &str) {
    counter!("hotline_calls_made_total", "trunk" => trunk.to_owned()).increment(1);
}

/// An announcement of the network; `unknown`: its words mean nothing to us, `failed`: the recogniser did not say them,
/// `not-asked`: it was busy, or rested.
pub(crate) fn announced(what: &'static str) {
    counter!("hotline_announcements_total", "what" => what).increment(1);
}

/// A call that was to be put through; `none`: to a telephone of ours, or by no trunk at all.
pub(crate) fn put_through(trunk: &str, how: &'static str) {
    counter!("hotline_put_through_total", "trunk" => trunk.to_owned(), "how" => how).increment(1);
}

/// Callers who wait and agents who are here, as they are now.
pub(crate) fn queues(queues: &Queues) {
    for name in queues.names() {
        let waits = |row: &&WaitingRow| {
            row.queue == *name && matches!(row.state, WaitingState::Waiting | WaitingState::Offered)
        };
        let count = queues.waiting().filter(waits).count();
        gauge!("hotline_queue_callers", "queue" => name.to_string()).set(count as f64);
    }
    for state in ["available", "break", "offered", "talking", "wrap-up"] {
        let count = queues.agents().filter(|row| row.state.word() == state).count();
        gauge!("hotline_agents", "state" => state).set(count as f64);
    }
}

/// An INVITE that became no call.
pub(crate) fn call_refused(why: &'static str) {
    counter!("hotline_calls_refused_total", "why" => why).increment(1);
}

pub(crate) fn call_ended(reason: &EndReason, seconds: f64, answered: Option<Duration>, counts: &LegStats) {
    counter!("hotline_calls_total", "ending" => reason.ending.word(), "code" => reason.code.clone().into_owned())
        .increment(1);
    histogram!("hotline_call_seconds").record(seconds);
    if let Some(after) = answered {
        histogram!("hotline_answer_seconds").record(after.as_secs_f64());
    }
    let rtp = &counts.rtp;
    for (what, packets) in [
        ("sent", rtp.sent),
        ("unsent", counts.unsent),
        ("received", rtp.received),
        ("lost", rtp.lost),
        ("late", rtp.late),
        ("duplicate", rtp.duplicates),
        ("stranger", counts.strangers),
        // What the other side says that it missed; a wrong report may say less than nothing.
        ("lost-there", u32::try_from(rtp.remote_lost).unwrap_or(0)),
    ] {
        counter!("hotline_rtp_packets_total", "what" => what).increment(u64::from(packets));
    }
}

/// What came of a verification; `failed`: the record did not answer.
pub(crate) fn verified(verdict: &'static str) {
    counter!("hotline_verifications_total", "verdict" => verdict).increment(1);
}

/// How long a call waited for the record.
pub(crate) fn record_answered(what: &'static str, after: Duration) {
    histogram!("hotline_record_answer_seconds", "what" => what).record(after.as_secs_f64());
}

pub(crate) fn active(calls: usize) {
    gauge!("hotline_calls_active").set(calls as f64);
}

pub(crate) fn signalling(legs: usize, transactions: usize) {
    gauge!("hotline_sip_legs").set(legs as f64);
    gauge!("hotline_sip_transactions").set(transactions as f64);
}

pub(crate) fn media_thread(number: usize, thread: &ThreadSnapshot) {
    let label = number.to_string();
    gauge!("hotline_media_legs", "thread" => label.clone()).set(thread.legs as f64);
    gauge!("hotline_media_busy_permille", "thread" => label.clone()).set(thread.busy_permille as f64);
    gauge!("hotline_media_late_p99_seconds", "thread" => label.clone()).set(thread.late_p99.as_secs_f64());
    gauge!("hotline_media_late_max_seconds", "thread" => label.clone()).set(thread.late_max.as_secs_f64());
    counter!("hotline_media_ticks_total", "thread" => label.clone()).absolute(thread.ticks);
    counter!("hotline_media_ticks_skipped_total", "thread" => label).absolute(thread.skipped_ticks);
}
