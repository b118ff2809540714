//! cargo run -p hotline-dialplan --example check -- dialplans
//!
//! Checks every file of a folder of plans and shows what is found.
#![expect(clippy::disallowed_methods, reason = "an example stands outside the pure core and may read files")]

use std::path::Path;

use hotline_dialplan::{Plans, Recordings, diagnostic};

fn read(folder: &Path, files: &mut Vec<(String, String)>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            read(&path, files)?;
        } else if path.extension().is_some_and(|of| of == "yaml") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "dialplans".into());
    let mut files = Vec::new();
    read(Path::new(&folder), &mut files)?;
    let (plans, found) = Plans::load(files, &Recordings::default());
    for finding in &found {
        println!("{}\n", diagnostic::full(finding, false));
    }
    match plans {
        Some(plans) => println!("{} plans, version {}", plans.plans().count(), plans.version()),
        None => println!("nothing is published: mend the errors first"),
    }
    Ok(())
}
