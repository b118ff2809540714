//! A gateway reached by HTTP: the body from a template, signed by HMAC.

use std::time::Duration;

use hmac::{Hmac, Mac};
use hotline_model::{Clock, Pii};
use hotline_record::Message;
use minijinja::{Environment, context};
use sha2::Sha256;

use super::{Asked, Inquiry, MessageProvider, SendError};

/// How the gateway is spoken to.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where messages are posted.
    pub url: String,
    /// Where a message is asked for, with `{key}` for its idempotency key; without it an unclear
    /// outcome stays unknown.
    pub inquiry_url: Option<String>,
    /// The JSON body: `{{ to }}`, `{{ text }}` and `{{ key }}` are JSON strings with their quotes.
    pub body: String,
    /// The secret that signs `timestamp.body`; sent as `X-Signature: sha256=…`.
    pub secret: Option<Pii<String>>,
    /// How long an answer may take. Default 10 s.
    pub within: Duration,
}

/// The gateway.
pub struct HttpGateway {
    settings: HttpSettings,
    client: reqwest::Client,
    clock: std::sync::Arc<dyn Clock>,
}

impl HttpGateway {
    /// A gateway, after trying the body's template.
    ///
    /// # Errors
    /// What is wrong with the settings, in words for the operator.
    pub fn new(settings: HttpSettings, clock: std::sync::Arc<dyn Clock>) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(settings.within)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let gateway = Self { settings, client, clock };
        let tried = gateway.body("+8613800138000", "a \"text\"\n", "key")?;
        serde_json::from_str::<serde_json::Value>(&tried)
            .map_err(|error| format!("the body is no JSON once it is filled in: {error}"))?;
        Ok(gateway)
    }

    fn body(&self, to: &str, text: &str, key: &str) -> Result<String, String> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.set_fuel(Some(100_000));
        environment
            .render_str(
                &self.settings.body,
                context! { to => quoted(to), text => quoted(text), key => quoted(key) },
            )
            .map_err(|error| format!("the body's template cannot be filled in: {error}"))
    }

    fn signed(&self, request: reqwest::RequestBuilder, body: &str) -> reqwest::RequestBuilder {
        let Some(secret) = &self.settings.secret else { return request };
        let timestamp = self.clock.now().as_second().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body.as_bytes());
        let signature: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        request.header("X-Timestamp", timestamp).header("X-Signature", format!("sha256={signature}"))
    }

    async fn post(&self, message: &Message) -> Result<Option<String>, SendError> {
        let body = self
            .body(message.recipient.e164(), message.text.expose(), &message.idempotency_key)
            .map_err(SendError::Refused)?;
        let request = self
            .client
            .post(&self.settings.url)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", &message.idempotency_key);
        let answer = self.signed(request, &body).body(body).send().await.map_err(|error| {
            // Only a connection that was never made has certainly handed nothing over.
            let untouched = error.is_connect();
            let problem = error.without_url().to_string();
            if untouched {
                SendError::NotTaken { problem, again_in: Duration::from_secs(30) }
            } else {
                SendError::Unclear(problem)
            }
        })?;
        let status = answer.status();
        match status.as_u16() {
            200..=299 => {
                let value: Option<serde_json::Value> = answer.json().await.ok();
                Ok(value.and_then(|v| Some(v.get("id")?.as_str()?.to_owned())))
            }
            429 | 503 => Err(SendError::NotTaken {
                problem: format!("the gateway is busy ({status})"),
                again_in: Duration::from_secs(60),
            }),
            400..=499 => Err(SendError::Refused(format!("the gateway says {status}"))),
            _ => Err(SendError::Unclear(format!("the gateway says {status}"))),
        }
    }

    async fn ask(&self, message: &Message) -> Inquiry {
        let Some(url) = &self.settings.inquiry_url else { return Inquiry::Unknown };
        let request = self.client.get(url.replace("{key}", &message.idempotency_key));
        let Ok(answer) = self.signed(request, "").send().await else { return Inquiry::Unknown };
        match answer.status().as_u16() {
            200 => {
                let value: Option<serde_json::Value> = answer.json().await.ok();
                Inquiry::Taken(value.and_then(|v| Some(v.get("id")?.as_str()?.to_owned())))
            }
            404 => Inquiry::NotTaken,
            _ => Inquiry::Unknown,
        }
    }
}

impl MessageProvider for HttpGateway {
    fn send<'a>(&'a self, message: &'a Message) -> Asked<'a, Result<Option<String>, SendError>> {
        Box::pin(self.post(message))
    }

    fn inquire<'a>(&'a self, message: &'a Message) -> Asked<'a, Inquiry> {
        Box::pin(self.ask(message))
    }
}
