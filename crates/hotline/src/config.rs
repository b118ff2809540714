//! The configuration: one TOML file, each field with its unit and default. `hotline config
//! generate` prints one to begin with.

mod desk;
mod keeping;
mod network;
mod recogniser;
mod speech;
mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hotline_model::{Language, Pii};
use hotline_record::{BadAddress, DatabaseAddress, Engine};
use serde::{Deserialize, Serialize, Serializer};

pub use desk::{Api, DeskSection, OidcSection, ReasonWord};
pub use keeping::{Attachments, RecordSection, Recordings, Retention};
pub use network::{Media, Sip, Telephones, Trunk};
use network::{sixty, thirty};
pub use recogniser::RecogniserSection;
pub use speech::{Speech, SpeechProvider};
pub use webhooks::WebhookSection;

/// Everything an operator may set. A field that is not there has its default; one that is not
/// known is an error with its place.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Where calls come in.
    pub sip: Sip,
    /// Where sound goes.
    pub media: Media,
    /// Who may call us.
    pub trunks: Vec<Trunk>,
    /// Where agents' telephones are.
    pub telephones: Telephones,
    /// Where the record is kept.
    pub record: RecordSection,
    /// Where the plans are.
    pub plans: Plans,
    /// How texts are spoken.
    pub speech: Speech,
    /// Who understands what networks announce before a call of ours is answered: their sound is sent to it.
    pub recogniser: Option<RecogniserSection>,
    /// Which calls are recorded.
    pub recordings: Recordings,
    /// Where files of customers are kept.
    pub attachments: Attachments,
    /// How long things are kept.
    pub retention: Retention,
    /// How customers are told to call.
    pub messages: Messages,
    /// What agents choose from.
    pub desk: DeskSection,
    /// The HTTP API.
    pub api: Api,
    /// Whom the journal is told to.
    pub webhooks: Vec<WebhookSection>,
}

/// `[plans]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Plans {
    /// The folder of plans, policies, calendars and numbers.
    pub folder: PathBuf,
    /// The folder of recorded prompts.
    pub prompts: PathBuf,
    /// The language of customers whose language is not known.
    pub language: Language,
    /// The web services that plans may ask: `crm.example`, `127.0.0.1:9000`.
    pub web_services: Vec<String>,
}

impl Default for Plans {
    fn default() -> Self {
        Self {
            folder: "dialplans".into(),
            prompts: "prompts".into(),
            language: Language::ZhCn,
            web_services: Vec::new(),
        }
    }
}

/// `[messages]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Messages {
    /// The number that customers dial, as the message tells it.
    pub short_number: String,
    /// The calendar whose hours messages keep.
    pub calendar: String,
    /// The file that messages are appended to, if there is no gateway.
    pub file: PathBuf,
    /// The gateway that takes messages to telephones.
    pub gateway: Option<Gateway>,
    /// What links in messages begin with: where customers reach this server by HTTPS. Without it no message has a link.
    pub links: Option<String>,
    /// The words in Chinese, with `{{ number }}` and `{{ code }}`.
    pub text_zh_cn: Option<String>,
    /// The words in English.
    pub text_en_us: Option<String>,
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            short_number: "10086123".into(),
            calendar: "office".into(),
            file: "var/messages.jsonl".into(),
            gateway: None,
            links: None,
            text_zh_cn: None,
            text_en_us: None,
        }
    }
}

/// `[messages.gateway]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gateway {
    /// Where messages are posted.
    pub url: String,
    /// Where a message is asked for; `{key}` stands for its key.
    pub inquiry_url: Option<String>,
    /// The JSON body, with `{{ to }}`, `{{ text }}` and `{{ key }}`.
    #[serde(default = "plain_body")]
    pub body: String,
    /// The secret that signs.
    #[serde(serialize_with = "hidden")]
    pub secret: Option<Pii<String>>,
    /// How long an answer may take, in seconds.
    #[serde(default = "ten")]
    pub within_s: u64,
}

fn plain_body() -> String {
    r#"{"to": {{ to }}, "text": {{ text }}, "key": {{ key }}}"#.into()
}

