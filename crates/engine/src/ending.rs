//! How a leg's end becomes the call's: each cause says itself to whom the end is due.

use hotline_model::{EndReason, Ending};
use hotline_sip::EndCause;
use hotline_sip::sdp::NotAcceptable;

/// The end that a SIP cause gives; `done`: the plan had said that the caller got what they
/// called for.
pub(crate) fn of_sip(cause: EndCause, done: bool) -> EndReason {
    match cause {
        EndCause::RemoteBye if done => EndReason::new(Ending::Success, "hung-up"),
        EndCause::RemoteBye => EndReason::new(Ending::Caller, "hung-up"),
        EndCause::LocalBye => EndReason::new(Ending::Success, "completed"),
        EndCause::NoAck => EndReason::new(Ending::Unattributable, "no-ack"),
        EndCause::NoAnswer => EndReason::new(Ending::Us, "not-answered"),
        EndCause::SessionExpired => EndReason::new(Ending::Unattributable, "session-expired"),
        EndCause::CallLimit => EndReason::new(Ending::Us, "too-long"),
        EndCause::Lost(code) if code >= 500 => EndReason::new(Ending::Upstream, "server-error"),
        EndCause::Lost(_) => EndReason::new(Ending::Unattributable, "lost"),
    }
}

/// No packet came for too long.
pub(crate) const SILENT: EndReason = EndReason::new(Ending::Unattributable, "no-media");
/// The caller gave up before we answered.
pub(crate) const CANCELLED: EndReason = EndReason::new(Ending::Caller, "cancelled");
/// Nothing the caller offers can be spoken with.
pub(crate) const NO_CODEC: EndReason = EndReason::new(Ending::Caller, "no-codec");
/// What the caller sent as its session description is none (RFC 4566).
pub(crate) const BAD_DESCRIPTION: EndReason = EndReason::new(Ending::Caller, "malformed-sdp");
/// No port or thread could be had.
pub(crate) const NO_MEDIA: EndReason = EndReason::new(Ending::Us, "no-media-port");
/// The plan ended the call.
pub(crate) const COMPLETED: EndReason = EndReason::new(Ending::Success, "completed");
/// The plan ended the call because something of ours failed.
pub(crate) const FAILED: EndReason = EndReason::new(Ending::Us, "failed");
/// The machine stops.
pub(crate) const STOPPED: EndReason = EndReason::new(Ending::Us, "stopped");

/// The end that an offer or an answer gives which cannot be taken.
pub(crate) const fn of_description(problem: NotAcceptable) -> EndReason {
    match problem {
        NotAcceptable::Malformed(_) => BAD_DESCRIPTION,
        NotAcceptable::NoAudio | NotAcceptable::NoCodec | NotAcceptable::NoAddress => NO_CODEC,
    }
}
