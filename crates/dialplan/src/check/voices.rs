//! Prompts against recordings, and prompts that nobody says.

use hotline_model::Language;

use crate::diagnostic::{Diagnostic, codes};
use crate::lower::Reader;
use crate::lower::plan::World;
use crate::plan::{Action, Attempt, Piece, Plan, Prompt, PromptId, Question};
use crate::recordings::Recordings;

/// Compares the prompts of a plan with what is recorded.
pub(crate) fn recordings(reader: &mut Reader, plan: &Plan, recordings: &Recordings) {
    for step in &plan.steps {
        if let Action::Music(music) = &step.action {
            reader.music_there(&music.name, &step.span, recordings);
        }
    }
    for prompt in plan.heard_prompts() {
        for (&language, pieces) in &prompt.texts {
            let folder = format!("prompts/{language}");
            let name = &prompt.name;
            let has_values = pieces.iter().any(|piece| matches!(piece, Piece::Value { .. }));
            if has_values && recordings.has(language, name) {
                reader.report(
                    Diagnostic::error(codes::RECORDING_VALUES, &prompt.span, format!("`{folder}/{name}.wav` is one recording over a prompt with values"))
                        .label("every caller would hear the value of whoever was recorded")
                        .help(format!("record the words between the values as `{folder}/{name}.1.wav`, `{name}.2.wav`, and remove `{name}.wav`")),
                );
                continue;
            }
            for piece in pieces {
                let Piece::Words { part, text } = piece else { continue };
                // A full stop behind a value is a rest, not a recording.
                if !text.chars().any(char::is_alphanumeric) {
                    continue;
                }
                let file = match part {
                    Some(part) => format!("{name}.{part}"),
                    None => name.clone(),
                };
                one(reader, prompt, language, recordings, &file, text);
            }
        }
    }
}

fn one(
    reader: &mut Reader,
    prompt: &crate::plan::Prompt,
    language: Language,
    recordings: &Recordings,
    file: &str,
    words: &str,
) {
    if !recordings.has(language, file) {
        if recordings.any(language) {
            reader.report(
                Diagnostic::warning(
                    codes::RECORDING_MISSING,
                    &prompt.span,
                    format!("`prompts/{language}/{file}.wav` is missing"),
                )
                .label("the caller would hear another voice, or none, in this place")
                .help("record it, or run `tools/render-prompts` to have it rendered"),
            );
        }
    } else if recordings.changed(language, file, words) {
        reader.report(
            Diagnostic::warning(
                codes::RECORDING_CHANGED,
                &prompt.span,
                format!(
                    "the {language} words of `{}` have changed since `{file}.wav` was recorded",
                    prompt.name
                ),
            )
            .label("the caller hears the recording, so would hear the old words")
            .help("record it again, or run `tools/render-prompts` to have it rendered"),
        );
    }
}

impl Plan {
    /// The prompts that are heard: all but those that are only shown, where a survey is answered in writing.
    pub fn heard_prompts(&self) -> impl Iterator<Item = &Prompt> {
        let says = said(self, false).into_iter().zip(said(self, true));
        self.prompts.iter().zip(says).filter(|(_, (heard, read))| *heard || !*read).map(|(prompt, _)| prompt)
    }
}

/// Which prompts some step says; `in_writing`: or shows, where it is asked in writing.
fn said(plan: &Plan, in_writing: bool) -> Vec<bool> {
    let mut used = vec![false; plan.prompts.len()];
    let mut mark = |ids: &[PromptId]| {
        for id in ids {
            if let Some(used) = used.get_mut(id.0) {
                *used = true;
            }
        }
    };
    fn attempts(mark: &mut impl FnMut(&[PromptId]), list: &[Attempt]) {
        list.iter().for_each(|attempt| mark(&attempt.say));
    }
    fn question(mark: &mut impl FnMut(&[PromptId]), question: &Question) {
        mark(&question.prompt);
        attempts(mark, &question.no_input);
        attempts(mark, &question.no_match);
    }
    mark(&[plan.bridge, plan.apology, plan.recording_notice].into_iter().flatten().collect::<Vec<_>>());
    for step in &plan.steps {
        mark(&step.say);
        if in_writing {
            mark(step.action.written().map_or(&[], |written| &written.ask));
            if let Action::Text(text) = &step.action {
                mark(&text.prompts);
            }
        }
        match &step.action {
            Action::Collect(collect) => {
                question(&mut mark, &collect.question);
                attempts(&mut mark, &collect.slip);
                mark(&collect.confirm.iter().map(|confirm| confirm.prompt).collect::<Vec<_>>());
            }
            Action::Menu(menu) => question(&mut mark, &menu.question),
            Action::Survey(survey) => question(&mut mark, &survey.question),
            Action::Record(record) => mark(&record.prompt),
            Action::Lookup(lookup) => mark(lookup.meanwhile.as_slice()),
            Action::Verify(verify) => {
                mark(verify.meanwhile.as_slice());
                attempts(&mut mark, &verify.refused);
                verify.asks.iter().for_each(|ask| question(&mut mark, &ask.question));
            }
            _ => {}
        }
    }
    used
}

/// Prompts that no step says.
pub(super) fn unused(reader: &mut Reader, plan: &Plan, world: &World, shaky: bool) {
    if shaky {
        return;
    }
    for (prompt, used) in plan.prompts.iter().zip(said(plan, true)) {
        let by_policy = world.policy_asks.values().flatten().any(|(ask, _)| *ask == prompt.name);
        if !used && !by_policy {
            reader.report(
                Diagnostic::warning(
                    codes::UNUSED,
                    &prompt.span,
                    format!("no step says prompt `{}`", prompt.name),
                )
                .label("no caller ever hears this")
                .help("remove it, or name it in a step: `say: …`"),
            );
        }
    }
}
