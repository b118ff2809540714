//! Ways through a plan: steps nobody reaches, circles without a question, ways to a human.

use std::sync::Arc;

use indexmap::IndexMap;

use super::graph::Graph;
use crate::diagnostic::{Diagnostic, codes};
use crate::lower::Reader;
use crate::lower::plan::World;
use crate::plan::{Action, Answering, Enqueue, Menu, Plan};
use crate::plans::Queue;

/// More options than this are not remembered.
const MOST_OPTIONS: usize = 5;

/// More menus than this in a row lose callers.
const MOST_LEVELS: usize = 3;

pub(super) fn check(
    reader: &mut Reader,
    plan: &Plan,
    world: &World,
    graph: &Graph,
    humans: &[String],
    shaky: bool,
) {
    loops(reader, plan, graph);
    after_hang_up(reader, plan, graph);
    unanswered(reader, plan, graph);
    if shaky {
        // A way that an error cut off would be told of as missing.
        return;
    }
    for (at, step) in plan.steps.iter().enumerate() {
        if !graph.reachable[at] {
            reader.report(
                Diagnostic::warning(
                    codes::UNREACHABLE,
                    &step.span,
                    format!("no caller ever comes to step `{}`", step.name),
                )
                .label("nobody would ever hear this")
                .help(format!("let an exit lead here with `then: {}`, or remove the step", step.name)),
            );
        }
    }
    // Who waits in a queue is on the way to a human.
    if !world.waits(&plan.name) {
        to_a_human(reader, plan, graph, humans);
    }
    menus(reader, plan, graph);
}

/// Questions that a call may come to before it is answered: networks do not carry keys until then.
fn unanswered(reader: &mut Reader, plan: &Plan, graph: &Graph) {
    if plan.answering == Answering::AtOnce {
        return;
    }
    let mut seen = vec![false; plan.steps.len()];
    let mut open = vec![plan.start.0];
    while let Some(at) = open.pop() {
        if seen.get_mut(at).is_none_or(|seen| std::mem::replace(seen, true)) {
            continue;
        }
        let step = &plan.steps[at];
        if matches!(step.action, Action::Answer) {
            continue;
        }
        let does = match &step.action {
            Action::Call { .. } => Some("runs another plan"),
            Action::Queue(_) | Action::Transfer(_) => Some("brings a human"),
            action => action.asks().then_some("asks the caller"),
        };
        if let Some(does) = does {
            reader.report(
                Diagnostic::error(
                    codes::UNANSWERED,
                    &step.span,
                    format!("step `{}` {does} before the call is answered", step.name),
                )
                .label("the caller's keys would not be heard")
                .help(format!(
                    "add a step `answer-it: {{ answer: call, then: {} }}`, and let the exits that lead here lead there",
                    step.name
                )),
            );
            continue;
        }
        open.extend(graph.edges[at].iter().map(|edge| edge.to));
    }
}

/// Steps behind `hung-up` that would say or ask something: nobody is there any more.
fn after_hang_up(reader: &mut Reader, plan: &Plan, graph: &Graph) {
    let mut seen = vec![false; plan.steps.len()];
    for from in &plan.steps {
        let Some(first) = from.hung_up.filter(|to| to.0 < plan.steps.len()) else { continue };
        let mut open = vec![first.0];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let step = &plan.steps[at];
            let does = match &step.action {
                action if !action.is_silent() => format!("is a `{}`", action.verb()),
                _ if !step.say.is_empty() => "says something".to_owned(),
                _ => {
                    open.extend(graph.edges[at].iter().filter(|edge| !edge.hung_up).map(|edge| edge.to));
                    continue;
                }
            };
            reader.report(
                Diagnostic::error(
                    codes::HUNG_UP,
                    &step.span,
                    format!("step `{}` {does}, and comes after the caller hung up", step.name),
                )
                .label("nobody would hear this")
                .also(&from.span, "the caller hangs up here")
                .help("let `hung-up` lead to steps that only write: `save`, `branch`, `set`, `hours`, and a `hangup` at the end"),
            );
        }
    }
}

/// Whether a step brings a human, now or by a call back.
fn is_human(action: &Action, humans: &[String]) -> bool {
    match action {
        Action::Save(save) => save.follow_up.is_some(),
        Action::Queue(_) | Action::Transfer(_) | Action::CallBack(_) => true,
        Action::Call { plan, .. } => humans.contains(plan),
        _ => false,
    }
}

