//! Messages into a file, one JSON object a line: for trying the hotline without a gateway, and for
//! a gateway that reads files.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hotline_model::Clock;
use hotline_record::Message;
use serde::Deserialize;

use crate::provider::{Asked, Inquiry, MessageProvider, SendError};

/// A file that messages are appended to. A line is written whole and flushed to the disk before
/// the message counts as sent; half a line that a crash left is closed by the next one.
pub struct FileOutbox {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    lock: Mutex<()>,
}

#[derive(Deserialize)]
struct Line {
    key: String,
}

impl FileOutbox {
    /// An outbox in a file, made by the first message.
    pub fn new(path: &Path, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), clock, lock: Mutex::default() })
    }

    fn holds(&self, key: &str) -> std::io::Result<bool> {
        let file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        for line in BufReader::new(file).split(b'\n') {
            if serde_json::from_slice::<Line>(&line?).is_ok_and(|line| line.key == key) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn append(&self, message: &Message) -> std::io::Result<()> {
        let line = serde_json::json!({
            "key": message.idempotency_key,
            "to": message.recipient.e164(),
            "text": message.text.expose(),
            "at": self.clock.now().to_string(),
        });
        let _one_at_a_time = self.lock.lock().expect("no holder of this lock panics");
        if self.holds(&message.idempotency_key)? {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).read(true).open(&self.path)?;
        let mut text = format!("{line}\n");
        if !ends_with_newline(&mut file)? {
            text.insert(0, '\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

fn ends_with_newline(file: &mut std::fs::File) -> std::io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

impl MessageProvider for FileOutbox {
    fn send<'a>(&'a self, message: &'a Message) -> Asked<'a, Result<Option<String>, SendError>> {
        Box::pin(async move {
            let done = tokio::task::block_in_place(|| self.append(message));
            done.map(|()| None).map_err(|error| SendError::NotTaken {
                problem: format!("{}: {error}", self.path.display()),
                again_in: std::time::Duration::from_secs(10),
            })
        })
    }

    fn inquire<'a>(&'a self, message: &'a Message) -> Asked<'a, Inquiry> {
        Box::pin(async move {
            match tokio::task::block_in_place(|| self.holds(&message.idempotency_key)) {
                Ok(true) => Inquiry::Taken(None),
                Ok(false) => Inquiry::NotTaken,
                Err(_) => Inquiry::Unknown,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::SystemClock;
    use hotline_record::MessageState;

    use super::*;

    fn message(key: &str) -> Message {
        Message {
            id: 7.into(),
            idempotency_key: key.into(),
            customer: 8.into(),
            ticket: None,
            recipient: "13800138000".parse().unwrap(),
            text: "请拨打10086".to_owned().into(),
            state: MessageState::Sending,
            due_at: "2026-11-20T02:00:00Z".parse().unwrap(),
            attempts: 1,
            provider_ref: None,
            attempt: None,
        }
    }

    #[test]
    fn a_message_stands_in_the_file_once_even_behind_half_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.jsonl");
        let outbox = FileOutbox::new(&path, Arc::new(SystemClock));
        assert!(!outbox.holds("a").unwrap());
        outbox.append(&message("a")).unwrap();
        // A crash in the middle of a line.
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"key\":\"b\",\"to\":\"+86").unwrap();
        assert!(!outbox.holds("b").unwrap());
        outbox.append(&message("b")).unwrap();
        outbox.append(&message("b")).unwrap();
        assert!(outbox.holds("a").unwrap() && outbox.holds("b").unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let whole = text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
        assert_eq!(whole.count(), 2, "{text}");
    }
}
