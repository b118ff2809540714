//! SIGTERM: no new calls, running ones end by themselves.

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup};
use crate::support::{seconds, tickets, wait_until};

#[test]
fn a_draining_server_takes_no_new_calls_and_waits_for_the_running_ones() {
    let mut server = Server::start(Setup::default());
    let mut running = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    server.signal("TERM");
    wait_until("new calls are refused", seconds(10), || {
        let mut late = Phone::new(&server, "10086123", "13955556666");
        let offer = late.offer();
        late.invite(&offer) == 503
    });
    assert!(server.is_running(), "it waits for the running call");
    let heard = running.packets();
    wait_until("the running call goes on", seconds(5), || running.packets() > heard + 10);
    running.key("0");
    running.await_bye(seconds(60));
    let status = server.await_end(seconds(20));
    assert!(status.success(), "{status}");
    // All of it is on the record.
    server.launch();
    server.await_ready();
    let calls = server.await_calls(1);
    assert_eq!(calls[0]["outcome"], "wants-human");
    assert_eq!(calls[0]["ending"], "success/completed");
}

#[test]
fn a_second_signal_ends_the_patience() {
    let mut server = Server::start(Setup::default());
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    server.signal("TERM");
    wait_until("it drains", seconds(10), || server.log().contains("no new calls are taken"));
    server.signal("TERM");
    phone.await_bye(seconds(10));
    assert!(server.await_end(seconds(20)).success());
    server.launch();
    server.await_ready();
    assert_eq!(server.await_calls(1)[0]["ending"], "us/stopped");
}
