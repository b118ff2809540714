//! Plans that customers are called with, and the names by which answers and words are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;

use super::graph::Graph;
use crate::diagnostic::{Diagnostic, codes};
use crate::lower::Reader;
use crate::plan::{Action, Attempt, Piece, Plan, PromptId, Question, StepId, Survey};
use crate::source::Span;
use crate::tree::Name;

/// Two questions, or two recordings, of one name.
pub(super) fn names(reader: &mut Reader, plan: &Plan) {
    let mut seen: BTreeMap<(&str, &str), &Span> = BTreeMap::new();
    for step in &plan.steps {
        let (verb, name) = match &step.action {
            Action::Survey(survey) => ("survey", survey.name.as_str()),
            Action::Record(record) => ("record", record.name.as_str()),
            _ => continue,
        };
        if name.is_empty() {
            continue;
        }
        match seen.get(&(verb, name)) {
            Some(first) => reader.report(
                Diagnostic::error(
                    codes::QUESTION,
                    &step.span,
                    format!("step `{}` is the second `{verb}: {name}` of the plan", step.name),
                )
                .label("nobody could tell afterwards which of the two it was")
                .also(first, "the first one is here")
                .help(format!("give it another name, for example `{verb}: {name}-2`")),
            ),
            None => {
                seen.insert((verb, name), &step.span);
            }
        }
    }
}

/// What customers who did not call us are owed: a key against all further calls, and nothing of their matter told to
/// whoever, or whatever, picks up.
pub(crate) fn called_plans(plans: &IndexMap<String, Arc<Plan>>, called: &[Name]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for name in called {
        let Some(plan) = plans.get(&name.text).filter(|plan| told.insert(plan.name.as_str())) else {
            continue;
        };
        if !opts_out(plans, plan) {
            found.push(
                Diagnostic::warning(
                    codes::NO_OPT_OUT,
                    &name.span,
                    format!("plan `{}` has no key by which a customer refuses all further calls", plan.name),
                )
                .label("customers are called with it, and nothing they press keeps us from calling again")
                .help("add a key that leads to `no-more-calls: { save: { outcome: refused, do-not-call: true }, then: … }`"),
            );
        }
        found.extend(told_early(plan, name));
    }
    found
}

/// The questions of a plan and of those that it calls, by name.
fn questions<'a>(plans: &'a IndexMap<String, Arc<Plan>>, plan: &Name) -> BTreeMap<&'a str, &'a Survey> {
    let mut open: Vec<&Arc<Plan>> = plans.get(&plan.text).into_iter().collect();
    let mut seen: BTreeSet<&str> = open.iter().map(|plan| plan.name.as_str()).collect();
    let mut questions = BTreeMap::new();
    while let Some(plan) = open.pop() {
        for step in &plan.steps {
            match &step.action {
                Action::Survey(survey) => {
                    questions.insert(survey.name.as_str(), &**survey);
                }
                Action::Call { plan, .. } => {
                    open.extend(plans.get(plan).filter(|plan| seen.insert(plan.name.as_str())));
                }
                _ => {}
            }
        }
    }
    questions
}

/// Whether exactly one question of a survey tells who is content.
pub(crate) fn measured(plans: &IndexMap<String, Arc<Plan>>, plan: Option<&Name>) -> Option<Diagnostic> {
    let plan = plan?;
    let asked = questions(plans, plan);
    let tell: Vec<&str> =
        asked.iter().filter(|(_, survey)| !survey.content.is_empty()).map(|(name, _)| *name).collect();
    let (message, label, help) = match (asked.is_empty(), tell.len()) {
        (true, _) | (false, 1) => return None,
        (false, 0) => (
            format!("no question of plan `{}` tells whether a customer is content", plan.text),
            "nobody who is called would be counted as content, or as not",
            "say by which answers of a question they are: `content: satisfied`, or `content: 4-5` of a scale"
                .to_owned(),
        ),
        (false, _) => (
            format!("{} questions of plan `{}` tell whether a customer is content", tell.len(), plan.text),
            "a customer could count as content and as not",
            format!("leave `content` in one of {}", crate::lower::list(&tell, "and")),
        ),
    };
    Some(Diagnostic::warning(codes::CONTENT, &plan.span, message).label(label).help(help))
}

