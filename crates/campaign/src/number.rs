//! Which numbers may be called. Caller and ticket write numbers; toll fraud lives on those who call them.

use hotline_model::PhoneNumber;
use hotline_model::campaign::NumberRules;
use phonenumber::Type;
use phonenumber::metadata::DATABASE;

/// Why a number is never called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberRefused {
    /// The customer has none.
    Missing,
    /// It is not a telephone number.
    NotANumber,
    /// Of a country that is not allowed.
    Foreign,
    /// The called party earns by the call: premium rate, shared cost.
    Premium,
    /// Nobody sits there: a pager, a mailbox, a number for whole firms or free of charge.
    NotAPerson,
    /// A number of a fixed line, which takes no messages.
    NotMobile,
    /// No trunk of the policy may call it.
    NotListed,
}

/// The number to call.
///
/// # Errors
/// Why it is not called.
pub fn check_number(rules: &NumberRules, text: Option<&str>) -> Result<PhoneNumber, NumberRefused> {
    let text = text.map(str::trim).filter(|text| !text.is_empty()).ok_or(NumberRefused::Missing)?;
    let number = PhoneNumber::parse(text).map_err(|_| NumberRefused::NotANumber)?;
    let read = phonenumber::parse(None, number.e164()).map_err(|_| NumberRefused::NotANumber)?;
    if !rules.countries.contains(&read.country().code()) {
        return Err(NumberRefused::Foreign);
    }
    match read.number_type(&DATABASE) {
        Type::PremiumRate | Type::SharedCost => Err(NumberRefused::Premium),
        Type::FixedLine | Type::Mobile | Type::FixedLineOrMobile | Type::Voip | Type::PersonalNumber => {
            Ok(number)
        }
        _ => Err(NumberRefused::NotAPerson),
    }
}

/// Whether messages reach a number.
pub fn takes_messages(number: &PhoneNumber) -> bool {
    let kind = phonenumber::parse(None, number.e164()).map(|read| read.number_type(&DATABASE));
    kind.is_ok_and(|kind| matches!(kind, Type::Mobile | Type::FixedLineOrMobile | Type::PersonalNumber))
}
