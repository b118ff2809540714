//! Cutting messages from a stream (RFC 3261 §18.3, RFC 5626 §3.5.1).

use bytes::{Bytes, BytesMut};

use super::header::number;
use super::{Limits, Name};

/// Gathers the bytes of one connection and cuts them into messages.
#[derive(Debug)]
pub struct StreamFramer {
    buffer: BytesMut,
    limits: Limits,
    /// Bytes already searched for the end of the head.
    searched: usize,
}

/// What a stream holds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One whole message, to be given to `handle_datagram`.
    Message(Bytes),
    /// A keep-alive `CRLF CRLF`; the due answer is `CRLF` (RFC 5626 §4.4.1).
    Ping,
}

/// The stream can no longer be divided; the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message passes the size limit.
    #[error("message too large for a stream")]
    TooLarge,
    /// Content-Length is missing, malformed or contradictory, so nobody knows where the next message begins.
    #[error("message without a usable Content-Length")]
    Length,
}

impl StreamFramer {
    /// An empty framer.
    pub fn new(limits: Limits) -> StreamFramer {
        StreamFramer { buffer: BytesMut::new(), limits, searched: 0 }
    }

    /// Adds bytes read from the connection. Drain [`StreamFramer::poll_frame`] after each.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, or `None` until more bytes come.
    ///
    /// # Errors
    ///
    /// [`FrameError`]: close the connection.
    pub fn poll_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            if self.buffer.starts_with(b"\r\n\r\n") {
                let _ = self.buffer.split_to(4);
                return Ok(Some(Frame::Ping));
            }
            // `CRLF` may be the first half of a ping; before other bytes it is a pong or noise.
            match &self.buffer[..] {
                [] | b"\r" | b"\r\n" | b"\r\n\r" => return Ok(None),
                [b'\r', b'\n', ..] => drop(self.buffer.split_to(2)),
                [b'\r' | b'\n', ..] => drop(self.buffer.split_to(1)),
                _ => break,
            }
        }
        let Some(head) = self.find_head() else {
            return if self.buffer.len() > self.limits.stream_bytes {
                Err(FrameError::TooLarge)
            } else {
                Ok(None)
            };
        };
        let total = head + content_length(&self.buffer[..head])?;
        if total > self.limits.stream_bytes {
            return Err(FrameError::TooLarge);
        }
        if self.buffer.len() < total {
            return Ok(None);
        }
        self.searched = 0;
        Ok(Some(Frame::Message(self.buffer.split_to(total).freeze())))
    }

    /// Bytes gathered and not yet handed out.
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The length of the head with its empty line, once it is complete.
    fn find_head(&mut self) -> Option<usize> {
        let from = self.searched.saturating_sub(3);
        let found = self.buffer.get(from..)?.windows(4).position(|four| four == b"\r\n\r\n");
        self.searched = self.buffer.len();
        found.map(|at| {
            self.searched = from + at;
            from + at + 4
        })
    }
}

/// The value of Content-Length; required on streams (RFC 3261 §20.14).
fn content_length(head: &[u8]) -> Result<usize, FrameError> {
    let mut found = None;
    for line in head.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        if Name::from_bytes(line[..colon].trim_ascii_end()) != Name::ContentLength {
            continue;
        }
        let length = number(line[colon + 1..].trim_ascii()).ok_or(FrameError::Length)?;
        if found.is_some_and(|found| found != length) {
            return Err(FrameError::Length);
        }
        found = Some(length);
    }
    found.map(|length| length as usize).ok_or(FrameError::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 3\r\n\r\nabc";

    fn frames(framer: &mut StreamFramer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.poll_frame().unwrap()).collect()
    }

    #[test]
    fn fragments_and_many_messages_in_one_read_give_the_same_frames() {
        let stream = [b"\r\n\r\n", ONE, b"\r\n", ONE, ONE].concat();
        for size in 1..stream.len() {
            let mut framer = StreamFramer::new(Limits::default());
            let mut seen = Vec::new();
            for chunk in stream.chunks(size) {
                framer.handle_bytes(chunk);
                seen.extend(frames(&mut framer));
            }
            let one = Frame::Message(Bytes::from_static(ONE));
            assert_eq!(seen, [Frame::Ping, one.clone(), one.clone(), one], "chunks of {size}");
        }
    }

    #[test]
    fn a_stream_without_content_length_cannot_be_divided() {
        let mut framer = StreamFramer::new(Limits::default());
        framer.handle_bytes(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n");
        assert_eq!(framer.poll_frame(), Err(FrameError::Length));
    }

    #[test]
    fn an_endless_head_is_refused() {
        let mut framer = StreamFramer::new(Limits::default());
        framer.handle_bytes(&[b'a'; 65 * 1024]);
        assert_eq!(framer.poll_frame(), Err(FrameError::TooLarge));
    }
}
