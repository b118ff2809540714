//! Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3).

use crate::message::{Message, Method, Via};

/// The cookie that marks a branch as unique (RFC 3261 §8.1.1.7).
const COOKIE: &str = "z9hG4bK";

/// The branch and method of a client transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey {
    branch: String,
    method: Method,
}

impl ClientKey {
    pub(crate) fn new(branch: &str, method: Method) -> ClientKey {
        ClientKey { branch: branch.to_owned(), method }
    }

    /// The transaction a response belongs to: topmost branch and method of CSeq.
    pub(crate) fn of_response(response: &Message) -> Option<ClientKey> {
        Some(ClientKey::new(response.via()?.branch()?, response.cseq()?.method))
    }
}

/// What tells server transactions apart, as one string of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServerKey(Box<[u8]>);

impl ServerKey {
    /// The transaction of `request`, taken as if its method were `method`: an ACK and a CANCEL are matched
    /// with the INVITE's.
    pub(crate) fn of_request(request: &Message, method: Method) -> Option<ServerKey> {
        let via = request.via()?;
        let mut key = Vec::with_capacity(96);
        let mut part = |bytes: &[u8]| {
            key.extend_from_slice(bytes);
            key.push(0);
        };
        part(match method {
            Method::Other => request.method_name(),
            known => known.as_str().as_bytes(),
        });
        match via.branch() {
            Some(branch) if branch.len() > COOKIE.len() && branch.starts_with(COOKIE) => {
                part(branch.as_bytes());
                sent_by(&via, &mut part);
            }
            _ => {
                // RFC 2543: Request-URI, tags, Call-ID, CSeq number and the whole top Via. The To tag is left
                // out, because an ACK has the one of our response where the INVITE had none.
                part(b"2543");
                part(request.request_uri_bytes());
                part(request.from()?.tag().unwrap_or_default().as_bytes());
                part(request.call_id()?.as_bytes());
                part(request.cseq()?.number.to_string().as_bytes());
                sent_by(&via, &mut part);
                part(via.params().as_bytes());
            }
        }
        Some(ServerKey(key.into()))
    }
}

fn sent_by(via: &Via<'_>, part: &mut impl FnMut(&[u8])) {
    part(via.host().to_ascii_lowercase().as_bytes());
    part(via.port().unwrap_or(5060).to_string().as_bytes());
}

/// What merged requests share (RFC 3261 §8.2.2.2): From tag, Call-ID, CSeq.
pub(crate) fn merge_key(request: &Message) -> Option<Box<[u8]>> {
    let cseq = request.cseq()?;
    let tag = request.from()?.tag()?;
    Some(
        [tag.as_bytes(), request.call_id()?.as_bytes(), cseq.number.to_string().as_bytes(), cseq.name]
            .join(&0)
            .into(),
    )
}
