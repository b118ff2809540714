//! Who guesses is counted, over calls and restarts.

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, verified};
use crate::support::{seconds, tickets, wait_until};

const COMPLAINT: &str = "10086123";

/// One call with these codes; gives what came of each.
fn guess(server: &Server, caller: &str, codes: &[&str]) -> Vec<String> {
    let calls_before = server.calls().len();
    let mut phone = Phone::call(server, COMPLAINT, caller);
    wait_until("the call is on the record", seconds(30), || server.calls().len() > calls_before);
    for (nth, code) in (1..).zip(codes) {
        server.await_step("ask-code", nth, seconds(30));
        phone.attempt(code);
        server.await_event("call.verified", nth, seconds(30));
    }
    phone.hang_up();
    let calls = server.await_calls(calls_before + 1);
    verified(calls.last().expect("a call"))
}

#[test]
fn the_tenth_wrong_of_a_caller_locks_them_over_calls_and_a_restart() {
    let mut server = Server::start(Setup::default());
    server.put_ticket(&tickets::closed());
    let stranger = "13955556666";
    for call in 0..3 {
        let outcomes = guess(&server, stranger, &tickets::WRONG[..3]);
        assert_eq!(outcomes, ["refused"; 3], "call {call}");
    }
    // What was counted was confirmed: a crash takes none of it back.
    server.kill();
    server.launch();
    server.await_ready();
    // Even the right code is refused now, to the caller who was wrong nine times.
    assert_eq!(guess(&server, stranger, &[tickets::CODE]), ["refused"]);
    assert_eq!(guess(&server, tickets::PHONE, &[tickets::CODE]), ["passed"], "nobody else is locked");
}
