//! What a page leaves on the record, made of what its plan has written down.

use hotline_dialplan::Plans;
use hotline_dialplan::plan::Outcome;
use hotline_dialplan::writing::{Effect, Turn, Walk};
use hotline_model::{Language, Pii};
use hotline_record::{PageAnswer, PagePromise, PageTurn, SurveyPage};

/// The page as its plan left it. `refused`: the customer wants to hear of us no more, whatever the plan says. `None`:
/// the answers cannot be written down, which no plan and no customer can bring about.
pub(super) fn of(
    plans: &Plans,
    page: &SurveyPage,
    language: Language,
    turns: &[Turn],
    walk: Walk,
    refused: bool,
) -> Option<PageTurn> {
    let outcome = match (refused, turns.is_empty()) {
        (true, true) => Outcome::Refused,
        _ => walk.outcome,
    };
    let mut turn = PageTurn {
        attempt: page.attempt.clone(),
        version: page.version,
        plan_version: plans.find_plan(&page.plan).map(|plan| plan.version.clone()).unwrap_or_default(),
        language,
        turns: Pii::new(serde_json::to_string(turns).ok()?),
        outcome: outcome.word().to_owned(),
        do_not_call: refused,
        done: refused || walk.asked.is_none(),
        ..PageTurn::default()
    };
    for effect in walk.effects {
        match effect {
            Effect::Answer { question, answer, content } => {
                turn.answers.retain(|one| one.question != question);
                turn.answers.push(PageAnswer { question, answer, content });
            }
            Effect::Words { name, text } => {
                turn.words.retain(|(one, _)| *one != name);
                turn.words.push((name, Pii::new(text)));
            }
            Effect::Save { at, save } => {
                turn.reason = save.reason.or(turn.reason);
                turn.note = save.note.or(turn.note);
                turn.tags.extend(save.tags);
                turn.do_not_call |= save.do_not_call;
                if let Some(follow_up) = save.follow_up {
                    let due_at = at.checked_add(follow_up.within).unwrap_or(at);
                    turn.follow_up =
                        Some(PagePromise { reason: follow_up.reason, note: follow_up.note, due_at });
                }
            }
        }
    }
    Some(turn)
}
