//! Calendars: `dialplans/calendars/<name>.yaml`.

use hotline_model::Calendar;
use hotline_model::calendar::Span as Hours;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use super::Reader;
use crate::diagnostic::{Diagnostic, codes};
use crate::source::Span;
use crate::tree::{Name, Node};

pub(crate) const KNOWN: [&str; 6] = ["calendar", "about", "zone", "week", "holidays", "make-up"];

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

pub(crate) const WEEK: [&str; 9] =
    ["weekdays", "weekend", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Reader {
    /// A calendar.
    pub(crate) fn calendar(&mut self, root: &Node, whole: &Span) -> Option<Calendar> {
        let table = self.table(root, whole, "a calendar", &KNOWN)?;
        let name = table
            .need(
                self,
                "calendar",
                "no plan could ask it",
                "begin with `calendar: ` and the name of the file without `.yaml`",
            )
            .and_then(|node| self.text(node, "`calendar`", &table.key_span("calendar")));
        if let Some(name) = &name {
            self.new_name(name, "a calendar");
        }
        let zone = table
            .need(self, "zone", "nobody can tell whose nine o'clock is meant", "add `zone: Asia/Shanghai`")
            .and_then(|node| self.text(node, "`zone`", &table.key_span("zone")))
            .and_then(|zone| self.zone(&zone));
        let mut week: [Vec<Hours>; 7] = Default::default();
        let node = table.need(
            self,
            "week",
            "callers would always hear that you are closed",
            "add `week:` with `weekdays: 09:00-18:00`",
        );
        if let Some(node) = node
            && let Some(days) = self.table(node, &table.key_span("week"), "`week`", &WEEK)
        {
            for word in WEEK {
                let Some(node) = days.find(word) else { continue };
                let mut hours = Vec::new();
                for item in self.items(node, &format!("`{word}`"), &days.key_span(word)) {
                    if let Some(text) = self.text(item, "opening hours", &days.key_span(word)) {
                        hours.extend(self.hours_of_day(&text));
                    }
                }
                let range = match word {
                    "weekdays" => 0..5,
                    "weekend" => 5..7,
                    _ => {
                        let at = DAYS.iter().position(|(day, _)| *day == word).unwrap_or_default();
                        at..at + 1
                    }
                };
                week[range].fill(hours);
            }
        }
        let mut holidays = Vec::new();
        if let Some(node) = table.find("holidays") {
            for item in self.items(node, "`holidays`", &table.key_span("holidays")) {
                if let Some(text) = self.text(item, "a holiday", &table.key_span("holidays")) {
                    holidays.extend(self.days(&text));
                }
            }
        }
        let mut make_up = Vec::new();
        if let Some(node) = table.find("make-up") {
            match node.entries() {
                Some(entries) => {
                    for entry in entries {
                        let date = self.date(&entry.key);
                        let day =
                            self.word(&entry.value, "the day whose hours it follows", &DAYS, &entry.key.span);
                        make_up.extend(date.zip(day));
                    }
                }
                None => {
                    self.shape(node, "`make-up`", "a table of `key: value` lines", &table.key_span("make-up"))
                }
            }
        }
        Some(Calendar { name: name?.text, zone: zone?, week, holidays, make_up })
    }

    pub(crate) fn zone(&mut self, name: &Name) -> Option<TimeZone> {
        let zone = TimeZone::get(&name.text).ok();
        if zone.is_none() {
            self.report(
                Diagnostic::error(codes::WORD, &name.span, format!("no time zone is called `{}`", name.text))
                    .label("nobody can tell whose nine o'clock is meant")
                    .help("write a name of the IANA list, for example `Asia/Shanghai` or `America/New_York`"),
            );
        }
        zone
    }

    fn hours_of_day(&mut self, text: &Name) -> Option<Hours> {
        let time = |text: &str| -> Option<Time> {
            let text = text.trim();
            Time::strptime("%H:%M", text).ok()
        };
        // Only an end may be 24:00: nothing opens then.
        let end = |text: &str| if text.trim() == "24:00" { Some(Time::midnight()) } else { time(text) };
        let hours =
            text.text.split_once('-').and_then(|(from, to)| Some(Hours { from: time(from)?, to: end(to)? }));
        match hours {
            Some(hours) if hours.to == Time::midnight() || hours.from < hours.to => Some(hours),
            _ => {
                self.report(
                    Diagnostic::error(
                        codes::CIVIL,
                        &text.span,
                        format!("`{}` are no opening hours", text.text),
                    )
                    .label("callers would hear that you are closed")
                    .help(
                        "write `09:00-18:00`; hours over midnight are two: `20:00-24:00` and `00:00-06:00`",
                    ),
                );
                None
            }
        }
    }

    /// `2026-10-01` or `2026-10-01 to 2026-10-07`.
    fn days(&mut self, text: &Name) -> Option<(Date, Date)> {
        let part = |range: std::ops::Range<usize>| Name {
            text: text.text[range.clone()].to_owned(),
            span: text.span.part(range),
        };
        match text.text.find(" to ") {
            None => self.date(text).map(|day| (day, day)),
            Some(at) => {
                let first = self.date(&part(0..at))?;
                let last = self.date(&part(at + 4..text.text.len()))?;
                let days = |from: Date, to: Date| i64::from((to - from).get_days());
                if last < first {
                    // Either the two are the wrong way round, or the year of the second one is.
                    let later = last.with().year(first.year().saturating_add(i16::from(
                        (last.month(), last.day()) <= (first.month(), first.day()),
                    )));
                    let later = later.build().ok().filter(|later| *later > first);
                    let help = match later.filter(|later| days(first, *later) < days(last, first)) {
                        Some(later) => format!("write `{first} to {later}`"),
                        None => format!("write `{last} to {first}`"),
                    };
                    self.report(
                        Diagnostic::error(codes::CIVIL, &text.span, "this holiday ends before it begins")
                            .label("no day would be a holiday, so callers would hear that you are open")
                            .help(help),
                    );
                    return None;
                }
                if days(first, last) >= 366 {
                    let message = format!("this holiday lasts {} days", days(first, last) + 1);
                    self.report(
                        Diagnostic::error(codes::RANGE, &text.span, message)
                            .label("callers would hear for more than a year that you are closed")
                            .help("mend the year, or write the days of each year on a line of their own"),
                    );
                    return None;
                }
                Some((first, last))
            }
        }
    }

    fn date(&mut self, text: &Name) -> Option<Date> {
        let date = text.text.trim().parse::<Date>().ok().filter(|_| text.text.trim().len() == 10);
        if date.is_none() {
            self.report(
                Diagnostic::error(codes::CIVIL, &text.span, format!("`{}` is no day", text.text))
                    .label("callers on that day would hear the wrong thing")
                    .help("write year, month and day: `2026-10-01`, or `2026-10-01 to 2026-10-07`"),
            );
        }
        date
    }
}
