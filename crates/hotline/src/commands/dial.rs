//! `hotline dial`: a telephone for people who have none at hand.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use hotline_audio::Law;
use hotline_phone::{Dial, KeyBy, Progress, Reply};

use super::{Problem, runtime};

/// `hotline dial`
#[derive(clap::Args)]
pub struct Arguments {
    /// Whom to call: sip:10086@127.0.0.1
    target: String,
    /// What to key: a comma waits until the other side has stopped speaking.
    #[arg(long, default_value = "", value_name = "KEYS")]
    keys: String,
    /// Keep what was heard in a WAV file.
    #[arg(long, value_name = "FILE")]
    wav: Option<PathBuf>,
    /// The number that calls.
    #[arg(long, default_value = "13800138000", value_name = "NUMBER")]
    from: String,
    /// How keys are sent.
    #[arg(long, value_enum, default_value_t = By::Rfc4733)]
    by: By,
    /// Offer A-law (PCMA) instead of µ-law (PCMU).
    #[arg(long)]
    a_law: bool,
    /// Seconds of silence that count as having stopped speaking.
    #[arg(long, default_value_t = 1.5, value_name = "SECONDS")]
    pause: f64,
    /// Seconds the call may last.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    at_most: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// Telephone-event packets.
    Rfc4733,
    /// Tones in the sound.
    InBand,
    /// SIP INFO requests.
    Info,
}

pub fn run(arguments: Arguments) -> Result<ExitCode, Problem> {
    let mut dial = Dial::new(&arguments.target);
    dial.from = arguments.from;
    if let Some(other) = arguments.keys.chars().find(|key| !"0123456789*#ABCD,".contains(*key)) {
        return Err(format!(
            "--keys: `{other}` is on no telephone; 0 to 9, *, # and A to D are, a comma waits"
        )
        .into());
    }
    dial.keys = arguments.keys.split(',').filter(|keys| !keys.is_empty()).map(str::to_owned).collect();
    dial.key_by = match arguments.by {
        By::Rfc4733 => KeyBy::Rfc4733,
        By::InBand => KeyBy::InBand,
        By::Info => KeyBy::Info,
    };
    if arguments.a_law {
        dial.law = Law::Pcma;
    }
    if !(0.2..=10.0).contains(&arguments.pause) {
        return Err("--pause: 0.2 to 10 seconds".into());
    }
    dial.pause = Duration::from_secs_f64(arguments.pause);
    dial.at_most = Duration::from_secs(arguments.at_most);
    let heard = runtime()?.block_on(hotline_phone::dial(&dial, |progress| match progress {
        Progress::Answered(after) => println!("answered after {} ms", after.as_millis()),
        Progress::Listened(_) => println!("the other side has stopped speaking"),
        Progress::Keyed(count) => println!("keyed {count} {}", if count == 1 { "key" } else { "keys" }),
        Progress::HungUp { by_them: true } => println!("the other side hung up"),
        Progress::HungUp { by_them: false } => println!("hung up"),
    }))?;
    if let Some(after) = heard.sound_after {
        println!("first sound after {} ms", after.as_millis());
    }
    for (number, reply) in (1..).zip(&heard.replies) {
        match reply {
            Reply::After(after) => {
                println!("reply {number} began {} ms after the last key", after.as_millis())
            }
            Reply::Early(before) => {
                println!("reply {number} began {} ms before the last key was over", before.as_millis());
            }
        }
    }
    println!(
        "{:.1} s heard, {} packets, {} lost",
        heard.samples.len() as f64 / 8000.0,
        heard.packets,
        heard.lost
    );
    if let Some(path) = &arguments.wav {
        let file = std::fs::File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        hotline_audio::write_wav(std::io::BufWriter::new(file), hotline_audio::RATE_HZ, &heard.samples)?;
        println!("{}: what was heard", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
