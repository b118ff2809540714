//! The journal told to the firm's other systems, as the Standard Webhooks specification has it
//! (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): signed, at least once,
//! in no promised order. Planned, retried and given up in rows of the record, so that a restart loses nothing.

mod address;
mod payload;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use hotline_model::{Clock, Pii};
use hotline_record::{DueDelivery, Record, RecordError, Sent};
use rand::Rng as _;
use sha2::Sha256;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use payload::Sees;

/// Between two tries, from the first: 5 s to 24 h, three days in all; each up to a fifth longer, so that
/// what failed together does not come back together.
const PAUSES_S: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Deliveries of one webhook at once.
const AT_ONCE: u32 = 8;
/// At least this often the record is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Commits that come within this time are one look.
const TOGETHER: Duration = Duration::from_millis(100);
/// How long deliveries that arrived are kept, and those that were given up.
const KEPT: [Duration; 2] = [Duration::from_secs(7 * 86_400), Duration::from_secs(30 * 86_400)];
const PRUNE: Duration = Duration::from_secs(3_600);

/// Whom the journal is told to, as the configuration has it.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Its name, by which the record knows how far it was told.
    pub name: String,
    /// Where it is posted: `https://…`.
    pub url: String,
    /// `whsec_` and 24 to 64 bytes in Base64; several while one is being exchanged: each signs.
    pub secrets: Vec<Pii<String>>,
    /// Types of entries: `ticket.created`, `ticket.*`, `*`.
    pub events: Vec<String>,
    /// What of people it is told, besides ids.
    pub sees: Sees,
    /// Whether it may stand in a private network or on this machine.
    pub private: bool,
    /// How long an answer may take.
    pub within: Duration,
}

/// One webhook, ready to send.
pub struct Webhook {
    settings: WebhookSettings,
    keys: Vec<Vec<u8>>,
    client: reqwest::Client,
}

impl Webhook {
    /// Looks the settings over.
    ///
    /// # Errors
    /// What is wrong with them, in words for the operator; never a secret.
    pub fn new(settings: WebhookSettings) -> Result<Self, String> {
        let wrong = |text: String| format!("webhooks: `{}`: {text}", settings.name);
        let url = reqwest::Url::parse(&settings.url).map_err(|_| wrong("url: not an address".into()))?;
        let open = url.scheme() == "http" && settings.private;
        if (url.scheme() != "https" && !open) || url.host_str().is_none() {
            return Err(wrong("url: https is expected; http only with `private = true`".into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("url: no name and password in it; the signature proves who sends".into()));
        }
        // A host that is an address is not looked up: it is judged here.
        let literal = url.host_str().unwrap_or_default().trim_matches(['[', ']']).parse().ok();
        if literal.is_some_and(|ip| !settings.private && !address::is_public(ip)) {
            return Err(wrong("url: a private address; `private = true` allows it".into()));
        }
        if settings.events.is_empty() {
            return Err(wrong("events: name at least one, as `ticket.*`".into()));
        }
        let key = |secret: &Pii<String>| {
            let text = secret.expose().strip_prefix("whsec_")?;
            BASE64.decode(text).ok().filter(|key| (24..=64).contains(&key.len()))
        };
        let keys: Option<Vec<_>> = settings.secrets.iter().map(key).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| {
            wrong(
                "secret: `whsec_` and 24 to 64 bytes in Base64 are expected (`openssl rand -base64 32`)"
                    .into(),
            )
        })?;
        let client = reqwest::Client::builder()
            .timeout(settings.within)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(address::Resolver { private: settings.private }))
            .user_agent(concat!("hotline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { settings, keys, client })
    }

    /// Whether entries of a type are told. What webhooks themselves leave in the journal is not.
    fn wants(&self, type_name: &str) -> bool {
        !type_name.starts_with("webhook.")
            && self.settings.events.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => type_name.starts_with(start),
                None => type_name == pattern,
            })
    }

    /// `v1,` and the signature, of each secret one.
    fn signatures(&self, id: &str, timestamp: i64, body: &str) -> String {
        let sign = |key: &Vec<u8>| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
        };
        self.keys.iter().map(sign).collect::<Vec<_>>().join(" ")
    }

    async fn send(&self, delivery: &DueDelivery, clock: &dyn Clock) -> Sent {
        let Some(event) = &delivery.event else {
            return Sent::Dead(None, "the journal's entry was deleted by its age".into());
        };
        let body = payload::payload(delivery, event, &self.settings.sees).to_string();
        let timestamp = clock.now().as_second();
        let sent = self
            .client
            .post(&self.settings.url)
            .header("Content-Type", "application/json")
            .header("webhook-id", &delivery.id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", self.signatures(&delivery.id, timestamp, &body))
            .body(body)
            .send()
            .await;
        let (status, asked, problem) = match sent {
            Ok(answer) => {
                let status = answer.status();
                // Seconds; the other form is a date, and nobody needs it here.
                let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
                let asked = header.and_then(|text| text.parse().ok()).map(Duration::from_secs);
                if status.is_success() {
                    return Sent::Delivered(status.as_u16());
                }
                (Some(status.as_u16()), asked, format!("answered {}", status.as_u16()))
            }
            Err(error) => (None, None, describe(&error)),
        };
        if status == Some(410) {
            return Sent::Gone(problem);
        }
        match pause(delivery.attempts, rand::rng().random_range(0.0..1.0)) {
            Some(pause) => {
                let pause = asked.unwrap_or_default().min(Duration::from_secs(86_400)).max(pause);
                Sent::Again(clock.now() + pause, status, problem)
            }
            None => Sent::Dead(status, problem),
        }
    }
}

