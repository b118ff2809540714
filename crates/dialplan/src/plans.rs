//! All plans with what they share: loaded together, never changed, shared by the calls that run
//! on them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::campaign::{Policy as CampaignPolicy, Settings as Campaigns};
use hotline_model::{Calendar, Language, VerificationPolicy};
use indexmap::IndexMap;

use crate::check;
use crate::diagnostic::{self, Diagnostic, codes};
use crate::lower::Reader;
use crate::lower::campaign::ReadPolicy;
use crate::lower::plan::World;
use crate::plan::Plan;
use crate::recordings::{Recordings, short_hash};
use crate::source::{SourceFile, Span};
use crate::tree::{self, Name, Node};

/// What is said before everything else, switched on in `numbers.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// In which plans.
    pub plans: AnnouncementFor,
    /// The words.
    pub texts: BTreeMap<Language, String>,
}

/// Which plans announce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnnouncementFor {
    /// All.
    All,
    /// These.
    Plans(Vec<String>),
}

/// Where a dialled number leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The plan.
    pub plan: String,
    /// Whether the number is one for trying drafts.
    pub test: bool,
}

/// `numbers.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Each number or name that can be dialled.
    pub routes: IndexMap<String, Route>,
    /// The plan of all other numbers; without one they do not exist (404).
    pub default: Option<String>,
    /// An announcement that is on.
    pub announcement: Option<Announcement>,
}

impl Numbers {
    /// The plan of a dialled number.
    pub fn find_route(&self, dialled: &str) -> Option<Route> {
        let found = self.routes.get(dialled).cloned();
        found.or_else(|| Some(Route { plan: self.default.clone()?, test: false }))
    }

    /// What is announced in a plan now, by language.
    pub fn find_announcement(&self, plan: &str) -> Option<&BTreeMap<Language, String>> {
        let announcement = self.announcement.as_ref()?;
        let on = match &announcement.plans {
            AnnouncementFor::All => true,
            AnnouncementFor::Plans(plans) => plans.iter().any(|name| name == plan),
        };
        on.then_some(&announcement.texts)
    }
}

/// Which of the agents who are free gets a caller.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum QueueStrategy {
    /// The one who has been free for longest.
    #[default]
    LongestIdle,
    /// The one with the fewest other skills: specialists stay free for those who need them.
    Skills,
    /// The agent who had the caller's ticket last, if they come free soon; else as longest-idle.
    LastAgent,
}

/// A queue of `queues.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// What people call it, in each language.
    pub called: BTreeMap<Language, String>,
    /// Who gets a caller.
    pub strategy: QueueStrategy,
    /// What an agent must be able to do to serve it.
    pub skills: Vec<String>,
    /// How long an offer rings before the next agent gets it.
    pub ring: Duration,
    /// How long an agent has for notes after a call.
    pub wrap_up: Duration,
    /// What its calls may have been about, by the word that is stored; may be empty.
    pub wrap_up_reasons: IndexMap<String, BTreeMap<Language, String>>,
    /// After this time nobody has come.
    pub longest_wait: Duration,
    /// How long the place of a caller whose connection was lost is kept.
    pub keep_place: Duration,
    /// How long a caller waits for the last agent while others are free.
    pub last_agent_wait: Duration,
    /// The calendar of its hours; always open without one.
    pub hours: Option<String>,
    /// The plan that runs while a caller waits.
    pub while_waiting: String,
    /// The plan that callers are called back with whose place is kept; without it none is kept.
    pub call_back: Option<String>,
    /// What a caller hears who is put on hold: `prompts/music/<name>.wav`.
    pub music: Option<String>,
}

/// Checked plans, policies, calendars, queues and numbers. Immutable: a call keeps the set it began with
/// in its `Arc`, whatever is published meanwhile.
#[derive(Debug, Default)]
pub struct Plans {
    plans: IndexMap<String, Arc<Plan>>,
    policies: IndexMap<String, VerificationPolicy>,
    calendars: IndexMap<String, Calendar>,
    queues: IndexMap<String, Queue>,
    campaigns: Campaigns,
    numbers: Numbers,
    version: String,
}

