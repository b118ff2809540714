//! Verification policies: `dialplans/policies/<name>.yaml`.

use hotline_model::VerificationPolicy;
use hotline_model::verification::{AskedFactor, Factor, Limits};

use super::Reader;
use super::question::first_word;
use crate::source::Span;
use crate::tree::Node;

pub(crate) const KNOWN: [&str; 4] = ["policy", "about", "factors", "limits"];
pub(crate) const LIMITS: [&str; 6] = [
    "per-call",
    "per-caller-a-day",
    "per-ticket-a-day",
    "withheld-an-hour",
    "attack-an-hour",
    "attack-share",
];

impl Reader {
    /// A policy, and where its prompts are named.
    pub(crate) fn policy(
        &mut self,
        root: &Node,
        whole: &Span,
        begins: &str,
    ) -> Option<(VerificationPolicy, Vec<(String, Span)>)> {
        if root.entries().is_none() {
            // Nobody can tell yet which kind of policy it is to be.
            self.shape(root, "a policy", "a table of `key: value` lines", whole);
            if let Some(last) = self.found.last_mut() {
                last.help = Some(begins.to_owned());
                last.primary.text = "it would be obeyed by nobody".to_owned();
            }
            return None;
        }
        let table = self.table(root, whole, "a verification policy", &KNOWN)?;
        let name = table
            .need(
                self,
                "policy",
                "no plan could use it",
                "begin with `policy: ` and the name of the file without `.yaml`",
            )
            .and_then(|node| self.text(node, "`policy`", &table.key_span("policy")));
        if let Some(name) = &name {
            self.new_name(name, "a policy");
        }
        let about = table.find("about").and_then(Node::scalar).unwrap_or_default().to_owned();
        let mut asks = Vec::new();
        let mut factors = Vec::new();
        let node = table.need(
            self,
            "factors",
            "everything would be told to everybody",
            "add `factors:` with `- { factor: code, length: 9 }`",
        );
        let some = |node| {
            let (label, help) =
                ("everything would be told to everybody", "add `- { factor: code, length: 9 }`");
            self.some(node, "`factors`", &table.key_span("factors"), label, help)
        };
        for item in node.map(some).unwrap_or_default() {
            let head = first_word(item);
            let Some(factor) = self.table(item, &head, "a factor", &["factor", "ask", "length"]) else {
                continue;
            };
            let known = [("code", Factor::Code), ("last-four", Factor::LastFour)];
            let which = factor
                .need(
                    self,
                    "factor",
                    "nobody can tell what callers are asked for",
                    "add `factor: code` or `factor: last-four`",
                )
                .and_then(|node| self.word(node, "a factor", &known, &factor.key_span("factor")));
            let length = factor
                .need(
                    self,
                    "length",
                    "nobody can tell how many digits callers key",
                    "add `length: ` and the number of digits",
                )
                .and_then(|node| self.count(node, "`length`", 1..=32, &factor.key_span("length")));
            let ask = factor.find("ask").and_then(|node| self.text(node, "`ask`", &factor.key_span("ask")));
            if let Some(ask) = &ask {
                asks.push((ask.text.clone(), ask.span.clone()));
            }
            if let (Some(which), Some(length)) = (which, length) {
                factors.push(AskedFactor {
                    factor: which,
                    ask: ask.map(|ask| ask.text),
                    length: length as u32,
                });
            }
        }
        let limits =
            table.find("limits").map(|node| self.limits(node, &table.key_span("limits"))).unwrap_or_default();
        Some((VerificationPolicy { policy: name?.text, about, factors, limits }, asks))
    }

    fn limits(&mut self, node: &Node, head: &Span) -> Limits {
        let mut limits = Limits::default();
        let Some(table) = self.table(node, head, "`limits`", &LIMITS) else { return limits };
        let mut set = |word: &'static str, most: usize, place: &mut u32| {
            if let Some(node) = table.find(word)
                && let Some(number) = self.count(node, &format!("`{word}`"), 1..=most, &table.key_span(word))
            {
                *place = number as u32;
            }
        };
        set("per-call", 100, &mut limits.per_call);
        set("per-caller-a-day", 10_000, &mut limits.per_caller_a_day);
        set("per-ticket-a-day", 10_000, &mut limits.per_ticket_a_day);
        set("withheld-an-hour", 1_000_000, &mut limits.withheld_an_hour);
        set("attack-an-hour", 1_000_000, &mut limits.attack_an_hour);
        set("attack-share", 100, &mut limits.attack_share);
        limits
    }
}
