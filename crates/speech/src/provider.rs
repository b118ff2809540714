//! A voice reached by HTTP: `POST /v1/audio/speech` as OpenAI's API reference has it ("Create speech").
//! It is off unless the operator names one: what it speaks leaves the house.

use std::time::{Duration, Instant};

use hotline_audio::{Clip, read_wav};
use hotline_model::{Language, Pii};
use serde_json::json;

use crate::finish::finished;

/// How a provider is asked.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Where texts are posted: the whole address, `https://speech.example/v1/audio/speech`.
    pub url: String,
    /// Its model.
    pub model: String,
    /// Its voice for Mandarin; without one the embedded voice speaks it.
    pub voice_zh_cn: Option<String>,
    /// Its voice for English, likewise.
    pub voice_en_us: Option<String>,
    /// How fast it speaks: 0.25 to 4, 1 is usual.
    pub speed: f32,
    /// What it answers with.
    pub format: AudioFormat,
    /// Sent as a bearer token.
    pub token: Option<Pii<String>>,
    /// How long an answer may take, to its last byte.
    pub within: Duration,
    /// Requests at once. At least 1 is taken.
    pub at_once: usize,
}

/// What a provider answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioFormat {
    /// A WAV file of any rate and number of channels.
    Wav,
    /// Bare samples, 16 bits, the low byte first, one channel.
    Pcm {
        /// Samples a second; OpenAI's are 24,000.
        rate_hz: u32,
    },
}

/// The most characters that are sent at once, as the API has it.
pub(crate) const MOST_CHARACTERS: usize = 4_096;
/// The most bytes of an answer that are read: over a minute of the largest format.
const MOST_BYTES: usize = 16_000_000;
/// Nobody takes longer than this for a character, and for beginning and ending.
const LONGEST_CHARACTER: Duration = Duration::from_secs(2);
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// Why a provider's answer is no speech. It tells nothing of the text.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Fault {
    #[error("no answer in time")]
    Late,
    #[error("the connection failed: {0}")]
    Connection(String),
    #[error("the provider says {0}")]
    Status(u16),
    #[error("the provider is busy ({status})")]
    Busy { status: u16, again_in: Option<Duration> },
    #[error("the answer is `{0}`, not sound")]
    NoSound(String),
    #[error("the answer is larger than 16 MB")]
    TooLarge,
    #[error("the answer is cut short")]
    CutShort,
    #[error("the sound cannot be read: {0}")]
    Unreadable(String),
    #[error("there is no speech in the answer")]
    Silent,
    #[error("the answer is far longer than its text")]
    TooLong,
}

impl ProviderConfig {
    /// The provider's voice for a language.
    pub(crate) fn voice(&self, language: Language) -> Option<&str> {
        match language {
            Language::ZhCn => self.voice_zh_cn.as_deref(),
            Language::EnUs => self.voice_en_us.as_deref(),
        }
    }

    /// What stands for the provider's voice in keys of the cache.
    pub(crate) fn name(&self, language: Language) -> Option<String> {
        Some(format!("http:{}:{}:{}", self.model, self.voice(language)?, self.speed))
    }

    /// What is wrong with the settings, in words for the operator.
    ///
    /// # Errors
    /// An address that is none or has a fragment or password, no voice, a speed outside of 0.25 to 4, a
    /// rate outside of 4 to 192 kHz.
    pub fn check(&self) -> Result<(), String> {
        let url = reqwest::Url::parse(&self.url).map_err(|error| format!("url: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("url: an address that begins with https:// or http:// is expected".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url: a name or password has no place in it; use token-file or token-env".into());
        }
        if self.voice_zh_cn.is_none() && self.voice_en_us.is_none() {
            return Err("voice-zh-cn, voice-en-us: one of them is needed".into());
        }
        if !(0.25..=4.0).contains(&self.speed) {
            return Err(format!("speed: {} is not between 0.25 and 4", self.speed));
        }
        if let AudioFormat::Pcm { rate_hz } = self.format
            && !(4_000..=192_000).contains(&rate_hz)
        {
            return Err(format!("pcm-rate-hz: {rate_hz} is not between 4000 and 192000"));
        }
        Ok(())
    }
}

/// The client of one worker.
pub(crate) struct Provider {
    config: ProviderConfig,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Provider {
    pub(crate) fn new(config: ProviderConfig) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(config.within)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { config, client, runtime })
    }

