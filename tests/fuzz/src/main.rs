//! `hotline-fuzz TARGET FILE...` runs inputs through a target; into a folder it writes what the target begins with.
//! Without arguments it lists the targets. Built by `tools/fuzz` it is libFuzzer, and takes its
//! arguments; the target is in `HOTLINE_FUZZ_TARGET` then.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod guided {
    use std::sync::OnceLock;

    libfuzzer_sys::fuzz_target!(|data: &[u8]| {
        static RUN: OnceLock<fn(&[u8])> = OnceLock::new();
        let run = RUN.get_or_init(|| {
            let name = std::env::var("HOTLINE_FUZZ_TARGET").unwrap_or_default();
            let target = hotline_fuzz::TARGETS.iter().find(|target| target.name == name);
            target.unwrap_or_else(|| panic!("no target is called {name:?}")).run
        });
        run(data);
    });
}

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some(target) = hotline_fuzz::TARGETS.iter().find(|target| target.name == name) else {
        for target in &hotline_fuzz::TARGETS {
            println!("{}", target.name);
        }
        return std::process::ExitCode::from(u8::from(!name.is_empty()));
    };
    for path in arguments {
        match std::fs::read(&path) {
            Ok(input) => (target.run)(&input),
            Err(_) if std::path::Path::new(&path).is_dir() => {
                for (number, seed) in hotline_fuzz::seeds(target).iter().enumerate() {
                    let file = std::path::Path::new(&path).join(format!("seed-{number}"));
                    if let Err(error) = std::fs::write(&file, seed) {
                        eprintln!("{}: {error}", file.display());
                        return std::process::ExitCode::FAILURE;
                    }
                }
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                return std::process::ExitCode::FAILURE;
            }
        }
    }
    std::process::ExitCode::SUCCESS
}