const fn ten() -> u64 {
    10
}

/// A secret that stands in a file or in the environment, each with the name of its field.
///
/// # Errors
/// What is wrong, in words for the operator; never the secret.
fn secret_of(
    file: (&str, Option<&Path>),
    variable: (&str, Option<&str>),
) -> Result<Option<Pii<String>>, String> {
    let secret = match (file.1, variable.1) {
        (Some(_), Some(_)) => return Err(format!("{}, {}: one of them is enough", file.0, variable.0)),
        (Some(path), None) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {}: {error}", file.0, path.display()))?;
            Some(text.lines().next().unwrap_or_default().trim().to_owned())
        }
        (None, Some(name)) => {
            Some(std::env::var(name).map_err(|_| format!("{}: {name} is not set", variable.0))?)
        }
        (None, None) => None,
    };
    if secret.as_ref().is_some_and(|text| text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic())) {
        let named = if file.1.is_some() { file.0 } else { variable.0 };
        return Err(format!("{named}: it is empty, or holds characters that no header may"));
    }
    Ok(secret.map(Pii::new))
}

/// Prints a secret as nothing but that there is one.
fn hidden<S: Serializer, T>(_: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str("(hidden)")
}

/// The database that the command line names in place of the configuration's.
pub static DATABASE: OnceLock<DatabaseAddress> = OnceLock::new();

/// The configuration cannot be used; the text says where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}; `hotline config generate` prints a file to begin with", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file's text is wrong.
    #[error("{}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, column, what is wrong.
        problem: String,
    },
}

