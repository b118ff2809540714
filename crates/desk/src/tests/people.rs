//! Signing in as a browser does.

use hotline_record::{NewUser, Role};

use super::*;

/// A browser with its cookie.
pub struct Browser {
    pub cookie: String,
    pub csrf: String,
}

impl House {
    pub async fn account(&self, login: &str, roles: &[Role]) {
        let new = NewUser {
            login: login.into(),
            name: "李敏".into(),
            roles: roles.to_vec(),
            languages: vec![Language::ZhCn],
            password: Some("right-password".to_owned().into()),
        };
        self.desk.record.add_user(new).await.unwrap();
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Value) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub async fn sign_in(&self, login: &str, password: &str) -> (StatusCode, axum::http::HeaderMap, Value) {
        let body = json!({ "login": login, "password": password }).to_string();
        let request = Request::post("/api/v1/session")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// Makes an account and signs in.
    pub async fn browser(&self, login: &str, roles: &[Role]) -> Browser {
        self.account(login, roles).await;
        let (status, headers, me) = self.sign_in(login, "right-password").await;
        assert_eq!(status, StatusCode::OK, "{me}");
        let cookie = headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Browser { cookie, csrf: me["csrf-token"].as_str().unwrap().to_owned() }
    }

    pub async fn by(&self, browser: &Browser, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, format!("other=1; {}", browser.cookie))
            .header("X-CSRF-Token", &browser.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let (status, _, answer) = self.send(request).await;
        (status, answer)
    }
}

#[tokio::test]
async fn who_signs_in_has_a_cookie_that_scripts_cannot_read_until_they_sign_out() {
    let house = house().await;
    house.account("min.li", &[Role::Agent]).await;
    let (status, headers, me) = house.sign_in("min.li", "right-password").await;
    assert_eq!(status, StatusCode::OK);
    let cookie = headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));
    assert_eq!(me["agent"]["state"], "signed-out");
    let browser = Browser {
        cookie: cookie.split(';').next().unwrap().into(),
        csrf: me["csrf-token"].as_str().unwrap().into(),
    };
    let (status, again) = house.by(&browser, "GET", "/api/v1/me", Value::Null).await;
    assert_eq!((status, &again), (StatusCode::OK, &me));
    assert_eq!(again["sees-numbers"], false);
    assert_eq!(house.by(&browser, "DELETE", "/api/v1/session", Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.by(&browser, "GET", "/api/v1/me", Value::Null).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_and_unknown_are_one_answer_and_too_many_are_locked() {
    let house = house().await;
    house.account("min.li", &[Role::Agent]).await;
    let (_, _, wrong) = house.sign_in("min.li", "wrong-password").await;
    let (status, _, unknown) = house.sign_in("nobody", "wrong-password").await;
    assert_eq!((status, &wrong), (StatusCode::UNAUTHORIZED, &unknown));
    for _ in 0..4 {
        house.sign_in("min.li", "wrong-password").await;
    }
    let (status, headers, body) = house.sign_in("min.li", "right-password").await;
    assert_eq!((status, &body["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("locked")));
    assert_eq!(headers[header::RETRY_AFTER], "900");
}

#[tokio::test]
async fn what_another_site_sends_is_not_done() {
    let house = house().await;
    let mut browser = house.browser("min.li", &[Role::Agent]).await;
    let to = json!({ "state": "available" });
    assert_eq!(house.by(&browser, "PUT", "/api/v1/me/state", to.clone()).await.1["state"], "available");
    browser.csrf = "guessed".into();
    let (status, body) = house.by(&browser, "PUT", "/api/v1/me/state", to).await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("csrf")));
    let form = Request::post("/api/v1/session")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(r#"{"login": "min.li", "password": "right-password"}"#))
        .unwrap();
    assert_eq!(house.send(form).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn each_role_does_what_it_may() {
    let house = house().await;
    let agent = house.browser("agent", &[Role::Agent]).await;
    let operator = house.browser("operator", &[Role::Operator]).await;
    assert_eq!(house.by(&agent, "GET", "/api/v1/users", Value::Null).await.0, StatusCode::FORBIDDEN);
    let (_, users) = house.by(&operator, "GET", "/api/v1/users", Value::Null).await;
    assert_eq!(users.as_array().unwrap().len(), 2);
    assert_eq!(house.by(&agent, "GET", "/api/v1/events", Value::Null).await.0, StatusCode::FORBIDDEN);
    let (_, agents) = house.by(&agent, "GET", "/api/v1/agents", Value::Null).await;
    let path = format!("/api/v1/agents/{}", agents[0]["user"].as_str().unwrap());
    let profile = json!({ "skills": ["complaints", "en"], "extension": "8001" });
    assert_eq!(house.by(&agent, "PUT", &path, profile.clone()).await.0, StatusCode::FORBIDDEN);
    let (_, set) = house.by(&operator, "PUT", &path, profile).await;
    assert_eq!((&set["skills"], &set["extension"]), (&json!(["complaints", "en"]), &json!("8001")));
    let (status, _) = house.by(&agent, "PUT", "/api/v1/me/state", json!({ "state": "talking" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    // A machine is nobody who could be available.
    let to = json!({ "state": "available" }).to_string();
    assert_eq!(house.ask(MASKED, "PUT", "/api/v1/me/state", &to).await.0, StatusCode::FORBIDDEN);
}
