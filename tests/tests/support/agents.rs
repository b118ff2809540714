//! Agents of a firm, who serve callers by telephone and by the API, and what is heard of them.

use serde_json::{Value, json};

use super::http::{self, Response};
use super::server::Server;
use super::{seconds, wait_for, wait_until};

pub const PASSWORD: &str = "long-enough-a-password";
/// What each side says: a tone of its own.
pub const CALLER_HZ: f64 = 500.0;
pub const AGENT_HZ: f64 = 900.0;

/// An agent with an account, a telephone's password and a session.
pub struct Agent<'a> {
    server: &'a Server,
    pub login: &'static str,
    pub user: String,
    cookie: String,
    csrf: String,
}

impl<'a> Agent<'a> {
    pub fn hire(server: &'a Server, login: &'static str) -> Self {
        Self::hire_as(server, login, "agent")
    }

    /// With another role than an agent's.
    pub fn hire_as(server: &'a Server, login: &'static str, role: &str) -> Self {
        let account = vec!["user", "add", login, "--name", "安娜", "--roles", role];
        for arguments in [account, vec!["user", "telephone", login]] {
            // A disk that other tests keep busy takes a commit late; whoever is told so tries again.
            wait_for("the account is made", seconds(60), || {
                let done = server.tool_told(&arguments, PASSWORD);
                let told = String::from_utf8_lossy(&done.stderr).into_owned();
                assert!(done.status.success() || told.contains("does not answer"), "{told}");
                done.status.success().then_some(())
            });
        }
        // The exchange learns of telephones each second; one that was refused tries again later only.
        std::thread::sleep(seconds(2));
        Self::sign_in(server, login)
    }

    /// Somebody who has an account, at another server too.
    pub fn sign_in(server: &'a Server, login: &'static str) -> Self {
        let mut agent =
            Self { server, login, user: String::new(), cookie: String::new(), csrf: String::new() };
        let answer = agent.ask("POST", "/api/v1/session", json!({ "login": login, "password": PASSWORD }));
        assert!(answer.status < 300, "{}", answer.body);
        let cookie = answer.header("set-cookie").expect("a session has a cookie");
        agent.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        agent.user = answer.json()["id"].as_str().unwrap_or_default().to_owned();
        agent.csrf = answer.json()["csrf-token"].as_str().unwrap_or_default().to_owned();
        agent
    }

    pub fn ask(&self, method: &str, path: &str, body: Value) -> Response {
        let headers = [("Cookie", self.cookie.as_str()), ("X-CSRF-Token", self.csrf.as_str())];
        http::send(self.server.api(), method, path, &headers, Some(&body)).unwrap()
    }

    pub fn goes(&self, state: &str) -> Response {
        self.ask("PUT", "/api/v1/me/state", json!({ "state": state }))
    }

    /// Wants something of a call; gives the answer's status.
    pub fn act(&self, call: &str, act: Value) -> u16 {
        self.ask("POST", &format!("/api/v1/calls/{call}/act"), act).status
    }

    pub fn state(&self) -> String {
        let agents = self.server.ask("/api/v1/agents");
        let agents = agents.as_array().cloned().unwrap_or_default();
        let own = agents.iter().find(|agent| agent["login"] == self.login);
        own.and_then(|agent| agent["state"].as_str()).unwrap_or_default().to_owned()
    }

    pub fn await_state(&self, state: &str) {
        wait_until(&format!("{} is {state}", self.login), seconds(20), || self.state() == state);
    }
}
