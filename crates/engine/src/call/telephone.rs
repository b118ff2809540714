//! An agent's telephone asks somebody by a call of its own while the caller is on hold there, and joins both by its
//! own key: attended transfer as telephones have it (RFC 5589 §7), REFER with Replaces (RFC 3891).

use bytes::Bytes;
use hotline_bus::Target;
use hotline_model::AgentId;
use hotline_sip::LegKey;

use super::Call;
use super::party::{Party, PartyNews};
use crate::switchboard::Reached;
use crate::transport::{Incoming, Wish};

/// The telephone's own call, as long as whoever is asked is there or rings.
pub(super) struct Asking {
    pub party: Party,
    leg: LegKey,
    call_id: String,
    /// What its 200 will say.
    answer: Bytes,
}

/// What an agent's telephone wants.
pub(crate) struct WantsToAsk {
    pub agent: AgentId,
    pub incoming: Incoming,
    pub to: Target,
    /// The colleague, kept free for it.
    pub reached: Option<Reached>,
}

impl Call {
    /// The agent's telephone calls somebody: whoever it is, is asked while the caller waits.
    pub(super) fn telephone_asks(&mut self, wanted: WantsToAsk) {
        let WantsToAsk { agent: who, incoming, to, reached } = wanted;
        let Incoming { leg, invite, .. } = incoming;
        let signalling = self.house.signalling.clone();
        let refuse = |code| signalling.wish(leg, Wish::Reject { code, retry_after: None });
        let agent = self.queueing.as_ref().and_then(|queueing| queueing.agent.as_ref());
        let has_it = agent.is_some_and(|agent| agent.joined && agent.agent == who);
        // Somebody is asked already, or the caller has gone on meanwhile.
        if !has_it || self.other.is_some() || self.asking.is_some() {
            return refuse(486);
        }
        let Some(offer) = &invite.offer else { return refuse(488) };
        let (party, answer) = match Party::came_in(self, leg, offer, self.ears_of_telephones()) {
            Ok(opened) => opened,
            Err(code) => return refuse(code),
        };
        signalling.register(leg, self.mailbox.clone());
        self.asking = Some(Asking { party, leg, call_id: invite.call_id, answer });
        if self.consult(&to, reached).is_err() {
            return self.let_go_of_asking();
        }
        signalling.wish(leg, Wish::Ring);
    }

    /// The telephone hears whoever is asked before they answer.
    pub(super) fn asking_hears(&self) {
        if let Some(asking) = &self.asking {
            self.house.signalling.wish(asking.leg, Wish::Progress(asking.answer.clone()));
        }
    }

    /// Whoever is asked has answered.
    pub(super) fn asking_is_answered(&self) {
        if let Some(asking) = &self.asking {
            self.house.signalling.wish(asking.leg, Wish::Answer(asking.answer.clone()));
        }
    }

    /// What came of the telephone's own call: once it is over, the agent has the caller again.
    pub(super) fn asking_news(&mut self, news: PartyNews) {
        if matches!(news, PartyNews::HungUp | PartyNews::Lost | PartyNews::Unfit) {
            self.take_back("back");
        }
    }

    /// The telephone wants the caller to have whom it asked, in place of its call to them.
    pub(super) fn refer_to_asked(&mut self, leg: LegKey, replaced: &str) {
        let asks = |asking: &Asking| asking.leg == leg || asking.call_id == replaced;
        let done = self.other.is_some() && self.asking.as_ref().is_some_and(asks);
        // Before the BYE that follows from it.
        self.answer_refer(leg, done);
        if done {
            self.hand_on();
        }
    }

    /// Ends the telephone's own call.
    pub(super) fn let_go_of_asking(&mut self) {
        let Some(asking) = self.asking.take() else { return };
        let _ = self.house.media.plane.unbridge(asking.party.media);
        asking.party.let_go(&self.house);
    }
}

/// Whether what was dialled is a number rather than a name.
pub(crate) fn is_number(user: &str) -> bool {
    let digits = user.strip_prefix('+').unwrap_or(user);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The Call-ID of the call that the one asked for by a Refer-To is to replace (RFC 3891 §3), if it is to replace one.
pub(super) fn replaced_by(refer_to: &str) -> Option<String> {
    let address =
        refer_to.split_once('<').map_or(refer_to, |(_, rest)| rest.split('>').next().unwrap_or_default());
    let (_, headers) = address.split_once('?')?;
    let value = headers.split('&').find_map(|header| {
        let (name, value) = header.split_once('=')?;
        name.eq_ignore_ascii_case("replaces").then_some(value)
    })?;
    let value = hotline_sip::message::unescape(value);
    Some(value.split(';').next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{is_number, replaced_by};

    #[test]
    fn what_is_replaced_stands_in_the_address() {
        let found = |refer_to| replaced_by(refer_to);
        assert_eq!(found("<sip:10010@h?Replaces=a%40b%3Bto-tag%3Dx%3Bfrom-tag%3Dy>"), Some("a@b".into()));
        assert_eq!(
            found("<sip:bert@h;transport=tcp?Require=replaces&replaces=12%3bto-tag=1>"),
            Some("12".into())
        );
        assert_eq!(found("\"Replaces=1\" <sip:bert@h>"), None);
        assert_eq!(found("sip:10010@h"), None);
        assert_eq!(found("<sip:10010@h?Subject=Replaces>"), None);
        assert_eq!(found("<sip:bert@h?Replaces=%ff%zz>").map(|id| id.is_empty()), Some(false));
    }

    #[test]
    fn a_number_is_told_from_a_name() {
        assert!(is_number("10010") && is_number("+8610010"));
        assert!(!is_number("bert") && !is_number("") && !is_number("+") && !is_number("10a"));
    }
}
