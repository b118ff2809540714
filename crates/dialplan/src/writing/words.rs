//! Values as they are written, in each language.

use hotline_model::{Language, Slot, Value};

/// A value as it stands in a sentence.
pub(super) fn written(value: &Value, slot: &Slot, language: Language) -> String {
    match (value, language) {
        (Value::Date(date), Language::ZhCn) => date.strftime("%Y年%-m月%-d日").to_string(),
        (Value::Date(date), Language::EnUs) => date.strftime("%B %-d, %Y").to_string(),
        (Value::Time(time), Language::ZhCn) => time.strftime("%H:%M").to_string(),
        (Value::Time(time), Language::EnUs) => time.strftime("%-I:%M %p").to_string(),
        (Value::Money(amount), Language::ZhCn) => format!("{amount}元"),
        (Value::Money(amount), Language::EnUs) => format!("{amount} yuan"),
        _ => match (slot, language) {
            (Slot::Count { unit }, Language::ZhCn) => format!("{}{unit}", value.plain()),
            (Slot::Count { unit }, Language::EnUs) => format!("{} {unit}", value.plain()),
            _ => value.plain(),
        },
    }
}

/// Pieces of a sentence: English has spaces between them, but none before a stop.
pub(super) fn join(pieces: impl Iterator<Item = String>, language: Language) -> String {
    let mut sentence = String::new();
    for piece in pieces {
        let stops = piece.starts_with(['.', ',', ';', ':', '!', '?', ')', '%']);
        if language == Language::EnUs && !sentence.is_empty() && !piece.is_empty() && !stops {
            sentence.push(' ');
        }
        sentence.push_str(&piece);
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        let date = Value::Date("2026-11-02".parse().unwrap());
        let time = Value::Time("16:05".parse().unwrap());
        assert_eq!(written(&date, &Slot::Date, Language::ZhCn), "2026年11月2日");
        assert_eq!(written(&date, &Slot::Date, Language::EnUs), "November 2, 2026");
        assert_eq!(written(&time, &Slot::Time, Language::ZhCn), "16:05");
        assert_eq!(written(&time, &Slot::Time, Language::EnUs), "4:05 PM");
        let pieces = || ["by".to_owned(), "4:05 PM".to_owned(), ". Then".to_owned()].into_iter();
        assert_eq!(join(pieces(), Language::EnUs), "by 4:05 PM. Then");
        assert_eq!(join(["在".to_owned(), "2日".to_owned()].into_iter(), Language::ZhCn), "在2日");
    }
}
