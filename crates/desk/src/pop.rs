//! The firm's own page about a customer, for those who work in a system of their own: an address with places for what
//! is known of the customer and the call.

use std::str::FromStr;

/// What may stand in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The firm's own name of the customer.
    Reference,
    /// The customer's id here.
    Customer,
    /// The telephone number, for whoever may see it.
    Number,
    /// The firm's own name of the ticket: that of the call while it is open; without one, the most urgent open one.
    Ticket,
    /// The call that goes on.
    Call,
}

const PLACES: [(&str, Place); 5] = [
    ("reference", Place::Reference),
    ("customer", Place::Customer),
    ("number", Place::Number),
    ("ticket", Place::Ticket),
    ("call", Place::Call),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

/// An address with places: `https://crm.example/open?customer={{ reference }}&call={{ call }}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopUrl(Vec<Piece>);

/// What stands in the places; what is not known leaves its place empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts<'a> {
    pub reference: Option<&'a str>,
    pub customer: String,
    pub number: Option<&'a str>,
    pub ticket: Option<&'a str>,
    pub call: Option<&'a str>,
}

impl FromStr for PopUrl {
    type Err = String;

    /// # Errors
    /// What is wrong with it, and what may be written instead.
    fn from_str(text: &str) -> Result<Self, String> {
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            return Err("an address that begins with https:// is expected".into());
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) =
                behind.split_once("}}").ok_or("a place that begins with {{ has no end: write }}")?;
            let found = PLACES.iter().find(|(word, _)| *word == name.trim());
            let (_, place) = found.ok_or_else(|| {
                let known: Vec<String> = PLACES.iter().map(|(word, _)| format!("{{{{ {word} }}}}")).collect();
                format!("`{{{{ {} }}}}` is no place: {} are known", name.trim(), known.join(", "))
            })?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Place(*place));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        // Whoever calls does not choose where the browser goes.
        let host = pieces.first().is_some_and(|piece| match piece {
            Piece::Text(text) => {
                let named = text.split('/').nth(2).is_some_and(|host| !host.is_empty());
                named && (text.splitn(4, '/').count() == 4 || pieces.len() == 1)
            }
            Piece::Place(_) => false,
        });
        if !host {
            return Err("places may stand behind the host and a slash only".into());
        }
        Ok(Self(pieces))
    }
}

impl PopUrl {
    /// The address for a customer.
    pub(crate) fn fill(&self, facts: &Facts<'_>) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place(place) => escape(
                    match place {
                        Place::Reference => facts.reference,
                        Place::Customer => Some(facts.customer.as_str()),
                        Place::Number => facts.number,
                        Place::Ticket => facts.ticket,
                        Place::Call => facts.call,
                    }
                    .unwrap_or_default(),
                    &mut filled,
                ),
            }
        }
        filled
    }
}

/// What stands in a place is data: everything but the unreserved characters is escaped (RFC 3986 §2.3).
fn escape(text: &str, into: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_what_stands_there_is_data() {
        let url: PopUrl =
            "https://crm.example/c/{{ reference }}?n={{number}}&t={{ ticket }}&x={{ call }}".parse().unwrap();
        let facts = Facts {
            reference: Some("K/7 &a=b"),
            customer: "01M8".into(),
            number: Some("+8613800138000"),
            ticket: Some("工单1"),
            call: None,
        };
        assert_eq!(
            url.fill(&facts),
            "https://crm.example/c/K%2F7%20%26a%3Db?n=%2B8613800138000&t=%E5%B7%A5%E5%8D%951&x="
        );
    }

    #[test]
    fn what_cannot_be_an_address_is_told_with_the_remedy() {
        let told = |text: &str| text.parse::<PopUrl>().unwrap_err();
        assert!(told("javascript:alert({{ call }})").contains("https://"));
        assert!(told("https://crm.example/{{ name }}").contains("{{ reference }}, {{ customer }}"));
        assert!(told("https://crm.example/{{ call").contains("write }}"));
        assert!(told("https://{{ reference }}/").contains("behind the host"));
        assert!(told("https:///{{ reference }}").contains("behind the host"));
        assert!(told("https://crm.example{{ reference }}").contains("behind the host"));
        assert!("https://crm.example".parse::<PopUrl>().is_ok());
    }
}
