//! The steps of a plan and the ways between them.

use crate::plan::{Action, Attempt, Plan, Question, StepId};

/// One way out of a step.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub to: usize,
    /// Variables that exist from here on.
    pub defines: Vec<String>,
    /// The caller has hung up: nobody hears what comes.
    pub hung_up: bool,
}

/// All ways of a plan.
#[derive(Debug)]
pub(crate) struct Graph {
    pub edges: Vec<Vec<Edge>>,
    pub reachable: Vec<bool>,
}

impl Graph {
    pub fn of(plan: &Plan) -> Self {
        let edges: Vec<Vec<Edge>> = (0..plan.steps.len()).map(|at| edges_of(plan, at)).collect();
        let mut reachable = vec![false; edges.len()];
        let mut open = vec![plan.start.0];
        while let Some(at) = open.pop() {
            if let Some(seen @ false) = reachable.get_mut(at) {
                *seen = true;
                open.extend(edges[at].iter().map(|edge| edge.to));
            }
        }
        Self { edges, reachable }
    }

    /// Every step that a caller who stays can reach from `from`, itself included.
    pub fn from(&self, from: usize) -> Vec<bool> {
        let mut seen = vec![false; self.edges.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if let Some(new @ false) = seen.get_mut(at) {
                *new = true;
                open.extend(self.edges[at].iter().filter(|edge| !edge.hung_up).map(|edge| edge.to));
            }
        }
        seen
    }

    /// Whether a question follows a step, so that keys may skip what it says. A promise (a follow-up,
    /// a text message) is heard to its end.
    pub fn leads_to_question(&self, plan: &Plan, from: usize) -> bool {
        match &plan.steps[from].action {
            Action::Save(save) if save.follow_up.is_some() => return false,
            Action::Message { .. }
            | Action::Text(_)
            | Action::Queue(_)
            | Action::Transfer(_)
            | Action::CallBack(_)
            | Action::Record(_) => {
                return false;
            }
            _ => {}
        }
        let mut seen = vec![false; self.edges.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if seen[at] {
                continue;
            }
            seen[at] = true;
            match &plan.steps[at].action {
                // What is said before the beep is heard to its end.
                Action::Record(_) => {}
                action if action.asks() => return true,
                Action::Call { .. } => return true,
                Action::Hangup(_)
                | Action::Return(_)
                | Action::Repeat(_)
                | Action::Queue(_)
                | Action::Transfer(_)
                | Action::Leave(_) => {}
                _ => open.extend(self.edges[at].iter().filter(|edge| !edge.hung_up).map(|edge| edge.to)),
            }
        }
        false
    }
}

fn edges_of(plan: &Plan, at: usize) -> Vec<Edge> {
    let step = &plan.steps[at];
    let mut edges = Vec::new();
    let mut add = |to: StepId, defines: &[&str]| {
        if to.0 < plan.steps.len() {
            let defines = defines.iter().map(|&name| name.to_owned()).collect();
            edges.push(Edge { to: to.0, defines, hung_up: false });
        }
    };
    fn attempts(list: &[Attempt]) -> impl Iterator<Item = StepId> {
        list.iter().filter_map(|attempt| attempt.then)
    }
    fn question(question: &Question) -> impl Iterator<Item = StepId> {
        attempts(&question.no_input).chain(attempts(&question.no_match))
    }
    match &step.action {
        Action::Collect(collect) => {
            add(collect.then, &[&collect.variable]);
            collect.keys.values().for_each(|to| add(*to, &[]));
            question(&collect.question).chain(attempts(&collect.slip)).for_each(|to| add(to, &[]));
        }
        Action::Menu(menu) => {
            menu.keys.values().for_each(|to| add(*to, &[]));
            question(&menu.question).for_each(|to| add(to, &[]));
        }
        Action::Survey(survey) => {
            add(survey.then, &[&survey.name]);
            survey.failed.into_iter().for_each(|to| add(to, &[&survey.name]));
            survey.keys.values().for_each(|to| add(*to, &[]));
            question(&survey.question).for_each(|to| add(to, &[]));
        }
        Action::Record(record) => {
            step.then.into_iter().for_each(|to| add(to, &[]));
            record
                .keys
                .values()
                .copied()
                .chain(record.nothing)
                .chain(record.failed)
                .for_each(|to| add(to, &[]));
        }
        Action::Branch { arms, otherwise } => {
            arms.iter().for_each(|(_, to)| add(*to, &[]));
            add(*otherwise, &[]);
        }
        Action::Set(values) => {
            let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
            step.then.into_iter().for_each(|to| add(to, &names));
        }
        Action::Lookup(lookup) => {
            add(lookup.found, &[&lookup.variable]);
            [lookup.empty, lookup.late, lookup.failed].into_iter().for_each(|to| add(to, &[]));
        }
        Action::Verify(verify) => {
            add(verify.passed, &["ticket"]);
            [verify.pending, verify.late, verify.failed].into_iter().for_each(|to| add(to, &[]));
            attempts(&verify.refused).for_each(|to| add(to, &[]));
            verify.asks.iter().flat_map(|ask| question(&ask.question)).for_each(|to| add(to, &[]));
        }
        Action::Hours { open, closed, holiday, .. } => {
            [*open, *closed, *holiday].into_iter().for_each(|to| add(to, &[]));
        }
        Action::Call { gives, .. } => {
            let names: Vec<&str> = gives.values().map(String::as_str).collect();
            step.then.into_iter().for_each(|to| add(to, &names));
        }
        Action::Save(save) => {
            let promised = save.follow_up.as_ref().and_then(|follow_up| follow_up.promised.as_deref());
            step.then.into_iter().for_each(|to| add(to, promised.as_slice()));
        }
        Action::Say | Action::Message { .. } | Action::Language(_) | Action::Answer => {
            step.then.into_iter().for_each(|to| add(to, &[]));
        }
        Action::Queue(queue) => {
            let exits = [queue.nobody, queue.closed, queue.failed];
            step.then.into_iter().chain(exits).chain(queue.left.steps()).for_each(|to| add(to, &[]));
        }
        Action::Transfer(transfer) => {
            let exits = [transfer.busy, transfer.no_answer, transfer.failed];
            step.then.into_iter().chain(exits).for_each(|to| add(to, &[]));
        }
        Action::CallBack(call_back) => {
            let exits = [call_back.refused, call_back.failed];
            step.then.into_iter().chain(exits).for_each(|to| add(to, &[]));
        }
        Action::Text(text) => {
            let exits = [text.refused, text.failed];
            step.then.into_iter().chain(exits).for_each(|to| add(to, &[]));
        }
        Action::Music(music) => {
            step.then.into_iter().chain(music.keys.values().copied()).for_each(|to| add(to, &[]));
        }
        Action::Repeat(_) | Action::Return(_) | Action::Hangup(_) | Action::Leave(_) => {}
    }
    // Keys pressed by a cheek while somebody speaks lead nowhere.
    if step.action.asks() && !matches!(step.action, Action::Record(_)) {
        plan.keys_everywhere.values().for_each(|to| add(*to, &[]));
    }
    if let Some(to) = step.hung_up.filter(|to| to.0 < plan.steps.len()) {
        edges.push(Edge { to: to.0, defines: Vec::new(), hung_up: true });
    }
    edges
}
