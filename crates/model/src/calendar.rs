//! When a firm is open: weekly hours, holidays, and the working days that make up for them.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

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
            for span in self.hours(day) {
                // An hour that daylight saving leaves out begins when the clock jumps over it.
                let opens = day.to_datetime(span.from).to_zoned(self.zone.clone()).ok()?.timestamp();
                if opens > at {
                    return Some(opens);
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
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
    fn a_calendar_that_never_opens_says_so() {
        let mut never = office();
        never.week = std::array::from_fn(|_| Vec::new());
        never.make_up.clear();
        assert_eq!(never.next_open(at("2026-11-20T10:00")), None);
        assert!(Calendar::always_open("always").is_open(at("2026-11-20T03:00")));
    }
}
