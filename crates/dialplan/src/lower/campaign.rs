//! Whom the firm calls: `dialplans/policies/<name>.yaml` that begins with `campaign:`, and what all of them share,
//! `dialplans/campaigns.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::Calendar;
use hotline_model::campaign::{
    Calls, Cap, Detection, Message, Name as Word, NumberRules, Outcome, Pace, Policy, Retries, Retry,
    Settings, Trigger, Who,
};
use indexmap::IndexMap;

use super::notice::NOT_CALLED;
use super::plan::{PlanHead, World};
use super::words::spell;
use super::{Reader, Table, inner, list};
use crate::diagnostic::{Diagnostic, codes};
use crate::plan::Type;
use crate::source::Span;
use crate::tree::{Name, Node};

pub(crate) const CAMPAIGN: [&str; 20] = [
    "campaign",
    "about",
    "active",
    "who",
    "plan",
    "message",
    "otherwise",
    "hours",
    "earliest",
    "latest",
    "ring",
    "attempts",
    "again",
    "took-part-from",
    "caps",
    "humans",
    "machine",
    "trunks",
    "show",
    "priority",
];
pub(crate) const WHO: [&str; 6] = ["when", "categories", "outcomes", "except", "attributes", "share"];
pub(crate) const AGAIN: [&str; 2] = ["after", "most"];
pub(crate) const CAP: [&str; 2] = ["attempts", "within"];
pub(crate) const HUMANS: [&str; 4] = ["queue", "keep-free", "expected", "stranded"];
pub(crate) const MACHINE: [&str; 3] = ["greeting", "within", "rest"];
pub(crate) const SHARED: [&str; 5] = ["countries", "caps", "calls-per-second", "leave-alone", "longest-call"];

/// What the plan of a policy may take: told of the ticket that the call is about.
pub(crate) const TOLD: [(&str, Type); 3] =
    [("reference", Type::Text), ("category", Type::Text), ("closed-on", Type::Date)];

const TRIGGERS: [(&str, Trigger); 2] = [("closed", Trigger::Closed), ("changed", Trigger::Changed)];

/// What a name that no file defines leads to.
pub(super) const NOBODY: &str = "nobody could be called by this policy";

const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// No period is longer: the record keeps attempts for longer, the scheduler does not.
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// A policy as it was read.
pub(crate) struct ReadPolicy {
    /// Its name.
    pub name: String,
    /// What it says.
    pub policy: Policy,
    /// The plan, where one is named.
    pub plan: Option<Name>,
    /// From which question on customers took part, where it is said.
    pub took_part_from: Option<(usize, Span)>,
    /// Where its message tells a link, if it does.
    pub link: Option<Span>,
    /// Whether it is obeyed.
    pub active: bool,
}

