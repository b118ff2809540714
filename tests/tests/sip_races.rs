//! What crosses, comes late, comes again or not at all: SIPp plays the caller, by the scenarios of
//! `tests/sipp/races/`, each of which says what the server must answer.

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::server::{Server, Setup};
use crate::support::sipp::Scenario;
use crate::support::{seconds, tickets, wait_until};

const COMPLAINT: &str = "10086123";
const RINGS: &str = "from = [\"127.0.0.0/8\"]\ncalls-per-second = 0\nring-s = 1";
const RINGS_LONG: &str = "from = [\"127.0.0.0/8\"]\ncalls-per-second = 0\nring-s = 20";
/// These callers send no sound; that alone ends no call.
const PATIENT: &str = "silence-limit-s = 600";

fn server(trunk: Option<&'static str>) -> Server {
    let setup = Setup { media: PATIENT, voice: false, ..Setup::default() };
    Server::start(Setup { trunk: trunk.unwrap_or(setup.trunk), ..setup })
}

/// Plays a scenario; gives what SIPp sent and received.
fn play(server: &Server, name: &str, options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, listens) = (&format!("races/{name}.xml"), seconds(1));
    Scenario { file, number: COMPLAINT, caller: tickets::PHONE, listens, folder: folder.path(), options }
        .run(server)
}

/// Nothing is left of any call: no leg, no dialog.
fn assert_empty(server: &Server) {
    let is = |name: &str, due: &dyn Fn(f64) -> bool| server.metric(name).is_some_and(due);
    // The figures are taken every five seconds. Transactions outlive most calls, so figures that show some are
    // younger than the call.
    let began = Instant::now();
    wait_until("no leg is left", seconds(40), || {
        (is("hotline_sip_transactions", &|count| count > 0.0) || began.elapsed() > seconds(6))
            && is("hotline_sip_legs", &|count| count == 0.0)
            && is("hotline_calls_active", &|count| count == 0.0)
    });
}

/// The one call on the record, ended.
fn only_call(server: &Server) -> Value {
    let calls = server.await_calls(1);
    assert_eq!(calls.len(), 1);
    assert_empty(server);
    calls[0].clone()
}

/// How often a message with this first line and this CSeq came in.
fn received(trace: &str, first: &str, cseq: &str) -> usize {
    let messages = trace.split("message received [").skip(1);
    messages
        .filter(|message| {
            // The trace goes on with what was sent after it.
            let message =
                message.split("-----------------------------------------------").next().unwrap_or_default();
            message.contains(first) && message.contains(&format!("CSeq: {cseq}"))
        })
        .count()
}

#[test]
fn a_cancel_that_crosses_the_200_changes_nothing() {
    let server = server(None);
    play(&server, "cancel-after-200", &[]);
    assert_eq!(only_call(&server)["ending"], "caller/hung-up");
}

#[test]
fn a_cancel_in_time_ends_the_call_that_rings() {
    let server = server(Some(RINGS_LONG));
    play(&server, "cancel-while-ringing", &[]);
    assert_empty(&server);
    assert_eq!(server.calls().len(), 0, "nobody was answered");
}

#[test]
fn a_200_without_ack_is_repeated_and_then_hung_up() {
    let server = server(None);
    let trace = play(&server, "lost-ack", &[]);
    // At 0.5, 1.5, 3.5, 7.5 s and each 4 s to 32 s.
    let copies = received(&trace, "SIP/2.0 200", "1 INVITE");
    assert!((10..=12).contains(&copies), "{copies} copies of the 200");
    assert_eq!(only_call(&server)["ending"], "unattributable/no-ack");
}

#[test]
fn retransmissions_are_one_call_and_answered_again() {
    let server = server(None);
    // SIPp itself would answer each repeated message with another.
    let trace = play(&server, "retransmissions", &["-nr"]);
    assert_eq!(received(&trace, "SIP/2.0 200", "2 BYE"), 2);
    assert_eq!(only_call(&server)["ending"], "caller/hung-up");
}

#[test]
fn a_bye_for_a_call_that_is_over_gets_481() {
    let server = server(None);
    play(&server, "late-bye", &[]);
    only_call(&server);
}

#[test]
fn a_call_is_held_in_each_way_and_taken_back() {
    let server = server(None);
    play(&server, "hold", &[]);
    assert_eq!(only_call(&server)["ending"], "caller/hung-up");
}

#[test]
fn a_caller_who_insists_on_prack_gets_a_reliable_180() {
    let server = server(Some(RINGS));
    let trace = play(&server, "prack", &[]);
    let copies = received(&trace, "SIP/2.0 180", "1 INVITE");
    assert!(copies >= 2, "{copies} copies of the 180");
    only_call(&server);
}

