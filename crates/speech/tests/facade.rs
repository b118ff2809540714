//! The door to speech with the real voice: `tools/fetch-speech` has filled `.cache/speech`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hotline_audio::{active_level, write_wav};
use hotline_model::{Language, Segment, Slot, Utterance, Value};
use hotline_speech::kokoro::Voices;
use hotline_speech::{
    AudioCache, CacheKey, MemoryCache, Pace, Speech, SpeechConfig, SpeechError, VoiceConfig, text_hash,
};

fn voice() -> VoiceConfig {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/speech");
    assert!(
        folder.join("kokoro.onnx").is_file(),
        "the voice is not there: run tools/fetch-speech (tools/test does it)"
    );
    VoiceConfig { folder }
}

fn config(prompts: &Path, voice: Option<VoiceConfig>) -> SpeechConfig {
    SpeechConfig { voice, ..SpeechConfig::recordings(prompts.to_owned()) }
}

fn words(prompt: &str, text: &str) -> Utterance {
    Utterance {
        prompt: prompt.into(),
        language: Language::ZhCn,
        barge_in: true,
        segments: vec![Segment::Words { part: None, text: text.into() }],
    }
}

fn value(slot: Slot, value: Value) -> Utterance {
    Utterance {
        prompt: "a-value".into(),
        language: Language::ZhCn,
        barge_in: true,
        segments: vec![Segment::Value { slot, value }],
    }
}

/// Writes a tone in place of a recording.
fn record(prompts: &Path, name: &str, length: Duration) -> PathBuf {
    let path = prompts.join("zh-CN").join(format!("{name}.wav"));
    std::fs::create_dir_all(path.parent().expect("it stands in a folder")).expect("folders can be made");
    let tone = hotline_audio::sine(300.0, -26.0, length);
    let file = std::fs::File::create(&path).expect("files can be made");
    write_wav(file, 8_000, &tone).expect("files can be written");
    path
}

#[tokio::test]
async fn a_recording_is_played_as_it_is_and_shared() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), "welcome", Duration::from_millis(800));
    let speech = Speech::open(config(folder.path(), None), Arc::new(MemoryCache::default())).unwrap();
    let welcome = words("welcome", "您好。");
    let clips = speech.ready(std::slice::from_ref(&welcome), Pace::Usual).unwrap();
    assert_eq!(clips[0].duration(), Duration::from_millis(800));
    let again = speech.ready(std::slice::from_ref(&welcome), Pace::Usual).unwrap();
    assert!(Arc::ptr_eq(clips[0].samples(), again[0].samples()));
    let slow = speech.ready(std::slice::from_ref(&welcome), Pace::Slow).unwrap();
    assert_eq!(slow[0].duration(), Duration::from_millis(1_000));
    assert_eq!(speech.duration(&welcome), Some(Duration::from_millis(800)));
    assert_eq!(speech.words(&welcome), "您好。");
    assert!(speech.filler(Language::ZhCn).is_none());
}

#[tokio::test]
async fn a_recording_of_other_words_is_not_played() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), "welcome", Duration::from_millis(800));
    record(folder.path(), "welcome.other", Duration::from_millis(500));
    let texts = format!(
        r#"{{"welcome": "{}", "welcome.other": "{}"}}"#,
        text_hash("您好。"),
        text_hash("欢迎来电。")
    );
    std::fs::write(folder.path().join("zh-CN/texts.json"), texts).unwrap();
    let speech = Speech::open(config(folder.path(), None), Arc::new(MemoryCache::default())).unwrap();
    assert_eq!(speech.duration(&words("welcome", " 您好。 ")), Some(Duration::from_millis(800)));
    assert_eq!(speech.duration(&words("welcome", "欢迎来电。")), Some(Duration::from_millis(500)));
    let changed = words("welcome", "您早。");
    assert_eq!(speech.duration(&changed), None);
    let refused = speech.clips(&[changed], Pace::Usual).await;
    assert!(matches!(refused, Err(SpeechError::NoVoice(_))), "{refused:?}");
    let facts = speech.recordings();
    assert_eq!((facts.len(), facts[0].name.as_str()), (2, "welcome"));
    assert_eq!(facts[0].text_hash, Some(text_hash("您好。")));
}

