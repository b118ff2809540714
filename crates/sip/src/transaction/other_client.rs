//! Non-INVITE client transaction (RFC 3261 §17.1.2, figure 6).

use std::time::Duration;

use bytes::Bytes;

use super::{Action, Class, Input, State, Timer, Timing};

#[derive(Debug)]
pub(crate) struct OtherClient {
    state: State,
    timing: Timing,
    request: Bytes,
    interval: Duration,
}

impl OtherClient {
    /// Sends the request.
    pub(crate) fn new(timing: Timing, request: Bytes, out: &mut Vec<Action>) -> OtherClient {
        out.push(Action::Send(request.clone()));
        out.push(Action::Set(Timer::F, timing.give_up()));
        if !timing.reliable {
            out.push(Action::Set(Timer::E, timing.t1));
        }
        OtherClient { state: State::Trying, timing, request, interval: timing.t1 }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn handle(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match self.state {
            State::Trying => self.trying(input, out),
            State::Proceeding => self.proceeding(input, out),
            State::Completed => self.completed(input),
            _ => State::Terminated,
        };
    }

    fn trying(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Timer(Timer::E) => {
                self.interval = (self.interval * 2).min(self.timing.t2);
                self.repeat(self.interval, out);
                State::Trying
            }
            input => self.heard(input, out),
        }
    }

    fn proceeding(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Timer(Timer::E) => {
                self.repeat(self.timing.t2, out);
                State::Proceeding
            }
            input => self.heard(input, out),
        }
    }

    /// What Trying and Proceeding have in common.
    fn heard(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Response { class: Class::Provisional, .. } => {
                out.push(Action::Deliver);
                State::Proceeding
            }
            Input::Response { .. } => {
                out.push(Action::Deliver);
                out.push(Action::Set(Timer::K, self.timing.linger(self.timing.t4)));
                State::Completed
            }
            Input::Timer(Timer::F) => {
                out.push(Action::TimedOut);
                State::Terminated
            }
            Input::TransportError => {
                out.push(Action::TransportFailed);
                State::Terminated
            }
            _ => self.state,
        }
    }

    fn completed(&mut self, input: Input) -> State {
        match input {
            Input::Timer(Timer::K) => State::Terminated,
            _ => State::Completed,
        }
    }

    fn repeat(&self, next: Duration, out: &mut Vec<Action>) {
        out.push(Action::Send(self.request.clone()));
        out.push(Action::Set(Timer::E, next));
    }
}
