//! Passwords: Argon2id (RFC 9106) with the parameters of OWASP's cheat sheet (19 MiB, 2 passes),
//! so that a stolen table is worth little.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use hotline_model::Pii;
use tokio::sync::Semaphore;

use crate::RecordError;

/// Characters of a password.
const SHORTEST: usize = 10;
const LONGEST: usize = 128;

/// Each takes 19 MiB and a core for some 30 ms: guessing must not take the machine from the calls.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Whether a password may be taken.
///
/// # Errors
/// [`RecordError::Invalid`] with the rule that it breaks.
pub(crate) fn check(password: &Pii<String>) -> Result<(), RecordError> {
    let length = password.expose().chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Err(RecordError::Invalid(format!(
            "password: {SHORTEST} to {LONGEST} characters are expected"
        )));
    }
    if password.expose().chars().any(char::is_control) {
        return Err(RecordError::Invalid("password: control characters are not taken".into()));
    }
    Ok(())
}

/// A password's hash as a PHC string.
pub(crate) async fn hash(password: Pii<String>) -> Result<String, RecordError> {
    work(move || {
        let made: Result<PasswordHash, _> = Argon2::default().hash_password(password.expose().as_bytes());
        made.map(|hash| hash.to_string()).map_err(|error| RecordError::Unavailable(error.to_string()))
    })
    .await?
}

/// Whether the password is the one of `hash`. Without a hash it takes as long and is never right.
pub(crate) async fn is_right(password: Pii<String>, hash: Option<String>) -> Result<bool, RecordError> {
    work(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| nobodys().to_owned());
        // Longer ones are nobody's, and are not worked on.
        let text: String = password.expose().chars().take(LONGEST + 1).collect();
        let verified = Argon2::default().verify_password(text.as_bytes(), hash.as_str());
        known && verified.is_ok()
    })
    .await
}

/// A hash that no password has.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let password: [u8; 32] = rand::random();
        let made: Result<PasswordHash, _> = Argon2::default().hash_password(&password);
        made.map(|hash| hash.to_string()).unwrap_or_default()
    })
}

async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RecordError> {
    let stopped = || RecordError::Unavailable("the process is ending".into());
    let _place = AT_ONCE.acquire().await.map_err(|_| stopped())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| stopped())
}

/// Made beforehand, so that the first unknown login takes no longer than a wrong password.
pub(crate) async fn warm_up() {
    let _ = work(|| nobodys().len()).await;
}