#[tokio::test]
async fn a_value_is_spliced_from_recorded_words() {
    let folder = tempfile::tempdir().unwrap();
    for key in ["d4-mid", "n0", "d0-mid", "d7-end", "yao-mid", "d9-mid", "d2-end"] {
        record(folder.path(), &format!("words/{key}"), Duration::from_millis(300));
    }
    let speech = Speech::open(config(folder.path(), None), Arc::new(MemoryCache::default())).unwrap();
    let code = value(Slot::Digits, Value::Digits("407192".into()));
    let length = speech.duration(&code).unwrap();
    // Six words, a pause between the groups, a rest at the end.
    assert!(length > Duration::from_millis(2_300) && length < Duration::from_millis(2_600), "{length:?}");
    assert_eq!(speech.words(&code), "四零七，幺九二");
    // A phrase that nobody recorded is said by its words; the one that is, as it is.
    record(folder.path(), "words/n27", Duration::from_millis(300));
    record(folder.path(), "words/yuan", Duration::from_millis(300));
    record(folder.path(), "words/q9", Duration::from_millis(300));
    record(folder.path(), "words/h8", Duration::from_millis(300));
    speech.reload().await.unwrap();
    let amount = value(Slot::Money { colloquial: false }, Value::text("9827"));
    let by_words = speech.duration(&amount).unwrap();
    record(folder.path(), "words/n27-yuan", Duration::from_millis(300));
    record(folder.path(), "words/qh98", Duration::from_millis(300));
    speech.reload().await.unwrap();
    let by_phrases = speech.duration(&amount).unwrap();
    assert!(by_words - by_phrases >= Duration::from_millis(600), "{by_words:?} {by_phrases:?}");
    // 5 has no recording, not even of another place.
    assert_eq!(speech.duration(&value(Slot::Digits, Value::Digits("407195".into()))), None);
}

/// Records the groups of 407192865 and tells who spoke them.
fn record_groups(prompts: &Path, voice: &str) {
    for key in ["g407", "g192", "g865"] {
        record(prompts, &format!("words/{key}"), Duration::from_millis(300));
    }
    std::fs::write(prompts.join("zh-CN/words/voice.txt"), format!("{voice}\n"))
        .expect("files can be written");
}

#[tokio::test]
async fn between_the_groups_of_a_code_the_line_is_not_silent() {
    let folder = tempfile::tempdir().unwrap();
    for key in ["g407", "g192", "n27-yuan", "qh98"] {
        record(folder.path(), &format!("words/{key}"), Duration::from_millis(300));
    }
    let speech = Speech::open(config(folder.path(), None), Arc::new(MemoryCache::default())).unwrap();
    let code = value(Slot::Digits, Value::Digits("407192".into()));
    let amount = value(Slot::Money { colloquial: false }, Value::text("9827"));
    for (said, level) in [(code, hotline_audio::LINE_NOISE_DBOV), (amount, -96.0)] {
        let clips = speech.clips(&[said], Pace::Usual).await.unwrap();
        // Behind the first recording and its fade; no line is quieter than what 16 bits can tell.
        let rest = hotline_audio::rms_dbov(&clips[0].samples()[2_500..3_500]).max(-96.0);
        assert!((rest - level).abs() < 1.5, "{rest}");
    }
}

