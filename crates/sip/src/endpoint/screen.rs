//! What every request must pass before anyone looks at it (RFC 3261 §8.2).

use std::time::Instant;

use super::config::Source;
use super::{Endpoint, Event};
use crate::message::{Message, Method, Name, Scheme, Writer};
use crate::registrar::Answer;

/// The value of Allow.
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, UPDATE";
/// The value of Accept.
pub(crate) const ACCEPT: &str = "application/sdp, application/dtmf-relay, application/dtmf";
/// The value of Supported.
pub(crate) const SUPPORTED: &str = "timer, 100rel";
/// The extensions of [`SUPPORTED`], one by one.
const EXTENSIONS: [&str; 2] = ["timer", "100rel"];

/// A request that is refused: the code, and the header that says why.
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) header: Option<(Name, String)>,
}

impl Refusal {
    fn new(code: u16) -> Refusal {
        Refusal { code, header: None }
    }

    fn because(code: u16, name: Name, value: impl Into<String>) -> Refusal {
        Refusal { code, header: Some((name, value.into())) }
    }
}

impl Endpoint {
    /// A request that begins something.
    pub(crate) fn handle_out_of_dialog(&mut self, now: Instant, source: Source, request: Message) {
        if let Some(refusal) = self.find_refusal(&request) {
            return self.refuse(now, &source, &request, refusal.code, |writer| {
                if let Some((name, value)) = &refusal.header {
                    writer.header(*name, value);
                }
            });
        }
        match request.method() {
            Some(Method::Invite) => self.handle_invite(now, source, request),
            Some(Method::Register) => self.handle_register(now, source, &request),
            _ => self.refuse(now, &source, &request, 200, |writer| {
                writer
                    .header(Name::Allow, ALLOW)
                    .header(Name::Accept, ACCEPT)
                    .header(Name::Supported, SUPPORTED);
            }),
        }
    }

    /// An INVITE, from outside or of a telephone that is registered.
    fn handle_invite(&mut self, now: Instant, source: Source, request: Message) {
        let registrar = self.registrar.as_mut();
        match registrar.and_then(|registrar| registrar.handle_call(now, &source, &request)) {
            None => self.handle_new_invite(now, source, request, None),
            Some(Ok(user)) => self.handle_new_invite(now, source, request, Some(user)),
            Some(Err(answer)) => self.give(now, source, &request, answer),
        }
    }

    fn handle_register(&mut self, now: Instant, source: Source, request: &Message) {
        let Some(registrar) = self.registrar.as_mut() else { return };
        let answer = registrar.handle(now, &source, request);
        self.give(now, source, request, answer);
    }

    /// Answers as the registrar wants it.
    fn give(&mut self, now: Instant, source: Source, request: &Message, answer: Answer) {
        if let Some((address, duration)) = self.registrar.as_mut().and_then(|registrar| registrar.take_ban())
        {
            self.tell(Event::Banned { address, duration });
        }
        let (code, headers) = match answer {
            Answer::Silence => return,
            Answer::Response(code, headers) => (code, headers),
            Answer::Registered { user, count, headers } => {
                self.tell(Event::Registered { user, count });
                (200, headers)
            }
        };
        self.refuse(now, &source, request, code, |writer| {
            for (name, value) in headers {
                writer.other(name, value);
            }
        });
    }

    fn find_refusal(&self, request: &Message) -> Option<Refusal> {
        let Some(uri) = request.request_uri() else { return Some(Refusal::new(400)) };
        match request.method()? {
            Method::Invite | Method::Options => {}
            Method::Register if self.registrar.is_some() => {}
            // These exist only inside a dialog (RFC 3261 §15.1.2).
            Method::Bye | Method::Info | Method::Update | Method::Prack => return Some(Refusal::new(481)),
            Method::Other => return Some(Refusal::because(501, Name::Allow, ALLOW)),
            _ => return Some(Refusal::because(405, Name::Allow, ALLOW)),
        }
        if uri.scheme() == Scheme::Other {
            return Some(Refusal::new(416));
        }
        if self.is_merged(request) {
            return Some(Refusal::new(482));
        }
        if let Some(refusal) = find_content_refusal(request) {
            return Some(refusal);
        }
        if request.method() != Some(Method::Invite) {
            return None;
        }
        let is_old = request.from().is_some_and(|from| from.tag().is_none());
        if request.contact().is_none() && !is_old {
            // Without Contact there is no dialog (RFC 3261 §8.1.1.8); RFC 2543 did without.
            return Some(Refusal::new(400));
        }
        if self.legs.len() >= self.config.legs_limit {
            return Some(Refusal::new(503));
        }
        self.find_session_refusal(request)
    }

    /// Answers at once, through a transaction, with a tag that belongs to no dialog.
    pub(crate) fn refuse(
        &mut self,
        now: Instant,
        source: &Source,
        request: &Message,
        code: u16,
        more: impl FnOnce(&mut Writer),
    ) {
        let Some(transaction) = self.begin_server(request, source) else { return };
        let tag = self.ids.tag();
        let mut response = self.response(request, source, code, None, Some(&tag));
        more(&mut response);
        self.respond(now, transaction, code, response.finish(None));
    }

    /// 422 for a session interval below the minimum (RFC 4028 §9).
    pub(crate) fn find_session_refusal(&self, request: &Message) -> Option<Refusal> {
        let asked = request.number(Name::SessionExpires)?;
        let minimum = self.config.session_minimum.as_secs();
        (u64::from(asked) < minimum).then(|| Refusal::because(422, Name::MinSe, minimum.to_string()))
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }
}

/// Extensions and bodies we cannot take: 420, 415, 493, 406.
pub(crate) fn find_content_refusal(request: &Message) -> Option<Refusal> {
    let unknown =
        |value: &&[u8]| !EXTENSIONS.iter().any(|known| value.eq_ignore_ascii_case(known.as_bytes()));
    let unsupported: Vec<_> =
        request.values(Name::Require).filter(unknown).map(String::from_utf8_lossy).collect();
    if !unsupported.is_empty() {
        return Some(Refusal::because(420, Name::Unsupported, unsupported.join(", ")));
    }
    let encoded = |value: &[u8]| !value.eq_ignore_ascii_case(b"identity");
    if request.values(Name::ContentEncoding).any(encoded) {
        // The code alone; Accept-Encoding would be empty, which means identity (RFC 3261 §20.2).
        return Some(Refusal::because(415, Name::Accept, ACCEPT));
    }
    let takes_sdp = matches!(request.method(), Some(Method::Invite | Method::Update | Method::Prack));
    if takes_sdp && !request.body_bytes().is_empty() && request.sdp().is_none() {
        let content_type = request.content_type().unwrap_or_default();
        let is_secret = ["application/pkcs7-mime", "multipart/encrypted"];
        if is_secret.iter().any(|kind| content_type.eq_ignore_ascii_case(kind)) {
            return Some(Refusal::new(493));
        }
        let is_optional = request.find(Name::ContentDisposition).is_some_and(|value| {
            value.to_ascii_lowercase().windows(17).any(|part| part == b"handling=optional")
        });
        if !is_optional {
            return Some(Refusal::because(415, Name::Accept, ACCEPT));
        }
    }
    let accepts = |value: &[u8]| {
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        let kind = value[..end].trim_ascii();
        ["application/sdp", "application/*", "*/*"]
            .iter()
            .any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
    };
    // An empty Accept takes nothing, an absent one SDP (RFC 3261 §20.1).
    if takes_sdp && request.find(Name::Accept).is_some() && !request.values(Name::Accept).any(accepts) {
        return Some(Refusal::new(406));
    }
    None
}
