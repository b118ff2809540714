//! Tools that look for telephone systems, knock at them and break into them: sipsak and sipvicious. What they
//! learn is that SIP is spoken here; what they do hurts no call.

use crate::support::phone::Phone;
use crate::support::process::quiet;
use crate::support::server::{Server, Setup};
use crate::support::{seconds, tickets, wait_until};

/// A number that a plan serves.
const MENU: &str = "10086";

fn server() -> Server {
    Server::start(Setup { voice: false, log: "info", ..Setup::default() })
}

/// Runs a tool to its end; what it said, and whether it is content.
fn run(program: &str, arguments: &[&str]) -> (String, bool) {
    let done = quiet("timeout")
        .args(["100", program])
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; tools/install --tests installs what is missing"));
    assert_ne!(done.status.code(), Some(127), "{program} is missing: tools/install --tests installs it");
    assert_ne!(done.status.code(), Some(124), "{program} does not end");
    let said = [done.stdout, done.stderr].concat();
    (String::from_utf8_lossy(&said).into_owned(), done.status.success())
}

/// A call that went on meanwhile is still heard, and another can be made.
fn assert_unhurt(server: &mut Server, mut phone: Phone) {
    assert!(server.is_running());
    let heard = phone.packets();
    wait_until("the call that ran goes on", seconds(5), || phone.packets() > heard + 25);
    phone.hang_up();
    let mut phone = Phone::call(server, MENU, tickets::PHONE);
    phone.hang_up();
    assert_eq!(server.await_calls(2).len(), 2, "nobody else has called");
}

#[test]
fn sipsak_is_answered_however_often_it_asks() {
    let mut server = server();
    let phone = Phone::call(&server, MENU, tickets::PHONE);
    let uri = format!("sip:{MENU}@{}", server.sip());
    for arguments in [
        // One OPTIONS, and one whose Max-Forwards grows from 0 like a trace.
        &["-s", &uri][..],
        &["-T", "-s", &uri],
        // As many as the machine can send, without waiting for answers.
        &["-F", "-e", "5000", "-s", &uri],
    ] {
        let (said, content) = run("sipsak", arguments);
        assert!(content, "sipsak {arguments:?}: {said}");
    }
    // Requests in which more and more bytes are wrong: some are answered, none hurts.
    run("sipsak", &["-R", "-t", "40", "-s", &uri]);
    // There is nobody to register with.
    let (said, content) = run("sipsak", &["-U", "-C", "sip:me@127.0.0.1", "-x", "10", "-s", &uri]);
    assert!(!content, "{said}");
    assert_unhurt(&mut server, phone);
}

#[test]
fn sipvicious_finds_the_server_and_nothing_of_use() {
    let mut server = server();
    let phone = Phone::call(&server, MENU, tickets::PHONE);
    let address = server.address().to_string();
    let (said, _) = run("svmap", &[&address]);
    assert!(said.contains(&format!("{address}:5060")), "{said}");
    // Neither by REGISTER nor by INVITE is there an extension.
    for method in ["REGISTER", "INVITE"] {
        let (said, _) = run("svwar", &["-e100-140", "-m", method, &address]);
        assert!(said.contains("found nothing"), "{method}: {said}");
    }
    // OPTIONS gets the same answer for a number that is served and for all others.
    let (said, _) = run("svwar", &["-e10084-10088", "-m", "OPTIONS", &address]);
    let states: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("| 1"))
        .filter_map(|line| line.split('|').nth(2).map(str::trim))
        .collect();
    assert!(states.len() > 1, "{said}");
    assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{said}");
    let (said, _) = run("svcrack", &["-u100", "-r100-140", &address]);
    assert!(said.contains("found nothing"), "{said}");
    assert_unhurt(&mut server, phone);
}