/// The plans in which some step brings a human.
pub(crate) fn plans_with_humans(plans: &[(Plan, Vec<String>, bool)]) -> Vec<String> {
    let brings = |plan: &Plan| plan.steps.iter().any(|step| is_human(&step.action, &[]));
    plans.iter().filter(|(plan, ..)| brings(plan)).map(|(plan, ..)| plan.name.clone()).collect()
}

fn to_a_human(reader: &mut Reader, plan: &Plan, graph: &Graph, humans: &[String]) {
    let reaches = |at: usize| {
        let seen = graph.from(at);
        plan.steps.iter().zip(seen).any(|(step, seen)| seen && is_human(&step.action, humans))
    };
    let asks = |action: &Action| action.asks() && !matches!(action, Action::Music(_) | Action::Record(_));
    let asking: Vec<usize> =
        (0..plan.steps.len()).filter(|&at| graph.reachable[at] && asks(&plan.steps[at].action)).collect();
    let help = "add `\"0\": to-a-human` to `keys-everywhere`, and a step `to-a-human` that waits in a `queue` or saves a `follow-up`";
    if !asking.is_empty() && plan.start.0 < plan.steps.len() && !reaches(plan.start.0) {
        let text = plan.file.text();
        let line = text.find("\nplan:").map_or(0, |at| at + 1);
        let place =
            text[line..].find(&plan.name).map_or(line..line, |at| line + at..line + at + plan.name.len());
        reader.report(
            Diagnostic::warning(
                codes::NO_HUMAN,
                &plan.file.span(place),
                format!("no way to a human in plan `{}`", plan.name),
            )
            .label("a caller whom the plan does not help is left alone")
            .help(help),
        );
        return;
    }
    for at in asking {
        if !reaches(at) {
            let step = &plan.steps[at];
            reader.report(
                Diagnostic::warning(
                    codes::NO_HUMAN,
                    &step.span,
                    format!("no way to a human from `{}`", step.name),
                )
                .label("a caller whom this does not help is left alone")
                .help(help),
            );
        }
    }
}

fn menus(reader: &mut Reader, plan: &Plan, graph: &Graph) {
    let repeats = |to: usize| plan.steps.get(to).is_some_and(|step| matches!(step.action, Action::Repeat(_)));
    let everywhere = plan.keys_everywhere.values().any(|to| repeats(to.0));
    let levels = levels(plan, graph);
    for (at, step) in plan.steps.iter().enumerate() {
        let verb = step.action.verb();
        let (options, repeated) = match &step.action {
            _ if !graph.reachable[at] => continue,
            Action::Menu(menu) => {
                let repeated = menu.keys.values().any(|to| repeats(to.0) || to.0 == at);
                (options(menu, repeats).len(), repeated)
            }
            // The numbers of a scale need not be remembered one by one.
            Action::Survey(survey) => {
                let repeated = survey.keys.values().any(|to| repeats(to.0) || to.0 == at);
                (if survey.scale { 0 } else { survey.answers.len() }, repeated)
            }
            _ => continue,
        };
        if options > MOST_OPTIONS {
            reader.report(
                Diagnostic::warning(
                    codes::OPTIONS,
                    &step.span,
                    format!("{verb} `{}` has {options} options", step.name),
                )
                .label("callers remember five at most, and would press anything")
                .help("move some of them behind one key into a second menu"),
            );
        }
        if !everywhere && !repeated {
            reader.report(
                Diagnostic::warning(codes::NO_REPEAT, &step.span, format!("no key of {verb} `{}` says it again", step.name))
                    .label("a caller who missed the options can only wait")
                    .help("add `keys-everywhere: { \"*\": again }` to the plan, and a step `again: { repeat: normal }`"),
            );
        }
        if levels[at] > MOST_LEVELS && matches!(step.action, Action::Menu(_)) {
            reader.report(
                Diagnostic::warning(
                    codes::LEVELS,
                    &step.span,
                    format!("menu `{}` is the {}th in a row", step.name, levels[at]),
                )
                .label("each level loses callers")
                .help("bring it a level up, or ask for a code instead"),
            );
        }
    }
}

/// The different places a menu leads to, repeating left out.
fn options(menu: &Menu, repeats: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut options: Vec<usize> = menu.keys.values().map(|to| to.0).filter(|to| !repeats(*to)).collect();
    options.sort_unstable();
    options.dedup();
    options
}

