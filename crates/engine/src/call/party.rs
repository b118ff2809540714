//! Another party of a call: the telephones that ring for it, the one that is answered, its media.

use std::net::SocketAddr;

use bytes::Bytes;
use hotline_media::LegId;
use hotline_model::CallId;
use hotline_sip::LegKey;
use hotline_sip::sdp::{self, Capabilities};

use super::Call;
use super::negotiate::{Ears, connect};
use crate::exchange::House;
use crate::transport::Wish;

/// Another party, from the first INVITE to it until it is let go.
pub(super) struct Party {
    /// Its media; names it among the parties of the call.
    pub media: LegId,
    capabilities: Capabilities,
    /// What rings; `None` until it is known.
    ringing: Option<Vec<LegKey>>,
    /// The telephone that was answered.
    answered: Option<LegKey>,
    ears: Ears,
    call: CallId,
}

/// What came of something that happened to a party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartyNews {
    /// Nothing that concerns the others.
    Nothing,
    /// It is heard, and has not answered.
    Heard,
    /// It rings.
    Rings,
    /// It has answered.
    Answered,
    /// Nobody answers any more; the last response (RFC 3261 §21).
    NotAnswered(u16),
    /// It has answered with something that cannot be spoken to.
    Unfit,
    /// It hung up.
    HungUp,
    /// The network lost it.
    Lost,
}

impl Party {
    /// Makes room for a party's media beside the caller's; gives the offer and its address.
    pub fn open(call: &Call, ears: Ears) -> Option<(Self, Bytes, SocketAddr)> {
        let media = call.house.media.register(call.mailbox.clone());
        let Ok(local) = call.house.media.plane.open(media, call.media.0) else {
            call.house.media.forget(media);
            return None;
        };
        let address = SocketAddr::new(call.media_address(local.addr.ip()), local.addr.port());
        let capabilities = Capabilities::new(address, media.0);
        // What the caller speaks comes first: the same on both sides is passed through as it is.
        let capabilities = match call.codec {
            Some(codec) => capabilities.preferring(codec),
            None => capabilities,
        };
        let offer = sdp::offer(&capabilities).into();
        let party = Self { media, capabilities, ringing: None, answered: None, ears, call: call.id };
        Some((party, offer, address))
    }

    /// A telephone that calls us: makes room for its media and gives our answer to its offer; else the code of the
    /// refusal.
    pub fn came_in(call: &Call, leg: LegKey, offer: &[u8], ears: Ears) -> Result<(Self, Bytes), u16> {
        let (mut party, ..) = Self::open(call, ears).ok_or(503_u16)?;
        match sdp::answer_bytes(offer, &party.capabilities) {
            Ok(agreed) => {
                connect(&call.house, call.id, party.media, &agreed, ears);
                party.ringing = Some(vec![leg]);
                party.answered = Some(leg);
                Ok((party, agreed.sdp.into()))
            }
            Err(problem) => {
                party.let_go(&call.house);
                Err(problem.code())
            }
        }
    }

    /// Whether it is known what rings for it.
    pub const fn is_known(&self) -> bool {
        self.ringing.is_some()
    }

    /// Whether a leg is this party's.
    pub fn has(&self, leg: LegKey) -> bool {
        self.answered == Some(leg) || self.ringing.iter().flatten().any(|one| *one == leg)
    }

    /// These telephones ring for it; `false` if there are none.
    pub fn rings(&mut self, legs: Vec<LegKey>) -> bool {
        let any = !legs.is_empty();
        self.ringing = Some(legs);
        any
    }

    /// Something happened on a leg of this party's.
    pub fn handle_event(&mut self, house: &House, event: hotline_sip::Event) -> PartyNews {
        use hotline_sip::Event as Sip;
        let Some(ringing) = &mut self.ringing else { return PartyNews::Nothing };
        match event {
            Sip::Progress { sdp: Some(answer), .. } if self.answered.is_none() => {
                if self.agree(house, &answer) { PartyNews::Heard } else { PartyNews::Rings }
            }
            Sip::Progress { .. } if self.answered.is_none() => PartyNews::Rings,
            Sip::Answered { leg, sdp } if self.answered.is_none() && ringing.contains(&leg) => {
                for other in std::mem::replace(ringing, vec![leg]) {
                    if other != leg {
                        house.signalling.wish(other, Wish::Cancel);
                    }
                }
                self.answered = Some(leg);
                let agreed = sdp.is_some_and(|answer| self.agree(house, &answer));
                if agreed { PartyNews::Answered } else { PartyNews::Unfit }
            }
            Sip::Answered { leg, .. } => {
                house.signalling.wish(leg, Wish::HangUp);
                PartyNews::Nothing
            }
            Sip::Failed { leg, code, .. } => {
                ringing.retain(|one| *one != leg);
                let is_over = ringing.is_empty() && self.answered.is_none();
                if is_over { PartyNews::NotAnswered(code) } else { PartyNews::Nothing }
            }
            Sip::Ended { leg, cause, .. } if self.answered == Some(leg) => {
                self.answered = None;
                ringing.clear();
                if cause == hotline_sip::EndCause::RemoteBye { PartyNews::HungUp } else { PartyNews::Lost }
            }
            Sip::Cancelled { leg, .. } if self.answered == Some(leg) => {
                self.answered = None;
                ringing.clear();
                PartyNews::HungUp
            }
            Sip::Reinvite { leg, offer } if self.answered == Some(leg) => {
                let wish = self.answer_again(house, offer);
                house.signalling.wish(leg, wish);
                PartyNews::Nothing
            }
            _ => PartyNews::Nothing,
        }
    }

    fn agree(&self, house: &House, answer: &[u8]) -> bool {
        let agreed = sdp::Sdp::parse(answer)
            .ok()
            .and_then(|answer| sdp::accept_answer(&answer, &self.capabilities).ok());
        if let Some(agreed) = &agreed {
            connect(house, self.call, self.media, agreed, self.ears);
        }
        agreed.is_some()
    }

    fn answer_again(&mut self, house: &House, offer: Option<Bytes>) -> Wish {
        self.capabilities.session_version += 1;
        match offer {
            None => Wish::AcceptReinvite(sdp::offer(&self.capabilities).into()),
            Some(offer) => match sdp::answer_bytes(&offer, &self.capabilities) {
                Ok(agreed) => {
                    connect(house, self.call, self.media, &agreed, self.ears);
                    Wish::AcceptReinvite(agreed.sdp.into())
                }
                Err(problem) => Wish::RejectReinvite(problem.code()),
            },
        }
    }

    /// Ends whatever it still has.
    pub fn let_go(self, house: &House) {
        for leg in self.ringing.into_iter().flatten() {
            let wish = if self.answered == Some(leg) { Wish::HangUp } else { Wish::Cancel };
            house.signalling.wish(leg, wish);
        }
        let _ = house.media.plane.close(self.media);
        house.media.forget(self.media);
    }
}
