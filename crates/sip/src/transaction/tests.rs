//! One row per transition of the figures in RFC 3261 §17 and RFC 6026 §7.

use std::time::Duration;

use bytes::Bytes;

use super::*;

const fn timing(reliable: bool) -> Timing {
    Timing {
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        reliable,
    }
}

fn response(class: Class) -> Input {
    Input::Response { class, bytes: Bytes::from_static(b"response") }
}

/// Short names of actions: `send`, `A=500`, `deliver`, …
fn names(actions: &[Action]) -> String {
    let name = |action: &Action| match action {
        Action::Send(bytes) => format!("send {}", String::from_utf8_lossy(bytes)),
        Action::Set(timer, wait) => format!("{timer:?}={}", wait.as_millis()),
        Action::Deliver => "deliver".into(),
        Action::TimedOut => "timed out".into(),
        Action::TransportFailed => "transport failed".into(),
    };
    actions.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Steps: input, state after it, actions of it.
fn run(mut machine: Machine, steps: &[(Input, State, &str)]) {
    for (index, (input, state, actions)) in steps.iter().enumerate() {
        let mut out = Vec::new();
        machine.handle(input.clone(), &mut out);
        assert_eq!((machine.state(), &names(&out)[..]), (*state, *actions), "step {index}: {input:?}");
    }
}

fn invite_client(reliable: bool) -> Machine {
    let mut out = Vec::new();
    let machine = InviteClient::new(timing(reliable), Bytes::from_static(b"request"), &mut out);
    let expected = if reliable { "send request, B=32000" } else { "send request, B=32000, A=500" };
    assert_eq!(names(&out), expected);
    Machine::InviteClient(machine)
}

fn other_client(reliable: bool) -> Machine {
    let mut out = Vec::new();
    let machine = OtherClient::new(timing(reliable), Bytes::from_static(b"request"), &mut out);
    let expected = if reliable { "send request, F=32000" } else { "send request, F=32000, E=500" };
    assert_eq!(names(&out), expected);
    Machine::OtherClient(machine)
}

fn invite_server(reliable: bool) -> Machine {
    Machine::InviteServer(InviteServer::new(timing(reliable)))
}

fn other_server(reliable: bool) -> Machine {
    Machine::OtherServer(OtherServer::new(timing(reliable)))
}

use Class::{Failure, Provisional, Success};
use State::{Accepted, Calling, Completed, Confirmed, Proceeding, Terminated, Trying};
use Timer::{A, B, D, E, F, G, H, I, J, K, L, M};

#[test]
fn invite_client_repeats_with_doubling_until_timer_b() {
    run(
        invite_client(false),
        &[
            (Input::Timer(A), Calling, "send request, A=1000"),
            (Input::Timer(A), Calling, "send request, A=2000"),
            (Input::Timer(A), Calling, "send request, A=4000"),
            (Input::Timer(A), Calling, "send request, A=8000"),
            (Input::Timer(B), Terminated, "timed out"),
            (response(Success), Terminated, ""),
        ],
    );
}

#[test]
fn invite_client_waits_without_limit_after_a_provisional_response() {
    run(
        invite_client(false),
        &[
            (response(Provisional), Proceeding, "deliver"),
            (Input::Timer(A), Proceeding, ""),
            (Input::Timer(B), Proceeding, ""),
            (response(Provisional), Proceeding, "deliver"),
            (response(Failure), Completed, "send response, deliver, D=32000"),
            (response(Failure), Completed, "send response"),
            (response(Success), Completed, ""),
            (Input::Timer(D), Terminated, ""),
        ],
    );
}

#[test]
fn invite_client_lets_every_2xx_pass_while_accepted() {
    run(
        invite_client(false),
        &[
            (response(Success), Accepted, "deliver, M=32000"),
            (response(Success), Accepted, "deliver"),
            (response(Failure), Accepted, ""),
            (response(Provisional), Accepted, ""),
            (Input::TransportError, Accepted, ""),
            (Input::Timer(M), Terminated, ""),
        ],
    );
}

#[test]
fn invite_client_fails_from_calling_straight_to_completed() {
    run(
        invite_client(true),
        &[(response(Failure), Completed, "send response, deliver, D=0"), (Input::Timer(D), Terminated, "")],
    );
    run(invite_client(true), &[(Input::TransportError, Terminated, "transport failed")]);
    run(
        invite_client(true),
        &[
            (response(Provisional), Proceeding, "deliver"),
            (Input::TransportError, Terminated, "transport failed"),
        ],
    );
    run(
        invite_client(true),
        &[
            (response(Failure), Completed, "send response, deliver, D=0"),
            (Input::TransportError, Terminated, ""),
        ],
    );
}

#[test]
fn retransmitted_invite_gets_the_same_response() {
    run(
        invite_server(false),
        &[
            (Input::Request, Proceeding, ""),
            (response(Provisional), Proceeding, "send response"),
            (Input::Request, Proceeding, "send response"),
            (response(Failure), Completed, "send response, G=500, H=32000"),
            (Input::Request, Completed, "send response"),
        ],
    );
}

#[test]
fn invite_server_repeats_its_failure_until_the_ack() {
    run(
        invite_server(false),
        &[
            (response(Failure), Completed, "send response, G=500, H=32000"),
            (Input::Timer(G), Completed, "send response, G=1000"),
            (Input::Timer(G), Completed, "send response, G=2000"),
            (Input::Timer(G), Completed, "send response, G=4000"),
            (Input::Timer(G), Completed, "send response, G=4000"),
            (Input::Ack, Confirmed, "I=5000"),
            (Input::Ack, Confirmed, ""),
            (Input::Timer(G), Confirmed, ""),
            (Input::Timer(H), Confirmed, ""),
            (Input::Request, Confirmed, ""),
            (Input::Timer(I), Terminated, ""),
        ],
    );
}

#[test]
fn invite_server_gives_up_without_ack() {
    run(
        invite_server(true),
        &[(response(Failure), Completed, "send response, H=32000"), (Input::Timer(H), Terminated, "")],
    );
    run(
        invite_server(true),
        &[
            (response(Failure), Completed, "send response, H=32000"),
            (Input::Ack, Confirmed, "I=0"),
            (Input::Timer(I), Terminated, ""),
        ],
    );
    run(invite_server(true), &[(Input::TransportError, Terminated, "transport failed")]);
    run(
        invite_server(true),
        &[(response(Failure), Completed, "send response, H=32000"), (Input::TransportError, Terminated, "")],
    );
}

#[test]
fn invite_server_absorbs_invites_while_accepted_and_sends_what_the_user_repeats() {
    run(
        invite_server(false),
        &[
            (response(Success), Accepted, "send response, L=32000"),
            (Input::Request, Accepted, ""),
            (response(Success), Accepted, "send response"),
            (response(Failure), Accepted, ""),
            (Input::Ack, Accepted, ""),
            (Input::TransportError, Accepted, ""),
            (Input::Timer(L), Terminated, ""),
        ],
    );
}

#[test]
fn other_client_repeats_up_to_t2() {
    run(
        other_client(false),
        &[
            (Input::Timer(E), Trying, "send request, E=1000"),
            (Input::Timer(E), Trying, "send request, E=2000"),
            (Input::Timer(E), Trying, "send request, E=4000"),
            (Input::Timer(E), Trying, "send request, E=4000"),
            (response(Provisional), Proceeding, "deliver"),
            (Input::Timer(E), Proceeding, "send request, E=4000"),
            (response(Provisional), Proceeding, "deliver"),
            (response(Success), Completed, "deliver, K=5000"),
            (response(Success), Completed, ""),
            (Input::Timer(E), Completed, ""),
            (Input::Timer(F), Completed, ""),
            (Input::Timer(K), Terminated, ""),
        ],
    );
}

#[test]
fn other_client_ends_by_timeout_and_transport_error() {
    run(other_client(true), &[(Input::Timer(F), Terminated, "timed out")]);
    run(other_client(true), &[(Input::TransportError, Terminated, "transport failed")]);
    run(
        other_client(true),
        &[(response(Provisional), Proceeding, "deliver"), (Input::Timer(F), Terminated, "timed out")],
    );
    run(
        other_client(true),
        &[
            (response(Provisional), Proceeding, "deliver"),
            (Input::TransportError, Terminated, "transport failed"),
        ],
    );
    run(other_client(true), &[(response(Failure), Completed, "deliver, K=0")]);
}

#[test]
fn other_server_answers_repetitions_with_its_last_response() {
    run(
        other_server(false),
        &[
            (Input::Request, Trying, ""),
            (response(Provisional), Proceeding, "send response"),
            (Input::Request, Proceeding, "send response"),
            (response(Provisional), Proceeding, "send response"),
            (response(Success), Completed, "send response, J=32000"),
            (Input::Request, Completed, "send response"),
            (response(Failure), Completed, ""),
            (Input::Timer(J), Terminated, ""),
        ],
    );
}

#[test]
fn other_server_ends_at_once_on_reliable_transport_and_on_errors() {
    run(other_server(true), &[(response(Failure), Completed, "send response, J=0")]);
    run(other_server(true), &[(Input::TransportError, Terminated, "transport failed")]);
    run(
        other_server(true),
        &[
            (response(Provisional), Proceeding, "send response"),
            (Input::TransportError, Terminated, "transport failed"),
        ],
    );
    run(
        other_server(true),
        &[(response(Success), Completed, "send response, J=0"), (Input::TransportError, Terminated, "")],
    );
}
