//! Callers who are put through: by the plan, and by the agent who had them.

use std::path::Path;

use hotline_audio::sine;
use serde_json::{Value, json};

use crate::support::agents::{AGENT_HZ, Agent, CALLER_HZ, PASSWORD};
use crate::support::baresip::{Baresip, Line};
use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered, own_address};
use crate::support::sipp::Outside;
use crate::support::tones::{self, share_of_tone};
use crate::support::{seconds, tickets, wait_until};

/// What is heard outside.
const OUTSIDE_HZ: f64 = 700.0;

/// A server whose trunk may call 10010, which is at `host`, and whose plan of 10086123 puts callers through to it.
fn server(host: &str) -> Server {
    let trunk = format!(
        "from = [\"127.0.0.0/8\"]\nlatch = true\ncalls-per-second = 0\nin-band-digits = true\n\
         [trunks.out]\nhost = \"{host}\"\nnumbers = [\"10010\"]\nshown = \"10086\"\n"
    );
    Server::start(Setup { voice: false, trunk: trunk.leak(), plans: through, ..Setup::default() })
}

fn through(folder: &Path) {
    let plan = |name: &str, number: &str| {
        let text = format!(
            "plan: {name}\nlanguages: [zh-CN]\nstart: put\nprompts:\n  goodbye: 感谢您的来电,再见。\nsteps:\n  \
             put: {{ transfer: \"{number}\", ring: 4s, then: talked, busy: is-busy, no-answer: is-silent, failed: no-way }}\n  \
             talked: {{ say: goodbye, hangup: contained }}\n  is-busy: {{ say: goodbye, hangup: failed }}\n  \
             is-silent: {{ say: goodbye, hangup: failed }}\n  no-way: {{ say: goodbye, hangup: failed }}\n"
        );
        std::fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
    };
    plan("through", "10010");
    plan("abroad", "+882161234567");
    let path = folder.join("numbers.yaml");
    let numbers = std::fs::read_to_string(&path).unwrap();
    let more = "numbers:\n  \"10087\": through\n  \"10088\": abroad\n";
    std::fs::write(&path, numbers.replacen("numbers:", more, 1)).unwrap();
}

/// What became of the calls that were put through, in order.
fn ways(call: &Value) -> Vec<String> {
    let path = call["path"].as_array().map_or(&[][..], Vec::as_slice);
    let put = path.iter().filter(|event| event["type"] == "call.transferred");
    put.map(|event| event["body"]["how"].as_str().unwrap_or_default().to_owned()).collect()
}

