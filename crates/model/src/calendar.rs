//! When a firm is open: weekly hours, holidays, and the working days that make up for them.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Opening hours of one day: from (inclusive) to (exclusive), within the day; `to` of midnight
/// means the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first moment open.
    pub from: Time,
    /// The first moment closed again; 00:00 is the end of the day.
    pub to: Time,
}

impl Span {
    fn holds(self, time: Time) -> bool {
        self.from <= time && (time < self.to || self.to == Time::midnight())
    }
}

/// A named calendar. The same calendar gates announcements, text messages, call-backs and
/// campaigns.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// Its name: kebab case.
    pub name: String,
    /// The zone its hours are in.
    pub zone: TimeZone,
    /// Hours by day of the week, Monday first, each list in order.
    pub week: [Vec<Span>; 7],
    /// Days that are closed, first and last included.
    pub holidays: Vec<(Date, Date)>,
    /// Days that are open although their weekday or a holiday says otherwise (调休), with the
    /// weekday whose hours they follow.
    pub make_up: Vec<(Date, Weekday)>,
}

impl Calendar {
    /// A calendar that is always open.
    pub fn always_open(name: &str) -> Self {
        let day = vec![Span { from: Time::midnight(), to: Time::midnight() }];
        Self {
            name: name.to_owned(),
            zone: TimeZone::UTC,
            week: std::array::from_fn(|_| day.clone()),
            holidays: Vec::new(),
            make_up: Vec::new(),
        }
    }

    /// The hours of one day.
    pub fn hours(&self, day: Date) -> &[Span] {
        let of = |weekday: Weekday| self.week[weekday.to_monday_zero_offset() as usize].as_slice();
        if let Some((_, weekday)) = self.make_up.iter().find(|(date, _)| *date == day) {
            return of(*weekday);
        }
        if self.is_holiday(day) {
            return &[];
        }
        of(day.weekday())
    }

    /// Whether a day is a holiday that no make-up day overrides.
    pub fn is_holiday(&self, day: Date) -> bool {
        self.holidays.iter().any(|(first, last)| *first <= day && day <= *last)
            && !self.make_up.iter().any(|(date, _)| *date == day)
    }

