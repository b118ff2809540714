//! Signing in by the firm's own service: who is on the way there and back, and whose account it is.

use std::time::Duration;

use hotline_model::Pii;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::Stamp;
use crate::sql::{Columns, clean};
use crate::users::{COLUMNS, Role, SignedIn, User, as_login, end_sessions, hash_of, report};
use crate::{Record, RecordError};

/// Somebody who goes to the firm's sign-in service. The state comes back with them; the rest stays here.
#[derive(Debug, Clone)]
pub struct BegunSignIn {
    /// What the browser and the service hand back.
    pub state: Pii<String>,
    /// What the service writes into its token.
    pub nonce: Pii<String>,
    /// What proves that whoever has the code is us (RFC 7636).
    pub verifier: Pii<String>,
    /// Where on the page they were.
    pub back: String,
}

/// Whom the service says it is.
#[derive(Debug, Clone)]
pub struct ServiceUser {
    /// The service.
    pub issuer: String,
    /// Its name for them, which never changes.
    pub subject: String,
    /// What they type there to sign in.
    pub login: String,
    /// Their name.
    pub name: Option<String>,
    /// What the service says they may do; `None`: it says nothing about that.
    pub roles: Option<Vec<Role>>,
    /// What somebody may do who comes for the first time and of whom it says nothing.
    pub first_roles: Vec<Role>,
}

/// What came of it.
#[derive(Debug)]
pub enum ServiceSignIn {
    /// They are signed in.
    Granted(Box<SignedIn>),
    /// The account may not be used any more.
    Disabled,
    /// Nothing says what they may do here.
    NoRole,
    /// The login is that of another account here.
    LoginTaken,
    /// The service's login cannot be one here.
    BadLogin,
}

/// Whose account it is.
enum Account {
    Of(String),
    Disabled,
    NoRole,
    LoginTaken,
    BadLogin,
}

