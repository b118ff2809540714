//! What waits to be rendered: the next caller first, each clause once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Condvar, Mutex};

use hotline_audio::Clip;
use hotline_model::Language;
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::sync::oneshot;

use crate::SpeechError;

/// Who waits; a caller goes before a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Nobody listens yet.
    Prepare,
    /// A caller waits on the line.
    Live,
}

/// A clause to be spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    /// What its speech is kept under.
    pub(crate) key: String,
    /// What its speech is kept under if the voice here speaks it although a provider should; the same
    /// as `key` where there is none.
    pub(crate) own_key: String,
    pub(crate) text: String,
    pub(crate) language: Language,
}

pub(crate) type Answer = Result<Clip, SpeechError>;

struct Job {
    clause: Clause,
    urgency: Urgency,
    waiting: Vec<oneshot::Sender<Answer>>,
    taken: bool,
}

#[derive(Default)]
struct State {
    jobs: HashMap<String, Job>,
    /// Urgency, then order of coming. A job that became more urgent stands here twice; the second
    /// time it is found taken or gone.
    order: BinaryHeap<(Urgency, Reverse<u64>, String)>,
    count: u64,
    closed: bool,
}

/// Jobs by key, shared by askers and workers.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

/// More than this is a fault somewhere: an hour of work for two cores.
const LIMIT: usize = 2_000;

impl Queue {
    /// Asks for a clause; who asks for the same one shares its rendering. The answer's channel
    /// closes when the queue does.
    pub(crate) fn ask(
        &self,
        clause: &Clause,
        urgency: Urgency,
    ) -> Result<oneshot::Receiver<Answer>, SpeechError> {
        let mut state = self.state.lock().expect("no holder of this lock panics");
        let (sender, receiver) = oneshot::channel();
        if state.closed {
            return Ok(receiver);
        }
        state.count += 1;
        let place = Reverse(state.count);
        let waiting = state.jobs.len();
        match state.jobs.get_mut(&clause.key) {
            Some(job) => {
                job.waiting.push(sender);
                if job.taken || job.urgency >= urgency {
                    return Ok(receiver);
                }
                job.urgency = urgency;
            }
            None if waiting >= LIMIT => return Err(SpeechError::Busy(waiting)),
            None => {
                let job = Job { clause: clause.clone(), urgency, waiting: vec![sender], taken: false };
                state.jobs.insert(clause.key.clone(), job);
            }
        }
        state.order.push((urgency, place, clause.key.clone()));
        self.changed.notify_one();
        Ok(receiver)
    }

    /// The next clause that somebody still waits for; blocks until there is one. `None`: closed.
    pub(crate) fn take(&self) -> Option<Clause> {
        let mut state = self.state.lock().expect("no holder of this lock panics");
        loop {
            if state.closed {
                return None;
            }
            let Some((_, _, key)) = state.order.pop() else {
                state = self.changed.wait(state).expect("no holder of this lock panics");
                continue;
            };
            let Some(job) = state.jobs.get_mut(&key).filter(|job| !job.taken) else { continue };
            job.waiting.retain(|waiter| !waiter.is_closed());
            if job.waiting.is_empty() {
                state.jobs.remove(&key);
                continue;
            }
            job.taken = true;
            return Some(job.clause.clone());
        }
    }

    /// Answers everybody who waits for a clause.
    pub(crate) fn finish(&self, key: &str, answer: &Answer) {
        let job = self.state.lock().expect("no holder of this lock panics").jobs.remove(key);
        for waiter in job.into_iter().flat_map(|job| job.waiting) {
            // Whoever has gone meanwhile needs no answer.
            let _ = waiter.send(answer.clone());
        }
    }

    /// Number of clauses that wait or are being rendered.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().expect("no holder of this lock panics").jobs.len()
    }

    /// Lets the workers go.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock().expect("no holder of this lock panics");
        state.closed = true;
        state.jobs.clear();
        state.order.clear();
        self.changed.notify_all();
    }
}

/// A niceness of 5: a third of the time that a media thread gets when both want the core. At 19 a
/// busy machine would not render at all.
fn behind_the_others() -> ThreadPriority {
    // The crate's scale is 0 to 100 over niceness 19 to -20.
    ThreadPriorityValue::try_from(35).map_or(ThreadPriority::Min, ThreadPriority::Crossplatform)
}

/// Puts the calling thread behind those that serve calls, as the workers are.
pub(crate) fn stand_back() {
    if let Err(error) = set_current_thread_priority(behind_the_others()) {
        tracing::debug!(?error, "recordings are decoded at the usual priority");
    }
}

/// Starts the threads that render: each stands back, calls `at_start`, and then what `worker` gave for it, for one
/// clause at a time.
pub(crate) fn start_workers<R: FnMut(&Clause) -> Answer + Send + 'static>(
    queue: &Arc<Queue>,
    name: &str,
    count: usize,
    at_start: fn(),
    mut worker: impl FnMut() -> Result<R, SpeechError>,
) -> Result<(), SpeechError> {
    for number in 0..count.max(1) {
        let (queue, mut render) = (Arc::clone(queue), worker()?);
        std::thread::Builder::new()
            .name(format!("{name}-{number}"))
            .spawn(move || {
                // Refused, the voice only competes with the others.
                if let Err(error) = set_current_thread_priority(behind_the_others()) {
                    tracing::debug!(?error, "the voice runs at the usual priority");
                }
                at_start();
                while let Some(clause) = queue.take() {
                    queue.finish(&clause.key, &render(&clause));
                }
            })
            .map_err(|error| SpeechError::Runtime(error.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(key: &str) -> Clause {
        Clause { key: key.into(), own_key: key.into(), text: key.into(), language: Language::ZhCn }
    }

    #[test]
    fn a_caller_goes_before_tickets_and_tickets_keep_their_order() {
        let queue = Queue::default();
        let waiters: Vec<_> = [("a", Urgency::Prepare), ("b", Urgency::Prepare), ("c", Urgency::Live)]
            .map(|(key, urgency)| queue.ask(&clause(key), urgency).unwrap())
            .into();
        let again = queue.ask(&clause("b"), Urgency::Live).unwrap();
        assert_eq!(queue.len(), 3);
        let order: Vec<_> = (0..3).filter_map(|_| queue.take()).map(|c| c.key).collect();
        assert_eq!(order, ["c", "b", "a"]);
        drop((waiters, again));
    }

    #[test]
    fn all_who_wait_for_a_clause_share_one_rendering() {
        let queue = Queue::default();
        let mut first = queue.ask(&clause("a"), Urgency::Prepare).unwrap();
        let mut second = queue.ask(&clause("a"), Urgency::Live).unwrap();
        assert_eq!(queue.take().unwrap().key, "a");
        queue.finish("a", &Err(SpeechError::Nothing));
        for waiter in [&mut first, &mut second] {
            assert!(matches!(waiter.try_recv(), Ok(Err(SpeechError::Nothing))));
        }
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn nothing_is_rendered_for_those_who_have_gone() {
        let queue = Queue::default();
        drop(queue.ask(&clause("a"), Urgency::Live).unwrap());
        let _kept = queue.ask(&clause("b"), Urgency::Prepare).unwrap();
        assert_eq!(queue.take().unwrap().key, "b");
        queue.close();
        assert!(queue.take().is_none());
    }
}