/// Whether the plan asks as many questions as a customer must have heard who took part.
pub(crate) fn asked_often_enough(
    plans: &IndexMap<String, Arc<Plan>>,
    plan: Option<&Name>,
    took_part_from: Option<&(usize, Span)>,
) -> Option<Diagnostic> {
    let (from, place) = took_part_from?;
    let plan = plan?;
    plans.get(&plan.text)?;
    let questions = questions(plans, plan);
    let asked = questions.len();
    if *from <= asked.max(1) {
        return None;
    }
    let message = match asked {
        0 => format!("`took-part-from` is {from}, and plan `{}` asks no question of a survey", plan.text),
        1 => format!("`took-part-from` is {from}, and plan `{}` asks one question", plan.text),
        _ => format!("`took-part-from` is {from}, and plan `{}` asks {asked} questions", plan.text),
    };
    Some(
        Diagnostic::error(codes::RANGE, place, message)
            .label("nobody who hangs up would ever have taken part")
            .also(&plan.span, "customers are called with this plan")
            .help(if asked == 0 {
                "leave the line out".to_owned()
            } else {
                format!("write a number from 1 to {asked}, or leave the line out")
            }),
    )
}

/// Whether the plan, or one that it calls, saves that the customer wants no more calls.
fn opts_out(plans: &IndexMap<String, Arc<Plan>>, plan: &Arc<Plan>) -> bool {
    let mut seen = BTreeSet::from([plan.name.as_str()]);
    let mut open = vec![plan];
    while let Some(plan) = open.pop() {
        let reachable = Graph::of(plan).reachable;
        for (step, _) in plan.steps.iter().zip(reachable).filter(|(_, reached)| *reached) {
            match &step.action {
                Action::Save(save) if save.do_not_call => return true,
                Action::Call { plan, .. } => {
                    open.extend(plans.get(plan).filter(|plan| seen.insert(plan.name.as_str())));
                }
                _ => {}
            }
        }
    }
    false
}

/// The first prompt with something of the ticket that is said although nobody has pressed a key.
fn told_early(plan: &Plan, called: &Name) -> Option<Diagnostic> {
    let tells = |prompts: &[PromptId]| {
        prompts.iter().filter_map(|id| plan.prompt(*id)).find_map(|prompt| {
            prompt.texts.values().flatten().find_map(|piece| match piece {
                Piece::Value { path, .. } if plan.takes.contains_key(&path.variable) => {
                    Some((prompt.name.as_str(), path.variable.as_str()))
                }
                _ => None,
            })
        })
    };
    let silent = |question: &Question| -> (Vec<PromptId>, Vec<StepId>) {
        let said = |list: &[Attempt]| list.iter().flat_map(|attempt| attempt.say.clone()).collect::<Vec<_>>();
        let prompts = [question.prompt.clone(), said(&question.no_input)].concat();
        (prompts, question.no_input.iter().filter_map(|attempt| attempt.then).collect())
    };
    let mut seen = vec![false; plan.steps.len()];
    let mut open = vec![plan.start];
    while let Some(at) = open.pop() {
        let Some(step) = plan.step(at).filter(|_| !std::mem::replace(&mut seen[at.0], true)) else {
            continue;
        };
        // What is said here, and where the call goes as long as nobody does anything.
        let (mut prompts, on) = match &step.action {
            Action::Collect(collect) => silent(&collect.question),
            Action::Menu(menu) => silent(&menu.question),
            Action::Survey(survey) => silent(&survey.question),
            Action::Record(record) => {
                (record.prompt.clone(), record.nothing.into_iter().chain(step.then).collect())
            }
            Action::Verify(verify) => match verify.asks.first() {
                Some(ask) => silent(&ask.question),
                None => (Vec::new(), vec![verify.passed, verify.pending, verify.late, verify.failed]),
            },
            Action::Branch { arms, otherwise } => {
                (Vec::new(), arms.iter().map(|(_, to)| *to).chain([*otherwise]).collect())
            }
            Action::Lookup(lookup) => (
                lookup.meanwhile.into_iter().collect(),
                vec![lookup.found, lookup.empty, lookup.late, lookup.failed],
            ),
            Action::Hours { open, closed, holiday, .. } => (Vec::new(), vec![*open, *closed, *holiday]),
            Action::Queue(queue) => (Vec::new(), vec![queue.nobody, queue.closed, queue.failed]),
            Action::Transfer(transfer) => {
                (Vec::new(), vec![transfer.busy, transfer.no_answer, transfer.failed])
            }
            // Another plan asks for itself.
            Action::Call { .. } => (Vec::new(), Vec::new()),
            _ => (Vec::new(), step.then.into_iter().collect()),
        };
        prompts.extend(&step.say);
        if let Some((prompt, variable)) = tells(&prompts) {
            return Some(
                Diagnostic::warning(
                    codes::TOLD_EARLY,
                    &step.span,
                    format!("step `{}` tells `{variable}` before anybody has pressed a key", step.name),
                )
                .label(format!("a machine, or somebody else in the house, may hear `{prompt}`"))
                .also(&called.span, "customers are called with this plan here")
                .help("ask for a key first: a `menu` that says who calls, and 1 to go on"),
            );
        }
        open.extend(on);
    }
    None
}
