//! `hotline prompts`: how loud the recorded prompts are.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hotline_speech::{LEVEL_DBOV, Measured, PEAK_DBFS, measure};

use super::Problem;
use crate::config::Config;

/// `hotline prompts`
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder of recorded prompts; the configuration's if absent.
    folder: Option<PathBuf>,
    /// List every recording, not only those that are outside.
    #[arg(long)]
    all: bool,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let folder = match arguments.folder {
        Some(folder) => folder,
        None => Config::load(config)?.plans.prompts,
    };
    let measured = measure(&folder)?;
    if measured.is_empty() {
        return Err(
            format!("{}: there are no recordings (zh-CN/*.wav, en-US/*.wav) here", folder.display()).into()
        );
    }
    let listed: Vec<&Measured> =
        measured.iter().filter(|of| arguments.all || !of.faults.is_empty()).collect();
    if !listed.is_empty() {
        println!("{:40} {:>8} {:>12} {:>10}", "recording", "Hz", "active dBov", "peak dBFS");
    }
    for of in &listed {
        let level = of.active_dbov.map_or_else(|| "-".to_owned(), |level| format!("{level:.1}"));
        let line = format!(
            "{:40} {:8} {level:>12} {:10.1}  {}",
            of.file,
            of.rate_hz,
            of.peak_dbfs,
            of.faults.join(", ")
        );
        println!("{}", line.trim_end());
    }
    let outside = measured.iter().filter(|of| !of.faults.is_empty()).count();
    println!(
        "{} recordings, {outside} outside of {LEVEL_DBOV} dBov ± 3 (ITU-T P.56), peaks under {PEAK_DBFS} dBFS, mono, 16 bits, 8 to 48 kHz",
        measured.len()
    );
    Ok(if outside == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
