//! What a firm decides about its queues.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::Calendar;

/// The name of a queue or of a skill, in kebab case.
pub type Name = Arc<str>;

/// What an agent can do, or what a caller needs: names such as `complaints` or `en-us`.
pub type Skills = BTreeSet<Name>;

/// Skills from their names.
pub fn skills<'a>(names: impl IntoIterator<Item = &'a str>) -> Skills {
    names.into_iter().map(Name::from).collect()
}

/// Which of the agents who are free gets the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The one who has been free for longest.
    #[default]
    LongestIdle,
    /// The one with the fewest other skills, so that those who can do more stay free for callers
    /// who need it; among equals the one who has been free for longest.
    Skills,
    /// The agent who had this ticket last, if they come free soon; otherwise as `LongestIdle`.
    LastAgent,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::LongestIdle, Self::Skills, Self::LastAgent];

    /// The word in `queues.yaml`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::LongestIdle => "longest-idle",
            Self::Skills => "skills",
            Self::LastAgent => "last-agent",
        }
    }
}

/// One queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSettings {
    /// Who gets the caller.
    pub strategy: Strategy,
    /// What an agent must be able to do to serve it; every agent serves a queue that asks for nothing.
    pub skills: Skills,
    /// How long an offer rings before the next agent gets it.
    pub ring: Duration,
    /// How long an agent has for notes after a call; nothing for none.
    pub wrap_up: Duration,
    /// After this time nobody has come. Counted from the join, or from the loss of an agent.
    pub longest_wait: Duration,
    /// How long the place of a caller whose connection was lost is kept.
    pub keep_place: Duration,
    /// How long a caller waits for the last agent of their ticket while others are free.
    pub last_agent_wait: Duration,
    /// When it is open; always if `None`.
    pub hours: Option<Calendar>,
    /// How callers are called back who would rather not wait; `None`: they are not.
    pub call_back: Option<CallBackSettings>,
}

/// How callers are called back whose place is kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallBackSettings {
    /// How long it rings; an agent is kept free for it, and for a moment longer.
    pub ring: Duration,
    /// After so many calls that did not reach them the place is given up.
    pub tries: u32,
    /// The time between two of them.
    pub again: Duration,
}

impl Default for CallBackSettings {
    fn default() -> Self {
        Self { ring: Duration::from_secs(30), tries: 3, again: Duration::from_secs(5 * 60) }
    }
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            skills: Skills::new(),
            ring: Duration::from_secs(20),
            wrap_up: Duration::from_secs(30),
            longest_wait: Duration::from_secs(15 * 60),
            keep_place: Duration::from_secs(10 * 60),
            last_agent_wait: Duration::from_secs(20),
            hours: None,
            call_back: None,
        }
    }
}

/// All queues of an installation.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The queues by name.
    pub queues: BTreeMap<Name, QueueSettings>,
    /// An agent who has missed so many offers in a row goes on a break with the reason `missed`.
    pub missed_limit: u32,
    /// After an offer that was declined or that did not reach the telephone, an agent gets no
    /// other one for this time.
    pub rest: Duration,
    /// The time for notes after a call that came by no queue.
    pub wrap_up: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            missed_limit: 3,
            rest: Duration::from_secs(5),
            wrap_up: Duration::from_secs(30),
        }
    }
}
