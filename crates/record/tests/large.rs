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

    use crate::generate::{LONG, Size, fill};

    const SIZE: Size = Size { customers: 10_000, events: 100_000 };

    async fn everything_is_found(url: &str) {
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
        for (question, kind) in [
            ("王小明", "customer"),
            ("anne smith", "customer"),
            ("礼品卡", "ticket"),
            ("roaming refund", "ticket"),
            ("gift card", "ticket"),
            ("13800009999", "customer"),
        ] {
            let hits = record.search(question, 20).await.unwrap();
            assert!(!hits.is_empty() && hits.iter().all(|hit| hit.kind == kind), "{question}: {hits:?}");
            assert!(hits.windows(2).all(|pair| pair[0].at >= pair[1].at), "{question}: the newest first");
        }
        assert!(record.search("无此词语", 20).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn everything_is_found_in_a_large_record_on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        everything_is_found(&format!("sqlite:{}", folder.path().join("large.db").display())).await;
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
    async fn everything_is_found_in_a_large_record_on_postgresql() {
        let server = Server(tool(&["make"]));
        let url = std::fs::read_to_string(Path::new(&server.0).join("url")).unwrap();
        everything_is_found(&format!("{}/postgres", url.trim())).await;
    }
}
