//! A recogniser reached by HTTP that says what the network announces: `POST /v1/audio/transcriptions` as OpenAI's API
//! reference has it ("Create transcription"). It is off unless the operator names one: what it hears leaves the house.
//! It hears nothing but what networks say before anybody has answered.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hotline_audio::{Clip, RATE_HZ, write_wav};
use hotline_model::Pii;
use hotline_model::campaign::Outcome;
use reqwest::multipart::{Form, Part};
use tokio::sync::Semaphore;

use crate::announcement::Announcements;
use crate::figures;

/// How a recogniser is asked.
#[derive(Debug, Clone)]
pub struct RecogniserSettings {
    /// Where sound is posted: the whole address, `https://speech.example/v1/audio/transcriptions`.
    pub url: String,
    /// Its model.
    pub model: String,
    /// The language that is spoken (ISO 639-1); without one it tells by itself.
    pub language: Option<String>,
    /// Sent as a bearer token.
    pub token: Option<Pii<String>>,
    /// How long an answer may take, to its last byte.
    pub within: Duration,
    /// Requests at once; at least 1. What would be one more is not asked.
    pub at_once: usize,
    /// What its words mean.
    pub announcements: Announcements,
}

impl RecogniserSettings {
    /// What is wrong with the settings, in words for the operator.
    ///
    /// # Errors
    /// An address that is none or has a name or password, an empty model.
    pub fn check(&self) -> Result<(), String> {
        let url = reqwest::Url::parse(&self.url).map_err(|error| format!("url: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("url: an address that begins with https:// or http:// is expected".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url: a name or password has no place in it; use token-file or token-env".into());
        }
        if self.model.trim().is_empty() {
            return Err("model: the recogniser's model is expected".into());
        }
        Ok(())
    }
}

/// Why an answer says nothing. It tells nothing of what was said.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
enum Fault {
    #[error("no answer in time")]
    Late,
    #[error("the connection failed: {0}")]
    Connection(String),
    #[error("the answer is cut short")]
    CutShort,
    #[error("it answers with {0}")]
    Status(u16),
    #[error("the answer is larger than 64 KB")]
    TooLarge,
    #[error("the answer is no JSON with a `text`")]
    NoText,
}

/// The client.
#[derive(Clone)]
pub struct Recogniser(Arc<Inner>);

struct Inner {
    settings: RecogniserSettings,
    client: reqwest::Client,
    places: Arc<Semaphore>,
    rest: Mutex<Rest>,
}

impl fmt::Debug for Recogniser {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.settings.fmt(to)
    }
}

/// The most bytes of an answer that are read.
const MOST_BYTES: usize = 64 << 10;

impl Recogniser {
    /// A recogniser of these settings; nothing is asked yet.
    ///
    /// # Errors
    /// What is wrong with the settings, in words for the operator.
    pub fn new(settings: RecogniserSettings) -> Result<Self, String> {
        settings.check()?;
        let client = reqwest::Client::builder()
            .timeout(settings.within)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let places = Arc::new(Semaphore::new(settings.at_once.clamp(1, Semaphore::MAX_PERMITS)));
        Ok(Self(Arc::new(Inner { settings, client, places, rest: Mutex::default() })))
    }

    /// How long an answer may take.
    pub(crate) fn within(&self) -> Duration {
        self.0.settings.within
    }

    /// Asks what is announced; gives what it means, once that is known. `None`: it cannot be asked now.
    pub(crate) fn ask(&self, sound: &Clip) -> Option<impl Future<Output = Option<Outcome>> + Send + use<>> {
        let inner = Arc::clone(&self.0);
        let place = Arc::clone(&inner.places).try_acquire_owned().ok();
        let awake = inner.rest.lock().expect("no holder of this lock panics").is_over(Instant::now());
        let Some(place) = place.filter(|_| awake) else {
            figures::announced("not-asked");
            return None;
        };
        let wav = wav_of(sound);
        Some(async move {
            let answer = inner.transcribe(wav).await;
            drop(place);
            let mut rest = inner.rest.lock().expect("no holder of this lock panics");
            match answer {
                Ok(text) => {
                    rest.succeeded();
                    let means = inner.settings.announcements.meaning(&text);
                    figures::announced(means.map_or("unknown", Outcome::word));
                    means
                }
                Err(fault) => {
                    let rests = rest.failed(Instant::now());
                    tracing::warn!(%fault, rests_s = rests.as_secs(), "the recogniser of announcements says nothing");
                    figures::announced("failed");
                    None
                }
            }
        })
    }
}

