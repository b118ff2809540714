//! Whom the journal is told to: `[[webhooks]]`.

use std::time::Duration;

use hotline_jobs::{Sees, Webhook, WebhookSettings};
use hotline_model::Pii;
use serde::{Deserialize, Serialize};

use super::hidden;

/// `[[webhooks]]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebhookSection {
    /// Its name, by which the record knows how far it was told.
    pub name: String,
    /// Where entries are posted.
    pub url: String,
    /// Signs: `whsec_` and 24 to 64 bytes in Base64.
    #[serde(serialize_with = "hidden")]
    pub secret: Pii<String>,
    /// Another one that signs beside it, while the receiver exchanges them.
    #[serde(default, serialize_with = "hidden", skip_serializing_if = "Option::is_none")]
    pub second_secret: Option<Pii<String>>,
    /// Types of entries: `ticket.created`, `ticket.*`, `*`.
    pub events: Vec<String>,
    /// What of people it is told besides ids.
    #[serde(default)]
    pub sees: Sees,
    /// Whether it may stand in a private network or on this machine.
    #[serde(default)]
    pub private: bool,
    /// How long an answer may take, in seconds.
    #[serde(default = "fifteen")]
    pub within_s: u64,
}

const fn fifteen() -> u64 {
    15
}

impl WebhookSection {
    /// The webhook, looked over.
    ///
    /// # Errors
    /// What is wrong with it, in words for the operator.
    pub fn webhook(&self) -> Result<Webhook, String> {
        Webhook::new(WebhookSettings {
            name: self.name.clone(),
            url: self.url.clone(),
            secrets: std::iter::once(&self.secret).chain(&self.second_secret).cloned().collect(),
            events: self.events.clone(),
            sees: self.sees,
            private: self.private,
            within: Duration::from_secs(self.within_s.clamp(1, 60)),
        })
    }
}
