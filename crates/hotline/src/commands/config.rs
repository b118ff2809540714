//! `hotline config`: make, check or show a configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use hotline_dialplan::Plans;
use hotline_speech::kokoro::HEART;

use super::{Problem, plan_files};
use crate::config::{Config, RecogniserSection, SpeechProvider, TEMPLATE};
use crate::publisher;

/// `hotline config`
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print a configuration to begin with: every field with what it means and its default.
    Generate,
    /// Say what is wrong with a configuration.
    Check {
        /// The file; `--config`'s if absent.
        file: Option<PathBuf>,
    },
    /// Print the configuration that is in force, secrets hidden.
    Dump,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    match arguments.what {
        What::Generate => print!("{TEMPLATE}"),
        What::Check { file } => {
            let Some(file) = file.as_deref().or(config) else {
                return Err("name a file: `hotline config check hotline.toml`".into());
            };
            let problems = unknown_names(&Config::load(Some(file))?)?;
            if !problems.is_empty() {
                return Err(format!("{}: {}", file.display(), problems.join("\n")).into());
            }
            println!("{}: good", file.display());
        }
        What::Dump => print!("{}", Config::load(config)?.to_toml()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Names in the configuration that nothing answers to, where what they name is at hand.
fn unknown_names(config: &Config) -> Result<Vec<String>, Problem> {
    let mut problems = Vec::new();
    if config.plans.folder.is_dir() {
        let files = plan_files::read(&config.plans.folder)?;
        let (plans, _) = Plans::load(files, &plan_files::recordings(&config.plans.prompts));
        if plans.is_some_and(|plans| plans.find_calendar(&config.messages.calendar).is_none()) {
            problems.push(format!(
                "messages.calendar: no calendar in {} is called `{}`",
                config.plans.folder.display(),
                config.messages.calendar
            ));
        }
        let (plans, _) = Plans::load(plan_files::read(&config.plans.folder)?, &Default::default());
        if let Some(plans) = plans {
            problems.extend(publisher::links_missing(config, &plans));
            problems.extend(publisher::trunks_missing(config, &plans));
        }
    } else {
        problems.push(format!("plans.folder: {} is no folder", config.plans.folder.display()));
    }
    if let Err(error) = hotline_speech::Lexicon::load(config.speech.lexicon.as_deref()) {
        problems.push(format!("speech.lexicon: {error}"));
    }
    if let Some(Err(problem)) = config.speech.templates.as_deref().map(publisher::templates) {
        problems.push(format!("speech.templates: {problem}"));
    }
    if let Some(Err(problem)) = config.speech.provider.as_ref().map(SpeechProvider::settings) {
        problems.push(format!("speech.provider: {problem}"));
    }
    if let Some(Err(problem)) = config.recogniser.as_ref().map(RecogniserSection::settings) {
        problems.push(format!("recogniser: {problem}"));
    }
    let voices = config.speech.folder.join("voices");
    if voices.is_dir() {
        for (field, name) in
            [("voice-zh-cn", &config.speech.voice_zh_cn), ("voice-en-us", &config.speech.voice_en_us)]
        {
            let own = field == "voice-en-us" && name == HEART;
            if !own && !voices.join(format!("{name}.bin")).is_file() {
                problems.push(format!("speech.{field}: no voice in {} is called `{name}`", voices.display()));
            }
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_cannot_work_is_told_and_its_token_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        let of = |more: &str| {
            let section =
                "[speech.provider]\nurl = \"https://speech.example/v1/audio/speech\"\nmodel = \"m\"\n";
            Config::parse(&format!("{section}{more}"))
        };
        let with_file = format!("voice-zh-cn = \"a\"\ntoken-file = {token:?}\n");
        let told = |more: &str| unknown_names(&of(more).unwrap()).unwrap().join("\n");
        assert!(told("").contains("speech.provider: voice-zh-cn, voice-en-us"), "{}", told(""));
        assert!(told("voice-zh-cn = \"a\"\nspeed = 9.0\n").contains("speech.provider: speed: 9"));
        assert!(told(&with_file).contains("speech.provider: token-file: "));
        assert!(told("voice-zh-cn = \"a\"\ntoken-env = \"NO_SUCH_VARIABLE\"\n").contains("NO_SUCH_VARIABLE"));
        std::fs::write(&token, "sesam offen\n").unwrap();
        assert!(told(&with_file).contains("it is empty, or holds") && !told(&with_file).contains("sesam"));
        std::fs::write(&token, "sesam\nsecond line\n").unwrap();
        assert!(!told(&with_file).contains("speech.provider"), "{}", told(&with_file));
        let settings = of(&with_file).unwrap().speech.provider.unwrap().settings().unwrap();
        assert_eq!(settings.token.as_ref().unwrap().expose(), "sesam");
        assert!(!format!("{settings:?}").contains("sesam"));
        assert!(of("tokens = 1\n").is_err() && of("format = \"mp3\"\n").is_err());
    }

    #[test]
    fn a_recogniser_that_cannot_work_is_told_and_its_token_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (token, phrases) = (folder.path().join("token"), folder.path().join("phrases.tsv"));
        std::fs::write(&token, "sesam\n").unwrap();
        let of = |more: &str| {
            let section =
                "[recogniser]\nurl = \"https://speech.example/v1/audio/transcriptions\"\nmodel = \"m\"\n";
            Config::parse(&format!("{section}{more}")).unwrap()
        };
        let told = |more: &str| unknown_names(&of(more)).unwrap().join("\n");
        assert!(!told("").contains("recogniser"), "{}", told(""));
        let with_file = format!("token-file = {token:?}\nphrases = {phrases:?}\n");
        assert!(told(&with_file).contains("recogniser: phrases: "), "{}", told(&with_file));
        std::fs::write(&phrases, "wrong-number\t此号已停机\nabsent\t不在\n").unwrap();
        assert!(told(&with_file).contains("phrases.tsv: line 2: `absent`"), "{}", told(&with_file));
        std::fs::write(&phrases, "wrong-number\t此号已停机\n").unwrap();
        let settings = of(&with_file).recogniser.unwrap().settings().unwrap();
        assert!(!format!("{settings:?}").contains("sesam"));
        assert_eq!(settings.announcements.meaning("此号已停机").unwrap().word(), "wrong-number");
        assert!(told("token-env = \"NO_SUCH_VARIABLE\"\n").contains("NO_SUCH_VARIABLE"));
    }

    #[test]
    fn a_wrong_line_of_the_lexicon_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let lexicon = folder.path().join("lexicon.tsv");
        std::fs::write(&lexicon, "畅享\tchang4 xiang3\n银行\tyin2\n").unwrap();
        let mut config = Config::default();
        config.speech.lexicon = Some(lexicon.clone());
        let told = |config: &Config| unknown_names(config).unwrap().join("\n");
        assert!(
            told(&config).contains("lexicon.tsv:2: 2 characters need as many syllables"),
            "{}",
            told(&config)
        );
        std::fs::write(&lexicon, "畅享\tchang4 xiang3\n").unwrap();
        assert!(!told(&config).contains("lexicon"), "{}", told(&config));
        let templates = folder.path().join("templates.txt");
        config.speech.templates = Some(templates.clone());
        assert!(told(&config).contains("speech.templates: "), "{}", told(&config));
        std::fs::write(&templates, "\u{feff}# ours\n\n 您好。 \r\nHello.\n").unwrap();
        assert!(!told(&config).contains("templates"), "{}", told(&config));
        assert_eq!(publisher::templates(&templates).unwrap(), ["您好。", "Hello."]);
    }
}
