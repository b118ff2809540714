//! A hundredth of the large record that `tools/fill` makes and measures: everything is found in it, on both engines.

#[path = "../examples/fill/generate.rs"]
mod generate;

#[cfg(test)]
mod large {
    use std::path::Path;
    use std::process::Command;
    use std::sync::Arc;

    use hotline_model::SystemClock;
    use hotline_record::{DatabaseAddress, EntryKind, Record, Settings};

    use crate::generate::{LONG, LONG_PHONE, Size, fill};

    const SIZE: Size = Size { customers: 10_000, events: 100_000 };

    /// What is found for each question: ids, which filling makes the same on each engine.
    type Found = Vec<(&'static str, Vec<String>, bool)>;

    async fn everything_is_found(url: &str) -> Found {
        let address: DatabaseAddress = url.parse().unwrap();
        let record = Record::open(&Settings::new(address.clone()), Arc::new(SystemClock)).await.unwrap();
        let made = fill(url, address.engine(), SIZE, |_| {}).await.unwrap();
        assert!(made.events >= SIZE.events, "{}", made.events);
        while record.lacks_words().await.unwrap() {
            record.index_missing(2_000).await.unwrap();
        }
        // Page by page, the newest first, each entry once: its 10,000 calls and its ticket.
        let (mut seen, mut next, mut last) = (0, None, jiff::Timestamp::MAX);
        loop {
            let page = record.timeline(made.long, next.as_ref(), 200).await.unwrap().unwrap();
            for entry in &page.entries {
                assert!(entry.at <= last);
                last = entry.at;
            }
            seen += page.entries.len();
            next = page.next;
            if next.is_none() {
                assert_eq!(
                    page.entries.last().unwrap().kind,
                    EntryKind::Ticket,
                    "made before the first call"
                );
                break;
            }
        }
        assert_eq!(seen, LONG + 1);
        let card = record.card(made.long).await.unwrap().unwrap();
        assert_eq!((card.identities.len(), card.live.len()), (1, 0));
        let mut told = Found::new();
        for (question, kind) in [
            ("王小明", "customer"),
            ("anne smith", "customer"),
            ("礼品卡", "ticket"),
            ("roaming refund", "ticket"),
            ("gift card", "ticket"),
            ("13800009999", "customer"),
            (LONG_PHONE, "customer"),
            ("王", "customer"),
            ("9999", "customer"),
            ("s m", "customer"),
        ] {
            let found = record.search(question, 20).await.unwrap();
            let hits = &found.hits;
            assert!(!hits.is_empty() && hits.iter().all(|hit| hit.kind == kind), "{question}: {hits:?}");
            assert!(hits.windows(2).all(|pair| pair[0].at >= pair[1].at), "{question}: the newest first");
            told.push((question, hits.iter().map(|hit| hit.id.clone()).collect(), found.more));
        }
        // Words that many have, and nobody both; one that nobody has.
        for question in ["退费 王小明", "smith 重发", "anne 无此词语"] {
            let found = record.search(question, 20).await.unwrap();
            assert!(found.hits.is_empty() && !found.more, "{question}: {found:?}");
        }
        told
    }

    fn tool(arguments: &[&str]) -> String {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/postgres");
        let done = Command::new(tool).args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// A server of this test's own.
    struct Server(String);

    impl Drop for Server {
        fn drop(&mut self) {
            tool(&["remove", &self.0]);
        }
    }

    #[tokio::test]
    async fn everything_is_found_in_a_large_record_and_the_same_on_both_engines() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite =
            everything_is_found(&format!("sqlite:{}", folder.path().join("large.db").display())).await;
        let server = Server(tool(&["make"]));
        let url = std::fs::read_to_string(Path::new(&server.0).join("url")).unwrap();
        let postgres = everything_is_found(&format!("{}/postgres", url.trim())).await;
        assert_eq!(sqlite, postgres);
        let more: Vec<&str> =
            sqlite.iter().filter(|(_, _, more)| *more).map(|(question, ..)| *question).collect();
        assert_eq!(more, ["王小明", "anne smith", "礼品卡", "roaming refund", "gift card", "王", "s m"]);
    }
}
