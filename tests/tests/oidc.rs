//! Signing in by a firm's own service: the npm package `oidc-provider`, which knows nothing of us.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::http::{Response, send};
use crate::support::root;
use crate::support::server::{Server, Setup};

/// The service, killed with its test.
struct Provider {
    child: Child,
    issuer: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// One that knows the server as its client.
    fn start(server: &Server) -> Self {
        let folder = root().join("tests/oidc");
        assert!(folder.join("node_modules").is_dir(), "tools/install --tests fetches the sign-in service");
        let mut command = Command::new(root().join("tools/desktop"));
        command.args([
            "node",
            "tests/oidc/provider.mjs",
            &format!("{}/api/v1/sign-in/callback", server.url()),
        ]);
        let log = std::fs::File::create(server.folder().join("provider.log")).unwrap();
        let mut child = command
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("http"));
        let issuer = issuer.unwrap_or_else(|| {
            panic!("{}", std::fs::read_to_string(server.folder().join("provider.log")).unwrap_or_default())
        });
        // What it prints later is thrown away.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, issuer }
    }

    /// Its tokens are wrong in this way from now on.
    fn spoil(&self, how: &str) {
        let query = if how.is_empty() { String::new() } else { format!("?how={how}") };
        assert_eq!(Browser::default().get(&format!("{}/spoil{query}", self.issuer)).status, 200);
    }
}

/// A browser as far as signing in needs one: cookies of each host, redirects one by one.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<(SocketAddr, String), String>,
}

impl Browser {
    fn get(&mut self, url: &str) -> Response {
        let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}"));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let to: SocketAddr = host.replace("localhost", "127.0.0.1").parse().unwrap();
        let cookies = self.cookies.iter().filter(|((of, _), _)| *of == to);
        let cookies: Vec<String> = cookies.map(|((_, name), value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers = if cookies.is_empty() { vec![] } else { vec![("Cookie", cookies.as_str())] };
        let answer = send(to, "GET", &format!("/{path}"), &headers, None).unwrap();
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if value.is_empty() {
                self.cookies.remove(&(to, name.to_owned()));
            } else {
                self.cookies.insert((to, name.to_owned()), value.to_owned());
            }
        }
        answer
    }

    /// Goes to the service as somebody and gives the address that it leads back to.
    fn way_back(&mut self, server: &Server, login: &str) -> String {
        let answer = self.get(&format!("{}/api/v1/sign-in/service?back=/team", server.url()));
        assert_eq!(answer.status, 303, "{}", answer.body);
        let mut at = format!("{}&login_hint={login}", answer.header("location").unwrap());
        let host = at.split('/').take(3).collect::<Vec<_>>().join("/");
        for _ in 0..8 {
            if at.starts_with(&server.url()) {
                return at;
            }
            let answer = self.get(&at);
            let to = answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body));
            at = if to.starts_with('/') { format!("{host}{to}") } else { to.to_owned() };
        }
        panic!("led round in circles: {at}");
    }

    /// Signs in as somebody and gives where on our page that leads to.
    fn sign_in(&mut self, server: &Server, login: &str) -> String {
        let back = self.way_back(server, login);
        self.arrive(&back)
    }

    fn arrive(&mut self, back: &str) -> String {
        let answer = self.get(back);
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.header("location").unwrap().to_owned()
    }

    fn me(&mut self, server: &Server) -> Value {
        self.get(&format!("{}/api/v1/me", server.url())).json()
    }
}

/// A server that is told of a service; `issuer` makes its name of the service's own.
fn house(issuer: impl Fn(&str) -> String) -> (Server, Provider) {
    let mut server = Server::prepare(Setup { warm: false, voice: false, ..Setup::default() });
    let provider = Provider::start(&server);
    let secret = server.folder().join("secret");
    std::fs::write(&secret, "a-secret-of-the-tests\n").unwrap();
    let config = server.folder().join("hotline.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "[desk.oidc]\nissuer = \"{}\"\nclient-id = \"hotline\"\nclient-secret-file = \"{}\"\npublic-url = \"{}\"\n\
         roles-claim = \"groups\"\nroles = {{ agent = [\"hotline-agents\"], supervisor = [\"hotline-leads\"] }}\n",
        issuer(&provider.issuer),
        secret.display(),
        server.url(),
    ));
    std::fs::write(&config, text).unwrap();
    server.launch();
    server.await_ready();
    (server, provider)
}

