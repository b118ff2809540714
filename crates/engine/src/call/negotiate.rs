//! What the leg's two sides agree on: codec, addresses, direction; at the answer and whenever it
//! changes.

use std::net::IpAddr;

use bytes::Bytes;
use hotline_audio::Law;
use hotline_media::{Direction, LegId, Remote};
use hotline_model::{CallId, EndReason};
use hotline_sip::sdp::{self, Capabilities, Codec, Negotiated};

use super::Call;
use super::origin::Origin;
use crate::ending;
use crate::exchange::House;
use crate::transport::Wish;

/// How a leg's media listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ears {
    /// Whether sound may come from another address than the description says.
    pub latch: bool,
    /// Whether tones are listened for although telephone-event was agreed.
    pub in_band_digits: bool,
}

/// Tells a leg's media what its two sides agreed on.
pub(super) fn connect(house: &House, call: CallId, leg: LegId, agreed: &Negotiated, ears: Ears) {
    let remote = Remote {
        addr: agreed.remote,
        rtcp: Some(agreed.remote_rtcp),
        rtcp_mux: agreed.rtcp_mux,
        codec: match agreed.codec {
            Codec::Pcmu => Law::Pcmu.into(),
            Codec::Pcma => Law::Pcma.into(),
            Codec::G722 => hotline_audio::Codec::G722,
        },
        dtmf_payload: agreed.event_payload_type,
        ptime: u8::try_from(agreed.ptime_ms).unwrap_or(20),
        latch: ears.latch,
        detect_in_band: ears.in_band_digits,
        direction: match agreed.direction {
            sdp::Direction::SendRecv => Direction::SendRecv,
            sdp::Direction::SendOnly => Direction::SendOnly,
            sdp::Direction::RecvOnly => Direction::RecvOnly,
            sdp::Direction::Inactive => Direction::Inactive,
        },
    };
    if let Err(error) = house.media.plane.connect(leg, remote) {
        tracing::warn!(call.id = %call, %error, "media could not be connected");
    }
}

impl Call {
    /// Makes room for the call's media; gives what we can do there.
    pub(super) fn make_room(&self) -> Result<Capabilities, EndReason> {
        let local = self.house.media.plane.open(self.media, self.media.0).map_err(|error| {
            tracing::error!(call.id = %self.id, %error, "no media for a call");
            ending::NO_MEDIA
        })?;
        let address = std::net::SocketAddr::new(self.media_address(local.addr.ip()), local.addr.port());
        Ok(Capabilities::new(address, self.media.0))
    }

    /// Makes room for the call's media and answers the INVITE, or lets the caller hear us unanswered where the plan
    /// wants it, or refuses it.
    pub(super) fn open_media(&mut self) -> Result<(), EndReason> {
        let capabilities = self.make_room().inspect_err(|_| self.refuse(503))?;
        let Origin::CameIn { invite, .. } = &self.side.origin else { return Err(ending::NO_MEDIA) };
        let offer = invite.offer.clone();
        let answer: Bytes = match &offer {
            Some(offer) => match sdp::answer_bytes(offer, &capabilities) {
                Ok(agreed) => {
                    self.connect(&agreed);
                    agreed.sdp.into()
                }
                Err(problem) => {
                    self.refuse(problem.code());
                    return Err(ending::of_description(problem));
                }
            },
            None => sdp::offer(&capabilities).into(),
        };
        self.capabilities = Some(capabilities);
        // Who sent no offer can hear nothing before the 200 with ours.
        let by_step = self.answering.is_by_step() && offer.is_some();
        self.unanswered = Some(answer.clone());
        if by_step {
            self.wish(Wish::Progress(answer));
        } else {
            self.answer();
        }
        Ok(())
    }

    /// Answers the call if that was not done yet.
    pub(super) fn answer(&mut self) {
        if let Some(answer) = self.unanswered.take() {
            self.wish(Wish::Answer(answer));
            self.answered_after = Some(self.began.elapsed());
        }
    }

    /// The address a caller can send to: the one its INVITE came to where RTP is bound to all.
    pub(super) fn media_address(&self, bound: IpAddr) -> IpAddr {
        match self.house.advertised {
            Some(address) => address,
            None if bound.is_unspecified() => self.side.local_ip().unwrap_or(bound),
            None => bound,
        }
    }

    pub(super) fn refuse(&mut self, code: u16) {
        self.leg_is_over = true;
        self.wish(Wish::Reject { code, retry_after: None });
    }

    pub(super) fn connect(&mut self, agreed: &Negotiated) {
        self.codec = Some(agreed.codec);
        connect(&self.house, self.id, self.media, agreed, self.side.ears);
    }

    /// An answer to our offer that comes before the call is answered; one that cannot be taken is left aside.
    pub(super) fn agree_early(&mut self, answer: &[u8]) {
        let Some(capabilities) = &self.capabilities else { return };
        let agreed = sdp::Sdp::parse(answer).ok().and_then(|sdp| sdp::accept_answer(&sdp, capabilities).ok());
        if let Some(agreed) = agreed {
            self.connect(&agreed);
        }
    }

    /// The answer to our offer, where the INVITE had none, or where it was ours.
    pub(super) fn late_answer(&mut self, answer: &[u8]) {
        let Some(capabilities) = &self.capabilities else { return };
        let agreed = sdp::Sdp::parse(answer)
            .map_err(sdp::NotAcceptable::from)
            .and_then(|answer| sdp::accept_answer(&answer, capabilities));
        match agreed {
            Ok(agreed) => self.connect(&agreed),
            Err(problem) => self.hang_up(ending::of_description(problem)),
        }
    }

    pub(super) fn reinvite(&mut self, offer: Option<Bytes>) {
        let Some(capabilities) = self.capabilities.as_mut() else { return };
        capabilities.session_version += 1;
        let capabilities = capabilities.clone();
        let wish = match offer {
            None => Wish::AcceptReinvite(sdp::offer(&capabilities).into()),
            Some(offer) => match sdp::answer_bytes(&offer, &capabilities) {
                Ok(agreed) => {
                    self.connect(&agreed);
                    Wish::AcceptReinvite(agreed.sdp.into())
                }
                Err(problem) => Wish::RejectReinvite(problem.code()),
            },
        };
        self.wish(wish);
    }
}
