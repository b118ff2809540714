//! Who may ask: machines by bearer tokens, people by the cookie of their session. Each has a name
//! that stands in the access log, and roles.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use hotline_model::UserId;
use hotline_record::{OpenSession, Role};
use sha2::{Digest, Sha256};

use crate::Desk;
use crate::error::ApiError;
use crate::serve::Place;

/// Whoever serves customers, and therefore sees who they are and what they said.
pub const SERVES: [Role; 2] = [Role::Agent, Role::Supervisor];

/// One token. Only its hash is kept.
#[derive(Debug, Clone)]
pub struct Token {
    name: String,
    hash: [u8; 32],
    sees_numbers: bool,
    roles: Vec<Role>,
}

impl Token {
    /// A token by its secret, with the role of an agent; `sees_numbers`: telephone numbers are not
    /// masked for it.
    pub fn new(name: &str, secret: &str, sees_numbers: bool) -> Self {
        let hash = Sha256::digest(secret.as_bytes()).into();
        Self { name: name.to_owned(), hash, sees_numbers, roles: vec![Role::Agent] }
    }

    /// The same token with other roles.
    #[must_use]
    pub fn with_roles(self, roles: Vec<Role>) -> Self {
        Self { roles, ..self }
    }
}

/// All tokens.
#[derive(Debug, Default)]
pub struct Tokens(pub Vec<Token>);

/// Who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    /// A login or a token's name.
    pub name: String,
    /// Numbers are not masked for them.
    pub sees_numbers: bool,
    /// `None`: a machine.
    pub user: Option<UserId>,
    roles: Vec<Role>,
}

/// The cookie of a session.
pub const SESSION_COOKIE: &str = "hotline-session";
/// The header that a page proves by that it is ours.
pub const CSRF_HEADER: &str = "x-csrf-token";

impl Asker {
    pub(crate) fn of_session(session: &OpenSession, desk: &Desk) -> Self {
        let roles = session.user.roles.clone();
        Self {
            name: session.user.login.clone(),
            sees_numbers: roles.iter().any(|role| desk.numbers_seen_by.contains(role)),
            user: Some(session.user.id),
            roles,
        }
    }

    /// Whether they have one of these roles.
    pub fn has(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    /// Refuses who has none of these roles.
    pub fn needs(&self, roles: &[Role]) -> Result<(), ApiError> {
        if self.has(roles) {
            return Ok(());
        }
        let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("this needs the role {}", words.join(" or ")),
        ))
    }

    /// Refuses people who serve no customers: whoever draws plans or keeps the machines running has no business
    /// with anybody's data. The firm's own systems ask by tokens, which the operator gives out for that.
    pub fn serves(&self) -> Result<(), ApiError> {
        match self.user {
            Some(_) => self.needs(&SERVES),
            None => Ok(()),
        }
    }

    /// Refuses people who may not speak for the firm's own system: what it tells is taken for certain, and sets in
    /// motion what is said and sent to customers.
    pub fn may_tell(&self) -> Result<(), ApiError> {
        match self.user {
            Some(_) => self.needs(&[Role::Supervisor, Role::Operator]),
            None => Ok(()),
        }
    }

    /// Whose account it is.
    pub fn person(&self) -> Result<UserId, ApiError> {
        self.user.ok_or_else(|| {
            ApiError::new(StatusCode::FORBIDDEN, "forbidden", "this is for people who are signed in")
        })
    }
}

impl FromRequestParts<Desk> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, ApiError> {
        let asker = match bearer(parts) {
            Some(secret) => of_token(secret, desk)?,
            None => {
                let session = Session::from_request_parts(parts, desk).await?;
                Self::of_session(&session.open, desk)
            }
        };
        trust(parts);
        Ok(asker)
    }
}

/// Many desktops stand behind one address: who is known is not counted by it.
fn trust(parts: &Parts) {
    if let Some(place) = parts.extensions.get::<Arc<Place>>() {
        place.release();
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    parts.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn of_token(secret: &str, desk: &Desk) -> Result<Asker, ApiError> {
    // Hashes are compared, so that the time a comparison takes tells nothing about a secret.
    let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    let token = desk.tokens.0.iter().find(|token| token.hash == hash).ok_or_else(unauthorized)?;
    Ok(Asker {
        name: token.name.clone(),
        sees_numbers: token.sees_numbers,
        user: None,
        roles: token.roles.clone(),
    })
}

fn unauthorized() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "sign in by POST /api/v1/session, or send `Authorization: Bearer` and a token of the configuration's \
         `[[api.tokens]]`",
    )
}

/// The session of somebody who is signed in: by the cookie, and for everything that changes
/// something by the token that only our own page knows.
pub struct Session {
    /// It goes on.
    pub open: OpenSession,
    /// What the cookie holds.
    pub token: String,
}

impl FromRequestParts<Desk> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, ApiError> {
        let token = cookie(parts).ok_or_else(unauthorized)?;
        let open = desk.record.find_session(&token).await?.ok_or_else(unauthorized)?;
        if !parts.method.is_safe() {
            let sent = parts.headers.get(CSRF_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
            if Sha256::digest(sent) != Sha256::digest(open.csrf.as_bytes()) {
                return Err(ApiError::new(
                    StatusCode::FORBIDDEN,
                    "csrf",
                    "send the `csrf-token` of GET /api/v1/me as the header `X-CSRF-Token`",
                ));
            }
        }
        trust(parts);
        Ok(Self { open, token })
    }
}

fn cookie(parts: &Parts) -> Option<String> {
    let texts = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == SESSION_COOKIE && !value.is_empty()).then(|| value.to_owned())
    })
}