/// How many menus a caller meets on the shortest way to each step, that one included.
fn levels(plan: &Plan, graph: &Graph) -> Vec<usize> {
    let mut levels = vec![usize::MAX; plan.steps.len()];
    let is_menu = |at: usize| usize::from(matches!(plan.steps[at].action, Action::Menu(_)));
    let mut open = std::collections::VecDeque::new();
    if plan.start.0 < plan.steps.len() {
        levels[plan.start.0] = is_menu(plan.start.0);
        open.push_back(plan.start.0);
    }
    while let Some(at) = open.pop_front() {
        for edge in &graph.edges[at] {
            let level = levels[at] + is_menu(edge.to);
            if level < levels[edge.to] {
                levels[edge.to] = level;
                open.push_back(edge.to);
            }
        }
    }
    levels
}

/// Circles of steps that never wait for the caller.
fn loops(reader: &mut Reader, plan: &Plan, graph: &Graph) {
    let waits = |at: usize| {
        let action = &plan.steps[at].action;
        action.asks() || matches!(action, Action::Call { .. } | Action::Queue(_) | Action::Transfer(_))
    };
    let mut told = vec![false; plan.steps.len()];
    for start in 0..plan.steps.len() {
        if waits(start) || told[start] || !graph.reachable[start] {
            continue;
        }
        // Breadth first from each neighbour back to the start, never through a question.
        let mut from = vec![usize::MAX; plan.steps.len()];
        let mut open = std::collections::VecDeque::from([start]);
        let mut closed = false;
        while let Some(at) = open.pop_front() {
            for edge in graph.edges[at].iter().filter(|edge| !edge.hung_up) {
                if edge.to == start {
                    from[start] = at;
                    closed = true;
                } else if !waits(edge.to) && from[edge.to] == usize::MAX {
                    from[edge.to] = at;
                    open.push_back(edge.to);
                }
            }
            if closed {
                break;
            }
        }
        if !closed {
            continue;
        }
        let mut circle = vec![start];
        let mut at = from[start];
        while at != start && circle.len() <= plan.steps.len() {
            circle.push(at);
            at = from[at];
        }
        circle[1..].reverse();
        circle.iter().for_each(|&at| told[at] = true);
        let inside = |at: usize| circle.contains(&at);
        let leads_out = circle.iter().any(|&at| graph.edges[at].iter().any(|edge| !inside(edge.to)));
        let names: Vec<&str> = circle.iter().map(|&at| plan.steps[at].name.as_str()).collect();
        let step = &plan.steps[start];
        let message = if names.len() == 1 {
            format!("step `{}` leads to itself and never asks the caller", names[0])
        } else {
            format!("steps {} lead to each other in a circle and never ask the caller", quoted(&names))
        };
        let mut diagnostic = if leads_out {
            Diagnostic::warning(codes::LOOP, &step.span, message)
                .label("callers may hear this over and over, whatever they press")
        } else {
            Diagnostic::error(codes::LOOP, &step.span, message)
                .label("callers would hear this over and over until they hang up")
        };
        for &at in circle.iter().skip(1).take(3) {
            diagnostic = diagnostic.also(&plan.steps[at].span, "part of the circle");
        }
        reader.report(diagnostic.help("let one of them lead to a `menu` or a `hangup`"));
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    crate::lower::list(&names.iter().map(String::as_str).collect::<Vec<_>>(), "and")
}

/// What a plan that runs inside a queue does and cannot, and ways out of queues that lead nowhere.
pub(crate) fn inside_queues(
    plans: &IndexMap<String, Arc<Plan>>,
    queues: &IndexMap<String, Queue>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let waiting: Vec<&str> = queues.values().map(|queue| queue.while_waiting.as_str()).collect();
    // The waiting plans, and what they call.
    let mut inside: Vec<&str> = waiting.clone();
    let mut at = 0;
    while at < inside.len() {
        let plan = plans.get(inside[at]);
        for step in plan.iter().flat_map(|plan| &plan.steps) {
            if let Action::Call { plan, .. } = &step.action
                && !inside.contains(&plan.as_str())
            {
                inside.push(plan);
            }
        }
        at += 1;
    }
    for plan in plans.values() {
        for step in &plan.steps {
            match &step.action {
                Action::Queue(_) | Action::Transfer(_) if inside.contains(&plan.name.as_str()) => {
                    let verb = step.action.verb();
                    found.push(
                        Diagnostic::error(
                            codes::WAITING_PLAN,
                            &step.span,
                            format!("step `{}` is a `{verb}` in a plan that runs inside a queue", step.name),
                        )
                        .label("nobody can wait in two queues at once")
                        .help("write `leave: ` and a word, and let `left` of the step that waits lead on"),
                    );
                }
                Action::CallBack(_) if !waiting.contains(&plan.name.as_str()) => found.push(
                    Diagnostic::error(
                        codes::LEAVE,
                        &step.span,
                        format!(
                            "step `{}` keeps a place in a queue, and no queue names plan `{}`",
                            step.name, plan.name
                        ),
                    )
                    .label("there is no place that could be kept")
                    .help(format!(
                        "name it in dialplans/queues.yaml: `while-waiting: {}`, or save a `follow-up`",
                        plan.name
                    )),
                ),
                Action::CallBack(_) => found.extend(called_by_nobody(queues, plan, step)),
                Action::Leave(word) if !waiting.contains(&plan.name.as_str()) => found.push(
                    Diagnostic::error(
                        codes::LEAVE,
                        &step.span,
                        format!(
                            "step `{}` leaves a queue, and no queue names plan `{}`",
                            step.name, plan.name
                        ),
                    )
                    .label(format!("there is nothing that `{word}` could lead out of"))
                    .help(format!("name it in dialplans/queues.yaml: `while-waiting: {}`", plan.name)),
                ),
                Action::Queue(enqueue) => found.extend(left_nowhere(plans, queues, step, enqueue)),
                _ => {}
            }
        }
    }
    found
}

/// A call back in the waiting plan of a queue that calls nobody.
fn called_by_nobody(
    queues: &IndexMap<String, Queue>,
    plan: &Plan,
    step: &crate::plan::Step,
) -> Option<Diagnostic> {
    let silent =
        queues.values().find(|queue| queue.while_waiting == plan.name && queue.call_back.is_none())?;
    Some(
        Diagnostic::error(
            codes::LEAVE,
            &step.span,
            format!("step `{}` keeps a place for a call back, and queue `{}` calls nobody", step.name, silent.name),
        )
        .label("callers would be told that they cannot be called")
        .help("write `call-back: ` and the name of a plan into that queue: it is what they hear when they are called"),
    )
}

/// A word of the waiting plan that the step does not know.
fn left_nowhere(
    plans: &IndexMap<String, Arc<Plan>>,
    queues: &IndexMap<String, Queue>,
    step: &crate::plan::Step,
    enqueue: &Enqueue,
) -> Option<Diagnostic> {
    let waiting = plans.get(&queues.get(&enqueue.queue)?.while_waiting)?;
    let (place, word) = waiting.steps.iter().find_map(|inner| match &inner.action {
        Action::Leave(word) if enqueue.left.find(word).is_none() => Some((&inner.span, word)),
        _ => None,
    })?;
    let near = crate::diagnostic::closest(word, enqueue.left.words.keys().map(String::as_str));
    let mut diagnostic = Diagnostic::error(
        codes::LEAVE,
        &step.span,
        format!("step `{}` does not say where `{word}` leads", step.name),
    )
    .label("callers who leave the queue in this way would hear silence")
    .also(place, format!("plan `{}` leaves the queue here", waiting.name));
    diagnostic = diagnostic.help(match near {
        Some(near) => format!("write `{word}` instead of `{near}` under `left`"),
        None => format!("add `left: {{ {word}: … }}`"),
    });
    Some(diagnostic)
}

/// Plans that call each other in a circle.
pub(crate) fn circles(plans: &IndexMap<String, Arc<Plan>>) -> Vec<Diagnostic> {
    let calls = |plan: &Plan| -> Vec<String> {
        let called = |step: &crate::plan::Step| match &step.action {
            Action::Call { plan, .. } => Some(plan.clone()),
            _ => None,
        };
        plan.steps.iter().filter_map(called).collect()
    };
    let reaches = |from: &str, target: &str| {
        let mut seen: Vec<String> = Vec::new();
        let mut open = vec![from.to_owned()];
        while let Some(name) = open.pop() {
            if name == target {
                return true;
            }
            if let Some(plan) = plans.get(&name)
                && !seen.contains(&name)
            {
                open.extend(calls(plan));
                seen.push(name);
            }
        }
        false
    };
    let mut found = Vec::new();
    for plan in plans.values() {
        for step in &plan.steps {
            if let Action::Call { plan: callee, .. } = &step.action
                && reaches(callee, &plan.name)
            {
                found.push(
                    Diagnostic::error(
                        codes::CIRCLE,
                        &step.span,
                        format!("plan `{}` calls `{callee}`, which leads back to `{}`", plan.name, plan.name),
                    )
                    .label("the call would go round for ever")
                    .help(format!(
                        "end `{callee}` with a step `{{ return: }}`: it goes back to where the call came from"
                    )),
                );
            }
        }
    }
    found
}
