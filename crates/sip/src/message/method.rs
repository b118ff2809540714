//! Request methods.

/// A request method. Method names are case-sensitive (RFC 3261 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Opens or changes a session (RFC 3261 §13, §14).
    Invite,
    /// Acknowledges the final response to an INVITE (RFC 3261 §13.2.2.4, §17.1.1.3).
    Ack,
    /// Ends a session (RFC 3261 §15).
    Bye,
    /// Gives up a pending INVITE (RFC 3261 §9).
    Cancel,
    /// Asks what the other side can do (RFC 3261 §11).
    Options,
    /// Binds an address of record to contacts (RFC 3261 §10).
    Register,
    /// Acknowledges a reliable provisional response (RFC 3262).
    Prack,
    /// Changes a session without an INVITE (RFC 3311).
    Update,
    /// Application data inside a dialog (RFC 6086).
    Info,
    /// Asks the other side to call someone (RFC 3515).
    Refer,
    /// Subscribes to an event package (RFC 6665).
    Subscribe,
    /// Reports an event (RFC 6665).
    Notify,
    /// Instant message (RFC 3428).
    Message,
    /// Publishes event state (RFC 3903).
    Publish,
    /// Any other token; [`crate::message::Message::method_name`] has its text.
    Other,
}

impl Method {
    /// The method named by these bytes, exactly as written.
    pub fn from_bytes(name: &[u8]) -> Method {
        NAMES.iter().find(|(text, _)| text.as_bytes() == name).map_or(Method::Other, |(_, method)| *method)
    }

    /// The name on the wire; `OTHER` for [`Method::Other`].
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(_, method)| *method == self).map_or("OTHER", |(text, _)| text)
    }
}

const NAMES: [(&str, Method); 14] = [
    ("INVITE", Method::Invite),
    ("ACK", Method::Ack),
    ("BYE", Method::Bye),
    ("CANCEL", Method::Cancel),
    ("OPTIONS", Method::Options),
    ("REGISTER", Method::Register),
    ("PRACK", Method::Prack),
    ("UPDATE", Method::Update),
    ("INFO", Method::Info),
    ("REFER", Method::Refer),
    ("SUBSCRIBE", Method::Subscribe),
    ("NOTIFY", Method::Notify),
    ("MESSAGE", Method::Message),
    ("PUBLISH", Method::Publish),
];
