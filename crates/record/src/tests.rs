//! The record's promises, each against a database of its own: the same on SQLite and on PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::clock::ManualClock;
use hotline_model::verification::{AskedFactor, Factor, Limits, Refusal, Verdict, VerificationPolicy};
use hotline_model::{
    CallId, CallerNumber, EndReason, Ending, IdSource, Language, PhoneNumber, StepEvent, TicketInput,
    TicketState,
};

use super::*;
use crate::address::DatabaseAddress;

mod attachments;
mod bad;
mod campaigns;
mod consents;
mod customers;
mod faults;
mod floor;
mod house;
mod intake;
mod people;
mod queues;
mod rebates;
mod reviews;
mod shared_numbers;
mod spooled;
mod survey_pages;
mod surveys;
mod transfer;
mod upkeep;

use attachments::*;
use campaigns::{
    a_date_that_slips_moves_a_ticket_that_is_open,
    a_message_of_a_policy_is_planned_with_its_attempt_and_what_became_of_it_is_told,
    decisions_of_campaigns_stand_in_the_journal, what_is_stored_of_campaigns_is_what_a_restart_finds,
    who_wants_no_calls_is_known_and_attributes_are_told,
};
use consents::*;
use customers::*;
use floor::*;
use house::{House, execute};
use intake::*;
use people::*;
use queues::{
    a_caller_is_brought_to_whoever_knows_their_matter, telephones_are_those_of_accounts_that_may_sign_in,
    the_last_agent_of_a_caller_is_known, what_is_stored_of_queues_is_what_a_restart_finds,
};
use rebates::{
    a_bad_rebate_is_refused_alone_with_its_field,
    a_rebate_is_found_stands_on_the_line_and_goes_with_its_customer,
    a_rebate_is_sent_again_to_the_number_on_file_three_times_a_day,
    articles_are_written_once_changed_by_version_and_found,
    articles_fit_by_open_tickets_calls_that_go_on_and_what_was_given,
    the_same_rebate_twice_changes_nothing_and_an_older_change_is_not_taken,
};
use reviews::*;
use shared_numbers::*;
use survey_pages::*;
use surveys::*;
use upkeep::*;

fn ticket(reference: &str, phone: &str) -> TicketInput {
    TicketInput {
        external_ref: reference.into(),
        phone: phone.to_owned().into(),
        name: None,
        language: None,
        category: Some("data-charge".into()),
        outcome: None,
        state: TicketState::Closed,
        result: Some("您的退费25元7个工作日到账。".to_owned().into()),
        result_language: None,
        code: Some("407192865".to_owned().into()),
        changed_at: None,
    }
}

fn policy() -> VerificationPolicy {
    let asked = |factor, length| AskedFactor { factor, ask: None, length };
    VerificationPolicy {
        policy: "ticket-result".into(),
        about: String::new(),
        factors: vec![asked(Factor::Code, 9), asked(Factor::LastFour, 4)],
        limits: Limits::default(),
    }
}

impl House {
    pub async fn with_ticket(&self) -> Upserted {
        self.record.upsert_ticket(ticket("T-1", "13800138000"), Language::ZhCn).await.unwrap()
    }

    pub async fn call(&self, from: &str) -> CallId {
        let call: CallId = self.ids.next(self.clock.now());
        let caller = CallerNumber::parse(from);
        let known = self.record.recognise(&caller).await.unwrap();
        let new = NewCall {
            call,
            sip_call_id: "abc@example".into(),
            direction: CallDirection::In,
            caller,
            dialled: "10086".into(),
            trunk: "loopback".into(),
            plan: "complaint-result".into(),
            plan_version: "1".into(),
            ticket: None,
            parent: None,
            at: self.clock.now(),
        };
        self.record.begin_call(new, &known);
        call
    }

    async fn verify(&self, call: CallId, from: &str, code: &str, last_four: &str) -> VerifyOutcome {
        let given =
            [(Factor::Code, code.to_owned().into()), (Factor::LastFour, last_four.to_owned().into())].into();
        let attempt = VerifyAttempt { policy: policy(), given, call, caller: CallerNumber::parse(from) };
        self.record.verify(attempt).await.unwrap()
    }
}