impl Reader {
    /// A policy by which customers are called or told.
    pub(crate) fn campaign(
        &mut self,
        root: &Node,
        whole: &Span,
        world: &World,
        calendars: &IndexMap<String, Calendar>,
    ) -> Option<ReadPolicy> {
        let table = self.table(root, whole, "a policy by which customers are called", &CAMPAIGN)?;
        let name = table.find("campaign").and_then(|node| {
            let name = self.text(node, "`campaign`", &table.key_span("campaign"))?;
            self.new_name(&name, "a campaign").then_some(name.text)
        });
        let who = table
            .need(
                self,
                "who",
                "every ticket that is closed would be called about",
                "add `who:` with `when: closed`; `who: { when: closed, share: 100% }` calls everybody",
            )
            .map(|node| self.who(node, &table.key_span("who")));
        let plan = self.campaign_plan(&table, world);
        let message = self.campaign_message(&table);
        let hours = self.campaign_hours(&table, world, calendars);
        let mut time = |word: &'static str, usual: Duration, most: Duration| {
            table
                .find(word)
                .and_then(|node| self.duration(node, &format!("`{word}`"), most, &table.key_span(word)))
                .unwrap_or(usual)
        };
        let earliest = time("earliest", 30 * MINUTE, 30 * DAY);
        let latest = time("latest", 3 * DAY, 90 * DAY);
        if latest <= earliest {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &table.key_span("latest"),
                    "`latest` is not after `earliest`",
                )
                .label("nobody would ever be called")
                .help("write a `latest` that leaves days in which to call, for example `3d`"),
            );
        }
        let caps =
            table.find("caps").map(|node| self.caps(node, &table.key_span("caps"))).unwrap_or_default();
        let called = table.find("message").is_none();
        let calls = called.then(|| self.calls(&table, plan.as_ref(), world));
        let priority = table
            .find("priority")
            .and_then(|node| self.count(node, "`priority`", 0..=9, &table.key_span("priority")))
            .unwrap_or(5);
        let active = table
            .find("active")
            .and_then(|node| self.flag(node, "`active`", &table.key_span("active")))
            .unwrap_or(true);
        let calls = match calls {
            Some(calls) => Some(calls?),
            None => None,
        };
        Some(ReadPolicy {
            name: name?,
            policy: Policy {
                who: who?,
                hours: hours?,
                earliest,
                latest,
                caps,
                priority: priority as u8,
                calls,
                message,
            },
            plan,
            took_part_from: table
                .find("took-part-from")
                .and_then(|node| Some((node.scalar()?.parse().ok()?, inner(node)))),
            link: self.link.take(),
            active,
        })
    }

    /// How customers are called.
    fn calls(&mut self, table: &Table<'_>, plan: Option<&Name>, world: &World) -> Option<Calls> {
        let ring_limit = table
            .find("ring")
            .and_then(|node| self.duration(node, "`ring`", 2 * MINUTE, &table.key_span("ring")))
            .unwrap_or(Duration::from_secs(25));
        let retries = self.retries(table);
        let pace = table.find("humans").and_then(|node| self.humans(node, &table.key_span("humans"), world));
        let detection = table
            .find("machine")
            .map(|node| self.machine(node, &table.key_span("machine")))
            .unwrap_or_default();
        let trunks = self.trunks(table);
        let show = table
            .need(
                self,
                "show",
                "customers would see no number, and could not call back",
                "add `show: \"10086\"`, a number of yours that the carrier lets you show",
            )
            .and_then(|node| self.shown_number(node, "`show`", &table.key_span("show")));
        Some(Calls {
            plan: plan?.text.as_str().into(),
            retries,
            ring_limit,
            pace,
            trunks,
            show: show?.text.into(),
            detection,
        })
    }

    /// The message of a policy: in place of calls, or where they have led to nothing.
    fn campaign_message(&mut self, table: &Table<'_>) -> Option<Message> {
        let head = table.key_span("message");
        if let Some(node) = table.find("message") {
            for word in NOT_CALLED.iter().filter(|word| table.find(word).is_some()) {
                self.report(
                    Diagnostic::error(
                        codes::BY_MESSAGE,
                        &table.key_span(word),
                        format!("`{word}` stands in a policy that sends a message and calls nobody"),
                    )
                    .label("it would never be obeyed")
                    .help(if *word == "otherwise" || *word == "plan" {
                        "write `plan:` and `otherwise:` to call first, or `message:` alone"
                    } else {
                        "take it out, or write `plan:` in place of `message:`"
                    }),
                );
            }
            return Some(Message { texts: self.notice_texts(node, &head), otherwise: None });
        }
        let node = table.find("otherwise")?;
        self.otherwise(node, &table.key_span("otherwise"))
    }

    /// What all policies share; without the file, [`Settings::default`].
    pub(crate) fn campaigns(&mut self, root: &Node, whole: &Span) -> Settings {
        let mut settings = Settings::default();
        let Some(table) = self.table(root, whole, "campaigns.yaml", &SHARED) else { return settings };
        if let Some(node) = table.find("countries") {
            let head = table.key_span("countries");
            let help = "name the calling codes of countries, or leave the line out: `countries: [86]`";
            let codes: BTreeSet<u16> = self
                .some(node, "`countries`", &head, "nobody could be called", help)
                .iter()
                .filter_map(|item| self.count(item, "a country's calling code", 1..=999, &head))
                .map(|code| code as u16)
                .collect();
            settings.numbers = NumberRules { countries: codes };
        }
        if let Some(node) = table.find("caps") {
            settings.caps = self.caps(node, &table.key_span("caps"));
        }
        if let Some(node) = table.find("calls-per-second") {
            let head = table.key_span("calls-per-second");
            if let Some(number) = self.count(node, "`calls-per-second`", 1..=1_000, &head) {
                settings.per_second = number as u32;
            }
        }
        let mut time = |word: &'static str, place: &mut Duration, most: Duration| {
            let read = table
                .find(word)
                .and_then(|node| self.duration(node, &format!("`{word}`"), most, &table.key_span(word)));
            *place = read.unwrap_or(*place);
        };
        time("leave-alone", &mut settings.after_contact, 30 * DAY);
        time("longest-call", &mut settings.longest_call, DAY);
        settings
    }

    fn who(&mut self, node: &Node, head: &Span) -> Who {
        let mut who = Who::default();
        let Some(table) = self.table(node, head, "`who`", &WHO) else { return who };
        if let Some(when) = table
            .need(
                self,
                "when",
                "nobody can tell what makes a call due",
                "add `when: closed` or `when: changed`",
            )
            .and_then(|node| self.word(node, "`when`", &TRIGGERS, &table.key_span("when")))
        {
            who.trigger = when;
        }
        let mut words = |word: &str, what: &str| -> BTreeSet<Word> {
            let head = table.key_span(word);
            let help = format!("leave the line out if everybody is meant, or name some: `{word}: [a, b]`");
            let label = "an empty list would let everybody pass";
            let items =
                table.find(word).map(|node| self.some(node, &format!("`{word}`"), &head, label, help));
            let texts = items.unwrap_or_default().iter().filter_map(|item| self.text(item, what, &head));
            texts.map(|text| text.text.into()).collect()
        };
        who.categories = words("categories", "a category");
        who.outcomes = words("outcomes", "an outcome");
        who.except = words("except", "an outcome");
        if let Some(node) = table.find("attributes") {
            who.attributes = self.attributes(node, &table.key_span("attributes"));
        }
        if let Some(share) = table
            .find("share")
            .and_then(|node| self.permille(node, "`share`", 1..=1_000, &table.key_span("share")))
        {
            who.share_permille = share;
        }
        who
    }

    fn attributes(&mut self, node: &Node, head: &Span) -> BTreeMap<Word, BTreeSet<Word>> {
        let Some(entries) = node.entries() else {
            self.shape(node, "`attributes`", "a table of `key: value` lines", head);
            return BTreeMap::new();
        };
        if entries.is_empty() {
            let message = "`attributes` names nothing: at least one is needed";
            self.report(
                Diagnostic::error(codes::NOBODY, &node.span, message)
                    .label("an empty table would let everybody pass")
                    .help("leave the line out if everybody is meant, or name some: `attributes: { tier: [gold] }`"),
            );
        }
        entries
            .iter()
            .map(|entry| {
                let span = &entry.key.span;
                let what = format!("`{}`", entry.key.text);
                let help = "leave the line out if everybody is meant, or name some values";
                let values = self.some(&entry.value, &what, span, "nobody would pass", help);
                let texts = values.iter().filter_map(|item| self.text(item, "a value", span));
                (entry.key.text.as_str().into(), texts.map(|text| text.text.into()).collect())
            })
            .collect()
    }

    /// The plan that speaks, which takes nothing but what is told of the ticket.
    fn campaign_plan(&mut self, table: &Table<'_>, world: &World) -> Option<Name> {
        if table.find("message").is_some() {
            return table.find("plan").and_then(|node| self.text(node, "`plan`", &table.key_span("plan")));
        }
        let node = table.need(
            self,
            "plan",
            "customers would be called and hear nothing",
            "add `plan: ` and the name of a plan",
        )?;
        let name = self.text(node, "`plan`", &table.key_span("plan"))?;
        match world.plans.get(&name.text) {
            None => self.no_such(&name, "plan", codes::PLAN, world.plans.keys().map(String::as_str), NOBODY),
            Some(head) => self.takes_what_is_told(&name, head),
        }
        Some(name)
    }

    fn takes_what_is_told(&mut self, plan: &Name, head: &PlanHead) {
        for (name, of) in &head.takes {
            if !TOLD.iter().any(|(told, kind)| told == name && kind == of) {
                let words = TOLD.map(|(told, kind)| format!("`{told}` ({})", kind.described()));
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.report(
                    Diagnostic::error(
                        codes::CALLED_PLAN,
                        &plan.span,
                        format!(
                            "plan `{}` takes `{name}` as {}, which no ticket tells",
                            plan.text,
                            of.described()
                        ),
                    )
                    .label("where that plan says it the customer would hear nothing")
                    .help(format!(
                        "a plan that customers are called with takes {}, or nothing",
                        list(&words, "and")
                    )),
                );
            }
        }
    }

    fn campaign_hours(
        &mut self,
        table: &Table<'_>,
        world: &World,
        calendars: &IndexMap<String, Calendar>,
    ) -> Option<Arc<Calendar>> {
        let node = table.need(
            self,
            "hours",
            "customers would be called at night",
            "add `hours: ` and the name of a calendar: when it is open on the customer's clock, telephones may ring",
        )?;
        let name = self.text(node, "`hours`", &table.key_span("hours"))?;
        if !world.calendars.contains(&name.text) {
            let known = world.calendars.iter().map(String::as_str);
            self.no_such(&name, "calendar", codes::CALENDAR, known, NOBODY);
        }
        calendars.get(&name.text).cloned().map(Arc::new)
    }

    fn retries(&mut self, table: &Table<'_>) -> Retries {
        let mut retries = Retries::default();
        if let Some(node) = table.find("attempts")
            && let Some(number) = self.count(node, "`attempts`", 1..=20, &table.key_span("attempts"))
        {
            retries.attempts = number as u8;
        }
        if let Some(node) = table.find("took-part-from")
            && let Some(number) =
                self.count(node, "`took-part-from`", 1..=100, &table.key_span("took-part-from"))
        {
            retries.took_part_from = number as u32;
        }
        let Some(node) = table.find("again") else { return retries };
        let words = Outcome::ALL.map(Outcome::word);
        let Some(again) = self.table(node, &table.key_span("again"), "`again`", &words) else {
            return retries;
        };
        // That the network failed is nobody's answer: it is tried again whether or not that is written.
        retries.after.retain(|outcome, _| *outcome == Outcome::Failed);
        for outcome in Outcome::ALL {
            let word = outcome.word();
            let Some(node) = again.find(word) else { continue };
            let head = again.key_span(word);
            let Some(one) = self.table(node, &head, &format!("`{word}`"), &AGAIN) else { continue };
            let after = one
                .need(self, "after", "the telephone would ring again at once", "add `after: 30min`")
                .and_then(|node| self.duration(node, "`after`", 30 * DAY, &one.key_span("after")));
            let most = match one.find("most") {
                Some(node) => self.count(node, "`most`", 1..=20, &one.key_span("most")),
                None => Some(1),
            };
            if let Some((after, most)) = after.zip(most) {
                retries.after.insert(outcome, Retry { after, most: most as u8 });
            }
        }
        if retries.attempts > 1 && node.entries().is_some_and(<[_]>::is_empty) {
            self.report(
                Diagnostic::warning(
                    codes::RANGE,
                    &table.key_span("again"),
                    "no outcome leads to another attempt",
                )
                .label("customers are called once, whatever is written here")
                .help("write `again: { busy: { after: 30min } }`, or `attempts: 1`"),
            );
        }
        retries
    }

    fn caps(&mut self, node: &Node, head: &Span) -> Vec<Cap> {
        let mut caps = Vec::new();
        for item in self.items(node, "`caps`", head) {
            let Some(table) = self.table(item, head, "a cap", &CAP) else { continue };
            let attempts = table
                .need(self, "attempts", "nobody can tell how many calls are too many", "add `attempts: 2`")
                .and_then(|node| self.count(node, "`attempts`", 1..=1_000, &table.key_span("attempts")));
            let period = table
                .need(self, "within", "nobody can tell in which time", "add `within: 24h`")
                .and_then(|node| self.duration(node, "`within`", YEAR, &table.key_span("within")));
            caps.extend(
                attempts.zip(period).map(|(attempts, period)| Cap { attempts: attempts as u32, period }),
            );
        }
        caps
    }

    fn humans(&mut self, node: &Node, head: &Span, world: &World) -> Option<Pace> {
        let table = self.table(node, head, "`humans`", &HUMANS)?;
        let queue = table
            .need(
                self,
                "queue",
                "nobody can tell for whom the dissatisfied would wait",
                "add `queue: ` and the name of a queue",
            )
            .and_then(|node| self.text(node, "`queue`", &table.key_span("queue")));
        if let Some(queue) = &queue
            && !world.queues.as_ref().is_some_and(|queues| queues.contains_key(&queue.text))
        {
            let known = world.queues.iter().flat_map(IndexMap::keys).map(String::as_str).collect::<Vec<_>>();
            self.no_such(queue, "queue", codes::QUEUE, known.into_iter(), NOBODY);
        }
        let keep_free = match table.find("keep-free") {
            Some(node) => self.count(node, "`keep-free`", 0..=1_000, &table.key_span("keep-free")),
            None => Some(0),
        };
        let mut share = |word: &'static str, usual: u16| match table.find(word) {
            Some(node) => self.permille(node, &format!("`{word}`"), 1..=1_000, &table.key_span(word)),
            None => Some(usual),
        };
        let expected_permille = share("expected", 250)?;
        let stranded_permille = share("stranded", 10)?;
        Some(Pace {
            queue: queue?.text.into(),
            keep_free: keep_free? as u32,
            expected_permille,
            stranded_permille,
        })
    }

    /// How a machine is told from a human; `off`: whoever answers is a human.
    fn machine(&mut self, node: &Node, head: &Span) -> Detection {
        let usual = Detection::default();
        if node.scalar().is_some() {
            self.word(node, "`machine`", &[("off", ())], head);
            return Detection { within: Duration::ZERO, ..usual };
        }
        let Some(table) = self.table(node, head, "`machine`", &MACHINE) else { return usual };
        let mut time = |word: &'static str, usual: Duration, least: u64, most: u64| {
            let limits = Duration::from_millis(least)..=Duration::from_millis(most);
            match table.find(word) {
                Some(node) => self.length_within(node, &format!("`{word}`"), limits, &table.key_span(word)),
                None => Some(usual),
            }
        };
        let greeting = time("greeting", usual.greeting, 500, 10_000);
        let within = time("within", usual.within, 1_000, 30_000);
        let rest = time("rest", usual.rest, 100, 3_000);
        let (Some(greeting), Some(within), Some(rest)) = (greeting, within, rest) else { return usual };
        let detection = Detection { within, greeting, rest };
        for (word, shorter, longer) in [
            ("greeting", detection.greeting, ("within", detection.within)),
            ("rest", detection.rest, ("greeting", detection.greeting)),
        ] {
            if shorter >= longer.1 {
                let place = if table.find(word).is_some() { word } else { longer.0 };
                self.report(
                    Diagnostic::error(
                        codes::RANGE,
                        &table.key_span(place),
                        format!("`{word}` is {} and `{}` is {}", spell(shorter), longer.0, spell(longer.1)),
                    )
                    .label("no machine could ever be told from a human")
                    .help(format!("write a `{word}` that is shorter than `{}`", longer.0)),
                );
            }
        }
        detection
    }

    /// A length of time that may neither be shorter nor longer.
    fn length_within(
        &mut self,
        node: &Node,
        what: &str,
        limits: std::ops::RangeInclusive<Duration>,
        head: &Span,
    ) -> Option<Duration> {
        let length = self.duration(node, what, *limits.end(), head)?;
        if length < *limits.start() {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &inner(node),
                    format!(
                        "{what} lasts from {} to {}, not {}",
                        spell(*limits.start()),
                        spell(*limits.end()),
                        spell(length)
                    ),
                )
                .label("nothing that is said lasts for so short a time")
                .help(format!("write `{}` or more", spell(*limits.start()))),
            );
            return None;
        }
        Some(length)
    }

    fn trunks(&mut self, table: &Table<'_>) -> Vec<Word> {
        let head = table.key_span("trunks");
        let node = table.need(
            self,
            "trunks",
            "no call could leave",
            "add `trunks: [carrier]`: names of trunks of the server's configuration that take calls from us",
        );
        let Some(node) = node else { return Vec::new() };
        let help = "name a trunk of the server's configuration: `trunks: [carrier]`";
        let items = self.some(node, "`trunks`", &head, "no call could leave", help).iter();
        items.filter_map(|item| self.text(item, "a trunk", &head)).map(|name| name.text.into()).collect()
    }

    /// A share of all, such as `20%` or `0.5%`, in thousandths.
    fn permille(
        &mut self,
        node: &Node,
        what: &str,
        limits: std::ops::RangeInclusive<u16>,
        head: &Span,
    ) -> Option<u16> {
        let text = self.text(node, what, head)?;
        let read = text.text.strip_suffix('%').and_then(|number| {
            let (whole, tenths) = number.trim().split_once('.').unwrap_or((number.trim(), "0"));
            let one =
                |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok())?;
            one(whole)?.checked_mul(10)?.checked_add(one(tenths).filter(|_| tenths.len() == 1)?)
        });
        if !read.is_some_and(|share| limits.contains(&share)) {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &text.span,
                    format!("{what} is a share from 0.1% to 100%, not `{}`", text.text),
                )
                .label("nobody can tell how many are meant")
                .help("write a number and `%`, with one decimal at most: `20%`, `0.5%`"),
            );
            return None;
        }
        read
    }
}
