//! What is wrong with a plan whose words are all right: variables, ways through it, what a caller
//! would miss.

mod called;
pub(crate) mod entities;
mod flow;
mod graph;
mod variables;
mod voices;
mod written;

pub(crate) use called::{asked_often_enough, called_plans, measured};
pub(crate) use flow::{circles, inside_queues, plans_with_humans};
pub(crate) use variables::{KEYED, type_of_value};
pub(crate) use voices::recordings;
pub(crate) use written::{answerable, ways as ways_in_writing};

use crate::lower::Reader;
use crate::lower::plan::World;
use crate::plan::Plan;

/// Checks a plan, and works out what its session needs to know of each step. `shaky` plans have
/// errors already: what would follow from them is not told.
pub(crate) fn plan(
    reader: &mut Reader,
    plan: &mut Plan,
    world: &World,
    humans: &[String],
    tainted: &[String],
    shaky: bool,
) {
    let graph = graph::Graph::of(plan);
    variables::check(reader, plan, world, &graph, tainted);
    called::names(reader, plan);
    written::answers(reader, plan);
    let shaky = shaky || reader.found.iter().any(crate::diagnostic::Diagnostic::is_error);
    flow::check(reader, plan, world, &graph, humans, shaky);
    voices::unused(reader, plan, world, shaky);
    let skippable: Vec<bool> = (0..plan.steps.len()).map(|at| graph.leads_to_question(plan, at)).collect();
    for (step, skippable) in plan.steps.iter_mut().zip(skippable) {
        step.skippable = skippable;
    }
}
