//! Speech is rendered once for all tests: a database that holds it and nothing else.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::server::{Server, Setup, binary};
use super::{root, seconds, tickets, wait_for};

/// Puts a database at `path` whose cache knows the speech of all results of [`tickets`].
pub fn database(path: &Path) {
    let folder = root().join("target/hotline-tests");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("warm.lock")).unwrap();
    // Tests run in processes of their own: the first renders, the others wait here.
    lock.lock().unwrap();
    let warm = folder.join(format!("warm-{}.db", fingerprint()));
    if !warm.exists() {
        for old in std::fs::read_dir(&folder).unwrap().flatten() {
            if old.file_name().to_string_lossy().ends_with(".db") {
                let _ = std::fs::remove_file(old.path());
            }
        }
        make(&warm);
    }
    std::fs::copy(&warm, path).unwrap();
}

/// Changes with the binary and the texts: what is rendered depends on them.
fn fingerprint() -> String {
    use std::hash::{Hash, Hasher};
    let facts = std::fs::metadata(binary()).unwrap();
    let mut hasher = std::hash::DefaultHasher::new();
    (facts.len(), facts.modified().unwrap(), tickets::REFUND, tickets::REPAIRED).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn make(warm: &Path) {
    let mut server = Server::start(Setup { warm: false, ..Setup::default() });
    let results = [("W-1", "zh-CN", tickets::REFUND), ("W-2", "en-US", tickets::REPAIRED)];
    for (reference, language, result) in results {
        server.put_ticket(&json!({
            "external-ref": reference, "phone": "13700000000", "language": language, "state": "closed", "result": result,
        }));
    }
    wait_for("the speech of the tests is rendered", seconds(420), || {
        let page = server.customer("13700000000")?;
        let ready = page["tickets"].as_array()?.iter().filter(|t| t["speech-ready"] == true).count();
        (ready == results.len()).then_some(())
    });
    server.stop();
    let database = server.folder().join("hotline.db");
    let strip = "PRAGMA foreign_keys = OFF; DELETE FROM job; DELETE FROM message; DELETE FROM event; DELETE FROM ticket; \
                 DELETE FROM identity_link; DELETE FROM identity; DELETE FROM access_log; DELETE FROM customer; \
                 PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;";
    let done = Command::new("sqlite3").arg(&database).arg(strip).output().expect("sqlite3 is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let part = warm.with_extension("part");
    std::fs::copy(&database, &part).unwrap();
    std::fs::rename(part, warm).unwrap();
}