    /// Speaks a clause; blocks until its speech is there.
    pub(crate) fn speak(&self, text: &str, language: Language) -> Result<Clip, Fault> {
        let body = self.runtime.block_on(self.ask(text, language))?;
        let clip = speech_of(&body, self.config.format)?;
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        if clip.duration() > LONGEST_SILENCE + LONGEST_CHARACTER * characters {
            return Err(Fault::TooLong);
        }
        Ok(clip)
    }

    async fn ask(&self, text: &str, language: Language) -> Result<Vec<u8>, Fault> {
        let config = &self.config;
        let format = if config.format == AudioFormat::Wav { "wav" } else { "pcm" };
        let body = json!({
            "model": config.model,
            "input": text,
            "voice": config.voice(language).unwrap_or_default(),
            "response_format": format,
            "speed": config.speed,
        });
        let mut request = self.client.post(&config.url).json(&body);
        if let Some(token) = &config.token {
            request = request.bearer_auth(token.expose());
        }
        let mut answer = request.send().await.map_err(fault)?;
        let status = answer.status().as_u16();
        match status {
            200 => {}
            429 | 503 => {
                let wait =
                    answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.trim().parse().ok());
                return Err(Fault::Busy { status, again_in: wait.map(Duration::from_secs) });
            }
            status => return Err(Fault::Status(status)),
        }
        let kind = answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind.starts_with("text/") || ["json", "xml", "html"].iter().any(|word| kind.ends_with(word)) {
            return Err(Fault::NoSound(kind));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(fault)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(Fault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
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

/// The speech in an answer, as other speech: 8 kHz, at the usual level, without silence around it.
fn speech_of(body: &[u8], format: AudioFormat) -> Result<Clip, Fault> {
    let (samples, rate_hz) = match format {
        AudioFormat::Wav => {
            let whole = whole_wav(body)?;
            let wav = read_wav(whole.as_slice()).map_err(|error| Fault::Unreadable(error.to_string()))?;
            (wav.samples, wav.rate_hz)
        }
        AudioFormat::Pcm { rate_hz } => {
            let begins = &body[..body.len().min(64)];
            // A page of words under a wrong name: sixty-four samples' bytes are never all of them letters.
            if begins.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t')) {
                return Err(Fault::NoSound("text".into()));
            }
            if !body.len().is_multiple_of(2) {
                return Err(Fault::CutShort);
            }
            let samples = body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
            (samples, rate_hz)
        }
    };
    match finished(&samples, rate_hz) {
        Ok(Some(clip)) => Ok(clip),
        Ok(None) => Err(Fault::Silent),
        Err(error) => Err(Fault::Unreadable(error.to_string())),
    }
}

/// A WAV file whose sizes are right. One that was written while it was sent has none (0 or all ones);
/// in any other, less than its size says is half a file.
fn whole_wav(body: &[u8]) -> Result<Vec<u8>, Fault> {
    let word = |at: usize| Some(u32::from_le_bytes(body.get(at..at + 4)?.try_into().ok()?));
    if body.get(..4) != Some(b"RIFF") || body.get(8..12) != Some(b"WAVE") {
        return Err(Fault::NoSound("no WAV file".into()));
    }
    let mut at = 12;
    loop {
        let (Some(name), Some(size)) = (body.get(at..at + 4), word(at + 4)) else {
            return Err(Fault::CutShort);
        };
        let begin = at + 8;
        if name == b"data" {
            let there = body.len() - begin;
            let open = size == 0 || size >= OPEN;
            if !open && size as usize > there {
                return Err(Fault::CutShort);
            }
            let mut whole = body.to_vec();
            if open {
                let frame = word(32).map_or(1, |w| (w & 0xffff).max(1) as usize);
                let there = there - there % frame;
                whole.truncate(begin + there);
                whole[at + 4..begin].copy_from_slice(&(there as u32).to_le_bytes());
            }
            return Ok(whole);
        }
        at = begin + size as usize + (size as usize & 1);
    }
}

/// A size from here on stands for one that was not known: nobody speaks for hours.
const OPEN: u32 = 0x7fff_0000;

/// When a provider that failed is asked again: after 5 s, then twice as long after each failure, 5
/// minutes at most; after what it asks for itself if that is longer.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    failures: u32,
    until: Option<Instant>,
}

const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(300);

impl Rest {
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// How long it rests now. A failure of requests that were on their way already counts once.
    pub(crate) fn failed(&mut self, now: Instant, fault: &Fault) -> Duration {
        if let Some(until) = self.until.filter(|until| *until > now) {
            return until - now;
        }
        let usual = FIRST_REST * 2u32.saturating_pow(self.failures.min(8));
        let asked = match fault {
            Fault::Busy { again_in, .. } => again_in.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let rest = usual.max(asked).min(LONGEST_REST);
        self.failures += 1;
        self.until = Some(now + rest);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(rate_hz: u32, samples: &[i16]) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        hotline_audio::write_wav(&mut file, rate_hz, samples).unwrap();
        file.into_inner()
    }

    #[test]
    fn a_provider_that_fails_rests_longer_each_time() {
        let (mut rest, mut now) = (Rest::default(), Instant::now());
        assert!(rest.is_over(now));
        let mut rests = Vec::new();
        for _ in 0..9 {
            rests.push(rest.failed(now, &Fault::Late).as_secs());
            assert!(!rest.is_over(now));
            // What was on its way already makes it no longer.
            let left = rest.failed(now + Duration::from_secs(1), &Fault::Late);
            assert_eq!(left.as_secs(), rests[rests.len() - 1] - 1);
            now += Duration::from_secs(rests[rests.len() - 1]);
            assert!(rest.is_over(now));
        }
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        rest.succeeded();
        let busy = |secs| Fault::Busy { status: 429, again_in: Some(Duration::from_secs(secs)) };
        assert_eq!(rest.failed(now, &busy(60)).as_secs(), 60);
        rest.succeeded();
        assert_eq!(rest.failed(now, &busy(86_400)), LONGEST_REST);
    }

    #[test]
    fn a_file_without_a_size_is_taken_and_half_a_file_is_not() {
        let tone = hotline_audio::sine(300.0, -20.0, Duration::from_secs(1));
        let whole = wav(8_000, &tone);
        assert_eq!(whole_wav(&whole).unwrap(), whole);
        assert_eq!(whole_wav(&whole[..whole.len() / 2]), Err(Fault::CutShort));
        assert_eq!(whole_wav(&whole[..30]), Err(Fault::CutShort));
        for size in [0u32, 0xffff_ffff, 0x7fff_ffff] {
            let mut streamed = whole.clone();
            streamed[40..44].copy_from_slice(&size.to_le_bytes());
            let clip = speech_of(&streamed, AudioFormat::Wav).unwrap();
            assert!(clip.duration() > Duration::from_millis(900), "{:?}", clip.duration());
            streamed.pop();
            assert_eq!(whole_wav(&streamed).unwrap().len(), whole.len() - 2);
        }
        assert_eq!(whole_wav(b"<html>no"), Err(Fault::NoSound("no WAV file".into())));
        assert_eq!(speech_of(&wav(8_000, &[0; 8_000]), AudioFormat::Wav).unwrap_err(), Fault::Silent);
    }

    #[test]
    fn bare_samples_are_taken_and_words_are_not() {
        let tone = hotline_audio::sine(300.0, -20.0, Duration::from_secs(1));
        let bytes: Vec<u8> = tone.iter().flat_map(|s| s.to_le_bytes()).collect();
        let pcm = AudioFormat::Pcm { rate_hz: 16_000 };
        let clip = speech_of(&bytes, pcm).unwrap();
        assert!((clip.duration().as_millis() as i64 - 500).abs() < 60, "{:?}", clip.duration());
        assert_eq!(speech_of(&bytes[1..], pcm).unwrap_err(), Fault::CutShort);
        assert!(matches!(speech_of(b"{\"error\": \"no\"}", pcm), Err(Fault::NoSound(_))));
        assert!(speech_of(b"", pcm).is_err());
    }

    #[test]
    fn settings_that_cannot_work_are_told() {
        let good = ProviderConfig {
            url: "https://speech.example/v1/audio/speech".into(),
            model: "tts-1".into(),
            voice_zh_cn: Some("alloy".into()),
            voice_en_us: None,
            speed: 1.0,
            format: AudioFormat::Wav,
            token: None,
            within: Duration::from_secs(5),
            at_once: 2,
        };
        assert_eq!(good.check(), Ok(()));
        let told = |change: fn(&mut ProviderConfig)| {
            let mut config = good.clone();
            change(&mut config);
            config.check().unwrap_err()
        };
        assert!(told(|c| c.url = "speech.example".into()).starts_with("url: "));
        assert!(told(|c| c.url = "ftp://speech.example/".into()).starts_with("url: "));
        assert!(told(|c| c.url = "https://a:b@speech.example/".into()).contains("token-file"));
        assert!(told(|c| c.voice_zh_cn = None).contains("voice-en-us"));
        assert!(told(|c| c.speed = f32::NAN).starts_with("speed: "));
        assert!(told(|c| c.format = AudioFormat::Pcm { rate_hz: 1 }).starts_with("pcm-rate-hz: "));
    }
}
