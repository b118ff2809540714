//! Session descriptions: read (RFC 8866), and answered (RFC 3264) for one audio stream.

mod negotiate;
mod parse;

pub use negotiate::{
    Capabilities, Codec, Negotiated, NotAcceptable, accept_answer, answer, answer_bytes, offer,
    with_direction,
};
pub use parse::{Attribute, Direction, Media, Sdp, SdpError};