impl Config {
    /// Reads a file, or the defaults where `path` is `None`.
    ///
    /// # Errors
    /// [`ConfigError`] with the place and the remedy.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            let mut config = Self::default();
            config.complete();
            return Ok(config);
        };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|problem| ConfigError::Wrong { path: path.to_owned(), problem })
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|error| tell(text, &error))?;
        config.complete();
        let problems = config.check();
        if problems.is_empty() { Ok(config) } else { Err(problems.join("\n")) }
    }

    /// The configuration as a file, secrets hidden.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_else(|error| format!("# {error}\n"))
    }

    /// Without trunks the machine itself and private networks may call, so that a first call
    /// works and a stranger's does not.
    fn complete(&mut self) {
        if self.trunks.is_empty() {
            let from = ["127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
            self.trunks.push(Trunk {
                name: "local".into(),
                from: from.map(str::to_owned).into(),
                latch: true,
                calls_per_second: thirty(),
                burst: sixty(),
                in_band_digits: true,
                ring_s: 0,
                out: None,
            });
        }
    }

    /// Everything that is wrong with the values, field by field.
    fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(problem) = self.record.database.expose().parse::<DatabaseAddress>() {
            problems.push(format!("record.database: {problem}"));
        }
        if self.record.server.as_ref().is_some_and(|name| name.trim().is_empty()) {
            problems.push(
                "record.server: an empty name is none; without the line it is the machine's own".into(),
            );
        }
        if self.media.ports[0] >= self.media.ports[1] {
            problems.push("media.ports: the first port must be below the last".into());
        }
        for trunk in &self.trunks {
            for network in &trunk.from {
                if let Err(error) = network.parse::<hotline_sip::Network>() {
                    problems.push(format!("trunks: `{}`, from: `{network}`: {error}", trunk.name));
                }
            }
            problems.extend(trunk.out.iter().flat_map(|out| out.check(&trunk.name)));
        }
        for network in &self.telephones.from {
            if let Err(error) = network.parse::<hotline_sip::Network>() {
                problems.push(format!("telephones, from: `{network}`: {error}"));
            }
        }
        if let Some(links) = &self.messages.links {
            let rest = links.strip_prefix("https://").or_else(|| links.strip_prefix("http://"));
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
            if !rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(fits)) || links.len() > 100 {
                problems.push(format!(
                    "messages.links: `{links}`: an address as https://kf.example is expected, without `?` and `#`"
                ));
            }
        }
        for word in self.desk.wrap_up_reasons.iter().chain(&self.desk.break_reasons) {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if word.code.is_empty() || word.code.len() > 64 || !word.code.chars().all(fits) {
                problems.push(format!("desk: `{}`: a code has small letters, digits and `-`", word.code));
            }
        }
        for (at, one) in self.desk.rubric.iter().enumerate() {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let twice = self.desk.rubric[..at].iter().any(|other| other.code == one.code);
            if one.code.is_empty() || one.code.len() > 64 || !one.code.chars().all(fits) || twice {
                problems.push(format!(
                    "desk.rubric: `{}`: a code of its own is expected, in small letters, digits and `-`",
                    one.code
                ));
            }
            if !(1..=100).contains(&one.scale) || !(1..=100).contains(&one.weight) {
                problems.push(format!("desk.rubric: `{}`: scale and weight are 1 to 100", one.code));
            }
        }
        problems.extend(self.desk.pop().err());
        if let Some(oidc) = &self.desk.oidc {
            problems.extend(oidc.service().err());
            if oidc.public_url.starts_with("https:") && !self.api.https {
                problems.push(
                    "api.https: with desk.oidc on https, cookies go by https only: set it to true".into(),
                );
            }
        }
        for (at, webhook) in self.webhooks.iter().enumerate() {
            problems.extend(webhook.webhook().err());
            let twice = self.webhooks[..at].iter().any(|other| other.name == webhook.name);
            if twice || webhook.name.is_empty() || webhook.name.len() > 64 {
                problems.push(format!("webhooks: `{}`: a name of its own is expected", webhook.name));
            }
        }
        for token in &self.api.tokens {
            if token.secret.expose().len() < 16 {
                problems.push(format!("api.tokens: `{}`: a secret has 16 characters or more", token.name));
            }
        }
        problems
    }

    /// The database: the command line's, else the configuration's.
    ///
    /// # Errors
    /// What is wrong with the address, without its words.
    pub fn database(&self) -> Result<DatabaseAddress, BadAddress> {
        match DATABASE.get() {
            Some(address) => Ok(address.clone()),
            None => self.record.database.expose().parse(),
        }
    }

    /// The file that keeps what the database cannot take, by the database's address.
    pub fn spool(&self, address: &DatabaseAddress) -> PathBuf {
        match (&self.record.spool, address.file()) {
            (Some(spool), _) => spool.clone(),
            (None, Some(file)) => file.with_extension("spool"),
            (None, None) => "var/hotline.spool".into(),
        }
    }

    /// The name of this server in the record. A SQLite file has one server, which needs none.
    pub fn server_name(&self) -> Result<String, String> {
        if self.database().is_ok_and(|address| address.engine() == Engine::Sqlite) {
            return Ok(String::new());
        }
        if let Some(name) = &self.record.server {
            return Ok(name.clone());
        }
        match std::fs::read_to_string("/proc/sys/kernel/hostname") {
            Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
            _ => Err("this machine has no name: write one as record.server".into()),
        }
    }
}

/// What is wrong with a configuration's text, with its line; a line that may hold a password is not
/// shown.
fn tell(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..start).unwrap_or_default();
    let line = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
    if !["://", "secret", "password"].iter().any(|mark| line.contains(mark)) {
        return error.to_string();
    }
    let number = before.matches('\n').count() + 1;
    match error.message() {
        message if message.starts_with("unknown field") => format!("line {number}: {message}"),
        _ => format!("line {number} cannot be read; it may hold a password and is not shown"),
    }
}

