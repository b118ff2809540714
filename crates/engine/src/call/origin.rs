//! How a call came to be: somebody called us, or we call a customer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hotline_bus::{Dial, DialNews};
use hotline_model::CallerNumber;
use hotline_sip::Invite;

use super::negotiate::Ears;
use crate::routes::Line;
use crate::transport::Incoming;
use crate::trunk::TrunkSettings;

/// How a call came to be.
pub(super) enum Origin {
    /// Somebody called us.
    CameIn {
        /// What they want.
        invite: Box<Invite>,
        /// How long it rings before it is answered.
        ring: Duration,
    },
    /// We call a customer.
    Made {
        /// Whom, and how.
        dial: Box<Dial>,
        /// The line, taken for as long as the call lasts.
        line: Arc<Line>,
        /// Our address on the way to the trunk, once its host is looked up.
        local: Option<IpAddr>,
    },
}

/// The outer side of a call: by which trunk, and who is at its far end.
pub(crate) struct Side {
    pub(super) origin: Origin,
    pub(super) trunk: String,
    pub(super) ears: Ears,
    pub(super) caller: CallerNumber,
}

impl Side {
    /// Somebody called by this trunk.
    pub fn came_in(incoming: Incoming, trunk: &TrunkSettings, caller: CallerNumber) -> Self {
        Self {
            origin: Origin::CameIn { invite: incoming.invite, ring: trunk.ring },
            trunk: trunk.name.clone(),
            ears: Ears { latch: trunk.latch, in_band_digits: trunk.in_band_digits },
            caller,
        }
    }

    /// A customer is called by this line.
    pub fn made(dial: Box<Dial>, line: Line) -> Self {
        Self {
            trunk: line.trunk().to_owned(),
            ears: Ears { latch: line.latch(), in_band_digits: line.in_band_digits() },
            caller: CallerNumber::Phone(dial.number.clone()),
            origin: Origin::Made { dial, line: Arc::new(line), local: None },
        }
    }

    /// Our address on the way to the far end, if it is known.
    pub(super) fn local_ip(&self) -> Option<IpAddr> {
        match &self.origin {
            Origin::CameIn { invite, .. } => Some(invite.source.local.ip()),
            Origin::Made { local, .. } => *local,
        }
    }

    /// Our address on the way to the trunk that we call by.
    pub(super) fn found_way(&mut self, by: IpAddr) {
        if let Origin::Made { local, .. } = &mut self.origin {
            *local = Some(by);
        }
    }

    /// Our number in this call: what was dialled, or what they see.
    pub(super) fn our_number(&self) -> &str {
        match &self.origin {
            Origin::CameIn { invite, .. } => &invite.user,
            Origin::Made { line, .. } => line.shown(),
        }
    }

    /// Whom we call, and how.
    pub(super) fn dial(&self) -> Option<&Dial> {
        match &self.origin {
            Origin::CameIn { .. } => None,
            Origin::Made { dial, .. } => Some(dial),
        }
    }

    /// Tells whoever wanted the call what becomes of it.
    pub(super) fn tell(&self, news: DialNews) {
        if let Some(dial) = self.dial() {
            let _ = dial.news.send((dial.call, news));
        }
    }
}