async fn the_same_ticket_twice_changes_nothing(house: House) {
    let first = house.with_ticket().await;
    assert_eq!(first.change, Change::Created);
    let again = house.with_ticket().await;
    assert_eq!((again.change, again.ticket), (Change::Unchanged, first.ticket));
    assert_eq!(house.record.due_jobs(JobKind::RenderResult, 10).await.unwrap().len(), 1);
    assert_eq!(house.record.follow(0, 100).await.unwrap().len(), 1);
}

async fn a_result_that_changes_is_rendered_again_and_an_older_change_is_not_taken(house: House) {
    let mut input = ticket("T-1", "13800138000");
    input.changed_at = Some("2026-11-20T01:00:00Z".parse().unwrap());
    house.record.upsert_ticket(input.clone(), Language::ZhCn).await.unwrap();
    let mut newer = input.clone();
    newer.result = Some("退费30元。".to_owned().into());
    newer.changed_at = Some("2026-11-20T01:30:00Z".parse().unwrap());
    assert_eq!(house.record.upsert_ticket(newer, Language::ZhCn).await.unwrap().change, Change::Changed);
    assert_eq!(house.record.upsert_ticket(input, Language::ZhCn).await.unwrap().change, Change::Stale);
    let stored = house.record.find_ticket_by_ref("T-1").await.unwrap().unwrap();
    assert_eq!((stored.result.as_deref(), stored.result_version), (Some("退费30元。"), 2));
    assert_eq!(house.record.due_jobs(JobKind::RenderResult, 10).await.unwrap().len(), 2);
}

async fn bad_tickets_are_refused_with_the_field_and_the_remedy(house: House) {
    let refused = |change: fn(&mut TicketInput)| {
        let mut input = ticket("T-2", "13800138000");
        change(&mut input);
        let record = house.record.clone();
        async move { record.upsert_ticket(input, Language::ZhCn).await.unwrap_err().to_string() }
    };
    assert!(refused(|t| t.phone = "12".to_owned().into()).await.starts_with("phone: "));
    assert!(refused(|t| t.external_ref = " ".into()).await.starts_with("external-ref: "));
    assert!(refused(|t| t.code = Some("123456789".to_owned().into())).await.starts_with("code: "));
    let ahead = |t: &mut TicketInput| t.changed_at = Some("2026-11-20T02:06:00Z".parse().unwrap());
    assert!(refused(ahead).await.starts_with("changed-at: more than five minutes ahead"));
    assert!(refused(|t| t.result = None).await.starts_with("result: "));
    assert!(refused(|t| t.result = Some("😀😀".to_owned().into())).await.contains("nothing"));
    assert!(refused(|t| t.result = Some("退\u{1b}[31m费".to_owned().into())).await.contains("control"));
    assert!(refused(|t| t.name = Some("\u{202e}王".to_owned().into())).await.contains("control"));
    house.with_ticket().await;
    assert!(refused(|t| t.external_ref = "T-3".into()).await.starts_with("code: another ticket"));
    assert_eq!(house.record.follow(0, 100).await.unwrap().len(), 1, "nothing of a refused ticket is stored");
}

async fn two_tickets_of_one_number_belong_to_one_customer(house: House) {
    let first = house.with_ticket().await;
    let mut second = ticket("T-2", "+86 138 0013 8000");
    second.code = None;
    let second = house.record.upsert_ticket(second, Language::ZhCn).await.unwrap();
    assert_eq!(first.customer, second.customer);
    let view = house.record.find_customer(first.customer, 10).await.unwrap().unwrap();
    assert_eq!((view.tickets.len(), view.identities.len()), (2, 1));
}

