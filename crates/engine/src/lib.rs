//! The exchange that runs: SIP sockets, trunks, calls, the interpreter.
//!
//! One task owns the sockets and the endpoint (`transport`); one task owns a whole call
//! (`call`): its leg, its media, its interpreter. Nothing of a call is shared, so nothing of it
//! is locked. What a plan asks of the record or of a web service goes through `doors`.

mod announcement;
mod call;
mod doors;
mod ending;
mod exchange;
mod figures;
mod media;
mod play;
mod recogniser;
mod routes;
mod switchboard;
mod transport;
mod trunk;

pub use announcement::{Announcements, NotPhrases};
pub use doors::HttpDoor;
pub use exchange::{Exchange, Settings, StartError};
pub use recogniser::{Recogniser, RecogniserSettings};
pub use routes::{NotAPattern, NumberPattern, RouteSettings};
pub use transport::REALM;
pub use trunk::TrunkSettings;
