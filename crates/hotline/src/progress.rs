//! Progress of what takes longer than two seconds: a line that is painted over on a terminal,
//! and a line every ten seconds elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How far something has come.
pub struct Progress {
    what: &'static str,
    total: usize,
    began: Instant,
    shown: Instant,
    terminal: bool,
}

impl Progress {
    /// Something of so many pieces begins.
    pub fn new(what: &'static str, total: usize) -> Self {
        let now = Instant::now();
        Self { what, total, began: now, shown: now, terminal: std::io::stderr().is_terminal() }
    }

    /// So many pieces are done.
    pub fn done(&mut self, pieces: usize) {
        let pause = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
        if self.began.elapsed() < Duration::from_secs(2) || self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        let line = format!("{} {pieces} of {}", self.what, self.total);
        if self.terminal {
            eprint!("\r{line}\x1b[K");
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.shown > self.began {
            eprint!("\r\x1b[K");
        }
    }
}
