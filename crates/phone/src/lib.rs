//! A telephone for tests and newcomers, on `rsip` and `rtp`, so that our own stack is never
//! tested by itself.
//!
//! It calls, listens, keys when the other side has stopped speaking, keeps what it heard, and
//! hangs up: `hotline dial sip:10086@127.0.0.1 --keys "407192865#,8000#" --wav heard.wav`.

mod ear;
mod signalling;
mod voice;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hotline_audio::Law;
use tokio::net::UdpSocket;

use ear::Ear;
use signalling::{Dialog, Incoming};
use voice::Voice;

/// How keys are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyBy {
    /// As telephone-event packets (RFC 4733).
    #[default]
    Rfc4733,
    /// As tones in the sound.
    InBand,
    /// As SIP INFO requests.
    Info,
}

/// A call to make.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Whom to call: `sip:10086@127.0.0.1:5060`.
    pub target: String,
    /// Who calls: the user part of From.
    pub from: String,
    /// Groups of keys: each is keyed when the other side has stopped speaking.
    pub keys: Vec<String>,
    /// How keys are sent.
    pub key_by: KeyBy,
    /// The codec that is offered.
    pub law: Law,
    /// How long the other side must be silent before keys are sent, and at the end before the
    /// call is hung up. Default 1.5 s.
    pub pause: Duration,
    /// How long the call may last. Default 2 min.
    pub at_most: Duration,
}

impl Dial {
    /// A call with the usual settings.
    pub fn new(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            from: "13800138000".into(),
            keys: Vec::new(),
            key_by: KeyBy::default(),
            law: Law::Pcmu,
            pause: Duration::from_millis(1500),
            at_most: Duration::from_secs(120),
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Heard {
    /// From the INVITE to the 200.
    pub answered_after: Duration,
    /// From the INVITE to the first packet of sound; `None`: there was none.
    pub sound_after: Option<Duration>,
    /// For each group of keys, when the other side spoke.
    pub replies: Vec<Reply>,
    /// Everything that was heard, from the answer on: mono, 8 kHz.
    pub samples: Vec<i16>,
    /// Whether the other side hung up.
    pub hung_up_by_them: bool,
    /// Packets of sound that came, and that are missing between them.
    pub packets: u32,
    /// Gaps in the sequence numbers.
    pub lost: u32,
}

/// When the other side spoke to a group of keys, counted from where its last key was over: the
/// first end packet of its event, the last frame of its tone, or its INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// So long after the last key.
    After(Duration),
    /// So long before it, while keys were still being sent: it was no reply to all of them.
    Early(Duration),
}

/// Why a call did not come about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address cannot be called.
    #[error("`{0}` cannot be called: write sip:NUMBER@ADDRESS:PORT with an IP address")]
    BadTarget(String),
    /// The other side refused.
    #[error("the call was refused: {reason}")]
    Refused {
        /// The SIP status.
        code: u16,
        /// Its words.
        reason: String,
    },
    /// Nobody answered.
    #[error("nobody answers at {0}: is the server running there?")]
    NoAnswer(SocketAddr),
    /// The other side's message cannot be understood.
    #[error("the other side's {0} cannot be understood")]
    Malformed(&'static str),
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What a caller may want to see while a call goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The other side answered.
    Answered(Duration),
    /// The other side has stopped speaking after this long.
    Listened(Duration),
    /// A group of so many keys was sent.
    Keyed(usize),
    /// The call is over.
    HungUp {
        /// Whether they ended it.
        by_them: bool,
    },
}

/// Makes a call and gives what was heard.
///
/// # Errors
/// [`DialError`] if it does not come about.
pub async fn dial(dial: &Dial, mut tell: impl FnMut(Progress)) -> Result<Heard, DialError> {
    let server = signalling::address_of(&dial.target)?;
    let sip = UdpSocket::bind(local_for(server)).await?;
    sip.connect(server).await?;
    let media = UdpSocket::bind(SocketAddr::new(sip.local_addr()?.ip(), 0)).await?;
    let mut dialog = Dialog::new(dial, sip.local_addr()?, media.local_addr()?);
    let began = Instant::now();
    let answer = dialog.invite(&sip, server).await?;
    let answered_after = began.elapsed();
    tell(Progress::Answered(answered_after));
    let mut voice = Voice::new(dial.law, answer.event_payload);
    let mut ear = Ear::new(dial.law);
    let mut call = Running {
        dial,
        keys: dial.keys.iter(),
        keying: None,
        replies: Vec::new(),
        deadline: began + dial.at_most,
    };
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let (mut sip_bytes, mut rtp_bytes) = (vec![0; 65_536], vec![0; 2_048]);
    let hung_up_by_them = loop {
        tokio::select! {
            received = sip.recv(&mut sip_bytes) => {
                let Ok(length) = received else { continue };
                if dialog.handle(&sip, &sip_bytes[..length]).await? == Incoming::Bye {
                    break true;
                }
            }
            received = media.recv_from(&mut rtp_bytes) => {
                let Ok((length, _)) = received else { continue };
                let now = Instant::now();
                if ear.hear(&rtp_bytes[..length], now) {
                    call.note_speech(now);
                }
            }
            _ = tick.tick() => {
                let sent = voice.next_packet();
                let _ = media.send_to(&sent.packet, answer.media).await;
                if sent.keyed {
                    call.note_keyed(Instant::now());
                }
                if call.is_over(&ear, &voice) {
                    dialog.bye(&sip).await?;
                    break false;
                }
                if let Some(keys) = call.next_keys(&mut ear, &voice) {
                    tell(Progress::Listened(ear.listened()));
                    match dial.key_by {
                        KeyBy::Info => {
                            dialog.info(&sip, keys).await?;
                            call.note_keyed(Instant::now());
                        }
                        KeyBy::Rfc4733 | KeyBy::InBand => voice.key(keys, dial.key_by),
                    }
                    tell(Progress::Keyed(keys.chars().count()));
                }
            }
        }
    };
    tell(Progress::HungUp { by_them: hung_up_by_them });
    Ok(Heard {
        answered_after,
        sound_after: ear.first_packet_at().map(|at| at.duration_since(began)),
        replies: call.replies,
        hung_up_by_them,
        packets: ear.packets(),
        lost: ear.lost(),
        samples: ear.into_samples(),
    })
}

/// Where the call stands between the groups of keys.
struct Running<'a> {
    dial: &'a Dial,
    keys: std::slice::Iter<'a, String>,
    /// The group whose reply is awaited.
    keying: Option<Keying>,
    replies: Vec<Reply>,
    deadline: Instant,
}

