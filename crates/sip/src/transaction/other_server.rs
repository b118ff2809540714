//! Non-INVITE server transaction (RFC 3261 §17.2.2, figure 8).

use bytes::Bytes;

use super::{Action, Class, Input, State, Timer, Timing};

#[derive(Debug)]
pub(crate) struct OtherServer {
    state: State,
    timing: Timing,
    /// What was sent last; a repeated request gets it again.
    response: Option<Bytes>,
}

impl OtherServer {
    pub(crate) fn new(timing: Timing) -> OtherServer {
        OtherServer { state: State::Trying, timing, response: None }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn handle(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match self.state {
            State::Trying => self.trying(input, out),
            State::Proceeding => self.proceeding(input, out),
            State::Completed => self.completed(input, out),
            _ => State::Terminated,
        };
    }

    fn trying(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Response { class, bytes } => {
                out.push(Action::Send(bytes.clone()));
                self.response = Some(bytes);
                if class == Class::Provisional {
                    return State::Proceeding;
                }
                out.push(Action::Set(Timer::J, self.timing.linger(self.timing.give_up())));
                State::Completed
            }
            Input::TransportError => {
                out.push(Action::TransportFailed);
                State::Terminated
            }
            _ => self.state,
        }
    }

    fn proceeding(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Request => {
                out.extend(self.response.clone().map(Action::Send));
                State::Proceeding
            }
            input => self.trying(input, out),
        }
    }

    fn completed(&mut self, input: Input, out: &mut Vec<Action>) -> State {
        match input {
            Input::Request => {
                out.extend(self.response.clone().map(Action::Send));
                State::Completed
            }
            Input::Timer(Timer::J) | Input::TransportError => State::Terminated,
            _ => State::Completed,
        }
    }
}
