//! Reading a session description.

use std::net::IpAddr;

/// Lines read at most.
const LINE_LIMIT: usize = 256;
/// Media streams read at most.
const MEDIA_LIMIT: usize = 16;

/// Which way media flows, seen from the one who wrote the description (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways; the default.
    #[default]
    SendRecv,
    /// The writer only sends: it holds the other.
    SendOnly,
    /// The writer only receives.
    RecvOnly,
    /// Nothing flows.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// The same flow seen from the other side.
    pub fn reversed(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            both => both,
        }
    }

    /// Whether the writer sends.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the writer receives.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The direction with these two ways open.
    pub fn from_ways(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    fn from_name(name: &str) -> Option<Direction> {
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
            .into_iter()
            .find(|direction| direction.as_str() == name)
    }
}

/// `a=name:value`; the value is empty for a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Before the colon.
    pub name: &'a str,
    /// After the colon.
    pub value: &'a str,
}

/// A session description, borrowed from its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sdp<'a> {
    /// The value of `o=`.
    pub origin: &'a str,
    /// The address of the session's `c=`.
    pub connection: Option<IpAddr>,
    /// Attributes of the session.
    pub attributes: Vec<Attribute<'a>>,
    /// Streams, in order.
    pub media: Vec<Media<'a>>,
}

/// One `m=` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media<'a> {
    /// `audio`, `video`, …
    pub kind: &'a str,
    /// 0: the stream is refused or unused.
    pub port: u16,
    /// `RTP/AVP`, …
    pub proto: &'a str,
    /// Formats as written, divided by spaces.
    pub formats: &'a str,
    /// The address of the stream's own `c=`.
    pub connection: Option<IpAddr>,
    /// Attributes of the stream.
    pub attributes: Vec<Attribute<'a>>,
}

/// The text is no session description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not UTF-8.
    #[error("session description is not UTF-8")]
    Encoding,
    /// The line of this number, from 1, is malformed.
    #[error("line {0} of the session description is malformed")]
    Line(usize),
    /// More than 256 lines or 16 streams.
    #[error("session description too large")]
    TooLarge,
    /// No `v=0` or no `o=`.
    #[error("session description has no {0} line")]
    Missing(char),
}

impl<'a> Sdp<'a> {
    /// Reads a description; lines may end in CRLF or LF, unknown lines are skipped.
    ///
    /// # Errors
    ///
    /// [`SdpError`] for what cannot be a description.
    pub fn parse(text: &'a [u8]) -> Result<Sdp<'a>, SdpError> {
        let text = std::str::from_utf8(text).map_err(|_| SdpError::Encoding)?;
        let mut sdp = Sdp::default();
        let mut has_version = false;
        for (index, line) in text.lines().enumerate() {
            if index == LINE_LIMIT {
                return Err(SdpError::TooLarge);
            }
            let malformed = SdpError::Line(index + 1);
            let line = line.trim_ascii_end();
            if line.is_empty() {
                continue;
            }
            let (kind, value) = line.split_once('=').ok_or(malformed)?;
            match kind {
                "v" if index == 0 && value == "0" => has_version = true,
                "o" => sdp.origin = value,
                "c" => {
                    let address = connection(value).ok_or(malformed)?;
                    match sdp.media.last_mut() {
                        Some(media) => media.connection = address.or(media.connection),
                        None => sdp.connection = address,
                    }
                }
                "m" if sdp.media.len() == MEDIA_LIMIT => return Err(SdpError::TooLarge),
                "m" => sdp.media.push(media(value).ok_or(malformed)?),
                "a" => {
                    let (name, value) = value.split_once(':').unwrap_or((value, ""));
                    let attribute = Attribute { name: name.trim_ascii(), value: value.trim_ascii() };
                    match sdp.media.last_mut() {
                        Some(media) => media.attributes.push(attribute),
                        None => sdp.attributes.push(attribute),
                    }
                }
                _ if kind.len() == 1 => {}
                _ => return Err(malformed),
            }
        }
        match (has_version, sdp.origin.is_empty()) {
            (false, _) => Err(SdpError::Missing('v')),
            (true, true) => Err(SdpError::Missing('o')),
            (true, false) => Ok(sdp),
        }
    }

    /// The first audio stream over plain RTP that is in use, with its place in [`Sdp::media`].
    pub fn audio(&self) -> Option<(usize, &Media<'a>)> {
        let plain = |media: &Media<'_>| media.proto.eq_ignore_ascii_case("RTP/AVP");
        self.media
            .iter()
            .enumerate()
            .find(|(_, media)| media.kind == "audio" && media.port != 0 && plain(media))
    }

    /// Where `media` wants its packets; a description without any `c=` gives `None`.
    pub fn address(&self, media: &Media<'_>) -> Option<IpAddr> {
        media.connection.or(self.connection)
    }

    /// The direction of `media`; an unspecified address (`c=0.0.0.0`) is the old way to hold
    /// (RFC 3264 §8.4), so the writer does not receive.
    pub fn direction(&self, media: &Media<'_>) -> Direction {
        let named = |attributes: &[Attribute<'_>]| {
            attributes.iter().find_map(|attribute| Direction::from_name(attribute.name))
        };
        let direction = named(&media.attributes).or(named(&self.attributes)).unwrap_or_default();
        match self.address(media) {
            Some(address) if address.is_unspecified() => Direction::from_ways(direction.sends(), false),
            _ => direction,
        }
    }

    /// The version in `o=`: it grows by one with each change (RFC 3264 §8).
    pub fn version(&self) -> Option<u64> {
        self.origin.split_ascii_whitespace().nth(2)?.parse().ok()
    }
}

impl<'a> Media<'a> {
    /// Attributes of this name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.attributes
            .iter()
            .filter(move |attribute| attribute.name == name)
            .map(|attribute| attribute.value)
    }

