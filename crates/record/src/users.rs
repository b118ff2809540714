//! People who work here: their accounts, how they sign in, and their sessions.

use hotline_model::{Language, Pii, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::sql::Columns;
use crate::{Record, RecordError, password};

/// What somebody may do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Serves customers.
    Agent,
    /// Serves customers and sees how all are served, numbers and who looked at whom included.
    Supervisor,
    /// Writes plans.
    Designer,
    /// Keeps the machine: accounts, webhooks.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Supervisor, Self::Designer, Self::Operator];

    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Designer => "designer",
            Self::Operator => "operator",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| "agent, supervisor, designer and operator are known".into())
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What is typed to sign in: 1 to 64 letters, digits, `.`, `_`, `-`, `@`; upper and lower case are one.
    pub login: String,
    /// The name that colleagues see.
    pub name: String,
    /// At least one.
    pub roles: Vec<Role>,
    /// The languages they serve in.
    pub languages: Vec<Language>,
    /// 10 to 128 characters. `None`: signs in by the firm's own service only.
    pub password: Option<Pii<String>>,
}

/// An account.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What is typed to sign in.
    pub login: String,
    /// The name that colleagues see.
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The languages they serve in.
    pub languages: Vec<Language>,
    /// They cannot sign in any more.
    pub disabled: bool,
    /// When they signed in last.
    pub signed_in_at: Option<Timestamp>,
}

/// What came of trying to sign in.
#[derive(Debug)]
pub enum SignIn {
    /// Login and password are right.
    Granted(Box<SignedIn>),
    /// They are not, or there is no such account: nothing tells which.
    Wrong,
    /// Too many were wrong, whether or not there is such an account.
    Locked(Timestamp),
}

/// A session that has begun.
#[derive(Debug)]
pub struct SignedIn {
    /// Whose it is.
    pub user: User,
    /// What the cookie holds. Only its hash is stored.
    pub token: Pii<String>,
    /// What the page sends with everything that changes something.
    pub csrf: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A session that goes on.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// Whose it is.
    pub user: User,
    /// What the page sends with everything that changes something.
    pub csrf: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

const MINUTE: i64 = 60_000_000;
/// So many wrong tries within this time lock a login, for as long, doubled with every further lock.
const TRIES: i64 = 5;
const WINDOW: i64 = 15 * MINUTE;
/// After a day without a wrong try a login is as before; no lock is longer.
const DAY: i64 = 24 * 60 * MINUTE;
/// A session lasts a shift.
const SESSION: i64 = 12 * 60 * MINUTE;

pub(crate) const COLUMNS: &str = "u.id, u.login, u.name, u.roles, u.languages, u.disabled_at, u.signed_in_at";

/// A login as it is stored; `None`: nobody can have it.
pub(crate) fn as_login(text: &str) -> Option<String> {
    let login = text.trim().to_ascii_lowercase();
    let fits = (1..=64).contains(&login.len())
        && login.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
    fits.then_some(login)
}

fn words<T: std::str::FromStr>(text: &str) -> Vec<T> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// SHA-256 in hexadecimal.
pub(crate) fn hash_of(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl User {
    pub(crate) fn from_row(row: &AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            id: row.parsed("id")?,
            login: row.text("login")?,
            name: row.text("name")?,
            roles: words(&row.text("roles")?),
            languages: words(&row.text("languages")?),
            disabled: row.int_or_none("disabled_at")?.is_some(),
            signed_in_at: row.time_or_none("signed_in_at")?,
        })
    }
}

struct UserRow {
    id: String,
    login: String,
    name: String,
    roles: String,
    languages: String,
    hash: Option<String>,
    is_agent: bool,
}

