//! The firm's own sign-in service: OpenID Connect (Core 1.0, Discovery 1.0), the code flow with PKCE (RFC 7636).

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_model::{Language, Pii};
use hotline_record::{BegunSignIn, Role, ServiceUser};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

/// Where the service sends people back to, behind the address that browsers reach us by.
pub const CALLBACK: &str = "/api/v1/sign-in/callback";

/// How the service is reached, and what is believed of it.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// Its issuer, exactly as it calls itself.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; without one PKCE alone proves that it is us.
    pub client_secret: Option<Pii<String>>,
    /// The address that browsers reach us by: `https://desk.example`.
    pub public_url: String,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// Which claim is the login.
    pub login_claim: String,
    /// Which claim says what somebody may do, if one does: a name, or a path with dots.
    pub roles_claim: Option<String>,
    /// Its words for each role.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// What somebody may do who comes for the first time, where no claim says so.
    pub first_roles: Vec<Role>,
    /// What people call it.
    pub title: BTreeMap<Language, String>,
    /// Certificates (PEM) that are believed besides the usual ones.
    pub certificates: Option<Vec<u8>>,
}

/// Why somebody is not signed in. Its word stands in the address that the page is opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The service does not answer, or not as it should.
    Unreachable,
    /// It does not want to sign them in.
    Refused,
    /// Whoever comes back did not go from here, went too long ago, or comes back again.
    Stale,
    /// It calls itself otherwise than the configuration does.
    WrongIssuer,
    /// Its token is for somebody else.
    WrongAudience,
    /// Its token is over.
    Expired,
    /// Its token belongs to another sign-in.
    WrongNonce,
    /// Its token is not signed by it.
    BadSignature,
    /// Its token, or what it tells of them, cannot be used.
    Unusable,
}

impl Refusal {
    /// In kebab case.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::WrongIssuer => "wrong-issuer",
            Self::WrongAudience => "wrong-audience",
            Self::Expired => "expired",
            Self::WrongNonce => "wrong-nonce",
            Self::BadSignature => "bad-signature",
            Self::Unusable => "unusable",
        }
    }
}

/// A refusal, with words for the log: never what a token or an answer says of a person.
#[derive(Debug)]
pub struct Refused(pub Refusal, pub String);

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Claims beyond the standard ones.
#[derive(Debug, Serialize, Deserialize)]
struct More {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for More {}

/// How long what the service says of itself is believed.
const FRESH: Duration = Duration::from_secs(3_600);
/// How long it may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const ANSWER: usize = 1 << 20;
/// How tokens may be signed: by keys that only the service has.
const SIGNED_BY: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What an HTTP request failed by.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the answer is longer than 1 MB")]
    TooLong,
    #[error("the answer cannot be read")]
    Unreadable,
}

/// How the service is asked.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failed>> + Send>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let http = self.0.clone();
        Box::pin(async move {
            let mut answer = http.execute(request.try_into()?).await?;
            let mut builder = openidconnect::http::Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                builder = builder.header(name, value);
            }
            let mut body = Vec::new();
            while let Some(bytes) = answer.chunk().await? {
                if body.len() + bytes.len() > ANSWER {
                    return Err(Failed::TooLong);
                }
                body.extend_from_slice(&bytes);
            }
            builder.body(body).map_err(|_| Failed::Unreadable)
        })
    }
}