impl Inner {
    async fn transcribe(&self, wav: Vec<u8>) -> Result<String, Fault> {
        let settings = &self.settings;
        let file = Part::bytes(wav).file_name("announcement.wav");
        let file = file.mime_str("audio/wav").map_err(fault)?;
        let mut form = Form::new()
            .part("file", file)
            .text("model", settings.model.clone())
            .text("response_format", "json")
            .text("temperature", "0");
        if let Some(language) = &settings.language {
            form = form.text("language", language.clone());
        }
        let mut request = self.client.post(&settings.url).multipart(form);
        if let Some(token) = &settings.token {
            request = request.bearer_auth(token.expose());
        }
        let mut answer = request.send().await.map_err(fault)?;
        if answer.status().as_u16() != 200 {
            return Err(Fault::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(fault)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(Fault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let value: serde_json::Value = serde_json::from_slice(&body).map_err(|_| Fault::NoText)?;
        value.get("text").and_then(serde_json::Value::as_str).map(str::to_owned).ok_or(Fault::NoText)
    }
}

fn fault(error: reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::Late;
    }
    let connecting = error.is_connect();
    // Its own words name the address; the reason stands below.
    let error = error.without_url();
    let mut reason: &dyn std::error::Error = &error;
    while let Some(deeper) = reason.source() {
        reason = deeper;
    }
    let reason = reason.to_string();
    if !connecting && (error.is_body() || error.is_decode()) {
        Fault::CutShort
    } else {
        Fault::Connection(reason)
    }
}

/// The sound as a WAV file in memory.
fn wav_of(sound: &Clip) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::with_capacity(44 + 2 * sound.samples().len()));
    // Memory takes it; what did not would be no file, and is answered so.
    let _ = write_wav(&mut file, RATE_HZ, sound.samples());
    file.into_inner()
}

/// When a recogniser that failed is asked again: after 5 s, then twice as long after each failure, 5 minutes at most.
#[derive(Debug, Default)]
struct Rest {
    failures: u32,
    until: Option<Instant>,
}

const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(300);

