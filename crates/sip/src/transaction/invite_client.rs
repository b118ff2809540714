//! INVITE client transaction (RFC 3261 §17.1.1, figure 5; RFC 6026 §7.2).

use std::time::Duration;

use bytes::Bytes;

use super::{Action, Class, Input, State, Timer, Timing};

#[derive(Debug)]
pub(crate) struct InviteClient {
    state: State,
    timing: Timing,
    request: Bytes,
    interval: Duration,
    ack: Option<Bytes>,
}

impl InviteClient {
    /// Sends the INVITE.
    pub(crate) fn new(timing: Timing, request: Bytes, out: &mut Vec<Action>) -> InviteClient {
        out.push(Action::Send(request.clone()));
        out.push(Action::Set(Timer::B, timing.give_up()));
        if !timing.reliable {
            out.push(Action::Set(Timer::A, timing.t1));
        }
        InviteClient { state: State::Calling, timing, request, interval: timing.t1, ack: None }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn handle(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match self.state {
            State::Calling => self.calling(input, out),
            State::Proceeding => self.proceeding(input, out),
            State::Completed => self.completed(input, out),
            State::Accepted => self.accepted(input, out),
            _ => State::Terminated,
        };
    }

    fn calling(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Timer(Timer::A) => {
                self.interval *= 2;
                out.push(Action::Send(self.request.clone()));
                out.push(Action::Set(Timer::A, self.interval));
                State::Calling
            }
            Input::Timer(Timer::B) => {
                out.push(Action::TimedOut);
                State::Terminated
            }
            input => self.proceeding(input, out),
        }
    }

    /// A provisional response ends both repetition and Timer B: ringing may last.
    fn proceeding(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Response { class: Class::Provisional, .. } => {
                out.push(Action::Deliver);
                State::Proceeding
            }
            Input::Response { class: Class::Success, .. } => {
                out.push(Action::Deliver);
                out.push(Action::Set(Timer::M, self.timing.give_up()));
                State::Accepted
            }
            Input::Response { class: Class::Failure, bytes } => {
                self.ack = Some(bytes.clone());
                out.push(Action::Send(bytes));
                out.push(Action::Deliver);
                out.push(Action::Set(Timer::D, self.timing.linger(self.timing.give_up())));
                State::Completed
            }
            Input::TransportError => {
                out.push(Action::TransportFailed);
                State::Terminated
            }
            _ => self.state,
        }
    }

    fn completed(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Response { class: Class::Failure, .. } => {
                out.extend(self.ack.clone().map(Action::Send));
                State::Completed
            }
            Input::Timer(Timer::D) | Input::TransportError => State::Terminated,
            _ => State::Completed,
        }
    }

    fn accepted(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Response { class: Class::Success, .. } => {
                out.push(Action::Deliver);
                State::Accepted
            }
            Input::Timer(Timer::M) => State::Terminated,
            _ => State::Accepted,
        }
    }
}