/// What a file is, told from its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Plan,
    Policy,
    Calendar,
    Numbers,
    Queues,
    Campaigns,
    /// Call scripts, and what is no YAML: not read here.
    Other,
}

impl FileKind {
    /// What an empty file of this kind leads to, and how one begins.
    const fn begins(self) -> (&'static str, &'static str) {
        match self {
            Self::Plan | Self::Other => {
                ("nothing would be heard", "begin with `plan: ` and the name of the file without `.yaml`")
            }
            Self::Policy => (
                "it would be obeyed by nobody",
                "begin with `policy: ` (what callers must know) or `campaign: ` (whom you call) and the name of the \
                 file without `.yaml`",
            ),
            Self::Calendar => {
                ("no plan could ask it", "begin with `calendar: ` and the name of the file without `.yaml`")
            }
            Self::Numbers => ("no number would lead anywhere", "begin with `numbers:`, or remove the file"),
            Self::Queues => ("callers could wait for nobody", "begin with `queues:`, or remove the file"),
            Self::Campaigns => (
                "nothing would be limited that is not limited anyway",
                "begin with what shall differ, for example `calls-per-second: 10`, or remove the file",
            ),
        }
    }
}

fn kind_of(path: &str) -> FileKind {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let inside = |folder: &str| path.split(['/', '\\']).rev().nth(1) == Some(folder);
    if !(name.ends_with(".yaml") || name.ends_with(".yml")) || name.contains(".calls.") {
        FileKind::Other
    } else if name == "numbers.yaml" {
        FileKind::Numbers
    } else if name == "queues.yaml" {
        FileKind::Queues
    } else if name == "campaigns.yaml" {
        FileKind::Campaigns
    } else if inside("policies") {
        FileKind::Policy
    } else if inside("calendars") {
        FileKind::Calendar
    } else {
        FileKind::Plan
    }
}

impl Plans {
    /// Reads and checks all files of a folder of plans, given as path and text. Every finding is
    /// told at once; plans come back only if no finding is an error.
    pub fn load(files: Vec<(String, String)>, recordings: &Recordings) -> (Option<Self>, Vec<Diagnostic>) {
        let mut loader = Loader::default();
        let mut hashed = String::new();
        for (path, text) in files {
            let kind = kind_of(&path);
            if kind == FileKind::Other {
                continue;
            }
            hashed.push_str(&path);
            hashed.push_str(&text);
            loader.read(kind, &SourceFile::new(path, text));
        }
        loader.plans(recordings);
        let Loader { found, mut made, .. } = loader;
        made.version = short_hash(hashed.as_bytes(), 6);
        let sound = !found.iter().any(Diagnostic::is_error);
        (sound.then_some(made), diagnostic::arrange(found))
    }

    /// A plan by its name.
    pub fn find_plan(&self, name: &str) -> Option<&Arc<Plan>> {
        self.plans.get(name)
    }

    /// Every plan.
    pub fn plans(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.plans.values()
    }

    /// A verification policy by its name.
    pub fn find_policy(&self, name: &str) -> Option<&VerificationPolicy> {
        self.policies.get(name)
    }

    /// A calendar by its name.
    pub fn find_calendar(&self, name: &str) -> Option<&Calendar> {
        self.calendars.get(name)
    }

    /// Every calendar.
    pub fn calendars(&self) -> impl Iterator<Item = &Calendar> {
        self.calendars.values()
    }