fn call_id(server: &Server) -> String {
    server.calls()[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_plan_puts_a_caller_through_and_goes_on_afterwards() {
    let address = own_address();
    let server = server(&address.to_string());
    let mut outside = Baresip::outside(&server, "10010", address, Line::Tone(OUTSIDE_HZ));
    let mut caller = Baresip::with(&server, tickets::PHONE, Line::Tone(CALLER_HZ));
    caller.dial("10087");
    server.await_event("call.joined", 1, seconds(20));
    std::thread::sleep(seconds(4));
    outside.hang_up();
    caller.await_closed(seconds(20));
    let calls = server.await_calls(1);
    assert_eq!(ways(&calls[0]), ["answered"], "{}", calls[0]);
    assert_eq!(entered(&calls[0], "talked"), 1);
    let (there, here) = (outside.heard(), caller.heard());
    assert!(share_of_tone(&there, CALLER_HZ) > 0.8, "{}", share_of_tone(&there, CALLER_HZ));
    assert!(share_of_tone(&here, OUTSIDE_HZ) > 0.3, "{}", share_of_tone(&here, OUTSIDE_HZ));
    assert_eq!(server.metric("hotline_put_through_total{trunk=\"test\",how=\"answered\"}"), Some(1.0));
}

#[test]
fn who_is_busy_silent_or_not_to_be_called_is_told_to_the_plan() {
    for (scenario, way, step) in [("busy.xml", "busy", "is-busy"), ("silent.xml", "no-answer", "is-silent")] {
        let outside = Outside::start(scenario, &[]);
        let server = server(&outside.host);
        let mut caller = Phone::call(&server, "10087", tickets::PHONE);
        caller.await_bye(seconds(30));
        let calls = server.await_calls(1);
        assert_eq!(ways(&calls[0]), [way], "{}", calls[0]);
        assert_eq!(entered(&calls[0], step), 1);
        outside.done();
    }
    let server = server("127.0.0.1:9");
    let mut caller = Phone::call(&server, "10088", tickets::PHONE);
    caller.await_bye(seconds(20));
    let calls = server.await_calls(1);
    assert_eq!(ways(&calls[0]), ["failed"], "no trunk may call abroad: {}", calls[0]);
    assert!(!server.log().contains("882161234567"), "the number is not logged");
}

#[test]
fn what_the_network_says_before_it_refuses_is_heard() {
    let outside = Outside::start("announced.xml", &sine(OUTSIDE_HZ, -16.0, seconds(3)));
    let server = server(&outside.host);
    let mut caller = Baresip::with(&server, tickets::PHONE, Line::Silence);
    caller.dial("10087");
    caller.await_closed(seconds(30));
    outside.done();
    let calls = server.await_calls(1);
    assert_eq!(ways(&calls[0]), ["failed"], "{}", calls[0]);
    let heard = share_of_tone(&caller.heard(), OUTSIDE_HZ);
    assert!(heard > 0.3, "{heard}");
}

/// A caller who talks with Anna.
fn with_anna<'a>(server: &'a Server, anna: &Agent<'a>) -> (Baresip, Baresip) {
    let mut desk = Baresip::agent(server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    assert_eq!(anna.goes("available").status, 200);
    anna.await_state("available");
    let mut caller = Baresip::with(server, tickets::PHONE, Line::Tone(CALLER_HZ));
    caller.dial("10086");
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    anna.await_state("talking");
    server.await_event("call.joined", 1, seconds(20));
    (desk, caller)
}

#[test]
fn an_agent_sends_a_caller_to_a_number_and_gets_them_back_if_nobody_answers() {
    let address = own_address();
    let server = server(&address.to_string());
    let anna = Agent::hire(&server, "anna");
    let (_desk, mut caller) = with_anna(&server, &anna);
    let call = call_id(&server);
    let number = |number: &str| json!({ "act": "transfer", "to": { "number": number } });
    assert_eq!(anna.act(&call, number("13900139000")), 422, "no trunk may call it");
    assert_eq!(anna.act(&call, json!({ "act": "transfer", "to": { "queue": "nowhere" } })), 422);
    assert_eq!(anna.act(&call, json!({ "act": "transfer" })), 422);
    assert_eq!(anna.act(&call, json!({ "act": "complete" })), 409);
    assert_eq!(anna.act(&call, json!({ "act": "pause-recording" })), 409, "this server records nothing");
    // Nobody is there yet: the port is closed, and the caller is back in the line.
    assert_eq!(anna.act(&call, number("10010")), 204);
    anna.await_state("wrap-up");
    server.await_event("call.returned", 1, seconds(40));
    let mut outside = Baresip::outside(&server, "10010", address, Line::Tone(OUTSIDE_HZ));
    assert_eq!(anna.goes("available").status, 200);
    anna.await_state("talking");
    server.await_event("call.joined", 2, seconds(20));
    assert_eq!(anna.act(&call, number("10010")), 204);
    anna.await_state("wrap-up");
    std::thread::sleep(seconds(4));
    outside.hang_up();
    caller.await_closed(seconds(30));
    let calls = server.await_calls(1);
    assert_eq!(ways(&calls[0])[..1], ["sent"], "{}", calls[0]);
    assert_eq!(ways(&calls[0]).last().map(String::as_str), Some("answered"), "{}", calls[0]);
    assert_eq!(entered(&calls[0], "bye"), 1, "the plan goes on: {}", calls[0]);
    let there = outside.heard();
    assert!(share_of_tone(&there, CALLER_HZ) > 0.8, "{}", share_of_tone(&there, CALLER_HZ));
    let here = caller.heard();
    assert!(share_of_tone(&here, OUTSIDE_HZ) > 0.1, "{}", share_of_tone(&here, OUTSIDE_HZ));
}

#[test]
fn an_agent_asks_a_colleague_and_hands_the_caller_on() {
    let server = server("127.0.0.1:9");
    let (anna, bert) = (Agent::hire(&server, "anna"), Agent::hire(&server, "bert"));
    let mut other_desk = Baresip::agent(&server, bert.login, PASSWORD, Line::Tone(OUTSIDE_HZ));
    other_desk.await_registered();
    let (desk, mut caller) = with_anna(&server, &anna);
    let call = call_id(&server);
    let ask = json!({ "act": "consult", "to": { "agent": bert.user } });
    assert_eq!(anna.act(&call, ask.clone()), 422, "Bert is not signed in");
    assert_eq!(bert.goes("available").status, 200);
    bert.await_state("available");
    assert_eq!(anna.act(&call, ask.clone()), 204);
    bert.await_state("talking");
    assert_eq!(anna.act(&call, ask.clone()), 422, "Bert is asked already");
    std::thread::sleep(seconds(3));
    assert_eq!(anna.act(&call, json!({ "act": "back" })), 204);
    bert.await_state("wrap-up");
    assert_eq!(anna.state(), "talking");
    std::thread::sleep(seconds(2));
    assert_eq!(bert.goes("available").status, 200);
    bert.await_state("available");
    assert_eq!(anna.act(&call, ask), 204);
    wait_until("Bert's telephone has answered", seconds(20), || {
        ways(&server.ask(&format!("/api/v1/calls/{call}"))).iter().filter(|how| *how == "consulted").count()
            == 2
    });
    std::thread::sleep(seconds(2));
    assert_eq!(anna.act(&call, json!({ "act": "complete" })), 204);
    anna.await_state("wrap-up");
    assert_eq!(anna.act(&call, json!({ "act": "hold" })), 404, "the call is not hers any more");
    std::thread::sleep(seconds(2));
    // It is Bert's from now on.
    assert_eq!(bert.act(&call, json!({ "act": "hold" })), 204);
    assert_eq!(bert.act(&call, json!({ "act": "resume" })), 204);
    std::thread::sleep(seconds(2));
    assert_eq!(bert.state(), "talking");
    other_desk.hang_up();
    caller.await_closed(seconds(30));
    bert.await_state("wrap-up");
    let calls = server.await_calls(1);
    assert_eq!(ways(&calls[0]), ["consulted", "back", "consulted", "completed"], "{}", calls[0]);
    let path = calls[0]["path"].as_array().unwrap();
    let completed = &path.iter().find(|event| event["body"]["how"] == "completed").unwrap()["body"];
    assert_eq!((&completed["by"], &completed["to"]), (&json!(anna.user), &json!(bert.user)));
    // Who was asked heard the agent first and the caller afterwards; the caller never heard them talk about it.
    let asked = other_desk.heard();
    let (of_anna, of_caller) = (share_of_tone(&asked, AGENT_HZ), share_of_tone(&asked, CALLER_HZ));
    assert!(of_anna > 0.15 && of_caller > 0.15, "{of_anna} {of_caller}");
    assert!(share_of_tone(&caller.heard(), OUTSIDE_HZ) > 0.1);
    assert!(share_of_tone(&desk.heard(), OUTSIDE_HZ) > 0.1);
}

/// Seconds in which these of the three tones are heard together, and the others are not.
fn together(wav: &Path, tones: &[f64]) -> f64 {
    tones::together(wav, tones, &[CALLER_HZ, AGENT_HZ, OUTSIDE_HZ])
}

#[test]
fn three_talk_together_and_two_stay() {
    let address = own_address();
    let server = server(&address.to_string());
    let anna = Agent::hire(&server, "anna");
    let mut outside = Baresip::outside(&server, "10010", address, Line::Tone(OUTSIDE_HZ));
    let (mut desk, mut caller) = with_anna(&server, &anna);
    let call = call_id(&server);
    assert_eq!(anna.act(&call, json!({ "act": "conference" })), 409, "with whom?");
    assert_eq!(anna.act(&call, json!({ "act": "consult", "to": { "number": "10010" } })), 204);
    wait_until("they are asked", seconds(20), || anna.act(&call, json!({ "act": "conference" })) == 204);
    std::thread::sleep(seconds(4));
    // The agent hangs up: the other two go on.
    desk.hang_up();
    anna.await_state("wrap-up");
    std::thread::sleep(seconds(3));
    outside.hang_up();
    caller.await_closed(seconds(30));
    let calls = server.await_calls(1);
    assert_eq!(ways(&calls[0]), ["consulted", "conference", "completed"], "{}", calls[0]);
    let (at_caller, at_desk, there) = (caller.heard(), desk.heard(), outside.heard());
    assert!(together(&at_caller, &[AGENT_HZ, OUTSIDE_HZ]) > 2.0);
    assert!(together(&at_desk, &[CALLER_HZ, OUTSIDE_HZ]) > 2.0);
    assert!(together(&there, &[CALLER_HZ, AGENT_HZ]) > 2.0);
    assert!(together(&at_caller, &[OUTSIDE_HZ]) > 1.5);
    assert!(together(&there, &[CALLER_HZ]) > 1.5);
}

#[test]
fn a_supervisor_listens_whispers_and_joins() {
    let server = server("127.0.0.1:9");
    let anna = Agent::hire(&server, "anna");
    let carl = Agent::hire_as(&server, "carl", "supervisor");
    let mut office = Baresip::agent(&server, carl.login, PASSWORD, Line::Tone(OUTSIDE_HZ));
    office.await_registered();
    let (mut desk, mut caller) = with_anna(&server, &anna);
    let call = call_id(&server);
    assert_eq!(anna.act(&call, json!({ "act": "listen" })), 403, "an agent is no supervisor");
    assert_eq!(carl.act(&call, json!({ "act": "stop" })), 409, "nobody listens");
    assert_eq!(carl.act(&call, json!({ "act": "listen" })), 204);
    std::thread::sleep(seconds(4));
    assert_eq!(carl.act(&call, json!({ "act": "whisper" })), 204);
    std::thread::sleep(seconds(4));
    assert_eq!(carl.act(&call, json!({ "act": "join" })), 204);
    std::thread::sleep(seconds(4));
    assert_eq!(carl.act(&call, json!({ "act": "stop" })), 204);
    std::thread::sleep(seconds(2));
    desk.hang_up();
    caller.await_closed(seconds(30));
    let (at_caller, at_desk, at_office) = (caller.heard(), desk.heard(), office.heard());
    assert!(
        together(&at_office, &[CALLER_HZ, AGENT_HZ]) > 7.0,
        "{}",
        together(&at_office, &[CALLER_HZ, AGENT_HZ])
    );
    let whispered = together(&at_desk, &[CALLER_HZ, OUTSIDE_HZ]);
    assert!((5.0..11.0).contains(&whispered), "{whispered} s at the agent's");
    let joined = together(&at_caller, &[AGENT_HZ, OUTSIDE_HZ]);
    assert!((2.0..6.0).contains(&joined), "{joined} s at the caller's");
    assert!(together(&at_caller, &[AGENT_HZ]) > 6.0, "before and after the caller heard the agent alone");
}

#[test]
fn a_colleague_sends_a_sentence_to_a_caller_who_talks() {
    let server = server("127.0.0.1:9");
    let (anna, bert) = (Agent::hire(&server, "anna"), Agent::hire(&server, "bert"));
    let (mut desk, mut caller) = with_anna(&server, &anna);
    let call = call_id(&server);
    let say = |text: &str| bert.act(&call, json!({ "act": "say", "text": text }));
    assert_eq!(say(""), 422);
    assert_eq!(say(&"长".repeat(501)), 422);
    // Known words are cached, so that no voice is needed here; of others the record says that nobody heard them.
    assert_eq!(say(tickets::REFUND), 204);
    assert_eq!(say("没有人听得见这一句。"), 204);
    server.await_event("call.said", 2, seconds(20));
    std::thread::sleep(seconds(8));
    desk.hang_up();
    caller.await_closed(seconds(30));
    let calls = server.await_calls(1);
    let path = calls[0]["path"].as_array().unwrap();
    let said = path.iter().filter(|event| event["type"] == "call.said").map(|event| &event["body"]);
    let mut spoken: Vec<_> =
        said.map(|body| (body["spoken"].as_bool().unwrap(), body["by"].clone())).collect();
    spoken.sort_by_key(|(spoken, _)| *spoken);
    assert_eq!(spoken, [(false, json!(bert.user)), (true, json!(bert.user))]);
    // While it is spoken the caller hears it in place of the agent.
    let tone = share_of_tone(&caller.heard(), AGENT_HZ);
    assert!(tone < 0.6, "{tone}");
}

#[test]
fn an_agent_sends_a_caller_on_by_their_telephones_own_key() {
    let address = own_address();
    let server = server(&address.to_string());
    let anna = Agent::hire(&server, "anna");
    let mut outside = Baresip::outside(&server, "10010", address, Line::Tone(OUTSIDE_HZ));
    let (mut desk, mut caller) = with_anna(&server, &anna);
    desk.refer("10010");
    anna.await_state("wrap-up");
    std::thread::sleep(seconds(4));
    outside.hang_up();
    caller.await_closed(seconds(30));
    let calls = server.await_calls(1);
    assert_eq!(ways(&calls[0]), ["sent", "answered"], "{}", calls[0]);
    assert!(share_of_tone(&outside.heard(), CALLER_HZ) > 0.8);
}

#[test]
fn an_agent_asks_and_joins_by_their_telephones_own_keys() {
    let server = server("127.0.0.1:9");
    let (anna, bert) = (Agent::hire(&server, "anna"), Agent::hire(&server, "bert"));
    let mut other_desk = Baresip::agent(&server, bert.login, PASSWORD, Line::Tone(OUTSIDE_HZ));
    other_desk.await_registered();
    let (mut desk, mut caller) = with_anna(&server, &anna);
    assert_eq!(bert.goes("available").status, 200);
    bert.await_state("available");
    let first = desk.await_talk();
    // She asks, and has the caller again when her second call is over.
    let second = desk.asks("bert");
    bert.await_state("talking");
    std::thread::sleep(seconds(3));
    desk.turns_to(&second);
    desk.hang_up();
    bert.await_state("wrap-up");
    assert_eq!(anna.state(), "talking");
    desk.turns_to(&first);
    desk.resume();
    std::thread::sleep(seconds(3));
    assert_eq!(bert.goes("available").status, 200);
    bert.await_state("available");
    // She asks again, and he has the caller.
    let second = desk.asks("bert");
    bert.await_state("talking");
    std::thread::sleep(seconds(3));
    desk.turns_to(&first);
    desk.joins("bert", &second);
    anna.await_state("wrap-up");
    std::thread::sleep(seconds(4));
    assert_eq!(bert.state(), "talking");
    other_desk.hang_up();
    caller.await_closed(seconds(30));
    bert.await_state("wrap-up");
    let calls = server.await_calls(1);
    assert_eq!(calls.len(), 1, "what she asks by is no call of a customer's");
    assert_eq!(ways(&calls[0]), ["consulted", "back", "consulted", "completed"], "{}", calls[0]);
    let asked = other_desk.heard();
    let (of_anna, of_caller) = (share_of_tone(&asked, AGENT_HZ), share_of_tone(&asked, CALLER_HZ));
    assert!(of_anna > 0.15 && of_caller > 0.15, "{of_anna} {of_caller}");
    let at_caller = caller.heard();
    assert!(together(&at_caller, &[AGENT_HZ]) > 2.0, "she had the caller again");
    assert!(together(&at_caller, &[OUTSIDE_HZ]) > 2.0, "and he had them afterwards");
}

#[test]
fn a_caller_has_nobody_called_at_our_expense() {
    let server = server("127.0.0.1:9");
    let mut phone = Phone::call(&server, "10086", tickets::PHONE);
    server.await_step("choose", 1, seconds(40));
    assert_eq!(phone.refer(&format!("sip:10010@{}", server.sip())), Some(603));
    phone.hang_up();
    assert!(ways(&server.await_calls(1)[0]).is_empty());
}