    /// Whether it is open at a moment.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = at.to_zoned(self.zone.clone()).datetime();
        self.hours(local.date()).iter().any(|span| span.holds(local.time()))
    }

    /// `at` itself if it is open then, else the next moment it opens; `None` if it does not open
    /// within 400 days.
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_open(at) {
            return Some(at);
        }
        let local = at.to_zoned(self.zone.clone()).datetime();
        let mut day = local.date();
        for _ in 0..400 {
            let begins = self.hours(day).iter().filter_map(|span| self.moments(day.to_datetime(span.from)));
            let opens = begins.flatten().flatten().filter(|opens| *opens > at && self.is_open(*opens)).min();
            if opens.is_some() {
                return opens;
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    /// When it will have been open for so long since `at`; `None` if it is not within 400 days. The moment it closes
    /// counts: three open hours after 15:00 end at 18:00, and not at the next opening.
    pub fn after_open(&self, at: Timestamp, length: Duration) -> Option<Timestamp> {
        let mut left = SignedDuration::try_from(length).ok()?;
        let last = at.checked_add(SignedDuration::from_hours(400 * 24)).ok()?;
        let mut opens = self.next_open(at)?;
        while opens <= last {
            let latest = opens.checked_add(left).ok()?;
            let closes = self.closes(opens, latest);
            if closes == latest {
                return Some(latest);
            }
            left -= closes.duration_since(opens);
            opens = self.next_open(closes)?;
        }
        None
    }

    /// The first closed moment after `open`, which is an open one, or `latest` if it is open until then.
    pub fn closes(&self, open: Timestamp, latest: Timestamp) -> Timestamp {
        let closed = |moment: &Timestamp| *moment > open && *moment < latest && !self.is_open(*moment);
        // As summer begins or ends, the clock may jump out of the hours.
        let jumps = self.zone.following(open).map(|jump| jump.timestamp()).take_while(|jump| *jump < latest);
        let mut first = jumps.filter(closed).min();
        let mut day = open.to_zoned(self.zone.clone()).date();
        let until = latest.to_zoned(self.zone.clone()).date();
        while day <= until && first.is_none_or(|first| day <= first.to_zoned(self.zone.clone()).date()) {
            let Ok(next) = day.checked_add(1.day()) else { break };
            let ends = self.hours(day).iter().map(|span| {
                if span.to == Time::midnight() { next.to_datetime(span.to) } else { day.to_datetime(span.to) }
            });
            let moments = ends.filter_map(|end| self.moments(end)).flatten().flatten();
            first = moments.filter(closed).chain(first).min();
            day = next;
        }
        first.unwrap_or(latest)
    }

    /// When it is so late here, in order: one that comes twice as summer ends, both times; one that is left out as
    /// summer begins, when the clock jumps over it.
    fn moments(&self, local: DateTime) -> Option<[Option<Timestamp>; 2]> {
        let ambiguous = self.zone.to_ambiguous_zoned(local);
        let offset = ambiguous.offset();
        let first = ambiguous.clone().earlier().ok()?.timestamp();
        Some(match offset {
            AmbiguousOffset::Unambiguous { .. } => [Some(first), None],
            AmbiguousOffset::Fold { .. } => [Some(first), Some(ambiguous.later().ok()?.timestamp())],
            AmbiguousOffset::Gap { .. } => {
                [self.zone.following(first).next().map(|jump| jump.timestamp()), None]
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn office() -> Calendar {
        let working = vec![
            Span { from: time("09:00"), to: time("12:00") },
            Span { from: time("13:00"), to: time("18:00") },
        ];
        Calendar {
            name: "office".into(),
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            week: std::array::from_fn(|day| if day < 5 { working.clone() } else { Vec::new() }),
            holidays: vec![("2026-10-01".parse().unwrap(), "2026-10-07".parse().unwrap())],
            make_up: vec![("2026-10-10".parse().unwrap(), Weekday::Wednesday)],
        }
    }

    fn at(local: &str) -> Timestamp {
        format!("{local}:00+08:00").parse().unwrap()
    }

    #[test]
    fn hours_holidays_and_make_up_days_decide() {
        let office = office();
        assert!(office.is_open(at("2026-11-20T09:00")));
        assert!(!office.is_open(at("2026-11-20T12:30")));
        assert!(!office.is_open(at("2026-11-20T18:00")), "the closing minute is closed");
        assert!(!office.is_open(at("2026-11-21T10:00")), "a Saturday");
        assert!(!office.is_open(at("2026-10-01T10:00")), "a holiday");
        assert!(office.is_open(at("2026-10-10T10:00")), "a Saturday that makes up for it");
    }

    #[test]
    fn the_next_opening_passes_over_a_long_holiday() {
        let office = office();
        assert_eq!(office.next_open(at("2026-09-30T18:00")), Some(at("2026-10-08T09:00")));
        assert_eq!(office.next_open(at("2026-11-20T12:30")), Some(at("2026-11-20T13:00")));
        assert_eq!(office.next_open(at("2026-11-20T10:00")), Some(at("2026-11-20T10:00")));
        assert_eq!(office.next_open(at("2026-10-09T19:00")), Some(at("2026-10-10T09:00")));
    }

    #[test]
    fn an_opening_is_never_a_closed_moment_whatever_daylight_saving_does() {
        let berlin = |from: &str, to: &str| Calendar {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            week: std::array::from_fn(|_| vec![Span { from: time(from), to: time(to) }]),
            holidays: Vec::new(),
            make_up: Vec::new(),
            ..office()
        };
        let utc = |text: &str| text.parse::<Timestamp>().unwrap();
        // 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
        let night = utc("2026-03-28T20:00:00Z");
        assert_eq!(berlin("02:15", "02:45").next_open(night), Some(utc("2026-03-30T00:15:00Z")), "left out");
        assert_eq!(berlin("02:30", "04:00").next_open(night), Some(utc("2026-03-29T01:00:00Z")), "the jump");
        assert_eq!(berlin("03:00", "04:00").next_open(night), Some(utc("2026-03-29T01:00:00Z")));
        // 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC; 02:30 comes at 00:30 and at 01:30 UTC.
        let twice = berlin("02:30", "02:45");
        assert_eq!(twice.next_open(utc("2026-10-25T00:00:00Z")), Some(utc("2026-10-25T00:30:00Z")));
        assert_eq!(twice.next_open(utc("2026-10-25T00:50:00Z")), Some(utc("2026-10-25T01:30:00Z")));
        for calendar in [twice, berlin("02:15", "02:45"), berlin("00:00", "00:00")] {
            let mut at = utc("2026-03-27T00:00:00Z");
            for _ in 0..300 {
                assert!(calendar.is_open(calendar.next_open(at).unwrap()), "{at}");
                at += std::time::Duration::from_secs(20 * 60);
            }
        }
    }

    #[test]
    fn only_open_hours_count_towards_a_deadline() {
        let office = office();
        let after = |at_: &str, hours: u64| office.after_open(at(at_), Duration::from_secs(hours * 3_600));
        assert_eq!(after("2026-11-20T10:00", 1), Some(at("2026-11-20T11:00")));
        assert_eq!(after("2026-11-20T11:00", 1), Some(at("2026-11-20T12:00")), "the moment it closes");
        assert_eq!(after("2026-11-20T11:00", 2), Some(at("2026-11-20T14:00")), "less the hour at noon");
        assert_eq!(after("2026-11-20T17:00", 3), Some(at("2026-11-23T11:00")), "over a weekend");
        assert_eq!(after("2026-11-21T11:00", 8), Some(at("2026-11-23T18:00")), "from a closed moment");
        assert_eq!(after("2026-09-30T17:00", 2), Some(at("2026-10-08T10:00")), "over a long holiday");
        assert_eq!(
            after("2026-10-09T18:00", 1),
            Some(at("2026-10-10T10:00")),
            "on a day that makes up for it"
        );
        assert_eq!(after("2026-11-20T10:00", 3_000), None, "too far away");
        let always = Calendar::always_open("always");
        assert_eq!(
            always.after_open(at("2026-11-20T10:00"), Duration::from_secs(90_000)),
            Some(at("2026-11-21T11:00"))
        );
        let never =
            Calendar { week: std::array::from_fn(|_| Vec::new()), make_up: Vec::new(), ..office.clone() };
        assert_eq!(never.after_open(at("2026-11-20T10:00"), Duration::from_secs(1)), None);
    }

    #[test]
    fn a_deadline_in_open_hours_is_what_the_open_minutes_say_whatever_daylight_saving_does() {
        let hours = [("01:30", "03:30"), ("02:15", "02:45"), ("00:00", "00:00"), ("22:00", "00:00")];
        for (from, to) in hours {
            let calendar = Calendar {
                zone: TimeZone::get("Europe/Berlin").unwrap(),
                week: std::array::from_fn(|_| vec![Span { from: time(from), to: time(to) }]),
                holidays: Vec::new(),
                make_up: Vec::new(),
                ..office()
            };
            for start in ["2026-03-28T20:07:00Z", "2026-10-24T20:07:00Z", "2026-06-01T00:00:00Z"] {
                let start: Timestamp = start.parse().unwrap();
                for minutes in [1, 29, 45, 90, 200, 500] {
                    // Minute by minute: the last open one ends at the deadline.
                    let mut at = start;
                    let mut left = minutes;
                    while left > 0 {
                        left -= u64::from(calendar.is_open(at));
                        at += Duration::from_secs(60);
                    }
                    let found = calendar.after_open(start, Duration::from_secs(minutes * 60));
                    assert_eq!(found, Some(at), "{minutes} minutes of {from}-{to} after {start}");
                }
            }
        }
    }

    #[test]
    fn a_calendar_that_never_opens_says_so() {
        let mut never = office();
        never.week = std::array::from_fn(|_| Vec::new());
        never.make_up.clear();
        assert_eq!(never.next_open(at("2026-11-20T10:00")), None);
        assert!(Calendar::always_open("always").is_open(at("2026-11-20T03:00")));
    }
}
