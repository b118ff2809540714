//! The schemas that editors use are those of the code.
#![expect(clippy::disallowed_methods, reason = "tests read the files they check")]

use std::path::Path;

#[test]
fn the_published_schemas_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (name, schema) in hotline_dialplan::schema::schemas() {
        let published = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap_or_default();
        assert_eq!(
            published,
            format!("{schema:#}\n"),
            "schema/{name}.json has drifted: cargo run -p hotline-dialplan --example schema"
        );
    }
}