impl Record {
    /// Keeps what somebody takes to the sign-in service, for `within` at most.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn begin_sign_in(&self, begun: BegunSignIn, within: Duration) -> Result<(), RecordError> {
        let within = i64::try_from(within.as_micros()).unwrap_or(i64::MAX);
        self.change((begun, within), |connection, input, stamp| {
            Box::pin(async move {
                let (begun, within) = &*input;
                sqlx::query("DELETE FROM sign_in_begun WHERE expires_at <= $1")
                    .bind(stamp.now)
                    .execute(&mut *connection)
                    .await?;
                sqlx::query(
                    "INSERT INTO sign_in_begun (state_hash, nonce, verifier, back, expires_at) \
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(hash_of(begun.state.expose()))
                .bind(begun.nonce.expose())
                .bind(begun.verifier.expose())
                .bind(clean(begun.back.clone()))
                .bind(stamp.now.saturating_add(*within))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// What somebody who comes back had with them, once: a second time, or too late, it is not there.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn take_sign_in(&self, state: &str) -> Result<Option<BegunSignIn>, RecordError> {
        self.change(state.to_owned(), |connection, state, stamp| {
            Box::pin(async move {
                let row = sqlx::query(
                    "DELETE FROM sign_in_begun WHERE state_hash = $1 RETURNING nonce, verifier, back, expires_at",
                )
                .bind(hash_of(&state))
                .fetch_optional(connection)
                .await?;
                let Some(row) = row else { return Ok(None) };
                if row.int("expires_at")? <= stamp.now {
                    return Ok(None);
                }
                Ok(Some(BegunSignIn {
                    state: Pii::new(String::clone(&state)),
                    nonce: row.text("nonce")?.into(),
                    verifier: row.text("verifier")?.into(),
                    back: row.text("back")?,
                }))
            })
        })
        .await
    }

    /// Signs in whom the service vouches for. The first time an account that was made for them (with their login, and
    /// without a password) becomes theirs, else one is made; an account that has a password is nobody's but its
    /// owner's. What the service says they may do is what they may do from then on.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn sign_in_by_service(&self, user: ServiceUser) -> Result<ServiceSignIn, RecordError> {
        let account = self
            .change(user, |connection, user, stamp| {
                Box::pin(async move { account(connection, &user, &stamp).await })
            })
            .await?;
        let id = match account {
            Account::Of(id) => id,
            Account::Disabled => return Ok(ServiceSignIn::Disabled),
            Account::NoRole => return Ok(ServiceSignIn::NoRole),
            Account::LoginTaken => return Ok(ServiceSignIn::LoginTaken),
            Account::BadLogin => return Ok(ServiceSignIn::BadLogin),
        };
        let row = sqlx::query(&format!("SELECT {COLUMNS} FROM \"user\" u WHERE u.id = $1"))
            .bind(&id)
            .fetch_one(&self.readers)
            .await?;
        let session = self.begin_session(User::from_row(&row)?).await?;
        Ok(session.map_or(ServiceSignIn::Disabled, ServiceSignIn::Granted))
    }
}

async fn account(
    connection: &mut AnyConnection,
    user: &ServiceUser,
    stamp: &Stamp,
) -> Result<Account, RecordError> {
    let by_subject =
        sqlx::query("SELECT id, roles, disabled_at FROM \"user\" WHERE issuer = $1 AND subject = $2")
            .bind(&user.issuer)
            .bind(&user.subject)
            .fetch_optional(&mut *connection)
            .await?;
    if let Some(row) = by_subject {
        return known(connection, user, &row, stamp).await;
    }
    let Some(login) = as_login(&user.login) else { return Ok(Account::BadLogin) };
    let by_login =
        sqlx::query("SELECT id, roles, issuer, password_hash, disabled_at FROM \"user\" WHERE login = $1")
            .bind(&login)
            .fetch_optional(&mut *connection)
            .await?;
    match by_login {
        Some(row) => {
            if row.text_or_none("issuer")?.is_some() || row.text_or_none("password_hash")?.is_some() {
                return Ok(Account::LoginTaken);
            }
            let account = known(connection, user, &row, stamp).await?;
            if let Account::Of(id) = &account {
                sqlx::query("UPDATE \"user\" SET issuer = $2, subject = $3, changed_at = $4 WHERE id = $1")
                    .bind(id)
                    .bind(&user.issuer)
                    .bind(&user.subject)
                    .bind(stamp.now)
                    .execute(&mut *connection)
                    .await?;
                report(connection, "user.linked", id, stamp).await?;
            }
            Ok(account)
        }
        None => make(connection, user, &login, stamp).await,
    }
}

/// An account that is there: its name and roles become what the service says.
async fn known(
    connection: &mut AnyConnection,
    user: &ServiceUser,
    row: &AnyRow,
    stamp: &Stamp,
) -> Result<Account, RecordError> {
    let id = row.text("id")?;
    if row.int_or_none("disabled_at")?.is_some() {
        return Ok(Account::Disabled);
    }
    let before = row.text("roles")?;
    let roles = user.roles.as_ref().map_or_else(|| before.clone(), |roles| words_of(roles));
    if roles.is_empty() {
        // Who may do nothing any more is shown out at once, and not only at the next door.
        end_sessions(connection, &id).await?;
        return Ok(Account::NoRole);
    }
    sqlx::query("UPDATE \"user\" SET roles = $2, name = COALESCE($3, name), changed_at = $4 WHERE id = $1")
        .bind(&id)
        .bind(&roles)
        .bind(name_of(user))
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    if roles != before {
        report(connection, "user.roles-changed", &id, stamp).await?;
    }
    seat(connection, &id, &roles, stamp).await?;
    Ok(Account::Of(id))
}

async fn make(
    connection: &mut AnyConnection,
    user: &ServiceUser,
    login: &str,
    stamp: &Stamp,
) -> Result<Account, RecordError> {
    let roles = words_of(user.roles.as_ref().unwrap_or(&user.first_roles));
    if roles.is_empty() {
        return Ok(Account::NoRole);
    }
    let id = stamp.id();
    sqlx::query(
        "INSERT INTO \"user\" (id, login, name, roles, issuer, subject, created_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(&id)
    .bind(login)
    .bind(name_of(user).unwrap_or_else(|| login.to_owned()))
    .bind(&roles)
    .bind(&user.issuer)
    .bind(&user.subject)
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    seat(connection, &id, &roles, stamp).await?;
    report(connection, "user.added", &id, stamp).await?;
    Ok(Account::Of(id))
}

/// Whoever is an agent has a row that the queues offer by.
async fn seat(
    connection: &mut AnyConnection,
    id: &str,
    roles: &str,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    if roles.split_whitespace().any(|role| role == Role::Agent.word()) {
        sqlx::query(
            "INSERT INTO agent (user_id, state, since, idle_since) VALUES ($1, 'signed-out', $2, $2) \
             ON CONFLICT (user_id) DO NOTHING",
        )
        .bind(id)
        .bind(stamp.now)
        .execute(connection)
        .await?;
    }
    Ok(())
}

fn words_of(roles: &[Role]) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<&str>>().join(" ")
}

/// The name that colleagues see: as an account's may be.
fn name_of(user: &ServiceUser) -> Option<String> {
    let name: String = user.name.as_deref()?.trim().chars().filter(|c| !c.is_control()).take(64).collect();
    (!name.is_empty()).then_some(name)
}