#[test]
fn whoever_the_firm_knows_signs_in_by_its_own_service_with_the_roles_it_says() {
    let (server, _provider) = house(str::to_owned);
    let ways = Browser::default().get(&format!("{}/api/v1/sign-in", server.url())).json();
    assert_eq!(
        (&ways["password"], &ways["service"]["url"]),
        (&json!(true), &json!("/api/v1/sign-in/service"))
    );
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(&server, "min.li"), "/team");
    let me = browser.me(&server);
    assert_eq!((&me["login"], &me["name"]), (&json!("min.li"), &json!("李敏")), "{me}");
    assert_eq!((&me["roles"], &me["agent"]["state"]), (&json!(["agent"]), &json!("signed-out")));
    let mut lead = Browser::default();
    lead.sign_in(&server, "wei.wang");
    let lead = lead.me(&server);
    assert_eq!((&lead["roles"], &lead["name"]), (&json!(["agent", "supervisor"]), &json!("Wei <b>Wang</b>")));
    let mut again = Browser::default();
    again.sign_in(&server, "min.li");
    assert_eq!(again.me(&server)["id"], me["id"], "one person is one account");
    // Who has no business here, and who does not want to.
    let mut guest = Browser::default();
    assert_eq!(guest.sign_in(&server, "guest"), "/?sign-in=no-role");
    assert_eq!(guest.me(&server)["code"], "unauthorized");
    // With another browser: the service knows the guest's.
    assert_eq!(Browser::default().sign_in(&server, "nobody"), "/?sign-in=refused");
    // Local accounts stay, and a login that is one of them is not the service's to give.
    let done =
        server.tool_told(&["user", "add", "guest", "--name", "Local", "--roles", "agent"], "right-password");
    assert!(done.status.success());
    let credentials = json!({ "login": "guest", "password": "right-password" });
    let signed_in = send(server.api(), "POST", "/api/v1/session", &[], Some(&credentials)).unwrap();
    assert_eq!(signed_in.status, 200);
    let done = server.tool(&["user", "disable", "min.li"]);
    assert!(done.status.success());
    assert_eq!(browser.me(&server)["code"], "unauthorized");
    assert_eq!(browser.sign_in(&server, "min.li"), "/?sign-in=disabled");
    for gone in ["李敏", "subject-of", "a-secret-of-the-tests"] {
        assert!(!server.log().contains(gone), "{gone} is in the log");
    }
}

#[test]
fn what_is_not_the_services_own_word_signs_nobody_in() {
    let (server, provider) = house(str::to_owned);
    for (how, why) in [
        ("issuer", "wrong-issuer"),
        ("audience", "wrong-audience"),
        ("expired", "expired"),
        ("nonce", "wrong-nonce"),
        ("signature", "bad-signature"),
    ] {
        provider.spoil(how);
        let mut browser = Browser::default();
        assert_eq!(browser.sign_in(&server, "min.li"), format!("/?sign-in={why}"));
        assert_eq!(browser.me(&server)["code"], "unauthorized");
    }
    provider.spoil("");
    // Somebody comes back who did not go, with another's way back, or once more.
    let mut browser = Browser::default();
    let back = browser.way_back(&server, "min.li");
    assert_eq!(Browser::default().arrive(&back), "/?sign-in=stale", "another browser");
    let forged = back.replace("state=", "state=x");
    assert_eq!(Browser::default().arrive(&forged), "/?sign-in=stale");
    assert_eq!(browser.arrive(&back), "/team", "who went comes in, whatever others tried with it");
    assert_eq!(browser.arrive(&back), "/?sign-in=stale", "replayed");
    // Two services: one hands on what the other gave (RFC 9207).
    let mut browser = Browser::default();
    let back = browser.way_back(&server, "min.li");
    let (before, _) = back.split_once("iss=").expect("the service says who it is");
    assert_eq!(browser.arrive(&format!("{before}iss=https%3A%2F%2Fevil.example")), "/?sign-in=wrong-issuer");
    // The service goes away while somebody is there.
    let mut browser = Browser::default();
    let back = browser.way_back(&server, "min.li");
    drop(provider);
    assert_eq!(browser.arrive(&back), "/?sign-in=unreachable");
    assert_eq!(browser.me(&server)["code"], "unauthorized");
}

#[test]
fn a_service_that_calls_itself_otherwise_is_not_the_one_that_was_meant() {
    let (server, provider) = house(|issuer| issuer.replace("127.0.0.1", "localhost"));
    let start = format!("{}/api/v1/sign-in/service", server.url());
    let answer = Browser::default().get(&start);
    assert_eq!(answer.header("location"), Some("/?sign-in=wrong-issuer"));
    assert!(server.log().contains("unexpected issuer"), "the operator reads which one it is");
    drop(provider);
    assert_eq!(Browser::default().get(&start).header("location"), Some("/?sign-in=unreachable"));
}
