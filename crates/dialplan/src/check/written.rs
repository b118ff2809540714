//! Plans that customers answer in writing: whether every question that comes up there has words to read.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, codes};
use crate::lower::{Reader, list};
use crate::plan::{Action, Plan, Step, StepId, Written};
use crate::source::Span;
use crate::tree::Name;

/// Whether the answers under `written` are those of the questions.
pub(super) fn answers(reader: &mut Reader, plan: &Plan) {
    for step in &plan.steps {
        let Some(written) = step.action.written() else { continue };
        let own = entries(&step.action);
        let everywhere = plan.keys_everywhere.keys().map(ToString::to_string);
        let free: BTreeSet<String> = own_keys(&step.action).chain(everywhere).collect();
        let mut wrong = |message: String, label: &str, help: String| {
            reader.report(Diagnostic::error(codes::WRITTEN, &written.span, message).label(label).help(help));
        };
        for entry in written.answers.keys().filter(|entry| !own.contains(entry) && !free.contains(*entry)) {
            wrong(
                format!("step `{}` has words for \"{entry}\", and nothing follows from it", step.name),
                "a customer who chose it would get nowhere",
                format!("write the answers of the step: {}", quoted(&own)),
            );
        }
        match (&step.action, &written.take) {
            (Action::Menu(_), Some(take)) if !own.contains(&take) => wrong(
                format!("step `{}` takes \"{take}\" in writing, which is none of its keys", step.name),
                "in writing the plan could not go on here",
                format!("write one of {}", quoted(&own)),
            ),
            (Action::Menu(_), Some(_)) if !written.answers.is_empty() || !written.ask.is_empty() => wrong(
                format!("step `{}` is both asked and taken in writing", step.name),
                "nobody can tell whether the customer is asked",
                "keep `take`, or `ask` and `answers`".to_owned(),
            ),
            (Action::Menu(_), Some(_)) => {}
            (_, Some(_)) => wrong(
                format!("step `{}` cannot be taken without asking: it is no menu", step.name),
                "an answer would be kept that nobody gave",
                "write `ask` instead, and `answers` where there are some".to_owned(),
            ),
            (_, None) if written.ask.is_empty() => wrong(
                format!("step `{}` does not say what is asked in writing", step.name),
                "the customer would see answers and no question",
                "add `ask: ` and the name of a prompt".to_owned(),
            ),
            _ => {}
        }
        for entry in missing(step, written) {
            wrong(
                format!("the answer \"{entry}\" of step `{}` has no words in writing", step.name),
                "customers who answer in writing could not choose it",
                format!("add `\"{entry}\": {{ zh-CN: …, en-US: … }}` to its `answers`"),
            );
        }
    }
}

/// Answers that are kept and cannot be chosen in writing. Numbers of a scale stand for themselves.
fn missing<'a>(step: &'a Step, written: &'a Written) -> Vec<&'a String> {
    match &step.action {
        Action::Survey(survey) if !survey.scale => {
            survey.answers.keys().filter(|entry| !written.answers.contains_key(*entry)).collect()
        }
        _ => Vec::new(),
    }
}

fn entries(action: &Action) -> Vec<&String> {
    match action {
        Action::Menu(menu) => menu.keys.keys().collect(),
        Action::Survey(survey) => survey.answers.keys().collect(),
        _ => Vec::new(),
    }
}

fn own_keys(action: &Action) -> impl Iterator<Item = String> {
    let keys = match action {
        Action::Survey(survey) => Some(&survey.keys),
        _ => None,
    };
    keys.into_iter().flat_map(IndexMap::keys).map(ToString::to_string)
}

fn quoted(entries: &[&String]) -> String {
    let quoted: Vec<String> = entries.iter().map(|entry| format!("\"{entry}\"")).collect();
    list(&quoted.iter().map(String::as_str).collect::<Vec<_>>(), "and")
}

