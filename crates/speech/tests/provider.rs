//! A voice reached by HTTP, against a real server that misbehaves.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline_audio::{active_level, sine, write_wav};
use hotline_model::{Language, Pii, Segment, Slot, Utterance, Value};
use hotline_speech::{
    AudioFormat, MemoryCache, Pace, ProviderConfig, Speech, SpeechConfig, SpeechError, VoiceConfig,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
#[derive(Clone)]
enum Deed {
    /// Answers with these bytes and closes.
    Answer(Vec<u8>),
    /// Answers nothing, and keeps the connection.
    Hang,
    /// These bytes, then for ever more of them.
    Endless(Vec<u8>),
}

struct Server {
    address: SocketAddr,
    deed: Arc<Mutex<Deed>>,
    requests: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicUsize>,
}

impl Server {
    async fn start(deed: Deed) -> Self {
        let listener = TcpListener::bind("127.93.0.1:0").await.expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        let server = Self {
            address,
            deed: Arc::new(Mutex::new(deed)),
            requests: Arc::default(),
            sent: Arc::default(),
        };
        let (deed, requests, sent) =
            (Arc::clone(&server.deed), Arc::clone(&server.requests), Arc::clone(&server.sent));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (deed, requests, sent) = (Arc::clone(&deed), Arc::clone(&requests), Arc::clone(&sent));
                tokio::spawn(async move {
                    // Whoever breaks off is part of the tests.
                    let _ = serve(stream, &deed, &requests, &sent).await;
                });
            }
        });
        server
    }

    fn does(&self, deed: Deed) {
        *self.deed.lock().expect("nobody panics") = deed;
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panics").clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    deed: &Mutex<Deed>,
    requests: &Mutex<Vec<String>>,
    sent: &AtomicUsize,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let body = loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        request.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some(end) = text.find("\r\n\r\n") else { continue };
        let length =
            text.split("content-length: ").nth(1).and_then(|t| t.lines().next()?.trim().parse().ok());
        break end + 4 + length.unwrap_or(0usize);
    };
    while request.len() < body {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        request.extend_from_slice(&part[..count]);
    }
    requests.lock().expect("nobody panics").push(String::from_utf8_lossy(&request).into_owned());
    let deed = deed.lock().expect("nobody panics").clone();
    match deed {
        Deed::Answer(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Deed::Hang => {
            let _ = stream.read(&mut [0; 1]).await;
            Ok(())
        }
        Deed::Endless(bytes) => {
            stream.write_all(&bytes).await?;
            loop {
                stream.write_all(&[0x11; 65_536]).await?;
                sent.fetch_add(65_536, Ordering::Relaxed);
            }
        }
    }
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Deed {
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    Deed::Answer([head.as_bytes(), body].concat())
}

fn sound(body: &[u8]) -> Deed {
    answer("200 OK", "content-type: audio/wav\r\n", body)
}

/// A second and a half of a tone, in so many channels.
fn wav(rate_hz: u32, channels: u16) -> Vec<u8> {
    let tone = sine(300.0, -12.0, Duration::from_millis(1_500));
    let tone = hotline_audio::resample(&tone, 8_000, rate_hz).expect("the rates are usual");
    let mut file = std::io::Cursor::new(Vec::new());
    write_wav(&mut file, rate_hz, &tone).expect("memory takes it");
    let mut bytes = file.into_inner();
    if channels == 2 {
        let samples: Vec<u8> = bytes[44..].chunks(2).flat_map(|s| [s[0], s[1], 0, 0]).collect();
        bytes.truncate(44);
        bytes[22] = 2;
        bytes[28..32].copy_from_slice(&(rate_hz * 4).to_le_bytes());
        bytes[32] = 4;
        bytes[40..44].copy_from_slice(&(samples.len() as u32).to_le_bytes());
        bytes.extend(samples);
    }
    bytes
}

fn provider(server: &Server) -> ProviderConfig {
    ProviderConfig {
        url: format!("http://{}/v1/audio/speech", server.address),
        model: "tts-1".into(),
        voice_zh_cn: Some("alloy".into()),
        voice_en_us: None,
        speed: 1.0,
        format: AudioFormat::Wav,
        token: Some(Pii::new("sesam".to_owned())),
        within: Duration::from_millis(600),
        at_once: 2,
    }
}

fn open(provider: ProviderConfig, voice: bool, cache: &Arc<MemoryCache>) -> Speech {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/speech");
    assert!(!voice || folder.join("kokoro.onnx").is_file(), "run tools/fetch-speech");
    let config = SpeechConfig {
        provider: Some(provider),
        voice: voice.then_some(VoiceConfig { folder }),
        ..SpeechConfig::recordings("/nowhere".into())
    };
    Speech::open(config, Arc::clone(cache) as _).expect("speech opens")
}

fn said(text: &str, language: Language) -> Utterance {
    let value = Value::Text { text: text.into(), language: Some(language) };
    Utterance {
        prompt: "said".into(),
        language,
        barge_in: true,
        segments: vec![Segment::Value { slot: Slot::Text, value }],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn speech_comes_from_the_provider_once_and_as_other_speech() {
    let server = Server::start(sound(&wav(24_000, 1))).await;
    let cache = Arc::new(MemoryCache::default());
    let speech = open(provider(&server), false, &cache);
    let text = "您好。";
    for (rate_hz, channels, text) in [(24_000, 1, text), (48_000, 2, "再见。"), (11_025, 1, "请稍候。")]
    {
        server.does(sound(&wav(rate_hz, channels)));
        let asked = [said(text, Language::ZhCn)];
        let clip = speech.clips(&asked, Pace::Usual).await.unwrap().remove(0);
        let length = clip.duration().as_millis() as i64;
        // The tone and the rest behind it.
        assert!((length - 1_750).abs() < 60, "{rate_hz}: {length}");
        let level = active_level(clip.samples(), 8_000).unwrap().active_dbov;
        assert!((level + 26.0).abs() < 3.0, "{level}");
        assert!(speech.ready(&asked, Pace::Usual).is_some());
    }
    let asked = [said(text, Language::ZhCn)];
    speech.clips(&asked, Pace::Usual).await.unwrap();
    let other = open(provider(&server), false, &cache);
    other.clips(&asked, Pace::Slow).await.unwrap();
    let requests = server.requests();
    assert_eq!((requests.len(), cache.len()), (3, 3));
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/audio/speech HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer sesam"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let expected = serde_json::json!({
        "model": "tts-1", "input": text, "voice": "alloy", "response_format": "wav", "speed": 1.0
    });
    assert_eq!(body, expected);
    let counts = speech.counts();
    assert_eq!((counts.provided, counts.provider_failed, counts.provider_characters), (3, 0, 10));
    assert!(counts.provided_audio > Duration::from_secs(4) && counts.rendered == 0);
    // A language that the provider has no voice for is the voice's own, which is not there.
    let english = speech.clips(&[said("Hello.", Language::EnUs)], Pace::Usual).await;
    assert!(matches!(english, Err(SpeechError::NoVoice(_))), "{english:?}");
    // Nothing of it is kept for an erased customer.
    assert_eq!(speech.forget(text, Language::ZhCn).await, Ok(1));
    assert!(speech.ready(&asked, Pace::Usual).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_provider_does_the_voice_here_speaks() {
    let whole = wav(24_000, 1);
    let endless = b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\n\r\n".to_vec();
    let half = {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", whole.len());
        Deed::Answer([head.as_bytes(), &whole[..whole.len() / 2]].concat())
    };
    let deeds = [
        ("hangs", Deed::Hang),
        ("half a file, as promised", sound(&whole[..whole.len() / 2])),
        ("half of what was promised", half),
        ("a page of HTML", answer("200 OK", "content-type: text/html\r\n", b"<html>no</html>")),
        ("an error as JSON", answer("200 OK", "content-type: application/json\r\n", b"{\"error\": 1}")),
        ("a page under a wrong name", sound(b"<html>no</html>")),
        ("nothing", sound(b"")),
        ("silence", sound(&[&whole[..44], vec![0; whole.len() - 44].as_slice()].concat())),
        ("too many", answer("429 Too Many Requests", "retry-after: 2\r\n", b"")),
        ("trouble", answer("500 Internal Server Error", "", b"")),
        ("another text, please", answer("400 Bad Request", "", b"{}")),
        ("go elsewhere", answer("302 Found", "location: http://127.93.0.2:9/\r\n", b"")),
        ("no HTTP", Deed::Answer(b"SIP/2.0 200 OK\r\n\r\n".to_vec())),
        ("without an end", Deed::Endless(endless)),
    ];
    for (n, (what, deed)) in deeds.into_iter().enumerate() {
        let server = Server::start(deed).await;
        let cache = Arc::new(MemoryCache::default());
        let mut config = provider(&server);
        if what == "without an end" {
            config.within = Duration::from_secs(20);
        }
        let alone = open(config.clone(), false, &cache);
        let asked = [said("好。", Language::ZhCn)];
        let refused = alone.clips(&asked, Pace::Usual).await;
        assert!(matches!(refused, Err(SpeechError::Provider(_))), "{what}: {refused:?}");
        assert!(cache.is_empty(), "{what}");
        let told = refused.unwrap_err().to_string();
        assert!(!told.contains("sesam") && !told.contains('好'), "{what}: {told}");
        // The voice takes a second of a core to load: a few of them are enough to see that it speaks.
        if n % 5 == 0 {
            let speech = open(config, true, &cache);
            let clip = speech.clips(&asked, Pace::Usual).await.unwrap().remove(0);
            assert!(clip.duration() > Duration::from_millis(300), "{what}");
            let counts = speech.counts();
            assert_eq!((counts.rendered, counts.provider_failed, counts.provided), (1, 1, 0), "{what}");
        }
        let sent = server.sent.load(Ordering::Relaxed);
        assert!(sent < 40_000_000, "{what}: {sent} bytes were taken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_failed_rests_and_what_the_voice_said_is_played_meanwhile() {
    let server = Server::start(answer("429 Too Many Requests", "retry-after: 300\r\n", b"")).await;
    let cache = Arc::new(MemoryCache::default());
    let speech = open(provider(&server), true, &cache);
    let asked = [said("好。", Language::ZhCn)];
    speech.prepare("好。", Language::ZhCn).await.unwrap();
    speech.prepare("不好。", Language::ZhCn).await.unwrap();
    assert_eq!(server.requests().len(), 1, "it rests after a failure");
    assert!(speech.ready(&asked, Pace::Usual).is_some(), "what the voice here said is played");
    // Another machine finds it, and no caller waits for the better voice.
    server.does(sound(&wav(24_000, 1)));
    let other = open(provider(&server), false, &cache);
    other.clips(&asked, Pace::Usual).await.unwrap();
    assert_eq!(server.requests().len(), 1);
    // A ticket that can wait gets it.
    let third = open(provider(&server), false, &cache);
    third.prepare("好。", Language::ZhCn).await.unwrap();
    assert_eq!((server.requests().len(), third.counts().provided), (2, 1));
}

#[tokio::test]
async fn a_provider_without_a_place_is_told_at_the_start() {
    let server = Server::start(Deed::Hang).await;
    let config = ProviderConfig { url: "nowhere".into(), ..provider(&server) };
    let config = SpeechConfig { provider: Some(config), ..SpeechConfig::recordings("/nowhere".into()) };
    let told = Speech::open(config, Arc::new(MemoryCache::default())).err().unwrap().to_string();
    assert!(told.starts_with("speech.provider: url: "), "{told}");
}

#[tokio::test]
async fn a_text_that_is_too_long_is_not_sent() {
    let server = Server::start(sound(&wav(24_000, 1))).await;
    let speech = open(provider(&server), false, &Arc::new(MemoryCache::default()));
    // One word without an end is one clause.
    let long = "a".repeat(5_000);
    let refused = speech.prepare(&long, Language::ZhCn).await;
    assert!(refused.is_err());
    assert!(server.requests().iter().all(|request| request.len() < 6_000));
}
