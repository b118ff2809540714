//! What the interpreter asks for, done.

use std::time::{Duration, Instant};

use hotline_bus::DialNews;
use hotline_dialplan::session::Query;
use hotline_dialplan::{Answer, Command, OpId, Session};
use hotline_model::{Pii, StepEvent, Value};
use hotline_record::{CallSave, CallStep, NewAnswer, NewFollowUp, Texted};

use super::{Call, Note};
use crate::doors::{self, Brought};
use crate::ending;

impl Call {
    /// Does what the interpreter asks for.
    pub(super) fn drain(&mut self) {
        let mut steps = Vec::new();
        while let Some(command) = self.session.as_mut().and_then(Session::poll_command) {
            match command {
                Command::Note(event) => steps.push(self.step(event)),
                Command::Play { op, utterances, pace } => {
                    self.player.play(Instant::now(), op, utterances, pace);
                }
                Command::StopPlaying { op } => self.player.stop(op),
                Command::Music { op, name } => self.player.music(op, &name),
                Command::Enqueue { op, queue, priority, skills, last_agent, reason } => {
                    // Whoever is rung sees it.
                    if reason.is_some() {
                        self.house.record.save_call(self.id, CallSave { reason, ..CallSave::default() });
                    }
                    self.side.tell(DialNews::Escalated);
                    self.enqueue(op, queue, priority, &skills, last_agent);
                }
                Command::LeaveQueue { op } => self.leave_queue(op),
                Command::Transfer { op, to, ring } => self.put_through(op, to.expose(), ring),
                Command::Lookup { op, query, within } => self.look_up(op, query, within),
                Command::Verify { op, policy, given, .. } => self.verify(op, &policy, given),
                Command::KeepAnswer { op, question, answer, content, .. } => {
                    self.keep_answer(op, question, answer, content);
                }
                Command::RecordWords { op, step, name, longest, silence } => {
                    self.record_words(op, step, name, longest, silence);
                }
                Command::EndWords { op } => self.end_words(op),
                Command::CallBack { op, number } => self.ask_to_be_called(op, number),
                Command::Save { save, .. } => self.save(save),
                Command::Message { template, .. } if template == "rebate-again" => {
                    let rebate = self.rebate.filter(|_| self.ticket.is_some());
                    self.house.record.request_rebate_resend(self.id, &self.side.caller, rebate);
                }
                Command::Message { .. } => self.house.record.request_resend(self.id, &self.side.caller),
                Command::Text { op, step, text, .. } => self.text_caller(op, step, text),
                Command::StartRecording => self.want_recording(),
                Command::Answer => self.answer(),
                Command::Mask(muted) => self.mute_recording(muted),
                Command::SetLanguage(language) => {
                    self.language = language;
                    self.house
                        .record
                        .save_call(self.id, CallSave { language: Some(language), ..CallSave::default() });
                }
                Command::Hangup { outcome } => {
                    self.outcome = Some(outcome.word());
                    let save = CallSave { outcome: Some(outcome.word().into()), ..CallSave::default() };
                    self.house.record.save_call(self.id, save);
                    let failed = outcome == hotline_dialplan::Outcome::Failed;
                    self.hang_up(if failed { ending::FAILED } else { ending::COMPLETED });
                }
            }
        }
        if !steps.is_empty() {
            self.house.record.store_steps(self.id, self.customer, &steps);
        }
    }

    pub(super) fn step(&mut self, event: StepEvent) -> CallStep {
        self.steps += 1;
        CallStep { number: self.steps, at: self.house.clock.now(), event }
    }

    /// Notes a step that is the shell's own, and tells the record at once.
    pub(super) fn note_step(&mut self, event: StepEvent) {
        let step = self.step(event);
        self.house.record.store_steps(self.id, self.customer, &[step]);
    }

    pub(super) fn bring(&self, op: OpId, asked: impl Future<Output = Brought> + Send + 'static) {
        let mailbox = self.mailbox.clone();
        tokio::spawn(async move {
            let _ = mailbox.send(Note::Brought(op, asked.await));
        });
    }