async fn the_right_answers_pass_and_the_call_stands_on_the_customers_record(house: House) {
    let stored = house.with_ticket().await;
    // Called from somebody else's telephone.
    let call = house.call("13900139000").await;
    let outcome = house.verify(call, "13900139000", "407192865", "8000").await;
    assert_eq!(outcome.verdict, Verdict::Passed);
    let (ticket, customer, fields) = outcome.passed.unwrap();
    assert_eq!((ticket, customer), (stored.ticket, stored.customer));
    assert_eq!(fields["result"].plain(), "您的退费25元7个工作日到账。");
    let step =
        CallStep { number: 1, at: house.clock.now(), event: StepEvent::entered("complaint-result", "hear") };
    house.record.store_steps(call, Some(customer), std::slice::from_ref(&step));
    house.record.store_steps(call, Some(customer), std::slice::from_ref(&step));
    house.record.save_call(
        call,
        CallSave { outcome: Some("contained".into()), heard_ticket: Some(ticket), ..CallSave::default() },
    );
    let reason = EndReason::new(Ending::Success, "hung-up");
    house.record.end_call(call, CallEnd { reason, at: house.clock.now() });
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let view = house.record.find_customer(customer, 10).await.unwrap().unwrap();
    let [contact] = view.contacts.as_slice() else { panic!("one call") };
    assert_eq!(contact.outcome.as_deref(), Some("contained"));
    assert_eq!(contact.known_by.as_deref(), Some("verified"));
    assert_eq!(contact.ending.as_deref(), Some("success/hung-up"));
    let types: Vec<_> = contact.path.iter().map(|event| event.type_name.as_str()).collect();
    assert_eq!(types, ["customer.verified", "call.entered"], "the step stored twice stands there once");
    assert!(view.tickets[0].heard_at.is_some());
}

async fn wrong_attempts_are_counted_across_calls(house: House) {
    house.with_ticket().await;
    let refused = |refusal| Verdict::Refused(refusal);
    let from = "13900139000";
    for _ in 0..3 {
        let call = house.call(from).await;
        for _ in 0..3 {
            assert_eq!(
                house.verify(call, from, "123456784", "8000").await.verdict,
                refused(Refusal::UnknownCode)
            );
        }
        let locked = house.verify(call, from, "407192865", "8000").await.verdict;
        assert_eq!(locked, refused(Refusal::CallLimit), "the fourth in a call learns nothing");
    }
    let call = house.call(from).await;
    assert_eq!(house.verify(call, from, "407192865", "8000").await.verdict, refused(Refusal::CallerLimit));
    // A slip of the finger is not counted, a day later everything is forgotten.
    house.clock.advance(Duration::from_secs(24 * 3600 + 1));
    let call = house.call(from).await;
    assert_eq!(house.verify(call, from, "407192866", "8000").await.verdict, refused(Refusal::Slip));
    assert_eq!(house.verify(call, from, "407192865", "8000").await.verdict, Verdict::Passed);
}

async fn wrong_second_factors_lock_the_ticket_whoever_calls(house: House) {
    house.with_ticket().await;
    for caller in 0..5 {
        let from = format!("1390013900{caller}");
        let call = house.call(&from).await;
        let verdict = house.verify(call, &from, "407192865", "0000").await.verdict;
        assert_eq!(verdict, Verdict::Refused(Refusal::WrongFactor));
    }
    let call = house.call("13700137000").await;
    let verdict = house.verify(call, "13700137000", "407192865", "8000").await.verdict;
    assert_eq!(verdict, Verdict::Refused(Refusal::TicketLimit));
}

async fn withheld_numbers_share_their_attempts(house: House) {
    house.with_ticket().await;
    for _ in 0..3 {
        let call = house.call("anonymous").await;
        for _ in 0..3 {
            house.verify(call, "anonymous", "123456784", "8000").await;
        }
    }
    let call = house.call("anonymous").await;
    let verdict = house.verify(call, "anonymous", "407192865", "8000").await.verdict;
    assert_eq!(verdict, Verdict::Refused(Refusal::WithheldLimit));
    let call = house.call("13900139000").await;
    assert_eq!(house.verify(call, "13900139000", "407192865", "8000").await.verdict, Verdict::Passed);
}