/// A configuration to begin with: every field with what it means and its default.
pub const TEMPLATE: &str = include_str!("../hotline.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_file_says_what_the_defaults_are() {
        let generated = Config::parse(TEMPLATE).unwrap();
        let defaults = Config::load(None).unwrap();
        assert_eq!(format!("{generated:?}"), format!("{defaults:?}"));
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let problem = Config::parse("[sip]\nbnid = \"0.0.0.0:5060\"\n").unwrap_err();
        assert!(problem.contains("line 2") && problem.contains("bnid"), "{problem}");
        let problem = Config::parse("[[trunks]]\nname = \"c\"\nfrom = [\"10.0.0.0/40\"]\n").unwrap_err();
        assert!(problem.contains("10.0.0.0/40"), "{problem}");
        assert!(Config::parse("[record]\ndatabase = \"mysql://x\"\n").is_err());
    }

    #[test]
    fn no_secret_is_printed() {
        for text in [
            "[record]\ndatabase = \"postgres://hotline:0123456789abcdef@db/calls\"\n",
            "[record]\ndatabase = \"postgres://hotline:0123456789abcdef@db\"\n",
            "[record]\ndatabase = \"postgres://hotline:0123456789abcdef@db/calls\n",
            "[sip]\ncalls = \"postgres://hotline:0123456789abcdef@db/calls\"\n",
        ] {
            let told = Config::parse(text)
                .map_or_else(|problem| problem, |config| format!("{config:?}{}", config.to_toml()));
            assert!(!told.contains("0123456789abcdef") && !told.is_empty(), "{told}");
        }
        let problem = Config::parse("[record]\n\ndatabase = \"postgres://hotline:secret@db\"\n").unwrap_err();
        assert!(problem.contains("record.database") && problem.contains("postgres://USER"), "{problem}");
        let text = "[[api.tokens]]\nname = \"crm\"\nsecret = \"0123456789abcdef0123\"\n";
        let config = Config::parse(text).unwrap();
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
        let dumped = config.to_toml();
        assert!(dumped.contains("(hidden)") && !dumped.contains("0123456789abcdef"), "{dumped}");
    }

    #[test]
    fn a_webhook_is_looked_over_and_its_secret_not_shown() {
        let good = "[[webhooks]]\nname = \"crm\"\nurl = \"https://crm.example/hooks\"\nevents = [\"ticket.*\"]\n\
            secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nsees = { numbers = true }\n";
        let config = Config::parse(good).unwrap();
        assert!(config.webhooks[0].sees.numbers && !config.webhooks[0].sees.names);
        assert!(!format!("{config:?}{}", config.to_toml()).contains("MfKQ"));
        let twice = format!("{good}{good}");
        assert!(Config::parse(&twice).unwrap_err().contains("name of its own"));
        let inside = good.replace("crm.example", "10.0.0.1");
        assert!(Config::parse(&inside).unwrap_err().contains("private address"));
    }

    #[test]
    fn a_sign_in_service_is_looked_over_and_its_secret_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        let good = format!(
            "[api]\nhttps = true\n[desk.oidc]\nissuer = \"https://id.example\"\nclient-id = \"hotline\"\n\
             public-url = \"https://desk.example\"\nclient-secret-file = \"{}\"\nroles-claim = \"groups\"\n\
             roles = {{ agent = [\"a\"], operator = [\"o\"] }}\n",
            file.display()
        );
        let config = Config::parse(&good).unwrap();
        assert_eq!(config.desk.oidc.as_ref().unwrap().roles.len(), 2);
        assert!(!format!("{config:?}{}", config.to_toml()).contains("0123456789abcdef"));
        assert!(Config::parse(&config.to_toml()).is_ok());
        let problem = |from: &str, to: &str| Config::parse(&good.replace(from, to)).unwrap_err();
        assert!(problem("https://id.example", "http://id.example").contains("issuer: https"));
        assert!(problem("https = true", "https = false").contains("api.https"));
        assert!(problem("agent = ", "clerk = ").contains("clerk"));
        std::fs::write(&file, "").unwrap();
        assert!(Config::parse(&good).unwrap_err().contains("client-secret-file: it is empty"));
    }

    #[test]
    fn what_is_dumped_is_a_configuration() {
        let defaults = Config::load(None).unwrap();
        assert_eq!(format!("{:?}", Config::parse(&defaults.to_toml()).unwrap()), format!("{defaults:?}"));
    }

    #[test]
    fn every_wrong_value_is_told_at_once() {
        let problem = Config::parse("[record]\ndatabase = \"x\"\n[media]\nports = [9, 3]\n").unwrap_err();
        assert!(problem.contains("record.database") && problem.contains("media.ports"), "{problem}");
    }
}
