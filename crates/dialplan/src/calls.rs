//! Call scripts: what a caller does, what is heard, what ends on the record.

mod read;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{CallerNumber, Fields};
use jiff::Zoned;

use crate::diagnostic::Diagnostic;
use crate::simulation::{Line, MemoryRecord};
use crate::source::{SourceFile, Span};
use crate::tree::Name;

#[cfg(test)]
pub(crate) use read::{ACT, CALL, GIVEN, QUEUE, RECORD, SCRIPT, TICKET};
pub use run::{PlanReport, unvisited};

/// The scripts of one file.
#[derive(Debug)]
pub struct CallScripts {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The plan they call.
    pub plan: String,
    /// The calls.
    pub calls: Vec<CallScript>,
}

/// One call.
#[derive(Debug)]
pub struct CallScript {
    /// What it proves.
    pub name: String,
    pub(crate) from: CallerNumber,
    pub(crate) dialled: String,
    pub(crate) at: Zoned,
    pub(crate) record: MemoryRecord,
    /// What the plan takes, in a call that we make.
    pub(crate) given: Fields,
    pub(crate) acts: Vec<Act>,
    pub(crate) expected: Vec<(Name, Expected)>,
}

/// One thing the caller does or hears.
#[derive(Debug)]
pub(crate) enum Act {
    Hears(Vec<Name>),
    Keys(Name),
    Waits(Duration),
    Speaks(Duration, Span),
    SaysNothing(Span),
    HangsUp,
    CallEnds(Span),
    Agent(AgentDoes, Span),
}

/// What the human at the other end does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentDoes {
    Answers,
    HangsUp,
    IsLost,
    /// Another caller is served: this place from now on.
    MovesUp(u32),
}

/// What the record must hold.
#[derive(Debug)]
pub(crate) enum Expected {
    /// A word, or `none`.
    Word(String),
    /// A number.
    Count(usize),
    /// Answers by question; no others.
    Answers(BTreeMap<String, String>),
}

/// How one call went.
#[derive(Debug)]
pub struct CallReport {
    /// Its name.
    pub name: String,
    /// The expectation that failed, with its line: nothing if all went well.
    pub failures: Vec<Diagnostic>,
    /// What happened.
    pub transcript: Vec<Line>,
    /// The steps it entered: plan and step.
    pub steps: Vec<(String, String)>,
    /// How long it lasted.
    pub lasted: Duration,
}

impl CallReport {
    /// Whether everything went as the script says.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// The call in words: name, and if something failed, where and what happened until then.
    pub fn text(&self, colour: bool) -> String {
        use std::fmt::Write as _;
        let mut text = format!(
            "{} {} ({:.0} s)\n",
            if self.passed() { "ok    " } else { "FAILED" },
            self.name,
            self.lasted.as_secs_f64()
        );
        if self.passed() {
            return text;
        }
        for failure in &self.failures {
            text.push_str(&crate::diagnostic::full(failure, colour));
            text.push('\n');
        }
        text.push_str("what happened:\n");
        for line in &self.transcript {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {:6.1} s  {}", line.at.as_secs_f64(), line.text);
        }
        text
    }
}
