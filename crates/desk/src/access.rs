//! Who may ask: bearer tokens, each with a name that stands in the access log.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::Desk;
use crate::error::ApiError;

/// One token. Only its hash is kept.
#[derive(Debug, Clone)]
pub struct Token {
    name: String,
    hash: [u8; 32],
    sees_numbers: bool,
}

impl Token {
    /// A token by its secret; `sees_numbers`: telephone numbers are not masked for it.
    pub fn new(name: &str, secret: &str, sees_numbers: bool) -> Self {
        Self { name: name.to_owned(), hash: Sha256::digest(secret.as_bytes()).into(), sees_numbers }
    }
}

/// All tokens.
#[derive(Debug, Default)]
pub struct Tokens(pub Vec<Token>);

/// Who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    pub name: String,
    pub sees_numbers: bool,
}

impl FromRequestParts<Desk> for Asker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, ApiError> {
        let secret = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        // Hashes are compared, so that the time a comparison takes tells nothing about a secret.
        let hash: Option<[u8; 32]> = secret.map(|secret| Sha256::digest(secret.as_bytes()).into());
        let token = desk.tokens.0.iter().find(|token| hash == Some(token.hash));
        token.map(|token| Self { name: token.name.clone(), sees_numbers: token.sees_numbers }).ok_or_else(
            || {
                ApiError::new(
                    StatusCode::UNAUTHORIZED,
                    "unauthorized",
                    "send `Authorization: Bearer` and a token of the configuration's `[[api.tokens]]`",
                )
            },
        )
    }
}
