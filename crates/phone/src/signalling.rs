//! One dialog as a caller: INVITE, ACK, INFO, BYE over UDP, written and read by `rsip`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rsip::headers::ToTypedHeader;
use rsip::message::{HasHeaders, HeadersExt};
use rsip::prelude::*;
use tokio::net::UdpSocket;

use crate::{Dial, DialError};

/// What a message of the other side means for the call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Other,
    Bye,
}

/// What the other side answered.
pub(crate) struct Answer {
    pub media: SocketAddr,
    pub event_payload: Option<u8>,
}

pub(crate) struct Dialog {
    target: String,
    from: String,
    local: SocketAddr,
    offer: String,
    call_id: String,
    from_tag: String,
    to: String,
    remote_target: String,
    cseq: u32,
    ack: Option<Vec<u8>>,
}

/// The IP address and port in a SIP URI.
pub(crate) fn address_of(target: &str) -> Result<SocketAddr, DialError> {
    let bad = || DialError::BadTarget(target.to_owned());
    let uri = rsip::Uri::try_from(target).map_err(|_| bad())?;
    let port = uri.port().map_or(5060, |port| *port.value());
    let host = uri.host().to_string();
    let ip = if host == "localhost" { "127.0.0.1" } else { host.trim_matches(['[', ']']) };
    Ok(SocketAddr::new(ip.parse().map_err(|_| bad())?, port))
}

/// The last wait of RFC 3261's Timer A before the call is given up: 0.5 + 1 + 2 + 4 = 7.5 s.
const TRIES: u32 = 4;
const T1: Duration = Duration::from_millis(500);

impl Dialog {
    pub fn new(dial: &Dial, local: SocketAddr, media: SocketAddr) -> Self {
        let payload = dial.law.payload_type();
        let codec = if payload == 0 { "PCMU" } else { "PCMA" };
        let family = if media.is_ipv4() { "IP4" } else { "IP6" };
        let ip = media.ip();
        let offer = format!(
            "v=0\r\no=phone 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
             m=audio {} RTP/AVP {payload} 101\r\na=rtpmap:{payload} {codec}/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
            media.port()
        );
        Self {
            target: dial.target.clone(),
            from: dial.from.clone(),
            local,
            offer,
            call_id: format!("{:032x}", rand::random::<u128>()),
            from_tag: format!("{:016x}", rand::random::<u64>()),
            to: format!("<{}>", dial.target),
            remote_target: dial.target.clone(),
            cseq: 1,
            ack: None,
        }
    }

    fn request(
        &self,
        method: &str,
        uri: &str,
        cseq: u32,
        extra: &str,
        body: &str,
    ) -> Result<Vec<u8>, DialError> {
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{branch:016x};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{from}@{local}>;tag={tag}\r\nTo: {to}\r\nCall-ID: {id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{from}@{local}>\r\nUser-Agent: hotline-phone\r\n{extra}\
             Content-Length: {length}\r\n\r\n{body}",
            local = self.local,
            branch = rand::random::<u64>(),
            from = self.from,
            tag = self.from_tag,
            to = self.to,
            id = self.call_id,
            length = body.len(),
        );
        // Read and written by rsip, so that nothing leaves that another stack would not read.
        let request =
            rsip::Request::try_from(text.as_bytes()).map_err(|_| DialError::Malformed("own request"))?;
        Ok(request.to_string().into_bytes())
    }