/// A group of keys under way.
#[derive(Default)]
struct Keying {
    /// When its last key was over.
    keyed_at: Option<Instant>,
    /// When the other side spoke first since it began.
    spoke_at: Option<Instant>,
}

impl<'a> Running<'a> {
    fn next_keys(&mut self, ear: &mut Ear, voice: &Voice) -> Option<&'a str> {
        let waits = self.keying.is_some() || voice.is_keying() || !ear.quiet_for(self.dial.pause);
        if waits {
            return None;
        }
        let keys = self.keys.next()?;
        ear.listen_anew();
        self.keying = Some(Keying::default());
        Some(keys)
    }

    fn note_keyed(&mut self, now: Instant) {
        if let Some(keying) = &mut self.keying {
            keying.keyed_at = Some(now);
        }
        self.note_reply();
    }

    fn note_speech(&mut self, now: Instant) {
        if let Some(keying) = &mut self.keying {
            keying.spoke_at.get_or_insert(now);
        }
        self.note_reply();
    }

    fn note_reply(&mut self) {
        let Some(Keying { keyed_at: Some(keyed), spoke_at: Some(spoke) }) = self.keying else { return };
        self.replies.push(if spoke < keyed {
            Reply::Early(keyed - spoke)
        } else {
            Reply::After(spoke - keyed)
        });
        self.keying = None;
    }

    fn is_over(&self, ear: &Ear, voice: &Voice) -> bool {
        let all_keyed = self.keys.len() == 0 && self.keying.is_none() && !voice.is_keying();
        Instant::now() > self.deadline || (all_keyed && ear.quiet_for(self.dial.pause * 2))
    }
}

fn local_for(server: SocketAddr) -> SocketAddr {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    any.parse().expect("an address that is written here")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reply to a group that is over at 1 s, when the other side first spoke at `spoke_ms`.
    fn reply(spoke_ms: u64) -> Reply {
        let began = Instant::now();
        let dial = Dial::new("sip:10086@127.0.0.1");
        let mut call = Running {
            dial: &dial,
            keys: dial.keys.iter(),
            keying: Some(Keying::default()),
            replies: Vec::new(),
            deadline: began,
        };
        let mut events = [(1000, true), (spoke_ms, false), (spoke_ms + 20, false)];
        events.sort_unstable();
        for (at, is_key) in events {
            let now = began + Duration::from_millis(at);
            if is_key { call.note_keyed(now) } else { call.note_speech(now) }
        }
        call.replies[0]
    }

    #[test]
    fn a_reply_is_counted_from_the_last_key() {
        assert_eq!(reply(1040), Reply::After(Duration::from_millis(40)));
    }

    #[test]
    fn speech_before_the_last_key_is_no_reply_to_it() {
        assert_eq!(reply(970), Reply::Early(Duration::from_millis(30)));
    }
}
