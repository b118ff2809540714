//! Identifiers: 128 bits, the first 48 the milliseconds since 1970, written as 26 characters of
//! Crockford's base 32, so that ids sort by the time they were made.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The text is not an id: 26 characters of Crockford's base 32 are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 26 letters and digits are expected")]
pub struct NotAnId;

fn write_base32(value: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [b'0'; 26];
    let mut rest = value;
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

fn read_base32(text: &str) -> Result<u128, NotAnId> {
    if text.len() != 26 {
        return Err(NotAnId);
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&a| a == byte.to_ascii_uppercase()).ok_or(NotAnId)?;
        if value >> 123 != 0 {
            return Err(NotAnId);
        }
        Ok(value << 5 | digit as u128)
    })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl From<u128> for $name {
            fn from(value: u128) -> Self {
                Self(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                read_base32(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// All legs from the first INVITE to the last BYE.
    CallId;
    /// A person in the record.
    CustomerId;
    /// One way to reach or recognise a customer.
    IdentityId;
    /// One touch on one channel.
    InteractionId;
    /// A matter to be settled.
    TicketId;
    /// Something of value that a customer was given.
    RebateId;
    /// A piece of knowledge.
    ArticleId;
    /// A message to a customer.
    MessageId;
    /// Somebody who works here.
    UserId;
    /// A piece of work that goes on when nobody calls.
    JobId;
    /// Somebody who answers calls: a user.
    AgentId;
    /// One time that a caller waits for an agent.
    WaitingId;
    /// A caller offered to an agent.
    OfferId;
}

impl From<UserId> for AgentId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

impl From<AgentId> for UserId {
    fn from(agent: AgentId) -> Self {
        Self(agent.0)
    }
}

/// Makes ids that no other source makes, given a seed that no other source was given.
#[derive(Debug)]
pub struct IdSource {
    seed: u64,
    count: AtomicU64,
}

impl IdSource {
    /// A source; `seed` is random (from the operating system in the binary, fixed in tests).
    pub const fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    /// The next id, made at `now`.
    pub fn next<T: From<u128>>(&self, now: Timestamp) -> T {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let millis = u128::from(now.as_millisecond().max(0).unsigned_abs()) & ((1 << 48) - 1);
        // The count stands above the seed, so that ids of one source made in one millisecond
        // still sort in the order they were made (65,536 of them).
        let random = u128::from(count & 0xffff) << 64 | u128::from(splitmix(self.seed ^ splitmix(count)));
        T::from(millis << 80 | random)
    }
}

/// Sebastiano Vigna's SplitMix64: one step, a bijection of 64 bits.
const fn splitmix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_round_trips_through_its_text() {
        let source = IdSource::new(7);
        let now = "2026-11-20T02:00:00Z".parse().unwrap();
        let id: CallId = source.next(now);
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(id.to_string().parse::<CallId>(), Ok(id));
    }

    #[test]
    fn ids_sort_in_the_order_they_were_made() {
        let source = IdSource::new(99);
        let now = "2026-11-20T02:00:00Z".parse().unwrap();
        let ids: Vec<CallId> = (0..1000).map(|_| source.next(now)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in ["", "short", "ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "0000000000000000000000000U"] {
            assert_eq!(text.parse::<CallId>(), Err(NotAnId), "{text}");
        }
    }
}