/// The service.
pub struct Oidc {
    settings: OidcSettings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Http,
    known: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

impl Oidc {
    /// The service by its settings. It is not asked yet: a server starts without it.
    ///
    /// # Errors
    /// What is wrong with the settings, in words for the operator.
    pub fn new(settings: OidcSettings) -> Result<Arc<Self>, String> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| "issuer: an address is expected")?;
        let redirect = RedirectUrl::new(format!("{}{CALLBACK}", settings.public_url.trim_end_matches('/')))
            .map_err(|_| "public-url: an address is expected, as https://desk.example")?;
        for (name, url) in [("issuer", issuer.url()), ("public-url", redirect.url())] {
            let here =
                matches!(url.host_str(), Some(host) if host == "localhost" || host.starts_with("127."));
            if url.scheme() != "https" && !(here && url.scheme() == "http") {
                return Err(format!("{name}: https is expected: whoever reads along could sign in"));
            }
        }
        if settings.client_id.is_empty() {
            return Err("client-id: our name at the service is expected".into());
        }
        if settings.roles_claim.is_some() && settings.roles.values().all(Vec::is_empty) {
            return Err("roles: with roles-claim, the service's words for each role are expected".into());
        }
        let mut http = reqwest::Client::builder()
            // Where the service leads us is where it says it is, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(WITHIN);
        if let Some(pem) = &settings.certificates {
            let all = reqwest::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if all.is_empty() {
                return Err("certificates: no certificate in PEM can be read".into());
            }
            for certificate in all {
                http = http.add_root_certificate(certificate);
            }
        }
        let http = Http(http.build().map_err(|error| error.to_string())?);
        Ok(Arc::new(Self { settings, issuer, redirect, http, known: Mutex::new(None) }))
    }

    /// What people call it.
    pub const fn title(&self) -> &BTreeMap<Language, String> {
        &self.settings.title
    }

    /// The address that browsers reach us by is an encrypted one.
    pub fn is_https(&self) -> bool {
        self.redirect.url().scheme() == "https"
    }

    /// What the service says of itself; asked again after an hour, and where its keys are not `fresh` enough.
    async fn metadata(&self, fresh: bool) -> Result<CoreProviderMetadata, Refused> {
        let mut known = self.known.lock().await;
        if let Some((at, metadata)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH && !fresh) {
            let _ = at;
            return Ok(metadata.clone());
        }
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = found.map_err(|error| match error {
            DiscoveryError::Validation(problem) => Refused(Refusal::WrongIssuer, problem),
            DiscoveryError::Response(status, ..) => {
                Refused(Refusal::Unreachable, format!("discovery is answered with {status}"))
            }
            DiscoveryError::Request(error) => Refused(Refusal::Unreachable, format!("discovery: {error}")),
            other => Refused(Refusal::Unusable, format!("discovery: {other}")),
        })?;
        *known = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    fn client(&self, metadata: CoreProviderMetadata) -> Client {
        let methods = metadata.token_endpoint_auth_methods_supported().cloned().unwrap_or_default();
        let in_body = methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
        let secret =
            self.settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose().clone()));
        let id = ClientId::new(self.settings.client_id.clone());
        CoreClient::from_provider_metadata(metadata, id, secret)
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
    }

    /// Somebody goes to the service: where to, and what they take with them. `back`: where on the page they are.
    pub async fn begin(&self, back: String) -> Result<(String, BegunSignIn), Refused> {
        let client = self.client(self.metadata(false).await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut going = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge);
        for scope in &self.settings.scopes {
            going = going.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = going.url();
        let begun = BegunSignIn {
            state: state.secret().clone().into(),
            nonce: nonce.secret().clone().into(),
            verifier: verifier.secret().clone().into(),
            back,
        };
        Ok((url.into(), begun))
    }

    /// Somebody comes back with a code: who they are, as the service says.
    pub async fn finish(
        &self,
        code: String,
        issuer: Option<&str>,
        begun: &BegunSignIn,
    ) -> Result<ServiceUser, Refused> {
        // RFC 9207: of two services one could hand on what the other gave.
        if issuer.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(Refused(Refusal::WrongIssuer, "another issuer sends them back (RFC 9207)".into()));
        }
        let client = self.client(self.metadata(false).await?);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Refused(Refusal::Unusable, error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.expose().clone()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(told) => {
                    Refused(Refusal::Refused, format!("the code is refused: {}", told.error()))
                }
                RequestTokenError::Request(error) => Refused(Refusal::Unreachable, error.to_string()),
                // What cannot be read may hold a token.
                _ => Refused(Refusal::Unusable, "the answer to the code cannot be read".into()),
            })?;
        let token = answer
            .id_token()
            .ok_or_else(|| Refused(Refusal::Unusable, "no id token is in the answer".into()))?;
        let nonce = Nonce::new(begun.nonce.expose().clone());
        let first = token.claims(&client.id_token_verifier().set_allowed_algs(SIGNED_BY), &nonce);
        // Its keys may be newer than what is known of it.
        let newer;
        let claims = match first {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
            )) => {
                newer = self.client(self.metadata(true).await?);
                token.claims(&newer.id_token_verifier().set_allowed_algs(SIGNED_BY), &nonce)
            }
            other => other,
        };
        let claims = claims.map_err(|error| refused(&error))?;
        let mut told = payload(&token.to_string());
        if let Ok(asked) = client.user_info(answer.access_token().clone(), Some(claims.subject().clone())) {
            let more: UserInfoClaims<More, CoreGenderClaim> = asked
                .request_async(&self.http)
                .await
                .map_err(|_| Refused(Refusal::Unusable, "what it tells of them cannot be used".into()))?;
            if let Ok(Value::Object(more)) = serde_json::to_value(&more) {
                told.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
            }
        }
        self.user(claims.subject().to_string(), &told)
    }

    fn user(&self, subject: String, told: &Map<String, Value>) -> Result<ServiceUser, Refused> {
        let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
        let login = text(&self.settings.login_claim).ok_or_else(|| {
            Refused(
                Refusal::Unusable,
                format!("it tells no `{}`: see login-claim", self.settings.login_claim),
            )
        })?;
        let roles = self.settings.roles_claim.as_ref().map(|claim| {
            let words = words_at(told, claim);
            let has = |wanted: &&Vec<String>| wanted.iter().any(|word| words.contains(&word.as_str()));
            self.settings.roles.iter().filter(|(_, wanted)| has(wanted)).map(|(role, _)| *role).collect()
        });
        Ok(ServiceUser {
            issuer: self.settings.issuer.clone(),
            subject,
            login,
            name: text("name"),
            roles,
            first_roles: self.settings.first_roles.clone(),
        })
    }
}

