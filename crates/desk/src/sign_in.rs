//! Signing in by the firm's own service: where to, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hotline_model::Language;
use hotline_record::ServiceSignIn;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::error::{ApiError, Problem};
use crate::extract::Asked;
use crate::oidc::{Oidc, Refusal, Refused};
use crate::sessions::cookie;

/// The cookie that binds a way there and back to one browser.
const COOKIE_NAME: &str = "hotline-sign-in";
/// Whoever has not come back by then begins anew.
const WITHIN: Duration = Duration::from_secs(600);

/// How one may sign in.
#[derive(Serialize, ToSchema)]
pub struct Ways {
    /// By a login and a password: `POST /api/v1/session`.
    password: bool,
    /// By the firm's own service.
    service: Option<ServiceWay>,
}

/// The firm's own sign-in service.
#[derive(Serialize, ToSchema)]
pub struct ServiceWay {
    /// What people call it, by language.
    #[schema(value_type = BTreeMap<String, String>)]
    title: BTreeMap<Language, String>,
    /// Where a browser goes to sign in by it; `?back=` and a path of the page leads back to there.
    url: &'static str,
}

const START: &str = "/api/v1/sign-in/service";

/// How one may sign in; for whoever has not yet.
#[utoipa::path(get, path = "/api/v1/sign-in", tag = "people", responses((status = 200, body = Ways)))]
pub async fn ways(State(desk): State<Desk>) -> Json<Ways> {
    let service = desk.oidc.as_ref().map(|oidc| ServiceWay { title: oidc.title().clone(), url: START });
    Json(Ways { password: true, service })
}

/// Where on the page somebody is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Going {
    /// A path of the page.
    back: Option<String>,
}

/// Leads a browser to the firm's own sign-in service.
#[utoipa::path(
    get, path = "/api/v1/sign-in/service", tag = "people", params(Going),
    responses(
        (status = 303, description = "To the service, or to the page with `?sign-in=` and why not"),
        (status = 404, description = "There is no service", body = Problem),
    )
)]
pub async fn start(State(desk): State<Desk>, Asked(going): Asked<Going>) -> Result<Response, ApiError> {
    let oidc = service(&desk)?;
    let (url, begun) = match oidc.begin(path_of(going.back)).await {
        Ok(begun) => begun,
        Err(refused) => return told(&desk, &refused),
    };
    let value = begun.state.expose().clone();
    desk.record.begin_sign_in(begun, WITHIN).await?;
    go(&url, &[bound(&value, WITHIN.as_secs(), desk.secure_cookies)?])
}

fn service(desk: &Desk) -> Result<&Oidc, ApiError> {
    desk.oidc.as_deref().ok_or_else(|| ApiError::not_found("sign-in service"))
}

/// A path of our own page: nobody is led elsewhere from here.
fn path_of(back: Option<String>) -> String {
    let fits = |path: &String| {
        let own = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
        own && path.len() <= 500 && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    back.filter(fits).unwrap_or_else(|| "/".into())
}

/// What the service sends somebody back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Back {
    code: Option<String>,
    state: Option<String>,
    /// The service, as it calls itself (RFC 9207).
    iss: Option<String>,
    error: Option<String>,
}

/// Takes in whom the service sends back: signs them in and leads them to where on the page they were, or to the page
/// with `?sign-in=` and why not: `unreachable`, `refused`, `stale`, `wrong-issuer`, `wrong-audience`, `expired`,
/// `wrong-nonce`, `bad-signature`, `unusable`; `disabled`, `no-role`, `login-taken`, `bad-login`.
#[utoipa::path(
    get, path = "/api/v1/sign-in/callback", tag = "people", params(Back),
    responses((status = 303, description = "To the page"), (status = 404, body = Problem))
)]
pub async fn callback(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Asked(back): Asked<Back>,
) -> Result<Response, ApiError> {
    let oidc = service(&desk)?;
    let state = back.state.as_deref().unwrap_or_default();
    // Whoever was sent here with somebody else's state has no cookie that says the same.
    let same =
        own_cookie(&headers).is_some_and(|own| Sha256::digest(own) == Sha256::digest(state.as_bytes()));
    let begun = if same { desk.record.take_sign_in(state).await? } else { None };
    let Some(begun) = begun else {
        return told(
            &desk,
            &Refused(Refusal::Stale, "whoever came back had not gone, or came back before".into()),
        );
    };
    let code = match (back.code, back.error) {
        (Some(code), None) => code,
        (_, error) => {
            // Its own word for why (RFC 6749 §4.1.2.1), not more: texts may name somebody.
            let word: String =
                error.unwrap_or_default().chars().filter(char::is_ascii_graphic).take(64).collect();
            return told(&desk, &Refused(Refusal::Refused, format!("the service says `{word}`")));
        }
    };
    let user = match oidc.finish(code, back.iss.as_deref(), &begun).await {
        Ok(user) => user,
        Err(refused) => return told(&desk, &refused),
    };
    let word = match desk.record.sign_in_by_service(user).await? {
        ServiceSignIn::Granted(signed_in) => {
            let session = cookie(signed_in.token.expose(), 12 * 3600, desk.secure_cookies)?;
            return go(&begun.back, &[session, bound("", 0, desk.secure_cookies)?]);
        }
        ServiceSignIn::Disabled => "disabled",
        ServiceSignIn::NoRole => "no-role",
        ServiceSignIn::LoginTaken => "login-taken",
        ServiceSignIn::BadLogin => "bad-login",
    };
    tracing::warn!(why = word, "somebody whom the sign-in service vouches for has no account here");
    refuse(&desk, word)
}

fn told(desk: &Desk, Refused(refusal, problem): &Refused) -> Result<Response, ApiError> {
    tracing::warn!(why = refusal.word(), %problem, "nobody was signed in by the sign-in service");
    refuse(desk, refusal.word())
}

/// Back to the page, which says why in its reader's language.
fn refuse(desk: &Desk, word: &str) -> Result<Response, ApiError> {
    go(&format!("/?sign-in={word}"), &[bound("", 0, desk.secure_cookies)?])
}

fn go(to: &str, cookies: &[HeaderValue]) -> Result<Response, ApiError> {
    let failed =
        |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "something is wrong on our side");
    let mut answer = StatusCode::SEE_OTHER.into_response();
    let headers = answer.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_str(to).map_err(failed)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie.clone());
    }
    Ok(answer)
}

/// `Lax`: the service's page leads back here.
fn bound(value: &str, seconds: u64, secure: bool) -> Result<HeaderValue, ApiError> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE_NAME}={value}; Path=/api/v1/sign-in; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    );
    HeaderValue::from_str(&text).map_err(|_| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "something is wrong on our side")
    })
}

fn own_cookie(headers: &HeaderMap) -> Option<&[u8]> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE_NAME && !value.is_empty()).then_some(value.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_page_than_ours() {
        for bad in
            ["//evil.example", "https://evil.example", "/\\evil.example", "/a b", "/\r\nx: y", "evil", "/é"]
        {
            assert_eq!(path_of(Some(bad.into())), "/", "{bad}");
        }
        assert_eq!(path_of(Some("/customers/01M8?x=1".into())), "/customers/01M8?x=1");
        assert_eq!(path_of(None), "/");
    }
}
