//! The code a customer keys to hear the result of a complaint: eight random digits and a check
//! digit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A ticket's code: nine digits whose last is the GS1 check digit of the first eight (weights 1
/// and 3 from the left, to a multiple of ten), as on every bar code. It catches every single
/// wrong digit; codes that are made here ([`TicketCode::from_random`]) have no neighbours that
/// differ by five, so it catches every swap of neighbours as well.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TicketCode([u8; 9]);

/// Why a text is no ticket code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotACode {
    /// There are more or fewer than nine digits, or something else than digits.
    #[error("a code has nine digits")]
    Length,
    /// The check digit does not fit: a slip of the finger.
    #[error("the check digit does not fit: one digit is wrong or two are swapped")]
    CheckDigit,
}

impl TicketCode {
    /// Makes a code from random bits. The same bits give the same code.
    pub fn from_random(random: u64) -> Self {
        let mut digits = [0u8; 9];
        let mut rest = random;
        for place in 0..8 {
            // Of the ten digits, the one that differs by five from its left neighbour is left out.
            let choices = if place == 0 { 10 } else { 9 };
            let mut digit = (rest % choices) as u8;
            rest /= choices;
            if place > 0 && digit >= (digits[place - 1] + 5) % 10 {
                digit += 1;
            }
            digits[place] = digit;
        }
        digits[8] = check_digit(&digits[..8]);
        Self(digits)
    }

    /// Whether nine digits carry a fitting check digit; `None` if they are not nine digits.
    pub fn check(text: &str) -> Result<(), NotACode> {
        text.parse::<Self>().map(|_| ())
    }

    /// The nine digits, for the wire, the record and the ear.
    pub fn digits(&self) -> String {
        self.0.iter().map(|&d| char::from(b'0' + d)).collect()
    }
}

/// GS1 General Specifications, section 7.9: weights 3 and 1 from the right, so that the digit
/// beside the check digit weighs 3.
fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([3u32, 1].into_iter().cycle())
        .map(|(&d, weight)| u32::from(d) * weight)
        .sum();
    ((10 - sum % 10) % 10) as u8
}

impl FromStr for TicketCode {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let bytes: [u8; 9] = text.as_bytes().try_into().map_err(|_| NotACode::Length)?;
        if !bytes.iter().all(u8::is_ascii_digit) {
            return Err(NotACode::Length);
        }
        let digits = bytes.map(|b| b - b'0');
        if check_digit(&digits[..8]) != digits[8] {
            return Err(NotACode::CheckDigit);
        }
        Ok(Self(digits))
    }
}

impl fmt::Debug for TicketCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹code›")
    }
}

impl Serialize for TicketCode {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.digits())
    }
}

impl<'de> Deserialize<'de> for TicketCode {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_check_digit_is_the_one_on_bar_codes() {
        assert!("407192865".parse::<TicketCode>().is_ok());
        assert_eq!("407192866".parse::<TicketCode>(), Err(NotACode::CheckDigit));
        assert_eq!("40719286".parse::<TicketCode>(), Err(NotACode::Length));
        assert_eq!("40719286五".parse::<TicketCode>(), Err(NotACode::Length));
    }

    proptest! {
        #[test]
        fn every_slip_of_one_digit_and_every_swap_is_caught(random: u64, place in 0usize..9, digit in 0u8..10) {
            let code = TicketCode::from_random(random).digits();
            prop_assert!(code.parse::<TicketCode>().is_ok());
            let mut slipped = code.clone().into_bytes();
            slipped[place] = b'0' + digit;
            if slipped != code.as_bytes() {
                let slipped = String::from_utf8(slipped).unwrap();
                prop_assert_eq!(slipped.parse::<TicketCode>(), Err(NotACode::CheckDigit));
            }
            // The check digit itself may differ by five from its neighbour.
            if place < 7 {
                let mut swapped = code.clone().into_bytes();
                swapped.swap(place, place + 1);
                if swapped != code.as_bytes() {
                    let swapped = String::from_utf8(swapped).unwrap();
                    prop_assert_eq!(swapped.parse::<TicketCode>(), Err(NotACode::CheckDigit));
                }
            }
        }
    }
}
