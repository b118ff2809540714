//! `hotline test`: runs the call scripts that stand beside the plans.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hotline_dialplan::calls::unvisited;
use hotline_dialplan::simulation::{BySyllables, PromptLength};
use hotline_dialplan::{CallScripts, Pace, Plans};
use hotline_model::Utterance;
use hotline_speech::{MemoryCache, Speech, SpeechConfig};

use super::{Problem, check, plan_files, runtime};
use crate::config::Config;

/// `hotline test`
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder of plans and their call scripts (`*.calls.yaml`); the configuration's if absent.
    folder: Option<PathBuf>,
    /// The folder of recorded prompts.
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// Print what was said and keyed in every call, not only in those that failed.
    #[arg(long)]
    transcripts: bool,
}

/// A prompt lasts as long as its recording, else 0.22 s a syllable.
pub struct Recorded(pub Speech);

impl PromptLength for Recorded {
    fn length(&self, utterance: &Utterance, pace: Pace) -> Duration {
        match self.0.duration(utterance) {
            Some(length) if pace == Pace::Slow => length * 5 / 4,
            Some(length) => length,
            None => BySyllables.length(utterance, pace),
        }
    }
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let settings = Config::load(config)?.plans;
    let prompts = arguments.prompts.unwrap_or(settings.prompts);
    let files = plan_files::read(&arguments.folder.unwrap_or(settings.folder))?;
    let scripts: Vec<(String, String)> =
        files.iter().filter(|(path, _)| path.contains(".calls.")).cloned().collect();
    let (plans, found) = Plans::load(files, &plan_files::recordings(&prompts));
    let Some(plans) = plans.map(Arc::new) else {
        check::print(&found);
        return Err("the plans have errors (above): their calls are not run".into());
    };
    let runtime = runtime()?;
    let _inside = runtime.enter();
    let config = SpeechConfig::recordings(prompts);
    let lengths = Recorded(Speech::open(config, Arc::new(MemoryCache::default()))?);
    let (mut passed, mut failed, mut reports) = (0, 0, Vec::new());
    for (path, text) in scripts {
        let (scripts, found) = CallScripts::load(&path, &text, &plans);
        check::print(&found);
        let Some(scripts) = scripts else {
            failed += 1;
            continue;
        };
        println!("{path}");
        for report in scripts.run(&plans, &lengths) {
            let good = report.passed();
            if good {
                passed += 1
            } else {
                failed += 1
            }
            if good && !arguments.transcripts {
                println!("  ok    {} ({:.0} s)", report.name, report.lasted.as_secs_f64());
            } else {
                println!("{}", report.text(std::io::stdout().is_terminal()));
            }
            reports.push(report);
        }
    }
    for plan in unvisited(&plans, &reports) {
        if !plan.unvisited.is_empty() {
            println!("{}: no call visits {}", plan.plan, plan.unvisited.join(", "));
        }
    }
    println!("{passed} calls passed, {failed} failed");
    Ok(if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