/// A plan that is heard before it answers, or never answers, under the number 10086123.
fn unanswered(end: &'static str) -> fn(&Path) {
    fn write(folder: &Path, end: &str) {
        let plan = format!(
            "plan: night\nlanguages: [zh-CN]\nanswer: by-step\nstart: tell\nprompts:\n  \
             main-welcome: 您好,欢迎致电客户服务热线。\n  goodbye: 感谢您的来电,再见。\nsteps:\n  tell: {{ say: main-welcome, {end} }}\n  \
             take: {{ answer: call, then: end }}\n  end: {{ say: goodbye, hangup: contained }}\n"
        );
        std::fs::write(folder.join("night.yaml"), plan).unwrap();
        std::fs::write(folder.join("numbers.yaml"), "numbers:\n  \"10086123\": night\ndefault: none\n")
            .unwrap();
    }
    match end {
        "answered" => |folder| write(folder, "then: take"),
        _ => |folder| write(folder, "then: bye }\n  bye: { hangup: contained"),
    }
}

/// Plays a scenario against such a plan; gives what SIPp sent and received, and how many packets of sound came.
fn play_early(server: &Server, name: &str) -> (String, usize) {
    let ear = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = ear.local_addr().unwrap().port().to_string();
    let trace = play(server, name, &["-key", "early_port", &port]);
    ear.set_nonblocking(true).unwrap();
    let mut packet = [0; 2048];
    let packets = std::iter::from_fn(|| ear.recv(&mut packet).ok()).filter(|length| *length == 172).count();
    (trace, packets)
}

#[test]
fn a_plan_is_heard_before_it_answers() {
    let server = Server::start(Setup {
        media: PATIENT,
        voice: false,
        plans: unanswered("answered"),
        ..Setup::default()
    });
    let (_, packets) = play_early(&server, "early-media");
    // The caller hangs up with the 200: what came was heard before it. The prompt is about two seconds long.
    assert!(packets > 60, "{packets} packets before the answer");
    let call = only_call(&server);
    assert_eq!(call["ending"], "caller/hung-up");
}

#[test]
fn a_plan_that_never_answers_is_heard_and_then_nobody_is_to_be_had() {
    let server =
        Server::start(Setup { media: PATIENT, voice: false, plans: unanswered("never"), ..Setup::default() });
    let (_, packets) = play_early(&server, "early-refused");
    assert!(packets > 60, "{packets} packets of a call that was never answered");
    assert_eq!(only_call(&server)["outcome"], "contained");
}

#[test]
fn a_caller_who_gives_up_before_the_answer_leaves_nothing() {
    let server = Server::start(Setup {
        media: PATIENT,
        voice: false,
        plans: unanswered("answered"),
        ..Setup::default()
    });
    play_early(&server, "early-cancel");
    assert_eq!(only_call(&server)["ending"], "caller/cancelled");
}

#[test]
fn an_extension_nobody_has_is_named() {
    let server = server(None);
    play(&server, "bad-extension", &[]);
    assert_eq!(server.calls().len(), 0);
}

#[test]
fn an_interval_too_small_is_answered_with_the_least() {
    let server = server(None);
    play(&server, "interval-too-small", &[]);
    only_call(&server);
}

#[test]
fn a_session_that_the_caller_does_not_refresh_is_hung_up() {
    let server = server(None);
    let began = Instant::now();
    play(&server, "session-expires", &[]);
    // 90 s less a third (RFC 4028 §10).
    let took = began.elapsed();
    assert!(took > seconds(59) && took < seconds(75), "{took:?}");
    assert_eq!(only_call(&server)["ending"], "unattributable/session-expired");
}

#[test]
fn a_session_is_refreshed_by_update() {
    let server = server(None);
    play(&server, "refreshed-by-update", &[]);
    assert_eq!(only_call(&server)["ending"], "caller/hung-up");
}

#[test]
fn changes_from_both_sides_at_once_get_491_and_come_again() {
    let server = server(None);
    play(&server, "glare", &[]);
    assert_eq!(only_call(&server)["ending"], "caller/hung-up");
}

/// A call in which our own socket listens for the sound.
fn heard(server: &Server, options: &[&str]) -> usize {
    let rtp = UdpSocket::bind((server.sip().ip(), 0)).unwrap();
    rtp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let port = rtp.local_addr().unwrap().port().to_string();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| play(server, "call", &[&["-key", "rtp", &port], options].concat()));
        let mut packets = 0;
        let mut buffer = [0; 2048];
        while !call.is_finished() {
            packets += usize::from(rtp.recv(&mut buffer).is_ok());
        }
        call.join().unwrap();
        packets
    })
}

#[test]
fn a_call_over_ipv6_hears_the_prompts() {
    let setup = Setup { media: PATIENT, voice: false, ..Setup::default() };
    let server =
        Server::start(Setup { ipv6: true, trunk: "from = [\"::1\"]\ncalls-per-second = 0", ..setup });
    let packets = heard(&server, &[]);
    assert!(packets > 25, "{packets} packets");
    only_call(&server);
}

#[test]
fn a_call_over_tcp_hears_the_prompts() {
    // The sound goes to our socket, which has the server's address and not SIPp's.
    let server = server(None);
    let address = server.address().to_string();
    let packets = heard(&server, &["-t", "t1", "-mi", &address]);
    assert!(packets > 25, "{packets} packets");
    assert_eq!(server.await_calls(1)[0]["ending"], "caller/hung-up");
}
