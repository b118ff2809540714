//! Callers who are called back when their turn comes: by a call that we make, with the plan that their queue
//! names for it. The attempt is on the record before its INVITE leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline_bus::{Dial, DialNews, Promised};
use hotline_campaign::Disposition;
use hotline_model::campaign::Detection;
use hotline_model::{CallId, Fields, WaitingId};
use hotline_queue::{CallBackEnd, WaitingRow};
use hotline_record::{CallBackFacts, NewFollowUp};
use tokio::sync::mpsc;

use super::Hall;
use crate::call::Note;
use crate::switchboard::{CallBack, CallBacks};

/// The record has this long to take the attempt; an agent is kept free meanwhile.
const COMMIT: Duration = Duration::from_secs(10);
/// Why somebody has to see to it whom we could not reach: the word of a caller who would rather not wait.
const REASON: &str = "rather-not-wait";
/// By then.
const WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// Calls that are under way, by the places they are about.
type UnderWay = Arc<Mutex<HashMap<WaitingId, CallId>>>;

/// Does what the switchboard wants.
pub(super) async fn run(hall: Arc<Hall>, mut wanted: mpsc::UnboundedReceiver<CallBacks>) {
    let under_way = UnderWay::default();
    while let Some(wanted) = wanted.recv().await {
        match wanted {
            CallBacks::Call(wanted) => {
                let (hall, under_way) = (Arc::clone(&hall), Arc::clone(&under_way));
                tokio::spawn(async move {
                    let place = wanted.place;
                    let how = call(&hall, wanted, &under_way).await;
                    under_way.lock().expect("no holder of this lock panics").remove(&place);
                    hall.house.switchboard.call_back_ended(place, how);
                });
            }
            CallBacks::Off(place) => {
                let call = under_way.lock().expect("no holder of this lock panics").get(&place).copied();
                let lines = hall.house.lines.read().expect("no holder of this lock panics");
                if let Some(mailbox) = call.and_then(|call| lines.get(&call)) {
                    let _ = mailbox.send(Note::StopDialling);
                }
            }
            CallBacks::GivenUp(row) => {
                let hall = Arc::clone(&hall);
                tokio::spawn(async move { give_up(&hall, *row).await });
            }
        }
    }
}

/// Calls somebody; gives what came of it. Whether they came to their place the switchboard knows.
async fn call(hall: &Hall, wanted: CallBack, under_way: &UnderWay) -> CallBackEnd {
    let house = &hall.house;
    if !house.record.flush(COMMIT).await {
        tracing::warn!(call.id = %wanted.call, "a caller is not called back now: the record does not take the attempt");
        return CallBackEnd::NotMade;
    }
    let facts = match house.record.call_back_facts(wanted.call).await {
        Ok(Some(facts)) => facts,
        // Erased meanwhile: nobody knows them any more.
        Ok(None) => return CallBackEnd::Settled,
        Err(error) => {
            tracing::warn!(call.id = %wanted.call, %error, "a caller is not called back now");
            return CallBackEnd::NotMade;
        }
    };
    if facts.on_the_line {
        tracing::info!(call.id = %wanted.call, "a caller is not called back now: they talk with us");
        return CallBackEnd::NotMade;
    }
    let plan = hall.plans.borrow().find_queue(&wanted.queue).and_then(|queue| queue.call_back.clone());
    let Some(plan) = plan else {
        tracing::warn!(call.id = %wanted.call, queue = %wanted.queue, "the queue calls nobody back any more");
        return CallBackEnd::NotReached;
    };
    let (tell, mut news) = mpsc::unbounded_channel();
    let id: CallId = house.ids.next(house.clock.now());
    let dial = Dial {
        call: id,
        policy: String::new(),
        promised: Some(Promised { place: wanted.place, call: wanted.call }),
        attempt: wanted.attempt,
        ticket: facts.ticket,
        customer: wanted.customer.or(facts.customer),
        number: wanted.number,
        shown: String::new(),
        trunk: String::new(),
        plan,
        given: Fields::default(),
        language: facts.language,
        ring: wanted.ring,
        // They asked for it, and an agent hears them at once: nobody needs to guess who picked up.
        detection: Detection { within: Duration::ZERO, ..Detection::default() },
        news: tell,
    };
    under_way.lock().expect("no holder of this lock panics").insert(wanted.place, id);
    if let Err(error) = hall.dial(Box::new(dial)) {
        tracing::warn!(call.id = %wanted.call, %error, "a caller cannot be called back now");
        return CallBackEnd::NotMade;
    }
    while let Some((_, news)) = news.recv().await {
        match news {
            DialNews::Ended(Disposition::Completed | Disposition::OptedOut) => return CallBackEnd::Settled,
            DialNews::Ended(Disposition::NotMade) => return CallBackEnd::NotMade,
            _ => {}
        }
    }
    CallBackEnd::NotReached
}

/// Somebody has to see to it.
async fn give_up(hall: &Hall, row: WaitingRow) {
    let record = &hall.house.record;
    let facts = match record.call_back_facts(row.call).await {
        // Erased meanwhile: nobody knows them any more.
        Ok(None) => return,
        Ok(Some(facts)) => facts,
        // What is known without it has to do.
        Err(_) => CallBackFacts::default(),
    };
    record.store_follow_up(NewFollowUp {
        customer: row.customer.or(facts.customer),
        interaction: Some(row.call),
        ticket: facts.ticket,
        phone: row.call_back.map(|call_back| call_back.number),
        reason: REASON.to_owned(),
        note: None,
        due_in: WITHIN,
    });
}