    /// The value of the first attribute of this name; empty for a flag.
    pub fn find(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// RTP payload types, in the writer's order of preference.
    pub fn payloads(&self) -> impl Iterator<Item = u8> {
        self.formats.split_ascii_whitespace().filter_map(|format| format.parse().ok()).filter(|&pt| pt < 128)
    }

    /// Name and clock of a payload type: its `rtpmap`, or the static assignment of RFC 3551 §6.
    pub fn encoding(&self, payload: u8) -> Option<(&'a str, u32)> {
        let mapped = self.all("rtpmap").find_map(|value| {
            let (number, encoding) = value.split_once(' ')?;
            if number.parse() != Ok(payload) {
                return None;
            }
            let mut parts = encoding.trim_ascii().split('/');
            Some((parts.next()?, parts.next()?.parse().ok()?))
        });
        mapped.or(match payload {
            0 => Some(("PCMU", 8000)),
            8 => Some(("PCMA", 8000)),
            9 => Some(("G722", 8000)),
            18 => Some(("G729", 8000)),
            _ => None,
        })
    }

    /// The `fmtp` parameters of a payload type.
    pub fn format_parameters(&self, payload: u8) -> Option<&'a str> {
        self.all("fmtp").find_map(|value| {
            let (number, parameters) = value.split_once(' ')?;
            (number.parse() == Ok(payload)).then_some(parameters)
        })
    }
}

/// `IN IP4 address[/ttl]`: `None` inside for a host name, which is never looked up.
fn connection(value: &str) -> Option<Option<IpAddr>> {
    let mut words = value.split_ascii_whitespace();
    let (_, kind, address) = (words.next()?, words.next()?, words.next()?);
    if kind != "IP4" && kind != "IP6" {
        return None;
    }
    Some(address.split('/').next()?.parse().ok())
}

fn media(value: &str) -> Option<Media<'_>> {
    let mut words = value.splitn(4, ' ');
    let (kind, port, proto) = (words.next()?, words.next()?, words.next()?);
    Some(Media {
        kind,
        port: port.split('/').next()?.parse().ok()?,
        proto,
        formats: words.next().unwrap_or_default(),
        connection: None,
        attributes: Vec::new(),
    })
}