#[tokio::test]
async fn a_code_in_a_text_is_spliced_if_the_voice_of_the_text_recorded_it() {
    let folder = tempfile::tempdir().unwrap();
    record_groups(folder.path(), "zf_xiaoxiao");
    let speech = Speech::open(config(folder.path(), None), Arc::new(MemoryCache::default())).unwrap();
    let chinese =
        |text: &str| value(Slot::Text, Value::Text { text: text.into(), language: Some(Language::ZhCn) });
    let text = chinese("407192865。");
    let spliced = speech.duration(&text).unwrap();
    // Three groups, two pauses, a rest at the end.
    assert!(spliced > Duration::from_millis(1_700) && spliced < Duration::from_millis(2_000), "{spliced:?}");
    assert_eq!(speech.words(&text), "四零七、幺九二、八六五。");
    // A group that nobody recorded: the voice speaks all of it, and there is none here.
    let other = chinese("407192866。");
    let refused = speech.clips(&[other], Pace::Usual).await;
    assert!(matches!(refused, Err(SpeechError::NoVoice(_))), "{refused:?}");

    // Others have recorded the words: a person, or a voice that does not speak the text.
    record_groups(folder.path(), "zm_yunxi");
    speech.reload().await.unwrap();
    assert_eq!(speech.duration(&text), None);
    std::fs::remove_file(folder.path().join("zh-CN/words/voice.txt")).unwrap();
    speech.reload().await.unwrap();
    assert_eq!(speech.duration(&text), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_around_a_code_is_rendered_and_forgotten_whatever_is_recorded_then() {
    let folder = tempfile::tempdir().unwrap();
    record_groups(folder.path(), "zf_xiaoxiao");
    let cache = Arc::new(MemoryCache::default());
    let speech = Speech::open(config(folder.path(), Some(voice())), cache.clone()).unwrap();
    let text = "您的工单号是407192865。";
    let length = speech.prepare(text, Language::ZhCn).await.unwrap();
    assert!(length > Duration::from_millis(2_700) && length < Duration::from_secs(5), "{length:?}");
    // No digit of it went through the voice.
    assert_eq!((speech.counts().rendered, cache.len()), (1, 1));
    let said = value(Slot::Text, Value::text(text));
    let clips = speech.clips(std::slice::from_ref(&said), Pace::Usual).await.unwrap();
    let level = active_level(clips[0].samples(), 8_000).unwrap().active_dbov;
    assert!((level + 26.0).abs() < 3.0, "{level}");
    std::fs::remove_file(folder.path().join("zh-CN/words/voice.txt")).unwrap();
    speech.reload().await.unwrap();
    speech.prepare(text, Language::ZhCn).await.unwrap();
    assert_eq!((speech.counts().rendered, cache.len()), (2, 2));
    assert_eq!(speech.forget(text, Language::ZhCn).await, Ok(2));
    assert!(cache.is_empty());
}

#[tokio::test]
async fn recordings_are_loaded_anew_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let speech = Speech::open(config(folder.path(), None), Arc::new(MemoryCache::default())).unwrap();
    let welcome = words("welcome", "您好。");
    assert_eq!(speech.duration(&welcome), None);
    let path = record(folder.path(), "welcome", Duration::from_millis(400));
    assert_eq!(speech.reload().await.unwrap(), 1);
    assert_eq!(speech.duration(&welcome), Some(Duration::from_millis(400)));
    std::fs::write(path, b"no wave").unwrap();
    assert!(matches!(speech.reload().await, Err(SpeechError::Recording { .. })));
    assert_eq!(speech.duration(&welcome), Some(Duration::from_millis(400)));
}

#[test]
fn a_voice_that_is_not_there_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = VoiceConfig { folder: folder.path().join("voice") };
    let opened = Speech::open(config(folder.path(), Some(nowhere)), Arc::new(MemoryCache::default()));
    assert!(matches!(opened.err(), Some(SpeechError::Missing(_))));
}