async fn an_expired_code_is_refused_and_an_open_ticket_is_pending(house: House) {
    let mut open = ticket("T-1", "13800138000");
    open.state = TicketState::Open;
    open.result = None;
    house.record.upsert_ticket(open, Language::ZhCn).await.unwrap();
    let call = house.call("13800138000").await;
    let outcome = house.verify(call, "13800138000", "407192865", "8000").await;
    assert!(outcome.verdict == Verdict::Pending && outcome.passed.is_none());
    house.clock.advance(Duration::from_secs(31 * 24 * 3600));
    let call = house.call("13800138000").await;
    let outcome = house.verify(call, "13800138000", "407192865", "8000").await;
    assert_eq!(outcome.verdict, Verdict::Refused(Refusal::ExpiredCode));
}

async fn a_message_is_claimed_once_and_a_failed_one_becomes_a_follow_up(house: House) {
    let stored = house.with_ticket().await;
    let job = house.record.due_jobs(JobKind::RenderResult, 1).await.unwrap().remove(0);
    house.record.finish_render(&job).await.unwrap();
    let job = house.record.due_jobs(JobKind::AnnounceResult, 1).await.unwrap().remove(0);
    let message = NewMessage {
        idempotency_key: job.key.clone(),
        customer: stored.customer,
        ticket: Some(stored.ticket),
        recipient: PhoneNumber::parse("13800138000").unwrap(),
        text: "请拨打10086".to_owned().into(),
        due_at: "2026-11-20T03:00:00Z".parse().unwrap(),
        urgent: false,
        attempt: None,
        until: None,
    };
    house.record.plan_message(&job, message.clone()).await.unwrap();
    house.record.plan_message(&job, message).await.unwrap();
    assert!(house.record.claim_messages(10, false).await.unwrap().is_empty(), "not before its time");
    assert!(!house.record.has_due_messages(false).await.unwrap());
    house.clock.advance(Duration::from_secs(3600));
    assert!(house.record.has_due_messages(false).await.unwrap());
    assert!(!house.record.has_due_messages(true).await.unwrap(), "nobody has just asked for it");
    let claimed = house.record.claim_messages(10, false).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert!(house.record.claim_messages(10, false).await.unwrap().is_empty());
    assert_eq!(house.record.unsettled_messages().await.unwrap().len(), 1);
    let failed = SendOutcome::Undeliverable("switched off".into());
    house.record.settle_message(&claimed[0], SendOutcome::Sent(Some("gw-1".into()))).await.unwrap();
    house.record.settle_message(&claimed[0], failed.clone()).await.unwrap();
    house.record.settle_message(&claimed[0], failed).await.unwrap();
    let view = house.record.find_customer(stored.customer, 1).await.unwrap().unwrap();
    assert_eq!(view.messages[0].state, MessageState::Failed);
    assert_eq!(view.follow_ups.len(), 1);
    assert!(house.record.find_message("gw-1").await.unwrap().is_some());
}

async fn calls_that_a_crash_cut_off_are_ended_once(house: House) {
    let call = house.call("13800138000").await;
    assert!(house.record.flush(Duration::from_secs(5)).await);
    house.clock.advance(Duration::from_secs(60));
    let running = house.call("13800138000").await;
    let started = "2026-11-20T02:00:30Z".parse().unwrap();
    assert_eq!(house.record.end_orphans(started).await.unwrap(), 1);
    assert_eq!(house.record.end_orphans(started).await.unwrap(), 0);
    let ended = house.record.find_contact(&call.to_string()).await.unwrap().unwrap();
    assert_eq!(ended.ending.as_deref(), Some("us/crashed"));
    assert!(house.record.find_contact(&running.to_string()).await.unwrap().unwrap().ended_at.is_none());
}

async fn audio_is_stored_and_found_by_its_key(house: House) {
    let audio = StoredAudio { samples: vec![0, 1, -1, i16::MAX, i16::MIN], rate_hz: 24_000 };
    assert_eq!(house.record.find_audio("k").await.unwrap(), None);
    house.record.store_audio(AudioKey { key: "k", text_key: "t", voice: "zf" }, &audio).await.unwrap();
    assert!(house.record.has_audio("k").await.unwrap());
    assert_eq!(house.record.find_audio("k").await.unwrap(), Some(audio));
}