    /// A queue by its name.
    pub fn find_queue(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// Every queue.
    pub fn queues(&self) -> impl Iterator<Item = &Queue> {
        self.queues.values()
    }

    /// Whom the firm calls, and what all such policies share.
    pub const fn campaigns(&self) -> &Campaigns {
        &self.campaigns
    }

    /// Which number runs which plan.
    pub const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The first twelve hexadecimal digits of the SHA-256 of all sources.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Two policies or two calendars of one name.
fn second(kind: &str, name: &str, place: &Span, head: &str) -> Diagnostic {
    Diagnostic::error(codes::REPEATED_NAME, place, format!("two {kind} are called `{name}`"))
        .label("one of them would be obeyed, and nobody can tell which")
        .help(format!("write `{head}`, or remove one of the two"))
}

#[derive(Default)]
struct Loader {
    world: World,
    made: Plans,
    found: Vec<Diagnostic>,
    names: IndexMap<String, Span>,
    plan_files: Vec<(Node, Arc<SourceFile>)>,
    /// Plans that customers are called with, where a policy names them.
    called: Vec<Name>,
    numbers_file: Option<(Node, Span)>,
    queues_file: Option<(Node, Span)>,
    /// Policies by which customers are called, with the names of their files.
    campaign_files: Vec<(Node, Span, String)>,
    /// A plan that could not be read at all: numbers may lead to it, and nothing is said of that.
    broken_plans: Vec<String>,
}

impl Loader {
    fn read(&mut self, kind: FileKind, file: &Arc<SourceFile>) {
        let (root, found) = tree::parse(file, kind.begins());
        let mended: Vec<usize> = found.iter().map(|finding| finding.primary.span.line()).collect();
        self.found.extend(found);
        let whole = file.span(0..file.line(1).end);
        let mut reader = Reader::default();
        let stem = file
            .path()
            .rsplit(['/', '\\'])
            .next()
            .and_then(|name| name.split('.').next())
            .unwrap_or_default();
        match (kind, root) {
            (FileKind::Policy, Some(root)) if root.find("campaign").is_some() => {
                self.campaign_files.push((root, whole, stem.to_owned()));
            }
            (FileKind::Campaigns, Some(root)) => {
                self.made.campaigns = reader.campaigns(&root, &whole);
            }
            (FileKind::Policy, root) => {
                let read = root.and_then(|root| reader.policy(&root, &whole, kind.begins().1));
                let sound = reader.found.is_empty() && mended.is_empty();
                match read {
                    Some((policy, asks)) => {
                        if self.made.policies.contains_key(&policy.policy) {
                            reader.report(second(
                                "policies",
                                &policy.policy,
                                &whole,
                                &format!("policy: {stem}"),
                            ));
                        }
                        self.world.policy_asks.insert(policy.policy.clone(), asks);
                        self.world.policies.insert(policy.policy.clone(), sound.then(|| policy.clone()));
                        self.made.policies.insert(policy.policy.clone(), policy);
                    }
                    None => {
                        self.world.policies.insert(stem.to_owned(), None);
                    }
                }
            }
            (FileKind::Calendar, root) => match root.and_then(|root| reader.calendar(&root, &whole)) {
                Some(calendar) => {
                    if self.made.calendars.contains_key(&calendar.name) {
                        let head = format!("calendar: {stem}");
                        reader.report(second("calendars", &calendar.name, &whole, &head));
                    }
                    self.world.calendars.push(calendar.name.clone());
                    self.made.calendars.insert(calendar.name.clone(), calendar);
                }
                None => self.world.calendars.push(stem.to_owned()),
            },
            (FileKind::Plan, Some(root)) => {
                match Reader::plan_head(&root) {
                    Some((name, head)) => {
                        if let Some(first) = self.names.get(&name.text) {
                            self.found.push(
                                Diagnostic::error(
                                    codes::REPEATED_NAME,
                                    &name.span,
                                    format!("two plans are called `{}`", name.text),
                                )
                                .label("callers would get one of them, and nobody can tell which")
                                .also(first, "the other one is here")
                                .help(format!("write `plan: {stem}`")),
                            );
                        }
                        self.names.insert(name.text.clone(), name.span);
                        self.world.plans.insert(name.text, head);
                    }
                    None => self.broken_plans.push(stem.to_owned()),
                }
                self.plan_files.push((root, Arc::clone(file)));
            }
            (FileKind::Plan, None) => self.broken_plans.push(stem.to_owned()),
            (FileKind::Numbers, Some(root)) => self.numbers_file = Some((root, whole)),
            (FileKind::Queues, root) => {
                self.world.queues = root.as_ref().map(Reader::queue_heads);
                self.queues_file = root.map(|root| (root, whole));
            }
            (FileKind::Numbers | FileKind::Campaigns, None) | (FileKind::Other, _) => {}
        }
        self.take(reader);
    }

    /// Policies name plans, calendars and queues, so that they come last.
    fn campaigns(&mut self) {
        let mut policies: BTreeMap<_, Arc<CampaignPolicy>> = BTreeMap::new();
        let mut names: BTreeMap<String, Span> = BTreeMap::new();
        for (root, whole, stem) in std::mem::take(&mut self.campaign_files) {
            let mut reader = Reader::default();
            let read = reader.campaign(&root, &whole, &self.world, &self.made.calendars);
            self.take(reader);
            let Some(ReadPolicy { name, policy, plan, link, took_part_from, active }) = read else {
                continue;
            };
            if let Some(link) = link {
                let found = check::answerable(&self.made.plans, plan.as_ref(), &link);
                self.found.extend(found);
            }
            self.found.extend(check::asked_often_enough(
                &self.made.plans,
                plan.as_ref(),
                took_part_from.as_ref(),
            ));
            self.found.extend(check::measured(&self.made.plans, plan.as_ref()));
            self.called.extend(plan);
            if let Some(first) = names.get(&name) {
                let message = format!("two policies are called `{name}`");
                self.found.push(
                    Diagnostic::error(codes::REPEATED_NAME, &whole, message)
                        .label("customers would be called by one of them, and nobody can tell which")
                        .also(first, "the other one is here")
                        .help(format!("write `campaign: {stem}`")),
                );
                continue;
            }
            if active {
                policies.insert(name.as_str().into(), Arc::new(policy));
            }
            names.insert(name, whole);
        }
        self.made.campaigns.policies = policies;
        self.found.extend(check::called_plans(&self.made.plans, &self.called));
    }

    /// Takes over what a reader found, less what stands on a line that was mended.
    fn take(&mut self, reader: Reader) {
        if reader.found.is_empty() {
            return;
        }
        let place = |finding: &Diagnostic| {
            let span = &finding.primary.span;
            (Arc::as_ptr(&span.file), span.line())
        };
        let mended: HashSet<(*const SourceFile, usize)> =
            self.found.iter().filter(|finding| finding.code.id < "D200").map(place).collect();
        let stands =
            |finding: &Diagnostic| finding.code == codes::NUMBER || !mended.contains(&place(finding));
        self.found.extend(reader.found.into_iter().filter(stands));
    }

    fn plans(&mut self, recordings: &Recordings) {
        for name in std::mem::take(&mut self.broken_plans) {
            self.world.plans.entry(name).or_insert_with(|| crate::lower::plan::PlanHead {
                languages: Language::ALL.to_vec(),
                ..Default::default()
            });
        }
        let mut lowered = Vec::new();
        for (root, file) in std::mem::take(&mut self.plan_files) {
            let mut reader = Reader::default();
            let plan = reader.plan(&root, &file, &self.world);
            let tainted = std::mem::take(&mut reader.tainted);
            let broken_yaml =
                self.found.iter().any(|d| d.code.id < "D200" && Arc::ptr_eq(&d.primary.span.file, &file));
            let shaky = broken_yaml || reader.found.iter().any(Diagnostic::is_error);
            self.take(reader);
            if let Some(plan) = plan {
                lowered.push((plan, tainted, shaky));
            }
        }
        let humans = check::plans_with_humans(&lowered);
        for (mut plan, tainted, shaky) in lowered {
            let mut reader = Reader::default();
            check::plan(&mut reader, &mut plan, &self.world, &humans, &tainted, shaky);
            check::recordings(&mut reader, &plan, recordings);
            self.take(reader);
            self.made.plans.insert(plan.name.clone(), Arc::new(plan));
        }
        if let Some((root, whole)) = self.queues_file.take() {
            let mut reader = Reader::default();
            self.made.queues = reader.queues(&root, &whole, &self.world, recordings);
            self.take(reader);
        }
        self.campaigns();
        self.found.extend(check::inside_queues(&self.made.plans, &self.made.queues));
        let circles = check::circles(&self.made.plans);
        self.found.extend(circles);
        if let Some((root, whole)) = self.numbers_file.take() {
            let mut reader = Reader::default();
            if let Some(numbers) = reader.numbers(&root, &whole, &self.world) {
                self.made.numbers = numbers;
            }
            self.take(reader);
        }
    }
}
