//! What is said, and what is still to be said.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use hotline_model::{Language, Segment, Slot, StepEvent, Utterance, Value};

use super::{Command, OpId, Session};
use crate::check::KEYED;
use crate::expression;
use crate::plan::{FollowUp, Outcome, Pace, Piece, Prompt, PromptId, Save};

/// A play that has not been reported done after this time, and a little for each character, is
/// lost.
const PLAY_LIMIT: Duration = Duration::from_secs(30);
const PLAY_LIMIT_PER_CHARACTER: Duration = Duration::from_millis(600);

/// Why a human sees to a caller who was not told what they called for.
const NOT_SAID: &str = "not-said";
/// By then.
const NOT_SAID_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// Something to be said.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub utterance: Utterance,
    pub pace: Pace,
    /// Whether `repeat` says it again.
    pub repeats: bool,
    /// Whether the call is recorded from its end on.
    pub then_record: bool,
}

#[derive(Debug)]
struct Playing {
    op: OpId,
    deadline: Duration,
    barge_in: bool,
    prompts: Vec<String>,
    /// Those of them that tell the caller something of their own: with values in them.
    telling: Vec<String>,
    then_record: bool,
}

/// What is being said and what comes after it.
#[derive(Debug, Default)]
pub(super) struct Voice {
    queue: VecDeque<Item>,
    playing: Option<Playing>,
    /// What was said since the caller answered last.
    said: Vec<Item>,
    /// Prompts with values that were not said, and not since.
    unsaid: BTreeSet<String>,
}

impl Voice {
    pub fn is_busy(&self) -> bool {
        self.playing.is_some()
    }

    pub fn is_playing(&self, op: OpId) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.op == op)
    }

    pub fn deadline(&self) -> Option<Duration> {
        self.playing.as_ref().map(|playing| playing.deadline)
    }

    /// Forgets what was to be said.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// The caller answered: `repeat` begins anew.
    pub fn answered(&mut self) {
        self.said.clear();
    }

    pub fn said(&self) -> Vec<Item> {
        self.said.clone()
    }
}

/// How a prompt is queued.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub pace: Pace,
    /// A question follows, so that keys may stop or skip it.
    pub skippable: bool,
    pub repeats: bool,
}

impl Session {
    /// Queues prompts of the plan that runs.
    pub(super) fn say(&mut self, prompts: &[PromptId], manner: Manner) {
        let plan = std::sync::Arc::clone(&self.frame().plan);
        for prompt in prompts.iter().filter_map(|id| plan.prompt(*id)) {
            let Some(mut utterance) = self.fill(prompt) else { continue };
            self.note_place(prompt);
            utterance.barge_in &= manner.skippable;
            if self.speaks_other_language(&utterance)
                && let Some(mut bridge) =
                    plan.bridge.and_then(|id| plan.prompt(id)).and_then(|p| self.fill(p))
            {
                bridge.barge_in &= manner.skippable;
                self.queue(bridge, manner, false);
            }
            self.queue(utterance, manner, false);
        }
    }

    fn queue(&mut self, utterance: Utterance, manner: Manner, then_record: bool) {
        let Manner { pace, repeats, .. } = manner;
        self.voice.queue.push_back(Item { utterance, pace, repeats, then_record });
    }

    /// Queues what was said before once more.
    pub(super) fn say_again(&mut self, items: Vec<Item>, pace: Pace) {
        self.voice.queue.extend(items.into_iter().map(|item| Item { pace, repeats: false, ..item }));
    }

    pub(super) fn announce(&mut self, text: String) {
        let utterance = Utterance {
            prompt: "announcement".into(),
            language: self.language,
            barge_in: true,
            segments: vec![Segment::Words { part: None, text }],
        };
        self.queue(utterance, Manner { pace: Pace::Normal, skippable: true, repeats: true }, false);
    }

    /// Says to its end that the call is recorded, if this plan records and no notice was heard.
    pub(super) fn say_recording_notice(&mut self) {
        let plan = std::sync::Arc::clone(&self.frame().plan);
        if self.recording {
            return;
        }
        if let Some(mut notice) =
            plan.recording_notice.and_then(|id| plan.prompt(id)).and_then(|p| self.fill(p))
        {
            self.recording = true;
            notice.barge_in = false;
            self.queue(notice, Manner { pace: Pace::Normal, skippable: false, repeats: false }, true);
        }
    }

    pub(super) fn apologise(&mut self) {
        let plan = std::sync::Arc::clone(&self.frame().plan);
        let apology = plan.apology.or_else(|| self.frames[0].plan.apology.filter(|_| self.frames.len() == 1));
        self.say(apology.as_slice(), Manner { pace: Pace::Normal, skippable: false, repeats: false });
    }