async fn audio_is_bounded_and_what_was_used_longest_ago_goes_first(house: House) {
    let store = async |key: &str, text_key: &str| {
        let audio = StoredAudio { samples: vec![7; 500], rate_hz: 8_000 };
        house.record.store_audio(AudioKey { key, text_key, voice: "zf" }, &audio).await.unwrap();
        house.clock.advance(Duration::from_secs(7_200));
    };
    for key in ["a", "b", "c", "d"] {
        store(key, "t").await;
    }
    // Two hours later somebody listens to the oldest.
    assert!(house.record.find_audio("a").await.unwrap().is_some());
    assert_eq!(house.record.prune_audio(4_000).await.unwrap(), 0);
    assert_eq!(house.record.prune_audio(2_999).await.unwrap(), 2);
    for (key, there) in [("a", true), ("b", false), ("c", false), ("d", true)] {
        assert_eq!(house.record.has_audio(key).await.unwrap(), there, "{key}");
    }
    assert_eq!(house.record.prune_audio(0).await.unwrap(), 2);
}

async fn what_an_erased_customer_was_told_is_not_kept(house: House) {
    let audio = StoredAudio { samples: vec![7; 500], rate_hz: 8_000 };
    for (key, text_key, voice) in
        [("a", "told", "zf"), ("b", "told", "zm"), ("c", "other", "zf"), ("d", "", "zf")]
    {
        house.record.store_audio(AudioKey { key, text_key, voice }, &audio).await.unwrap();
    }
    let told = ["told".to_owned(), "never".to_owned(), String::new()];
    assert_eq!(house.record.forget_audio(&told).await.unwrap(), 2);
    assert_eq!(house.record.find_audio("a").await.unwrap(), None);
    assert_eq!(house.record.find_audio("c").await.unwrap(), Some(audio));
    assert!(house.record.has_audio("d").await.unwrap());
}

async fn a_code_is_sent_again_three_times_a_day_and_only_to_the_number_on_file(house: House) {
    house.with_ticket().await;
    for _ in 0..5 {
        let call = house.call("13800138000").await;
        house.record.request_resend(call, &CallerNumber::parse("13800138000"));
        let call = house.call("13900139000").await;
        house.record.request_resend(call, &CallerNumber::parse("13900139000"));
    }
    assert!(house.record.flush(Duration::from_secs(5)).await);
    assert_eq!(house.record.due_jobs(JobKind::ResendCode, 10).await.unwrap().len(), 3);
}

async fn one_piece_that_is_refused_leaves_the_others(house: House) {
    let known = OpenedCall { customer: Some(house.ids.next(house.clock.now())), ..OpenedCall::default() };
    let step = |number| CallStep { number, at: house.clock.now(), event: StepEvent::entered("p", "s") };
    let good = house.call("13800138000").await;
    house.record.store_steps(good, None, &[step(1)]);
    let call: CallId = house.ids.next(house.clock.now());
    let refused = NewCall {
        call,
        sip_call_id: "x".repeat(9000),
        direction: CallDirection::In,
        caller: CallerNumber::Withheld,
        dialled: "10\u{0}086".into(),
        trunk: "loopback".into(),
        plan: "p".into(),
        plan_version: "1".into(),
        ticket: None,
        parent: None,
        at: house.clock.now(),
    };
    // A customer who is not there: a rule of the tables forbids it.
    house.record.begin_call(refused.clone(), &known);
    house.record.store_steps(good, None, &[step(2)]);
    let other = house.with_ticket();
    assert_eq!(other.await.change, Change::Created);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    assert!(house.record.is_available());
    assert_eq!(house.record.events_of(&good.to_string()).await.unwrap().len(), 2);
    assert!(house.record.find_contact(&call.to_string()).await.unwrap().is_none());
    // What no index and no text of PostgreSQL takes is made fit.
    house.record.begin_call(refused, &OpenedCall::default());
    let note = Some("a\u{0}b".to_owned());
    house.record.save_call(call, CallSave { note, ..CallSave::default() });
    assert!(house.record.flush(Duration::from_secs(5)).await);
    assert!(house.record.find_contact(&call.to_string()).await.unwrap().is_some());
}