impl Record {
    /// Makes an account.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] with what is wrong, naming the field: also where somebody has the login.
    pub async fn add_user(&self, new: NewUser) -> Result<UserId, RecordError> {
        let invalid = |text: &str| Err(RecordError::Invalid(text.into()));
        let Some(login) = as_login(&new.login) else {
            return invalid("login: 1 to 64 letters, digits, `.`, `_`, `-` or `@` are expected");
        };
        let name = new.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return invalid("name: 1 to 64 characters are expected");
        }
        if new.roles.is_empty() {
            return invalid("roles: at least one of agent, supervisor, designer and operator");
        }
        let hash = match new.password {
            Some(password) => {
                password::check(&password)?;
                Some(password::hash(password).await?)
            }
            None => None,
        };
        let id = self.new_id::<UserId>();
        let roles: Vec<&str> = new.roles.iter().map(|role| role.word()).collect();
        let languages: Vec<&str> = new.languages.iter().map(|language| language.tag()).collect();
        let row = UserRow {
            id: id.to_string(),
            login,
            name,
            roles: roles.join(" "),
            languages: languages.join(" "),
            hash,
            is_agent: new.roles.contains(&Role::Agent),
        };
        self.change(row, |connection, row, stamp| {
            Box::pin(async move { insert_user(connection, &row, &stamp).await })
        })
        .await?;
        Ok(id)
    }

    /// All accounts, by login.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn users(&self) -> Result<Vec<User>, RecordError> {
        let rows = sqlx::query(&format!("SELECT {COLUMNS} FROM \"user\" u ORDER BY u.login"))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(User::from_row).collect()
    }

    /// Gives an account another password. All its sessions end.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] if the password cannot be taken, [`RecordError::NotFound`] if nobody
    /// has the login.
    pub async fn reset_password(&self, login: &str, password: Pii<String>) -> Result<(), RecordError> {
        password::check(&password)?;
        let hash = password::hash(password).await?;
        let login = as_login(login).unwrap_or_default();
        self.change((login, hash), |connection, input, stamp| {
            Box::pin(async move {
                let (login, hash) = &*input;
                let id = id_of(connection, login).await?;
                sqlx::query("UPDATE \"user\" SET password_hash = $2, changed_at = $3 WHERE id = $1")
                    .bind(&id)
                    .bind(hash)
                    .bind(stamp.now)
                    .execute(&mut *connection)
                    .await?;
                sqlx::query("DELETE FROM sign_in_try WHERE login = $1")
                    .bind(login)
                    .execute(&mut *connection)
                    .await?;
                end_sessions(connection, &id).await?;
                report(connection, "user.password-reset", &id, &stamp).await
            })
        })
        .await
    }

    /// Lets nobody sign in by an account any more, or again. Its sessions end, and the agent is
    /// signed out.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if nobody has the login.
    pub async fn disable_user(&self, login: &str, disabled: bool) -> Result<(), RecordError> {
        let login = as_login(login).unwrap_or_default();
        self.change((login, disabled), |connection, input, stamp| {
            Box::pin(async move {
                let (login, disabled) = &*input;
                let id = id_of(connection, login).await?;
                sqlx::query("UPDATE \"user\" SET disabled_at = $2, changed_at = $3 WHERE id = $1")
                    .bind(&id)
                    .bind(disabled.then_some(stamp.now))
                    .bind(stamp.now)
                    .execute(&mut *connection)
                    .await?;
                if *disabled {
                    end_sessions(connection, &id).await?;
                    sqlx::query(
                        "UPDATE agent SET state = 'signed-out', reason = NULL, since = $2 \
                         WHERE user_id = $1 AND state <> 'signed-out'",
                    )
                    .bind(&id)
                    .bind(stamp.now)
                    .execute(&mut *connection)
                    .await?;
                }
                let type_name = if *disabled { "user.disabled" } else { "user.enabled" };
                report(connection, type_name, &id, &stamp).await
            })
        })
        .await
    }

    /// Signs somebody in. The try is counted before the password is looked at, so that tries at the
    /// same moment count too; five that are wrong within 15 minutes lock the login for 15 minutes,
    /// then for 30, 60 and so on. Unknown logins are counted, locked and worked on as known ones
    /// are, so that neither the answer nor its time tells which exist.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn sign_in(&self, login: &str, password: Pii<String>) -> Result<SignIn, RecordError> {
        // What nobody can have is worked on like a login that nobody has.
        let login = as_login(login).unwrap_or_else(|| format!("?{}", &hash_of(login)[..32]));
        let locked = self
            .change(login.clone(), |connection, login, stamp| {
                Box::pin(async move { count_try(connection, &login, stamp.now).await })
            })
            .await?;
        if let Some(until) = locked {
            return Ok(SignIn::Locked(Timestamp::from_microsecond(until).unwrap_or(Timestamp::MAX)));
        }
        let row = sqlx::query(&format!(
            "SELECT {COLUMNS}, u.password_hash FROM \"user\" u WHERE u.login = $1 AND u.disabled_at IS NULL"
        ))
        .bind(&login)
        .fetch_optional(&self.readers)
        .await?;
        let hash = match &row {
            Some(row) => row.text_or_none("password_hash")?,
            None => None,
        };
        if !password::is_right(password, hash).await? {
            return Ok(SignIn::Wrong);
        }
        match row {
            Some(row) => {
                let user = User::from_row(&row)?;
                self.begin_session(user).await.map(|session| session.map_or(SignIn::Wrong, SignIn::Granted))
            }
            None => Ok(SignIn::Wrong),
        }
    }

    /// Begins a session of somebody who was found to be who they say. `None`: they were disabled meanwhile.
    pub(crate) async fn begin_session(&self, user: User) -> Result<Option<Box<SignedIn>>, RecordError> {
        let token = hex(&rand::random::<[u8; 32]>());
        let csrf = hex(&rand::random::<[u8; 16]>());
        let input = (user.id.to_string(), user.login.clone(), hash_of(&token), csrf.clone());
        let expires_at = self
            .change(input, |connection, input, stamp| {
                Box::pin(async move {
                    let (user, login, hash, csrf) = &*input;
                    insert_session(connection, [user, login, hash, csrf], &stamp).await
                })
            })
            .await?;
        let Some(expires_at) = expires_at else { return Ok(None) };
        let expires_at = Timestamp::from_microsecond(expires_at).unwrap_or(Timestamp::MAX);
        Ok(Some(Box::new(SignedIn { user, token: token.into(), csrf, expires_at })))
    }

    /// The session that a cookie belongs to, if it goes on.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_session(&self, token: &str) -> Result<Option<OpenSession>, RecordError> {
        let row = sqlx::query(&format!(
            "SELECT {COLUMNS}, s.csrf, s.expires_at FROM session s JOIN \"user\" u ON u.id = s.user_id \
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL"
        ))
        .bind(hash_of(token))
        .bind(self.now_micros())
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(OpenSession {
            user: User::from_row(&row)?,
            csrf: row.text("csrf")?,
            expires_at: row.time("expires_at")?,
        }))
    }

    /// Whether somebody has a session that goes on.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn is_signed_in(&self, user: UserId) -> Result<bool, RecordError> {
        let row = sqlx::query(
            "SELECT 1 AS there FROM session s JOIN \"user\" u ON u.id = s.user_id \
             WHERE s.user_id = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL LIMIT 1",
        )
        .bind(user.to_string())
        .bind(self.now_micros())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn end_session(&self, token: &str) -> Result<(), RecordError> {
        self.change(hash_of(token), |connection, hash, _| {
            Box::pin(async move {
                sqlx::query("DELETE FROM session WHERE token_hash = $1")
                    .bind(&*hash)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn insert_user(
    connection: &mut AnyConnection,
    row: &UserRow,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let made = sqlx::query(
        "INSERT INTO \"user\" (id, login, name, password_hash, roles, languages, created_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (login) DO NOTHING",
    )
    .bind(&row.id)
    .bind(&row.login)
    .bind(&row.name)
    .bind(&row.hash)
    .bind(&row.roles)
    .bind(&row.languages)
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    if made.rows_affected() == 0 {
        return Err(RecordError::Invalid("login: somebody has it already".into()));
    }
    if row.is_agent {
        sqlx::query(
            "INSERT INTO agent (user_id, state, since, idle_since) VALUES ($1, 'signed-out', $2, $2) \
             ON CONFLICT (user_id) DO NOTHING",
        )
        .bind(&row.id)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    }
    report(connection, "user.added", &row.id, stamp).await
}

pub(crate) async fn report(
    connection: &mut AnyConnection,
    type_name: &'static str,
    user: &str,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let body = serde_json::json!({ "user": user });
    Entry { type_name, body, ..Entry::default() }.write(connection, stamp).await
}

async fn id_of(connection: &mut AnyConnection, login: &str) -> Result<String, RecordError> {
    let row = sqlx::query("SELECT id FROM \"user\" WHERE login = $1")
        .bind(login)
        .fetch_optional(connection)
        .await?;
    row.ok_or(RecordError::NotFound("user"))?.text("id")
}

pub(crate) async fn end_sessions(connection: &mut AnyConnection, user: &str) -> Result<(), RecordError> {
    sqlx::query("DELETE FROM session WHERE user_id = $1").bind(user).execute(connection).await?;
    Ok(())
}

/// Counts a try as wrong until it is found to be right. Tells until when the login is locked.
async fn count_try(
    connection: &mut AnyConnection,
    login: &str,
    now: i64,
) -> Result<Option<i64>, RecordError> {
    sqlx::query("DELETE FROM sign_in_try WHERE last_at < $1 AND locked_until < $2")
        .bind(now - DAY)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query("SELECT failed, since, locks, locked_until FROM sign_in_try WHERE login = $1")
        .bind(login)
        .fetch_optional(&mut *connection)
        .await?;
    let (mut failed, mut since, mut locks, mut locked_until) = match &row {
        Some(row) => (row.int("failed")?, row.int("since")?, row.int("locks")?, row.int("locked_until")?),
        None => (0, now, 0, 0),
    };
    if locked_until > now {
        return Ok(Some(locked_until));
    }
    if since < now - WINDOW {
        (failed, since) = (0, now);
    }
    failed += 1;
    if failed >= TRIES {
        let doublings = u32::try_from(locks).unwrap_or(0).min(10);
        locked_until = now + (WINDOW << doublings).min(DAY);
        (failed, locks) = (0, locks + 1);
    }
    sqlx::query(
        "INSERT INTO sign_in_try (login, failed, since, locks, locked_until, last_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (login) DO UPDATE SET failed = excluded.failed, \
         since = excluded.since, locks = excluded.locks, locked_until = excluded.locked_until, \
         last_at = excluded.last_at",
    )
    .bind(login)
    .bind(failed)
    .bind(since)
    .bind(locks)
    .bind(locked_until)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(None)
}

/// Stores a session and forgets the wrong tries. Gives when it ends.
async fn insert_session(
    connection: &mut AnyConnection,
    [user, login, hash, csrf]: [&str; 4],
    stamp: &Stamp,
) -> Result<Option<i64>, RecordError> {
    let known = sqlx::query("UPDATE \"user\" SET signed_in_at = $2 WHERE id = $1 AND disabled_at IS NULL")
        .bind(user)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    if known.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query("DELETE FROM sign_in_try WHERE login = $1").bind(login).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM session WHERE expires_at < $1")
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO session (token_hash, user_id, csrf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (token_hash) DO NOTHING",
    )
    .bind(hash)
    .bind(user)
    .bind(csrf)
    .bind(stamp.now)
    .bind(stamp.now + SESSION)
    .execute(&mut *connection)
    .await?;
    report(connection, "user.signed-in", user, stamp).await?;
    Ok(Some(stamp.now + SESSION))
}