    /// A prompt with its values filled in; `None` if nothing is left to say.
    pub(super) fn fill(&mut self, prompt: &Prompt) -> Option<Utterance> {
        let pieces = prompt.texts.get(&self.language).or_else(|| prompt.texts.values().next())?;
        let needs_values = pieces.iter().any(|piece| matches!(piece, Piece::Value { .. }));
        let variables = if needs_values { self.variables() } else { Default::default() };
        let mut segments = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Words { part, text } => {
                    segments.push(Segment::Words { part: *part, text: text.clone() })
                }
                Piece::Value { path, slot } => {
                    match expression::find(&variables, &path.variable, path.field.as_deref()) {
                        Some(value) => {
                            segments.push(Segment::Value { slot: slot.clone(), value: value.clone() })
                        }
                        None => {
                            let step = self.position().1.to_owned();
                            self.note(StepEvent::Trouble { step, code: "value-missing".into() });
                        }
                    }
                }
            }
        }
        let language = self.language;
        (!segments.is_empty()).then(|| Utterance {
            prompt: prompt.name.clone(),
            language,
            barge_in: prompt.barge_in,
            segments,
        })
    }

    fn speaks_other_language(&self, utterance: &Utterance) -> bool {
        utterance.segments.iter().any(|segment| match segment {
            Segment::Value { slot: Slot::Text, value: Value::Text { text, language } } => {
                language.unwrap_or_else(|| Language::of_text(text)) != self.language
            }
            _ => false,
        })
    }

    /// Starts to say what is queued, if nothing is being said.
    pub(super) fn speak(&mut self) {
        if self.voice.is_busy() {
            return;
        }
        while self.voice.queue.front().is_some_and(|item| item.utterance.barge_in)
            && !self.type_ahead.is_empty()
        {
            // A caller who knows the way keys ahead; the prompt can still be asked for again.
            if let Some(skipped) = self.voice.queue.pop_front().filter(|item| item.repeats) {
                self.voice.said.push(skipped);
            }
        }
        let Some(first) = self.voice.queue.front() else { return };
        let (barge_in, pace) = (first.utterance.barge_in, first.pace);
        let mut together = Vec::new();
        let mut then_record = false;
        while let Some(item) = self.voice.queue.front()
            && item.utterance.barge_in == barge_in
            && item.pace == pace
            && !then_record
        {
            then_record = item.then_record;
            together.extend(self.voice.queue.pop_front());
        }
        let characters: usize = together.iter().map(|item| length(&item.utterance)).sum();
        let limit =
            PLAY_LIMIT + PLAY_LIMIT_PER_CHARACTER * u32::try_from(characters).unwrap_or(u32::MAX).min(10_000);
        let op = self.op();
        let name = |item: &Item| item.utterance.prompt.clone();
        let tells = |item: &&Item| {
            item.utterance.segments.iter().any(|segment| matches!(segment, Segment::Value { .. }))
        };
        let prompts = together.iter().map(name).collect();
        let telling = together.iter().filter(tells).map(name).collect();
        let deadline = self.now + limit;
        self.voice.playing = Some(Playing { op, deadline, barge_in, prompts, telling, then_record });
        self.voice.said.extend(together.iter().filter(|item| item.repeats).cloned());
        let utterances = together.into_iter().map(|item| item.utterance).collect();
        self.commands.push_back(Command::Play { op, utterances, pace });
    }

    /// A key stops what is being said, and what would come after it, where that may be stopped.
    pub(super) fn barge_in(&mut self) {
        let Some(op) =
            self.voice.playing.as_ref().filter(|playing| playing.barge_in).map(|playing| playing.op)
        else {
            return;
        };
        self.commands.push_back(Command::StopPlaying { op });
        self.play_ended(false);
    }

    /// Stops what is being said, be it meant to be heard to its end.
    pub(super) fn stop_playing(&mut self) {
        if let Some(op) = self.voice.playing.as_ref().map(|playing| playing.op) {
            self.commands.push_back(Command::StopPlaying { op });
            self.play_ended(false);
        }
    }

    /// The play ended by itself or was stopped.
    pub(super) fn play_ended(&mut self, whole: bool) {
        let Some(playing) = self.voice.playing.take() else { return };
        if whole {
            self.voice.unsaid.retain(|prompt| !playing.telling.contains(prompt));
        }
        for prompt in playing.prompts {
            self.note(StepEvent::Heard { prompt, whole });
        }
        if whole && self.queued.is_some() {
            // Time has passed: a waiting plan goes round for as long as the caller waits.
            self.steps_since_input = 0;
        }
        if playing.then_record && whole {
            self.commands.push_back(Command::StartRecording);
        }
    }

    /// Nobody reported the end of a play.
    pub(super) fn play_is_lost(&mut self) {
        let Some(op) = self.voice.playing.as_ref().map(|playing| playing.op) else { return };
        let step = self.position().1.to_owned();
        self.note(StepEvent::Trouble { step, code: "play-late".into() });
        self.commands.push_back(Command::StopPlaying { op });
        self.play_ended(false);
    }

    /// Nothing of a play was said. The plan goes on, so that the caller comes to a human by it.
    pub(super) fn play_failed(&mut self) {
        let step = self.position().1.to_owned();
        self.note(StepEvent::Trouble { step, code: "not-said".into() });
        if let Some(playing) = self.voice.playing.take() {
            self.voice.unsaid.extend(playing.telling);
        }
    }

    /// Who was not told what they called for is not served, whatever the plan says.
    pub(super) fn served(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Contained if !self.voice.unsaid.is_empty() => Outcome::Failed,
            outcome => outcome,
        }
    }

    /// The call ends, and something of it was not said: a human sees to it, unless one is on the way.
    pub(super) fn see_to_what_was_not_said(&mut self, save: &mut Save) {
        if !self.voice.unsaid.is_empty() && !std::mem::replace(&mut self.human_is_coming, true) {
            save.follow_up = Some(FollowUp {
                reason: NOT_SAID.to_owned(),
                within: NOT_SAID_WITHIN,
                hours: None,
                promised: None,
                note: None,
            });
        }
    }

    /// How many keys were keyed wrongly, for the prompts that answer it.
    pub(super) fn set_keyed(&mut self, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.frame_mut().variables.insert(KEYED.to_owned(), Value::Number(count.into()));
    }
}

/// Characters of an utterance, values as they are written.
fn length(utterance: &Utterance) -> usize {
    utterance
        .segments
        .iter()
        .map(|segment| match segment {
            Segment::Words { text, .. } => text.chars().count(),
            Segment::Value { value, .. } => value.plain().chars().count(),
        })
        .sum()
}