async fn a_job_is_taken_once_until_its_time_is_over(house: House) {
    house.with_ticket().await;
    let hold = Duration::from_secs(600);
    let taken = house.record.claim_jobs(JobKind::RenderResult, 10, hold).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert!(house.record.claim_jobs(JobKind::RenderResult, 10, hold).await.unwrap().is_empty());
    // A postponed job is nobody's, and is not given back before its time.
    let later = house.clock.now() + Duration::from_secs(60);
    house.record.postpone_job(&taken[0], Some(later), "not yet").await.unwrap();
    assert_eq!(house.record.release_jobs().await.unwrap(), 0);
    assert!(house.record.claim_jobs(JobKind::RenderResult, 10, hold).await.unwrap().is_empty());
    house.clock.advance(Duration::from_secs(61));
    let again = house.record.claim_jobs(JobKind::RenderResult, 10, hold).await.unwrap();
    assert_eq!((again.len(), again[0].attempts), (1, 1));
    house.clock.advance(hold + Duration::from_secs(1));
    let again = house.record.claim_jobs(JobKind::RenderResult, 10, hold).await.unwrap();
    assert_eq!(again.len(), 1, "who took it never came back");
    house.record.finish_job(&again[0]).await.unwrap();
    assert_eq!(house.record.release_jobs().await.unwrap(), 0);
    assert!(house.record.next_job_at().await.unwrap().is_none());
}

async fn a_plan_a_look_and_a_wake_up(house: House) {
    let mut wake = house.record.wake_ups();
    wake.borrow_and_update();
    house.record.store_plan("main", "1", "plan: main").await.unwrap();
    house.record.store_plan("main", "1", "plan: main").await.unwrap();
    assert!(wake.has_changed().unwrap());
    let customer = house.with_ticket().await.customer;
    house.record.log_access("tests", customer, "customer").await.unwrap();
    assert_eq!(house.record.last_contacts(5).await.unwrap().len(), 0);
}

/// Each of these on both engines.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::House::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::House::postgres().await).await;
            })*
        }
    };
}