    pub async fn invite(&mut self, sip: &UdpSocket, server: SocketAddr) -> Result<Answer, DialError> {
        let offer = self.offer.clone();
        let invite =
            self.request("INVITE", &self.target, self.cseq, "Content-Type: application/sdp\r\n", &offer)?;
        let mut bytes = vec![0; 65_536];
        let (mut tries, mut again, mut heard) = (0, Instant::now(), false);
        loop {
            if !heard && Instant::now() >= again {
                if tries == TRIES {
                    return Err(DialError::NoAnswer(server));
                }
                sip.send(&invite).await?;
                again = Instant::now() + T1 * (1 << tries);
                tries += 1;
            }
            let wait =
                if heard { Duration::from_secs(60) } else { again.saturating_duration_since(Instant::now()) };
            let Ok(received) = tokio::time::timeout(wait, sip.recv(&mut bytes)).await else {
                if heard {
                    return Err(DialError::NoAnswer(server));
                }
                continue;
            };
            let length = match received {
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    return Err(DialError::NoAnswer(server));
                }
                Err(error) => return Err(error.into()),
            };
            let Ok(rsip::SipMessage::Response(response)) = rsip::SipMessage::try_from(&bytes[..length])
            else {
                continue;
            };
            if !self.is_mine(&response) {
                continue;
            }
            heard = true;
            let code = response.status_code.code();
            match code {
                100..=199 => {}
                200..=299 => return self.answered(sip, &response).await,
                _ => {
                    self.to = response.to_header().map(|to| to.value().to_owned()).unwrap_or_default();
                    // An ACK for a refusal has the INVITE's branch (RFC 3261 §17.1.1.3).
                    let ack = String::from_utf8_lossy(&invite).into_owned();
                    let via = ack.lines().find(|line| line.starts_with("Via")).unwrap_or_default();
                    let ack = format!(
                        "ACK {} SIP/2.0\r\n{via}\r\nMax-Forwards: 70\r\nFrom: <sip:{}@{}>;tag={}\r\nTo: {}\r\n\
                         Call-ID: {}\r\nCSeq: {} ACK\r\nContent-Length: 0\r\n\r\n",
                        self.target, self.from, self.local, self.from_tag, self.to, self.call_id, self.cseq
                    );
                    sip.send(ack.as_bytes()).await?;
                    return Err(DialError::Refused { code, reason: response.status_code.to_string() });
                }
            }
        }
    }

    fn is_mine(&self, response: &rsip::Response) -> bool {
        response.call_id_header().is_ok_and(|id| id.value() == self.call_id)
    }

    async fn answered(&mut self, sip: &UdpSocket, response: &rsip::Response) -> Result<Answer, DialError> {
        let malformed = || DialError::Malformed("answer");
        self.to = response.to_header().map_err(|_| malformed())?.value().to_owned();
        let contact = response.contact_header().map_err(|_| malformed())?.typed().map_err(|_| malformed())?;
        self.remote_target = contact.uri.to_string();
        let ack = self.request("ACK", &self.remote_target, self.cseq, "", "")?;
        sip.send(&ack).await?;
        self.ack = Some(ack);
        read_answer(&String::from_utf8_lossy(response.body())).ok_or_else(malformed)
    }

    pub async fn handle(&mut self, sip: &UdpSocket, bytes: &[u8]) -> Result<Incoming, DialError> {
        match rsip::SipMessage::try_from(bytes) {
            Ok(rsip::SipMessage::Request(request)) => {
                let answer = reply(&request);
                sip.send(answer.as_bytes()).await?;
                Ok(if *request.method() == rsip::Method::Bye { Incoming::Bye } else { Incoming::Other })
            }
            Ok(rsip::SipMessage::Response(response)) => {
                // The 200 came again: our ACK was lost.
                let again = response.cseq_header().is_ok_and(|cseq| cseq.value().ends_with("INVITE"));
                if let Some(ack) = self.ack.as_ref().filter(|_| again && self.is_mine(&response)) {
                    sip.send(ack).await?;
                }
                Ok(Incoming::Other)
            }
            Err(_) => Ok(Incoming::Other),
        }
    }

    pub async fn info(&mut self, sip: &UdpSocket, keys: &str) -> Result<(), DialError> {
        for key in keys.chars() {
            self.cseq += 1;
            let body = format!("Signal={key}\r\nDuration=100\r\n");
            let extra = "Content-Type: application/dtmf-relay\r\n";
            let info = self.request("INFO", &self.remote_target, self.cseq, extra, &body)?;
            sip.send(&info).await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    pub async fn bye(&mut self, sip: &UdpSocket) -> Result<(), DialError> {
        self.cseq += 1;
        let bye = self.request("BYE", &self.remote_target, self.cseq, "", "")?;
        let mut bytes = vec![0; 65_536];
        for _ in 0..TRIES {
            sip.send(&bye).await?;
            let until = tokio::time::Instant::now() + T1;
            while let Ok(Ok(length)) = tokio::time::timeout_at(until, sip.recv(&mut bytes)).await {
                if let Ok(rsip::SipMessage::Response(response)) = rsip::SipMessage::try_from(&bytes[..length])
                    && response.cseq_header().is_ok_and(|cseq| cseq.value().ends_with("BYE"))
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// 200 to a request inside the call.
fn reply(request: &rsip::Request) -> String {
    let mut headers: rsip::Headers = rsip::Headers::default();
    for header in request.headers().iter() {
        if matches!(
            header,
            rsip::Header::Via(_)
                | rsip::Header::From(_)
                | rsip::Header::To(_)
                | rsip::Header::CallId(_)
                | rsip::Header::CSeq(_)
        ) {
            headers.push(header.clone());
        }
    }
    headers.push(rsip::Header::ContentLength(rsip::headers::ContentLength::from(0)));
    rsip::Response {
        status_code: rsip::StatusCode::OK,
        version: rsip::Version::V2,
        headers,
        body: Vec::new(),
    }
    .to_string()
}

/// Where the other side listens, and its payload type of telephone-event.
fn read_answer(sdp: &str) -> Option<Answer> {
    let line = |prefix: &str| sdp.lines().find_map(|line| line.strip_prefix(prefix));
    let ip = line("c=IN IP4 ").or_else(|| line("c=IN IP6 "))?.trim().parse().ok()?;
    let port = line("m=audio ")?.split_whitespace().next()?.parse().ok()?;
    let event_payload = sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a=rtpmap:"))
        .find(|map| map.contains("telephone-event"))
        .and_then(|map| map.split_whitespace().next()?.parse().ok());
    Some(Answer { media: SocketAddr::new(ip, port), event_payload })
}