impl Rest {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// How long it rests now. A failure of requests that were on their way already counts once.
    fn failed(&mut self, now: Instant) -> Duration {
        if let Some(until) = self.until.filter(|until| *until > now) {
            return until - now;
        }
        let rest = (FIRST_REST * 2_u32.saturating_pow(self.failures.min(8))).min(LONGEST_REST);
        self.failures += 1;
        self.until = Some(now + rest);
        rest
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;

    use super::*;

    /// What a server does with a request.
    #[derive(Clone)]
    enum Deed {
        Answer(Vec<u8>),
        Hang,
        Endless(Vec<u8>),
    }

    /// A server that does so with all requests; gives each as it came.
    async fn server(deed: Deed) -> (SocketAddr, mpsc::UnboundedReceiver<Vec<u8>>) {
        let listener = TcpListener::bind("127.93.0.2:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever breaks off is part of the tests.
                tokio::spawn(serve(stream, deed.clone(), tell.clone()));
            }
        });
        (address, requests)
    }

    async fn serve(
        mut stream: TcpStream,
        deed: Deed,
        tell: mpsc::UnboundedSender<Vec<u8>>,
    ) -> std::io::Result<()> {
        let mut request = Vec::new();
        let mut whole = usize::MAX;
        while request.len() < whole {
            let mut part = [0; 65_536];
            let count = stream.read(&mut part).await?;
            if count == 0 {
                return Ok(());
            }
            request.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
            if let Some(end) = text.find("\r\n\r\n") {
                let length =
                    text.split("content-length: ").nth(1).and_then(|t| t.lines().next()?.trim().parse().ok());
                let head = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
                assert!(end >= head);
                whole = head + 4 + length.unwrap_or(0_usize);
            }
        }
        let _ = tell.send(request);
        match deed {
            Deed::Answer(bytes) => {
                stream.write_all(&bytes).await?;
                stream.shutdown().await
            }
            Deed::Hang => stream.read(&mut [0; 1]).await.map(drop),
            Deed::Endless(bytes) => {
                stream.write_all(&bytes).await?;
                loop {
                    stream.write_all(&[b' '; 65_536]).await?;
                }
            }
        }
    }

    fn answer(status: &str, kind: &str, body: &str) -> Deed {
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        Deed::Answer([head.as_bytes(), body.as_bytes()].concat())
    }

    fn json(body: &str) -> Deed {
        answer("200 OK", "application/json", body)
    }

    fn recogniser(address: SocketAddr) -> Recogniser {
        Recogniser::new(RecogniserSettings {
            url: format!("http://{address}/v1/audio/transcriptions"),
            model: "whisper-1".into(),
            language: Some("zh".into()),
            token: Some(Pii::new("sesam".to_owned())),
            within: Duration::from_millis(600),
            at_once: 1,
            announcements: Announcements::default(),
        })
        .unwrap()
    }

    fn sound() -> Clip {
        Clip::from_samples(hotline_audio::sine(300.0, -20.0, Duration::from_secs(2)))
    }

    async fn heard(deed: Deed) -> Option<Outcome> {
        let (address, _requests) = server(deed).await;
        recogniser(address).ask(&sound()).unwrap().await
    }

    #[tokio::test]
    async fn the_sound_goes_as_a_file_and_the_words_come_back() {
        let (address, mut requests) = server(json("{\"text\": \"您拨打的号码是空号\"}")).await;
        assert_eq!(recogniser(address).ask(&sound()).unwrap().await, Some(Outcome::WrongNumber));
        let request = requests.recv().await.unwrap();
        let text = String::from_utf8_lossy(&request);
        assert!(text.starts_with("POST /v1/audio/transcriptions HTTP/1.1"), "{text}");
        assert!(
            text.contains("authorization: Bearer sesam") && text.contains("multipart/form-data; boundary=")
        );
        for part in [
            "name=\"model\"\r\n\r\nwhisper-1",
            "name=\"language\"\r\n\r\nzh",
            "name=\"response_format\"\r\n\r\njson",
        ] {
            assert!(text.contains(part), "{part}");
        }
        let file = request.windows(4).position(|four| four == b"RIFF").expect("a WAV file");
        let wav = hotline_audio::read_wav(&request[file..]).unwrap();
        assert_eq!((wav.rate_hz, wav.channels), (8_000, 1));
        assert_eq!(wav.samples[..16_000], sound().samples()[..]);
    }

    #[tokio::test]
    async fn whatever_is_no_answer_says_nothing() {
        let chunked = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
        for (what, deed) in [
            ("hangs", Deed::Hang),
            ("huge", Deed::Endless(chunked)),
            ("failed", answer("500 Internal Server Error", "text/html", "<h1>空号</h1>")),
            ("refused", answer("401 Unauthorized", "application/json", "{\"text\": \"空号\"}")),
            ("redirected", answer("302 Found", "text/plain", "空号")),
            ("a page", answer("200 OK", "text/html", "<h1>空号</h1>")),
            (
                "half",
                Deed::Answer(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"text\": \"\xe7\xa9\xba\xe5\x8f\xb7\""
                        .to_vec(),
                ),
            ),
            ("no text", json("{\"words\": \"空号\"}")),
            ("a number", json("{\"text\": 1}")),
            ("a list", json("[\"空号\"]")),
            ("no answer at all", Deed::Answer(Vec::new())),
            ("other words", json("{\"text\": \"月亮代表我的心\"}")),
            ("none", json("{\"text\": \"\"}")),
        ] {
            assert_eq!(heard(deed).await, None, "{what}");
        }
    }

    #[tokio::test]
    async fn no_more_are_asked_than_agreed_and_one_that_failed_rests() {
        let (address, _requests) = server(Deed::Hang).await;
        let recogniser = recogniser(address);
        let first = recogniser.ask(&sound()).unwrap();
        assert!(recogniser.ask(&sound()).is_none(), "there is one place");
        assert_eq!(first.await, None);
        assert!(recogniser.ask(&sound()).is_none(), "it has failed just now");
        *recogniser.0.rest.lock().unwrap() = Rest::default();
        assert!(recogniser.ask(&sound()).is_some());
    }

    #[test]
    fn it_rests_longer_each_time() {
        let (mut rest, mut now) = (Rest::default(), Instant::now());
        let mut rests = Vec::new();
        for _ in 0..8 {
            rests.push(rest.failed(now).as_secs());
            assert!(!rest.is_over(now));
            now += Duration::from_secs(rests[rests.len() - 1]);
            assert!(rest.is_over(now));
        }
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 300, 300]);
        rest.succeeded();
        assert!(rest.is_over(now));
    }

    #[test]
    fn settings_that_cannot_work_are_told_and_the_token_is_not() {
        let told = |change: fn(&mut RecogniserSettings)| {
            let mut settings = recogniser("127.0.0.1:1".parse().unwrap()).0.settings.clone();
            assert!(!format!("{settings:?}").contains("sesam"));
            change(&mut settings);
            settings.check().unwrap_err()
        };
        assert!(told(|s| s.url = "speech.example".into()).starts_with("url: "));
        assert!(told(|s| s.url = "ftp://speech.example/".into()).contains("https://"));
        assert!(told(|s| s.url = "https://a:b@speech.example/".into()).contains("token-file"));
        assert!(told(|s| s.model = " ".into()).starts_with("model: "));
    }
}
