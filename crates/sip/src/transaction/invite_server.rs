//! INVITE server transaction (RFC 3261 §17.2.1, figure 7; RFC 6026 §7.1).

use std::time::Duration;

use bytes::Bytes;

use super::{Action, Class, Input, State, Timer, Timing};

#[derive(Debug)]
pub(crate) struct InviteServer {
    state: State,
    timing: Timing,
    interval: Duration,
    /// What was sent last; a repeated INVITE gets it again.
    response: Option<Bytes>,
}

impl InviteServer {
    pub(crate) fn new(timing: Timing) -> InviteServer {
        InviteServer { state: State::Proceeding, timing, interval: timing.t1, response: None }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn handle(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match self.state {
            State::Proceeding => self.proceeding(input, out),
            State::Completed => self.completed(input, out),
            State::Accepted => self.accepted(input, out),
            State::Confirmed => self.confirmed(input),
            _ => State::Terminated,
        };
    }

    fn proceeding(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Request => {
                out.extend(self.response.clone().map(Action::Send));
                State::Proceeding
            }
            Input::Response { class, bytes } => {
                out.push(Action::Send(bytes.clone()));
                self.response = Some(bytes);
                self.responded(class, out)
            }
            Input::TransportError => {
                out.push(Action::TransportFailed);
                State::Terminated
            }
            _ => State::Proceeding,
        }
    }

    fn responded(&mut self, class: Class, out: &mut Vec<Action>) -> State {
        match class {
            Class::Provisional => State::Proceeding,
            Class::Success => {
                self.response = None;
                out.push(Action::Set(Timer::L, self.timing.give_up()));
                State::Accepted
            }
            Class::Failure => {
                if !self.timing.reliable {
                    out.push(Action::Set(Timer::G, self.interval));
                }
                out.push(Action::Set(Timer::H, self.timing.give_up()));
                State::Completed
            }
        }
    }

    fn completed(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Request => {
                out.extend(self.response.clone().map(Action::Send));
                State::Completed
            }
            Input::Timer(Timer::G) => {
                self.interval = (self.interval * 2).min(self.timing.t2);
                out.extend(self.response.clone().map(Action::Send));
                out.push(Action::Set(Timer::G, self.interval));
                State::Completed
            }
            Input::Ack => {
                self.response = None;
                out.push(Action::Set(Timer::I, self.timing.linger(self.timing.t4)));
                State::Confirmed
            }
            Input::Timer(Timer::H) | Input::TransportError => State::Terminated,
            _ => State::Completed,
        }
    }

    /// The 2xx is repeated by the user, not here; repeated INVITEs are absorbed (RFC 6026 §7.1).
    fn accepted(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Response { class: Class::Success, bytes } => {
                out.push(Action::Send(bytes));
                State::Accepted
            }
            Input::Timer(Timer::L) => State::Terminated,
            _ => State::Accepted,
        }
    }

    fn confirmed(&mut self, input: Input) -> State {
        match input {
            Input::Timer(Timer::I) => State::Terminated,
            _ => State::Confirmed,
        }
    }
}