    fn look_up(&self, op: OpId, query: Query, within: Duration) {
        let record = self.house.record.clone();
        match query {
            Query::Customer => self.bring(op, doors::customer(record, self.side.caller.clone())),
            Query::Ticket => self.bring(op, doors::ticket(record, self.ticket)),
            Query::Rebates { skip } => {
                // Known by a number is not verified.
                let customer = self.customer.filter(|_| self.ticket.is_some());
                self.bring(op, doors::rebates(record, customer, skip, self.zone()));
            }
            Query::Http { url, with, fields } => {
                let door = self.house.http.clone();
                let with: Vec<(String, String)> =
                    with.iter().map(|(name, value)| (name.clone(), Value::plain(value))).collect();
                self.bring(op, async move { door.ask(url, with, fields, within).await });
            }
        }
    }

    fn verify(&self, op: OpId, policy: &str, given: hotline_model::verification::Given) {
        // The checker has seen to it that the policy is there.
        let Some(policy) = self.answering.plans.find_policy(policy).cloned() else { return };
        let (record, caller) = (self.house.record.clone(), self.side.caller.clone());
        self.bring(op, doors::verify(record, policy, given, self.id, caller));
    }

    /// Keeps an answer; the plan goes on when it is committed.
    fn keep_answer(&self, op: OpId, question: String, answer: String, content: Option<bool>) {
        let plan = self.session.as_ref().map(|session| session.position().0.to_owned()).unwrap_or_default();
        let version = self.answering.plans.find_plan(&plan).map(|plan| plan.version.clone());
        let answer = NewAnswer {
            call: self.id,
            question,
            answer,
            content,
            plan,
            plan_version: version.unwrap_or_default(),
            policy: self.side.dial().map(|dial| dial.policy.clone()).filter(|policy| !policy.is_empty()),
            ticket: self.ticket.or(self.about),
            customer: self.customer,
        };
        let (record, call) = (self.house.record.clone(), self.id);
        self.bring(op, async move {
            Brought::from(match record.store_answer(answer).await {
                Ok(()) => Answer::Stored,
                Err(error) => {
                    tracing::error!(call.id = %call, %error, "an answer cannot be kept");
                    Answer::Failed
                }
            })
        });
    }

    /// The caller asked for a text message, which goes to the number that calls.
    fn text_caller(&self, op: OpId, step: String, text: Pii<String>) {
        if !self.side.caller.phone().is_some_and(hotline_campaign::takes_messages) {
            self.bring(op, std::future::ready(Brought::from(Answer::Empty)));
            return;
        }
        let (record, call) = (self.house.record.clone(), self.id);
        self.bring(op, async move {
            Brought::from(match record.text_asked_for(call, &step, text).await {
                Ok(Texted::Planned) => Answer::Stored,
                Ok(Texted::Unknown | Texted::NoNumber | Texted::TooOften) => Answer::Empty,
                Err(error) => {
                    tracing::error!(call.id = %call, %error, "a text message that a caller asked for cannot be kept");
                    Answer::Failed
                }
            })
        });
    }

    /// The customer wants no more calls.
    fn opt_out(&mut self) {
        self.opted_out = true;
        let Some(customer) = self.customer else { return };
        let (record, call) = (self.house.record.clone(), self.id);
        tokio::spawn(async move {
            if let Err(error) = record.opt_out(customer, call).await {
                tracing::error!(call.id = %call, %error, "that a customer wants no calls is not on the record");
            }
        });
    }

    fn save(&mut self, save: hotline_dialplan::plan::Save) {
        if let Some(outcome) = save.outcome {
            self.outcome = Some(outcome.word());
            self.outcome_is_good = outcome == hotline_dialplan::Outcome::Contained;
        }
        if save.do_not_call {
            self.opt_out();
        }
        if let Some(follow_up) = save.follow_up {
            self.house.record.store_follow_up(NewFollowUp {
                customer: self.customer,
                interaction: Some(self.id),
                ticket: self.ticket.or(self.about),
                phone: self.side.caller.phone().cloned(),
                reason: follow_up.reason,
                note: follow_up.note.map(Into::into),
                due_in: follow_up.within,
            });
        }
        self.house.record.save_call(
            self.id,
            CallSave {
                outcome: save.outcome.map(|outcome| outcome.word().to_owned()),
                reason: save.reason,
                note: save.note,
                tags: save.tags,
                language: None,
                recording: None,
                heard_ticket: self.ticket.filter(|_| self.outcome_is_good),
            },
        );
    }
}