/// What went wrong, without the address.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let word = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "broke off"
    };
    format!("{word}: {cause}")
}

/// How long until the next try, after one that failed and `before` others; `None`: that was the last.
fn pause(before: i64, chance: f64) -> Option<Duration> {
    let pause = PAUSES_S.get(usize::try_from(before).ok()?)?;
    Some(Duration::from_secs(*pause).mul_f64(1.0 + chance / 5.0))
}

/// All webhooks.
pub struct Webhooks {
    record: Record,
    webhooks: Vec<Webhook>,
    clock: Arc<dyn Clock>,
}

impl Webhooks {
    /// Webhooks that are told what `record` keeps.
    pub const fn new(record: Record, webhooks: Vec<Webhook>, clock: Arc<dyn Clock>) -> Self {
        Self { record, webhooks, clock }
    }

    /// Tells until `stop`; each webhook by itself, so that one that hangs holds up nobody else.
    pub async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        if !self.webhooks.is_empty() {
            tasks.spawn(prune(self.record.clone(), Arc::clone(&self.clock), stop.clone()));
        }
        for webhook in self.webhooks {
            let (record, clock) = (self.record.clone(), Arc::clone(&self.clock));
            tasks.spawn(tell(record, Arc::new(webhook), clock, stop.clone()));
        }
        while tasks.join_next().await.is_some() {}
    }
}

async fn prune(record: Record, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut beat = tokio::time::interval(PRUNE);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let now = clock.now();
        if let Err(error) = record.prune_deliveries(now - KEPT[0], now - KEPT[1]).await {
            tracing::debug!(%error, "old deliveries of webhooks are let go of later");
        }
    }
}

async fn tell(record: Record, webhook: Arc<Webhook>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let name = webhook.settings.name.clone();
    let mut wake = record.wake_ups();
    loop {
        wake.borrow_and_update();
        let sent = tokio::select! {
            () = stop.cancelled() => return,
            sent = turn(&record, &webhook, &clock) => sent,
        };
        match sent {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(webhook = name, %error, "what a webhook is to be told waits"),
        }
        let next = record.next_delivery_at(&name).await.ok().flatten();
        let until = next.and_then(|at| Duration::try_from(at.duration_since(clock.now())).ok());
        let pause = until.unwrap_or(LOOK).clamp(TOGETHER, LOOK);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            changed = wake.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(TOGETHER).await;
            }
        }
    }
}

/// Plans what is new and sends what is due. `true`: there is more.
async fn turn(record: &Record, webhook: &Arc<Webhook>, clock: &Arc<dyn Clock>) -> Result<bool, RecordError> {
    let name = &webhook.settings.name;
    let more = record.plan_deliveries(name, |type_name| webhook.wants(type_name)).await?;
    // Whoever is cut off between the claim and the answer sends it again, under the same id.
    let hold = webhook.settings.within * 2 + Duration::from_secs(30);
    let due = record.claim_deliveries(name, AT_ONCE, hold).await?;
    let all = due.len() == AT_ONCE as usize;
    let mut sending = JoinSet::new();
    for delivery in due {
        let (webhook, clock) = (Arc::clone(webhook), Arc::clone(clock));
        sending.spawn(async move {
            let sent = webhook.send(&delivery, &*clock).await;
            (delivery.id, sent)
        });
    }
    while let Some(done) = sending.join_next().await {
        let Ok((id, sent)) = done else { continue };
        match &sent {
            Sent::Dead(_, problem) => {
                tracing::error!(webhook = name, delivery = id, problem, "a delivery is given up");
            }
            Sent::Gone(_) => {
                tracing::error!(
                    webhook = name,
                    "it answers that it wants no more (410): nothing is sent until `hotline webhooks replay`"
                );
            }
            Sent::Again(_, _, problem) => {
                tracing::warn!(webhook = name, delivery = id, problem, "a delivery is tried again");
            }
            Sent::Delivered(_) => {}
        }
        record.settle_delivery(name, &id, sent).await?;
    }
    Ok(more || all)
}
