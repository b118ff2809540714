//! cargo run -p hotline-dialplan --example fixtures
//!
//! Writes what is found in each plan of `fixtures/invalid` into the text beside it.
#![expect(clippy::disallowed_methods, reason = "an example stands outside the pure core and may use files")]

use std::path::Path;

use hotline_dialplan::{Plans, Recordings, diagnostic};

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |name: &str, from: &str| Ok((name.to_owned(), std::fs::read_to_string(root.join(from))?));
    let world: Vec<(String, String)> = [
        ("dialplans/policies/ticket-result.yaml", "../../dialplans/policies/ticket-result.yaml"),
        ("dialplans/calendars/office.yaml", "../../dialplans/calendars/office.yaml"),
        ("dialplans/help.yaml", "fixtures/world/help.yaml"),
        ("dialplans/queues.yaml", "fixtures/world/queues.yaml"),
        ("dialplans/hold.yaml", "fixtures/world/hold.yaml"),
    ]
    .into_iter()
    .map(|(name, from)| file(name, from))
    .collect::<std::io::Result<_>>()?;
    for entry in std::fs::read_dir(root.join("fixtures/invalid"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|of| of != "yaml") {
            continue;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut files = world.clone();
        files.push((format!("dialplans/{name}"), std::fs::read_to_string(&path)?));
        let (_, found) = Plans::load(files, &Recordings::default());
        let text: Vec<String> = found.iter().map(|finding| diagnostic::full(finding, false)).collect();
        std::fs::write(path.with_extension("txt"), text.join("\n\n") + "\n")?;
    }
    Ok(())
}