/// Where a plan goes on from a step when it is answered in writing; `None`: it cannot come up there.
pub(crate) fn ways(plan: &Plan, step: &Step) -> Option<Vec<StepId>> {
    let chosen = |written: &Written| -> Vec<StepId> {
        let key = |entry: &String| {
            let mut keys = entry.chars();
            let key = keys.next().filter(|_| keys.next().is_none())?;
            let own = match &step.action {
                Action::Survey(survey) => survey.keys.get(&key).copied(),
                _ => None,
            };
            own.or_else(|| plan.keys_everywhere.get(&key).copied())
        };
        written.answers.keys().filter_map(key).collect()
    };
    Some(match &step.action {
        Action::Say | Action::Set(_) | Action::Save(_) | Action::Language(_) | Action::Answer => {
            step.then.into_iter().collect()
        }
        Action::Branch { arms, otherwise } => arms.iter().map(|(_, to)| *to).chain([*otherwise]).collect(),
        Action::Hours { open, closed, holiday, .. } => vec![*open, *closed, *holiday],
        Action::Queue(queue) => vec![queue.nobody],
        Action::Hangup(_) | Action::Return(_) | Action::Repeat(_) => Vec::new(),
        Action::Menu(menu) => {
            let written = menu.written.as_ref()?;
            match &written.take {
                Some(take) => menu.keys.get(take).copied().into_iter().collect(),
                None => {
                    let own = written.answers.keys().filter_map(|entry| menu.keys.get(entry).copied());
                    own.chain(chosen(written)).collect()
                }
            }
        }
        Action::Survey(survey) => {
            let written = survey.written.as_ref()?;
            [survey.then].into_iter().chain(chosen(written)).collect()
        }
        Action::Record(record) => {
            record.written.as_ref()?;
            step.then.into_iter().chain(record.nothing).collect()
        }
        Action::Collect(_)
        | Action::Lookup(_)
        | Action::Verify(_)
        | Action::Message { .. }
        | Action::Text(_)
        | Action::Call { .. }
        | Action::Transfer(_)
        | Action::Music(_)
        | Action::CallBack(_)
        | Action::Leave(_) => return None,
    })
}

/// Whether the plan of a policy can be answered where its message's `link` leads.
pub(crate) fn answerable(
    plans: &IndexMap<String, Arc<Plan>>,
    named: Option<&Name>,
    link: &Span,
) -> Vec<Diagnostic> {
    let nothing = |message: String| {
        vec![
            Diagnostic::error(codes::WRITTEN, link, message)
                .label("the customer would come to a page with nothing to answer")
                .help("take the link out, or name a `plan` with a `survey` that has `written`"),
        ]
    };
    let Some(named) = named else {
        return nothing("a link leads to the survey of a plan, and this policy names none".to_owned());
    };
    // A plan that is not there, or has faults, is told of elsewhere.
    let Some(plan) = plans.get(&named.text) else { return Vec::new() };
    let mut seen = vec![false; plan.steps.len()];
    let (mut open, mut found, mut asks) = (vec![plan.start], Vec::new(), false);
    while let Some(at) = open.pop() {
        let Some(step) = plan.step(at).filter(|_| !std::mem::replace(&mut seen[at.0], true)) else {
            continue;
        };
        asks |= matches!(step.action, Action::Survey(_));
        if let Some(ways) = ways(plan, step) {
            open.extend(ways);
            continue;
        }
        let verb = step.action.verb();
        let help = match verb {
            "survey" => "add `written:` with `ask: …` and the words of each answer under `answers:`",
            "record" => "add `written:` with `ask: …`, the prompt above the field to write in",
            "menu" => {
                "add `written:` with `take: …`, a key that is taken without asking, or with `ask` and `answers`"
            }
            _ => {
                "lead round it: a `menu` before it with `written: { take: … }`, or another plan for the policy"
            }
        };
        let message = match verb {
            "survey" | "record" | "menu" => {
                format!("step `{}` has no written words, and a link leads to plan `{}`", step.name, plan.name)
            }
            _ => format!("step `{}` (`{verb}`) cannot come up in writing", step.name),
        };
        found.push(
            Diagnostic::error(codes::WRITTEN, &step.span, message)
                .label("the customer who answers in writing would come no further")
                .also(link, "the link is here")
                .help(help),
        );
    }
    if !asks && found.is_empty() {
        return nothing(format!("plan `{}` asks nothing that could be answered in writing", plan.name));
    }
    found
}
