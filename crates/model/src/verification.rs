//! What must be known before what may be told, and how often one may guess.
//!
//! The decision is one pure function, [`VerificationPolicy::decide`], so that the record and the call scripts that
//! stand beside the plans cannot differ in it.

use serde::{Deserialize, Serialize};

use crate::{TicketCode, TicketState};

/// What a caller may be asked for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Factor {
    /// The code from the text message.
    Code,
    /// The last four digits of the telephone number on file.
    LastFour,
}

impl Factor {
    /// The name a designer writes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::LastFour => "last-four",
        }
    }
}

/// How often one may be wrong before even the right answer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Wrong attempts in one call.
    pub per_call: u32,
    /// Wrong attempts of one caller's number in 24 hours.
    pub per_caller_a_day: u32,
    /// Wrong second factors for one ticket in 24 hours, whoever calls.
    pub per_ticket_a_day: u32,
    /// Wrong attempts that all callers with a withheld number share in one hour.
    pub withheld_an_hour: u32,
    /// Wrong attempts of everybody in one hour above which somebody is guessing, if
    /// `attack_share` is passed too: then codes are refused and results go another way.
    pub attack_an_hour: u32,
    /// The share of wrong look-ups among all in that hour, in percent.
    pub attack_share: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_call: 3,
            per_caller_a_day: 9,
            per_ticket_a_day: 5,
            withheld_an_hour: 9,
            attack_an_hour: 60,
            attack_share: 30,
        }
    }
}

/// A factor that the policy asks for, with the prompt that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AskedFactor {
    /// Which.
    pub factor: Factor,
    /// The prompt (of the plan that verifies) that asks for it, where the plan did not hand it
    /// over by `with`.
    #[serde(default)]
    pub ask: Option<String>,
    /// How many digits it has.
    pub length: u32,
}

/// A verification policy: one file, used alike by plans, chats and desks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VerificationPolicy {
    /// Its name, as plans call it.
    pub policy: String,
    /// What it is for, and what it costs to loosen it.
    #[serde(default)]
    pub about: String,
    /// The factors, in the order they are asked for.
    pub factors: Vec<AskedFactor>,
    /// How often one may guess.
    #[serde(default)]
    pub limits: Limits,
}

/// What was keyed, by factor.
pub type Given = std::collections::BTreeMap<Factor, crate::Pii<String>>;

/// The ticket that the code names, as far as the decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The last four digits of the number on file.
    pub last_four: crate::Pii<String>,
    /// Where the ticket stands.
    pub state: TicketState,
    /// Whether its code has run out.
    pub expired: bool,
    /// Whether there is a result that may be told.
    pub has_result: bool,
}

/// Wrong attempts so far, before this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// In this call.
    pub in_call: u32,
    /// Of this caller's number in 24 hours (0 for a withheld number).
    pub by_caller: u32,
    /// Wrong second factors for this ticket in 24 hours.
    pub on_ticket: u32,
    /// Of all withheld numbers in one hour, if this caller's is withheld, else 0.
    pub by_withheld: u32,
    /// Of everybody in one hour.
    pub by_all: u32,
    /// Attempts of everybody in one hour, right and wrong.
    pub attempts_by_all: u32,
}

/// Why an attempt was refused. The caller hears and waits the same for each; the record keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Nine digits whose check digit does not fit, or not nine digits: a slip, looked up nowhere
    /// and counted nowhere.
    Slip,
    /// No ticket has this code.
    UnknownCode,
    /// The code has run out, or its ticket was cancelled.
    ExpiredCode,
    /// The ticket is somebody else's: another factor is wrong or missing.
    WrongFactor,
    /// Too many wrong attempts in this call.
    CallLimit,
    /// Too many wrong attempts of this number.
    CallerLimit,
    /// Too many wrong second factors for this ticket.
    TicketLimit,
    /// Too many wrong attempts of withheld numbers.
    WithheldLimit,
    /// Somebody is guessing: codes are not taken by telephone for the time being.
    UnderAttack,
}

impl Refusal {
    /// The word kept in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Slip => "slip",
            Self::UnknownCode => "unknown-code",
            Self::ExpiredCode => "expired-code",
            Self::WrongFactor => "wrong-factor",
            Self::CallLimit => "call-limit",
            Self::CallerLimit => "caller-limit",
            Self::TicketLimit => "ticket-limit",
            Self::WithheldLimit => "withheld-limit",
            Self::UnderAttack => "under-attack",
        }
    }

    /// Whether the attempt counts as wrong for the caller.
    pub const fn counts(self) -> bool {
        matches!(self, Self::UnknownCode | Self::ExpiredCode | Self::WrongFactor)
    }
}

/// What the policy says of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything right: the result may be told.
    Passed,
    /// Everything right, but there is no result yet.
    Pending,
    /// Not to be told, and not to be told why.
    Refused(Refusal),
}

impl Verdict {
    /// The word kept in the record: `passed`, `pending`, or why it was refused.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Pending => "pending",
            Self::Refused(refusal) => refusal.word(),
        }
    }
}