/// The voice's folder with one file of another content; `None`: without it.
fn voice_but(folder: &Path, name: &str, content: Option<&[u8]>) -> VoiceConfig {
    let whole = voice().folder;
    std::fs::create_dir_all(folder.join("voices")).expect("folders can be made");
    for below in ["", "voices"] {
        for entry in std::fs::read_dir(whole.join(below)).expect("the voice is there").flatten() {
            let own = folder.join(below).join(entry.file_name());
            // What is made from the packaged model would speak in its place.
            let spare = name == "kokoro.onnx" && entry.file_name() == "kokoro-float.onnx";
            if entry.path().is_file() && !spare && own != folder.join(name) {
                std::os::unix::fs::symlink(entry.path().canonicalize().expect("it is there"), own)
                    .expect("links can be made");
            }
        }
    }
    if let Some(content) = content {
        std::fs::write(folder.join(name), content).expect("files can be written");
    }
    VoiceConfig { folder: folder.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_model_is_told_and_recordings_are_played_all_the_same() {
    for (name, language, text) in
        [("kokoro.onnx", Language::ZhCn, "您好。"), ("voices/heart.onnx", Language::EnUs, "Hello.")]
    {
        let (prompts, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        record(prompts.path(), "welcome", Duration::from_millis(800));
        // As long a file as the right one with one bit changed, or bytes that are no model at all.
        let mut changed = std::fs::read(voice().folder.join(name)).unwrap();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        for content in [changed.as_slice(), b"no model"] {
            let wrong = voice_but(folder.path(), name, Some(content));
            let speech =
                Speech::open(config(prompts.path(), Some(wrong)), Arc::new(MemoryCache::default())).unwrap();
            let refused = speech.prepare(text, language).await;
            assert!(
                matches!(&refused, Err(SpeechError::Damaged(path)) if path.ends_with(name)),
                "{refused:?}"
            );
            assert_eq!(speech.counts().failed, 1);
            assert!(speech.ready(&[words("welcome", "您好。")], Pace::Usual).is_some());
            std::fs::remove_dir_all(folder.path()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_packaged_model_speaks_where_the_one_made_from_it_is_damaged() {
    let (prompts, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let wrong = voice_but(folder.path(), "kokoro-float.onnx", Some(b"no model"));
    let speech = Speech::open(config(prompts.path(), Some(wrong)), Arc::new(MemoryCache::default())).unwrap();
    assert!(speech.prepare("您好。", Language::ZhCn).await.unwrap() > Duration::from_millis(200));
    assert_eq!(speech.counts().failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_is_inside_the_norm_of_level() {
    let prompts = tempfile::tempdir().unwrap();
    let speech =
        Speech::open(config(prompts.path(), Some(voice())), Arc::new(MemoryCache::default())).unwrap();
    for text in [
        "您的工单号是幺七七、九九零、二二三。",
        "为您退费八元。",
        "您好，维修师傅将在十一月二十日下午三点上门，请您保持电话畅通！",
        "是。",
        "WiFi套餐已经取消。",
        "Your ticket number is seven seven one, zero zero nine, two two three.",
        "We have refunded sixty-nine thousand seven hundred nine dollars.",
        "Yes.",
        "Please call again if the problem returns; our supervisor is sorry!",
    ] {
        let said = value(Slot::Text, Value::text(text));
        let clips = speech.clips(&[said], Pace::Usual).await.unwrap();
        let level = active_level(clips[0].samples(), 8_000).unwrap();
        let peak = clips[0].samples().iter().map(|s| f64::from(s.unsigned_abs())).fold(0.0, f64::max);
        let peak_dbfs = 20.0 * (peak / 32_768.0).log10();
        assert!((level.active_dbov + 26.0).abs() < 3.0, "{text}: {}", level.active_dbov);
        assert!(peak_dbfs < -3.0, "{text}: {peak_dbfs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn english_is_spoken_by_its_own_model_and_without_it_by_the_other() {
    let (prompts, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = "Your broadband was repaired on March third.";
    let mut lengths = Vec::new();
    for voice in [voice(), voice_but(folder.path(), "voices/heart.onnx", None)] {
        let cache = Arc::new(MemoryCache::default());
        let speech = Speech::open(config(prompts.path(), Some(voice)), cache.clone()).unwrap();
        lengths.push(speech.prepare(text, Language::EnUs).await.unwrap());
        let said = value(Slot::Text, Value::text(text));
        let clips = speech.clips(&[said], Pace::Usual).await.unwrap();
        let level = active_level(clips[0].samples(), 8_000).unwrap().active_dbov;
        assert!((level + 26.0).abs() < 3.0, "{level}");
    }
    // The one has learned from the other: they speak alike, and never the same.
    let ratio = lengths[0].as_secs_f64() / lengths[1].as_secs_f64();
    assert!((0.8..1.25).contains(&ratio) && lengths[0] != lengths[1], "{lengths:?}");
}

#[tokio::test]
async fn a_recording_that_cannot_be_read_is_spoken_instead() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(record(folder.path(), "welcome", Duration::from_millis(800)), b"no wave").unwrap();
    record(folder.path(), "goodbye", Duration::from_millis(500));
    let speech = Speech::open(config(folder.path(), None), Arc::new(MemoryCache::default())).unwrap();
    assert_eq!(speech.duration(&words("goodbye", "再见。")), Some(Duration::from_millis(500)));
    let refused = speech.clips(&[words("welcome", "您好。")], Pace::Usual).await;
    assert!(matches!(refused, Err(SpeechError::NoVoice(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_rendered_once_and_then_ready() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(MemoryCache::default());
    let open = || Speech::open(config(folder.path(), Some(voice())), cache.clone()).unwrap();
    let speech = open();
    let text = "退费98.5元。请您关注。";
    let said = value(Slot::Text, Value::text(text));
    assert!(speech.ready(std::slice::from_ref(&said), Pace::Usual).is_none());

    // Two who ask for the same share the work.
    let (one, two) = tokio::join!(speech.prepare(text, Language::ZhCn), speech.prepare_utterance(&said));
    let length = one.unwrap();
    assert_eq!(two.unwrap(), length);
    let clips = speech.clips(std::slice::from_ref(&said), Pace::Usual).await.unwrap();
    assert_eq!(length, clips[0].duration());
    assert!(length > Duration::from_millis(1_500) && length < Duration::from_secs(8), "{length:?}");
    assert_eq!((speech.counts().rendered, cache.len()), (2, 2));
    let level = active_level(clips[0].samples(), 8_000).unwrap().active_dbov;
    assert!((level + 26.0).abs() < 3.0, "{level}");

    let ready = speech.ready(std::slice::from_ref(&said), Pace::Usual).unwrap();
    assert_eq!(ready[0].duration(), length);
    let slow = speech.ready(std::slice::from_ref(&said), Pace::Slow).unwrap();
    assert!(slow[0].duration() > length.mul_f64(1.15), "{:?}", slow[0].duration());

    // Another machine finds it in the cache.
    let other = open();
    let found = other.clips(std::slice::from_ref(&said), Pace::Usual).await.unwrap();
    assert_eq!(found[0].duration(), length);
    assert_eq!((other.counts().rendered, other.counts().cache_hits), (0, 2));
    assert!(matches!(other.prepare("😀 …", Language::ZhCn).await, Err(SpeechError::Nothing)));
    assert_eq!(other.counts().cache_audio, speech.counts().rendered_audio);
    assert!(
        other.counts().cache_audio > length / 2 && speech.counts().memory_audio >= other.counts().cache_audio
    );

    // Nothing of it is kept for an erased customer.
    assert_eq!(speech.forget(text, Language::ZhCn).await, Ok(2));
    assert!(cache.is_empty() && speech.ready(std::slice::from_ref(&said), Pace::Usual).is_none());
}

#[tokio::test]
async fn what_another_machine_rendered_is_found_by_its_voice_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(MemoryCache::default());
    let voices = |name: &str| Voices { zh_cn: name.into(), ..Voices::default() };
    let open = |name: &str| {
        let config =
            SpeechConfig { voices: voices(name), ..SpeechConfig::recordings(folder.path().to_owned()) };
        Speech::open(config, cache.clone()).unwrap()
    };
    let asked = words("hello", "您好，请稍候。");
    let seen = Arc::new(Seen::default());
    let config =
        SpeechConfig { voices: voices("zm_a"), ..SpeechConfig::recordings(folder.path().to_owned()) };
    let asking = Speech::open(config, seen.clone()).unwrap();
    assert!(asking.clips(std::slice::from_ref(&asked), Pace::Usual).await.is_err());
    let key = seen.keys.lock().unwrap()[0].clone();
    let audio = hotline_speech::CachedAudio { samples: vec![1000; 8_000], rate_hz: 8_000 };
    cache.store(CacheKey { key: &key, text_key: "t", voice: "zm_a" }, audio).await.unwrap();
    let found = open("zm_a").clips(std::slice::from_ref(&asked), Pace::Usual).await.unwrap();
    assert!(found[0].duration() >= Duration::from_secs(1));
    let refused = open("zf_b").clips(&[asked], Pace::Usual).await;
    assert!(matches!(refused, Err(SpeechError::NoVoice(_))), "{refused:?}");
}

#[tokio::test]
async fn other_readings_are_other_speech_and_are_loaded_anew() {
    let folder = tempfile::tempdir().unwrap();
    let lexicon = folder.path().join("lexicon.tsv");
    std::fs::write(&lexicon, "畅享\tchang4 xiang3\n").unwrap();
    let seen = Arc::new(Seen::default());
    let config =
        SpeechConfig { lexicon: Some(lexicon.clone()), ..SpeechConfig::recordings(folder.path().to_owned()) };
    let speech = Speech::open(config, seen.clone()).unwrap();
    let ask = async |text: &str| {
        assert!(speech.clips(&[words("a", text)], Pace::Usual).await.is_err());
        seen.keys.lock().unwrap().pop().unwrap()
    };
    let (named, plain) = (ask("您的畅享套餐。").await, ask("您的套餐。").await);
    std::fs::write(&lexicon, "畅享\tchang4 xiang3\n畅享 chang4\n").unwrap();
    let told = speech.reload().await.unwrap_err().to_string();
    assert!(told.contains("lexicon.tsv:2: "), "{told}");
    assert_eq!(ask("您的畅享套餐。").await, named);
    std::fs::write(&lexicon, "畅享\tchang4 xiang1\n").unwrap();
    speech.reload().await.unwrap();
    assert_ne!(ask("您的畅享套餐。").await, named);
    assert_eq!(ask("您的套餐。").await, plain);
}

/// A cache that holds nothing and remembers what it was asked for.
#[derive(Default)]
struct Seen {
    keys: std::sync::Mutex<Vec<String>>,
}

impl AudioCache for Seen {
    fn find<'a>(
        &'a self,
        key: &'a str,
    ) -> hotline_speech::BoxFuture<'a, Option<hotline_speech::CachedAudio>> {
        self.keys.lock().expect("no holder of this lock panics").push(key.to_owned());
        Box::pin(async { None })
    }

    fn store<'a>(
        &'a self,
        _: CacheKey<'a>,
        _: hotline_speech::CachedAudio,
    ) -> hotline_speech::BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn forget<'a>(&'a self, _: &'a [String]) -> hotline_speech::BoxFuture<'a, Result<u64, String>> {
        Box::pin(async { Ok(0) })
    }
}

/// A cache whose disk is full.
struct Broken;

impl AudioCache for Broken {
    fn find<'a>(&'a self, _: &'a str) -> hotline_speech::BoxFuture<'a, Option<hotline_speech::CachedAudio>> {
        Box::pin(async { None })
    }

    fn store<'a>(
        &'a self,
        _: CacheKey<'a>,
        _: hotline_speech::CachedAudio,
    ) -> hotline_speech::BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Err("the disk is full".into()) })
    }

    fn forget<'a>(&'a self, _: &'a [String]) -> hotline_speech::BoxFuture<'a, Result<u64, String>> {
        Box::pin(async { Err("the disk is full".into()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_served_when_the_cache_fails_and_before_what_is_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let speech = Speech::open(config(folder.path(), Some(voice())), Arc::new(Broken)).unwrap();
    let background = speech.clone();
    let long = "第一句话。第二句话。第三句话。第四句话。";
    let prepared = tokio::spawn(async move { background.prepare(long, Language::ZhCn).await });
    while speech.counts().queued < 4 {
        tokio::task::yield_now().await;
    }
    speech.clips(&[words("greeting", "你好。")], Pace::Usual).await.unwrap();
    assert!(speech.counts().queued >= 2, "a caller waits for one rendering at most");
    prepared.await.unwrap().unwrap();
}