/// The words of a claim: a list or one text; its name as a whole, else a path with dots.
fn words_at<'a>(told: &'a Map<String, Value>, claim: &str) -> Vec<&'a str> {
    let found = told.get(claim).or_else(|| {
        let mut parts = claim.split('.');
        let first = told.get(parts.next()?)?;
        parts.try_fold(first, |at, part| at.get(part))
    });
    match found {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    }
}

/// What a token says, which was verified before (RFC 7519 §3).
fn payload(token: &str) -> Map<String, Value> {
    use base64::Engine as _;
    let middle = token.split('.').nth(1).unwrap_or_default();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(middle).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn refused(error: &ClaimsVerificationError) -> Refused {
    let (refusal, words) = match error {
        ClaimsVerificationError::InvalidIssuer(_) => (Refusal::WrongIssuer, "its token names another issuer"),
        ClaimsVerificationError::InvalidAudience(_) => {
            (Refusal::WrongAudience, "its token is for another client")
        }
        ClaimsVerificationError::Expired(_) => (Refusal::Expired, "its token is over: compare both clocks"),
        ClaimsVerificationError::InvalidNonce(_) => {
            (Refusal::WrongNonce, "its token belongs to another sign-in")
        }
        ClaimsVerificationError::SignatureVerification(_) => {
            (Refusal::BadSignature, "its token is not signed by a key of it")
        }
        _ => (Refusal::Unusable, "its token cannot be used"),
    };
    Refused(refusal, words.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> OidcSettings {
        OidcSettings {
            issuer: "https://id.example/realms/firm".into(),
            client_id: "hotline".into(),
            client_secret: None,
            public_url: "https://desk.example/".into(),
            scopes: vec!["profile".into()],
            login_claim: "preferred_username".into(),
            roles_claim: Some("realm_access.roles".into()),
            roles: [(Role::Agent, vec!["hotline-agents".into()]), (Role::Operator, vec!["it".into()])].into(),
            first_roles: Vec::new(),
            title: BTreeMap::new(),
            certificates: None,
        }
    }

    #[test]
    fn roles_are_those_that_the_claim_names_and_no_others() {
        let service = Oidc::new(settings()).unwrap_or_else(|problem| panic!("{problem}"));
        let user = |told: Value| {
            let Value::Object(told) = told else { panic!("an object") };
            service.user("s".into(), &told)
        };
        let told =
            json!({ "preferred_username": "min.li", "realm_access": { "roles": ["hotline-agents", "x"] } });
        assert_eq!(user(told).unwrap().roles.unwrap(), [Role::Agent]);
        let told = json!({ "preferred_username": "min.li", "realm_access.roles": "it" });
        assert_eq!(user(told).unwrap().roles.unwrap(), [Role::Operator]);
        let told = json!({ "preferred_username": "min.li", "realm_access": { "roles": [1, ["it"]] } });
        assert!(user(told).unwrap().roles.unwrap().is_empty());
        assert_eq!(user(json!({ "email": "x@y" })).unwrap_err().0, Refusal::Unusable);
    }

    #[test]
    fn a_service_that_anybody_could_listen_to_is_not_taken() {
        let problem = |change: fn(&mut OidcSettings)| {
            let mut settings = settings();
            change(&mut settings);
            Oidc::new(settings).err().unwrap_or_default()
        };
        assert!(problem(|s| s.issuer = "http://id.example".into()).starts_with("issuer: https"));
        assert!(problem(|s| s.public_url = "http://desk.example".into()).starts_with("public-url: https"));
        assert!(problem(|s| s.issuer = "id".into()).starts_with("issuer: "));
        assert!(problem(|s| s.client_id = String::new()).starts_with("client-id: "));
        assert!(problem(|s| s.roles.clear()).starts_with("roles: "));
        assert!(problem(|s| s.certificates = Some(b"no".to_vec())).starts_with("certificates: "));
        assert_eq!(problem(|s| s.issuer = "http://127.0.0.1:9".into()), "");
    }
}