impl VerificationPolicy {
    /// What the policy says of an attempt: `candidate` is the ticket that the code names, if any.
    /// Limits come first, so that a locked caller learns nothing from a right code.
    pub fn decide(&self, given: &Given, candidate: Option<&Candidate>, counters: &Counters) -> Verdict {
        let limits = &self.limits;
        if let Some(code) = given.get(&Factor::Code)
            && TicketCode::check(code.expose()).is_err()
        {
            return Verdict::Refused(Refusal::Slip);
        }
        if counters.in_call >= limits.per_call {
            return Verdict::Refused(Refusal::CallLimit);
        }
        if counters.by_caller >= limits.per_caller_a_day {
            return Verdict::Refused(Refusal::CallerLimit);
        }
        if counters.by_withheld >= limits.withheld_an_hour {
            return Verdict::Refused(Refusal::WithheldLimit);
        }
        let guessing = counters.by_all > limits.attack_an_hour
            && u64::from(counters.by_all) * 100
                > u64::from(counters.attempts_by_all) * u64::from(limits.attack_share);
        if guessing {
            return Verdict::Refused(Refusal::UnderAttack);
        }
        let Some(candidate) = candidate else {
            return Verdict::Refused(Refusal::UnknownCode);
        };
        if counters.on_ticket >= limits.per_ticket_a_day {
            return Verdict::Refused(Refusal::TicketLimit);
        }
        if candidate.expired || candidate.state == TicketState::Cancelled {
            return Verdict::Refused(Refusal::ExpiredCode);
        }
        let right = self.factors.iter().all(|asked| match asked.factor {
            // The candidate was found by its code.
            Factor::Code => given.contains_key(&Factor::Code),
            Factor::LastFour => given.get(&Factor::LastFour) == Some(&candidate.last_four),
        });
        if !right {
            return Verdict::Refused(Refusal::WrongFactor);
        }
        if candidate.state == TicketState::Closed && candidate.has_result {
            Verdict::Passed
        } else {
            Verdict::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> VerificationPolicy {
        let asked = |factor, length| AskedFactor { factor, ask: None, length };
        VerificationPolicy {
            policy: "ticket-result".into(),
            about: String::new(),
            factors: vec![asked(Factor::Code, 9), asked(Factor::LastFour, 4)],
            limits: Limits::default(),
        }
    }

    fn given(code: &str, last_four: &str) -> Given {
        [(Factor::Code, code.to_owned().into()), (Factor::LastFour, last_four.to_owned().into())].into()
    }

    fn closed() -> Candidate {
        Candidate {
            last_four: "8000".to_owned().into(),
            state: TicketState::Closed,
            expired: false,
            has_result: true,
        }
    }

    const CODE: &str = "407192865";

    #[test]
    fn right_answers_pass_and_an_open_ticket_is_pending() {
        let none = Counters::default();
        assert_eq!(policy().decide(&given(CODE, "8000"), Some(&closed()), &none), Verdict::Passed);
        let open = Candidate { state: TicketState::Open, ..closed() };
        assert_eq!(policy().decide(&given(CODE, "8000"), Some(&open), &none), Verdict::Pending);
    }

    #[test]
    fn every_wrong_answer_is_refused_for_its_own_reason() {
        let none = Counters::default();
        let expired = Candidate { expired: true, ..closed() };
        let refused = [
            (given("407192866", "8000"), Some(closed()), none, Refusal::Slip),
            (given(CODE, "8000"), None, none, Refusal::UnknownCode),
            (given(CODE, "8001"), Some(closed()), none, Refusal::WrongFactor),
            (given(CODE, "8000"), Some(expired), none, Refusal::ExpiredCode),
            (given(CODE, "8000"), Some(closed()), Counters { in_call: 3, ..none }, Refusal::CallLimit),
            (given(CODE, "8000"), Some(closed()), Counters { by_caller: 9, ..none }, Refusal::CallerLimit),
            (given(CODE, "8000"), Some(closed()), Counters { on_ticket: 5, ..none }, Refusal::TicketLimit),
            (
                given(CODE, "8000"),
                Some(closed()),
                Counters { by_withheld: 9, ..none },
                Refusal::WithheldLimit,
            ),
            (
                given(CODE, "8000"),
                Some(closed()),
                Counters { by_all: 61, attempts_by_all: 200, ..none },
                Refusal::UnderAttack,
            ),
        ];
        for (given, candidate, counters, refusal) in refused {
            assert_eq!(policy().decide(&given, candidate.as_ref(), &counters), Verdict::Refused(refusal));
        }
    }

    #[test]
    fn a_busy_hour_with_few_wrong_ones_is_no_attack() {
        let counters = Counters { by_all: 61, attempts_by_all: 1000, ..Counters::default() };
        assert_eq!(policy().decide(&given(CODE, "8000"), Some(&closed()), &counters), Verdict::Passed);
    }

    #[test]
    fn a_policy_may_ask_for_the_code_alone() {
        let mut alone = policy();
        alone.factors.truncate(1);
        let given = [(Factor::Code, CODE.to_owned().into())].into();
        assert_eq!(alone.decide(&given, Some(&closed()), &Counters::default()), Verdict::Passed);
    }
}
