//! cargo run -p hotline-dialplan --example schema
//!
//! Writes the JSON Schemas that editors use into `crates/dialplan/schema/`.
#![expect(clippy::disallowed_methods, reason = "an example stands outside the pure core and may write files")]

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    std::fs::create_dir_all(&folder)?;
    for (name, schema) in hotline_dialplan::schema::schemas() {
        std::fs::write(folder.join(format!("{name}.json")), format!("{schema:#}\n"))?;
    }
    Ok(())
}
