//! A dialog: what two user agents remember of each other (RFC 3261 §12).

use std::net::SocketAddr;

use bytes::Bytes;

use crate::message::{Message, Name, NameAddr, Uri, Writer};

/// One dialog, early or confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    pub(crate) local_tag: String,
    /// Empty until the other side has given one.
    pub(crate) remote_tag: String,
    /// The value of From in our requests, without tag.
    pub(crate) local: String,
    /// The value of To in our requests, without tag.
    pub(crate) remote: String,
    /// The Request-URI of our requests: the other side's Contact.
    pub(crate) target: String,
    /// Values for Route, first hop first.
    pub(crate) route_set: Vec<String>,
    pub(crate) local_seq: u32,
    pub(crate) remote_seq: Option<u32>,
    pub(crate) early: Early,
}

/// What a callee told reliably before it answered (RFC 3262 §4).
#[derive(Clone, Debug, Default)]
pub(crate) struct Early {
    /// RSeq of the last response that came in order; 0 before the first.
    pub(crate) rseq: u32,
    /// Its answer to our offer.
    pub(crate) answer: Option<Bytes>,
}

impl Dialog {
    /// The dialog of a UAS: from the request it answers (RFC 3261 §12.1.1).
    pub(crate) fn of_request(request: &Message, local_tag: String) -> Option<Dialog> {
        let (from, to) = (request.from()?, request.to()?);
        Some(Dialog {
            call_id: request.call_id()?.to_owned(),
            local_tag,
            remote_tag: from.tag().unwrap_or_default().to_owned(),
            local: without_tag(request.find(Name::To)?, &to),
            remote: without_tag(request.find(Name::From)?, &from),
            // Without Contact (RFC 2543) requests go to the From address.
            target: request.contact().unwrap_or(from).uri().as_str().to_owned(),
            route_set: route_set(request, false),
            local_seq: 0,
            remote_seq: Some(request.cseq()?.number),
            early: Early::default(),
        })
    }

    /// Takes what a response to our INVITE says of the dialog (RFC 3261 §12.1.2, §13.2.2.4).
    pub(crate) fn handle_response(&mut self, response: &Message) {
        if let Some(tag) = response.to().and_then(|to| to.tag()) {
            tag.clone_into(&mut self.remote_tag);
        }
        self.refresh_target(response);
        self.route_set = route_set(response, true);
    }

    /// The other side's Contact, from a target refresh (RFC 3261 §12.2.1.2, §12.2.2).
    pub(crate) fn refresh_target(&mut self, message: &Message) {
        if let Some(contact) = message.contact() {
            contact.uri().as_str().clone_into(&mut self.target);
        }
    }

    /// Whether a request in the dialog comes in order, and if so counts it (RFC 3261 §12.2.2).
    pub(crate) fn count_remote(&mut self, number: u32) -> bool {
        if self.remote_seq.is_some_and(|last| number <= last) {
            return false;
        }
        self.remote_seq = Some(number);
        true
    }

    /// The number of our next request.
    pub(crate) fn next_seq(&mut self) -> u32 {
        self.local_seq += 1;
        self.local_seq
    }

    /// Whether the tags are this dialog's. A peer of RFC 2543 has no tag.
    pub(crate) fn matches(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == call_id && self.local_tag == local_tag && self.remote_tag == remote_tag
    }

    /// Begins a request in the dialog (RFC 3261 §12.2.1.1); `via` is the whole value.
    pub(crate) fn request(&self, method: &str, seq: u32, via: std::fmt::Arguments<'_>) -> Writer {
        let strict = self.route_set.first().filter(|route| !is_loose(route));
        let uri = match strict {
            Some(route) => NameAddr::parse(route.as_bytes()).ok().map_or("", |route| route.uri().as_str()),
            None => &self.target,
        };
        let mut writer = Writer::request(method, uri);
        writer.format(Name::Via, via).header(Name::MaxForwards, "70");
        for route in self.route_set.iter().skip(usize::from(strict.is_some())) {
            writer.header(Name::Route, route);
        }
        if strict.is_some() {
            writer.format(Name::Route, format_args!("<{}>", self.target));
        }
        writer.format(Name::From, format_args!("{};tag={}", self.local, self.local_tag));
        if self.remote_tag.is_empty() {
            writer.header(Name::To, &self.remote);
        } else {
            writer.format(Name::To, format_args!("{};tag={}", self.remote, self.remote_tag));
        }
        writer.header(Name::CallId, &self.call_id).format(Name::CSeq, format_args!("{seq} {method}"));
        writer
    }

    /// The address of the next hop, if first route or target name an IP address.
    pub(crate) fn next_hop(&self) -> Option<SocketAddr> {
        match self.route_set.first() {
            Some(route) => NameAddr::parse(route.as_bytes()).ok()?.uri().address(),
            None => Uri::parse(self.target.as_bytes()).ok()?.address(),
        }
    }
}

/// `lr` marks a loose router (RFC 3261 §19.1.1).
fn is_loose(route: &str) -> bool {
    NameAddr::parse(route.as_bytes()).is_ok_and(|route| route.uri().find_param("lr").is_some())
}

fn route_set(message: &Message, reversed: bool) -> Vec<String> {
    let values = message.values(Name::RecordRoute).map(|value| String::from_utf8_lossy(value).into_owned());
    let mut routes: Vec<String> = values.collect();
    if reversed {
        routes.reverse();
    }
    routes
}

/// The header's value with its tag cut out; other parameters and a foreign encoding are kept as far as text
/// can hold them.
fn without_tag(value: &[u8], parsed: &NameAddr<'_>) -> String {
    let params = parsed.params().as_bytes();
    let head = &value[..value.len() - params.len().min(value.len())];
    let mut text = String::from_utf8_lossy(head).trim_ascii_end().to_owned();
    // Without brackets, what follows would become part of the URI for a careless reader.
    if !text.contains('<') {
        text = format!("<{text}>");
    }
    for (name, param) in parsed.params().iter().filter(|(name, _)| !name.eq_ignore_ascii_case(b"tag")) {
        text.push(';');
        text.push_str(&String::from_utf8_lossy(name));
        if let Some(param) = param {
            text.push('=');
            text.push_str(&String::from_utf8_lossy(param));
        }
    }
    text
}