on_both!(
    what_a_plan_sends_goes_to_the_number_that_calls_and_is_answered_to_somebody,
    a_file_is_on_the_record_once_and_goes_with_its_customer,
    a_link_brings_ten_files_in_48_hours_and_its_token_is_nowhere,
    a_link_goes_to_the_number_on_file_alone,
    talks_to_be_heard_are_drawn_by_lot_and_each_once,
    a_review_is_shared_once_and_answered_once,
    tickets_of_a_number_that_two_have_go_to_one_customer_and_all_refuse,
    a_merge_loses_no_refusal_and_neither_does_its_end,
    an_agent_says_whose_a_call_is_that_two_might_have_made,
    a_ticket_that_an_agent_makes_is_that_customers_whoever_else_has_the_number,
    who_was_verified_is_not_taken_for_somebody_else,
    a_new_caller_is_a_customer_whose_number_is_seen_and_not_verified,
    words_about_a_caller_whom_nobody_knows_are_on_a_record,
    a_message_is_taken_in_once_and_what_came_of_it_is_told_again,
    a_consent_is_added_with_its_proof_and_never_changed,
    what_proves_a_consent_is_the_customers_own,
    who_wants_no_calls_has_said_so_somewhere,
    the_same_rebate_twice_changes_nothing_and_an_older_change_is_not_taken,
    a_bad_rebate_is_refused_alone_with_its_field,
    a_rebate_is_sent_again_to_the_number_on_file_three_times_a_day,
    a_rebate_is_found_stands_on_the_line_and_goes_with_its_customer,
    articles_are_written_once_changed_by_version_and_found,
    articles_fit_by_open_tickets_calls_that_go_on_and_what_was_given,
    a_page_keeps_each_answer_once_and_counts_as_its_attempt,
    a_page_that_is_over_takes_nothing,
    what_was_written_goes_with_its_customer_and_its_age,
    what_came_of_the_calls_is_counted_once_for_each_customer,
    words_are_found_and_go_with_their_customer,
    one_server_at_a_time_calls_the_customers,
    whoever_keeps_a_promise_is_reminded_until_it_is_done,
    a_promise_is_given_to_whoever_knows_the_matter,
    why_they_are_not_content_is_kept_beside_what_they_answered,
    the_same_ticket_twice_changes_nothing,
    a_result_that_changes_is_rendered_again_and_an_older_change_is_not_taken,
    bad_tickets_are_refused_with_the_field_and_the_remedy,
    two_tickets_of_one_number_belong_to_one_customer,
    the_right_answers_pass_and_the_call_stands_on_the_customers_record,
    wrong_attempts_are_counted_across_calls,
    wrong_second_factors_lock_the_ticket_whoever_calls,
    withheld_numbers_share_their_attempts,
    an_expired_code_is_refused_and_an_open_ticket_is_pending,
    a_message_is_claimed_once_and_a_failed_one_becomes_a_follow_up,
    calls_that_a_crash_cut_off_are_ended_once,
    audio_is_stored_and_found_by_its_key,
    audio_is_bounded_and_what_was_used_longest_ago_goes_first,
    what_an_erased_customer_was_told_is_not_kept,
    a_code_is_sent_again_three_times_a_day_and_only_to_the_number_on_file,
    one_piece_that_is_refused_leaves_the_others,
    a_job_is_taken_once_until_its_time_is_over,
    a_plan_a_look_and_a_wake_up,
    five_wrong_tries_lock_a_login_whether_or_not_it_exists,
    tries_at_the_same_moment_are_all_counted,
    a_session_ends_with_its_time_its_account_or_its_password,
    a_bad_account_is_refused_with_the_field,
    an_agent_cannot_leave_a_caller_by_going_on_a_break,
    a_merge_of_the_wrong_two_is_undone_and_old_ids_resolve_throughout,
    a_number_with_five_customers_is_a_ranked_choice_and_names_nobody,
    names_tickets_notes_and_numbers_are_found,
    the_time_line_has_every_channel_in_one_order_page_by_page,
    two_agents_who_click_at_once_are_told_who_was_faster,
    a_follow_up_is_taken_by_one_and_done_once,
    a_customer_erased_during_a_call_leaves_counts_and_nothing_else,
    what_is_stored_of_campaigns_is_what_a_restart_finds,
    decisions_of_campaigns_stand_in_the_journal,
    a_date_that_slips_moves_a_ticket_that_is_open,
    a_message_of_a_policy_is_planned_with_its_attempt_and_what_became_of_it_is_told,
    who_wants_no_calls_is_known_and_attributes_are_told,
    what_is_stored_of_queues_is_what_a_restart_finds,
    telephones_are_those_of_accounts_that_may_sign_in,
    the_last_agent_of_a_caller_is_known,
    a_caller_is_brought_to_whoever_knows_their_matter,
    a_result_that_cannot_be_published_leaves_the_ticket_as_it_was,
    deliveries_are_planned_claimed_and_settled_once,
    what_is_older_than_its_period_is_counted_and_deleted,
    the_floor_tells_places_waits_and_how_the_day_went,
    a_text_message_goes_to_whoever_calls_and_not_too_often,
    each_talk_with_an_agent_is_an_interaction_below_its_call,
    what_an_agent_writes_down_is_kept_once_and_goes_with_the_customer,
    who_goes_to_the_sign_in_service_comes_back_once_and_in_time,
    whom_the_sign_in_service_vouches_for_has_one_account_with_its_roles,
    a_customer_of_the_firms_own_system_is_stored_once_and_what_is_late_is_not_taken,
    whom_a_ticket_made_is_taken_for_the_firms_own_and_nobody_else_is,
    who_was_erased_or_merged_here_stays_so_whatever_the_firms_own_system_says,
    a_file_is_taken_in_row_by_row_and_one_that_was_cut_short_once_more,
);
