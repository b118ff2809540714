//! Who works here and by which door: `[desk]`, `[desk.oidc]`, `[api]`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use hotline_desk::{Oidc, OidcSettings, PopUrl};
use hotline_model::{Language, Pii};
use hotline_record::Role;
use serde::{Deserialize, Serialize};

use super::{hidden, secret_of};

/// `[desk]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DeskSection {
    /// What a call was about, in queues without words of their own.
    pub wrap_up_reasons: Vec<ReasonWord>,
    /// What a break is for.
    pub break_reasons: Vec<ReasonWord>,
    /// By what supervisors review talks.
    pub rubric: Vec<CriterionWord>,
    /// How many talks of each agent are drawn for that in seven days.
    pub reviews_each: u32,
    /// The firm's own page about a customer: `https://crm.example/open?customer={{ reference }}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pop_url: Option<String>,
    /// The firm's own sign-in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcSection>,
}

/// A word that is stored, with what people call it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonWord {
    /// In kebab case.
    pub code: String,
    /// In Chinese.
    #[serde(rename = "zh-CN")]
    pub zh_cn: String,
    /// In English.
    #[serde(rename = "en-US")]
    pub en_us: String,
}

/// A criterion of the rubric.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CriterionWord {
    /// In kebab case.
    pub code: String,
    /// In Chinese.
    #[serde(rename = "zh-CN")]
    pub zh_cn: String,
    /// In English.
    #[serde(rename = "en-US")]
    pub en_us: String,
    /// The best score; 0 is the worst.
    #[serde(default = "five")]
    pub scale: u32,
    /// How much it counts, against the others.
    #[serde(default = "one")]
    pub weight: u32,
}

const fn five() -> u32 {
    5
}

const fn one() -> u32 {
    1
}

impl Default for DeskSection {
    fn default() -> Self {
        let words = |list: &[[&str; 3]]| {
            let word = |[code, zh_cn, en_us]: &[&str; 3]| ReasonWord {
                code: (*code).to_owned(),
                zh_cn: (*zh_cn).to_owned(),
                en_us: (*en_us).to_owned(),
            };
            list.iter().map(word).collect()
        };
        let criterion = |code: &str, zh_cn: &str, en_us: &str, weight| CriterionWord {
            code: code.into(),
            zh_cn: zh_cn.into(),
            en_us: en_us.into(),
            scale: 5,
            weight,
        };
        Self {
            rubric: vec![
                criterion("greeting", "问候与核实身份", "Greeting and identity", 1),
                criterion("listening", "听懂客户的问题", "Understood the matter", 2),
                criterion("solution", "给出正确的答复或办法", "Right answer or remedy", 3),
                criterion("manner", "态度与用语", "Manner and words", 2),
                criterion("record", "记录完整", "Kept the record", 1),
            ],
            reviews_each: 3,
            wrap_up_reasons: words(&[
                ["settled", "已解决", "Settled"],
                ["to-follow-up", "待跟进", "To be followed up"],
                ["passed-on", "已转交", "Passed on"],
                ["dissatisfied", "客户不满意", "Customer dissatisfied"],
                ["no-words", "无人说话", "Nobody spoke"],
                ["abusive", "骚扰电话", "Abusive call"],
                ["other", "其他", "Other"],
            ]),
            break_reasons: words(&[
                ["rest", "休息", "Rest"],
                ["meal", "用餐", "Meal"],
                ["meeting", "会议", "Meeting"],
                ["training", "培训", "Training"],
                ["paperwork", "处理工单", "Paperwork"],
            ]),
            pop_url: None,
            oidc: None,
        }
    }
}

impl DeskSection {
    /// The checked address of the firm's own page.
    ///
    /// # Errors
    /// What is wrong with it, with its place in the file.
    pub fn pop(&self) -> Result<Option<PopUrl>, String> {
        let parsed = self.pop_url.as_ref().map(|url| url.parse()).transpose();
        parsed.map_err(|problem: String| format!("desk.pop-url: {problem}"))
    }
}

/// `[desk.oidc]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OidcSection {
    /// The service, exactly as it calls itself.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// The file whose first line is our secret there.
    pub client_secret_file: Option<PathBuf>,
    /// The environment's variable that holds it.
    pub client_secret_env: Option<String>,
    /// The address that browsers reach us by: `https://desk.example`.
    pub public_url: String,
    /// What is asked for besides `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Which claim is the login.
    #[serde(default = "usual_login")]
    pub login_claim: String,
    /// Which claim says what somebody may do: a name, or a path with dots.
    pub roles_claim: Option<String>,
    /// Its words for each role.
    #[serde(default)]
    pub roles: BTreeMap<Role, Vec<String>>,
    /// What somebody may do who comes for the first time, without `roles-claim`; nothing: only those come in for whom
    /// an account was made.
    #[serde(default)]
    pub first_roles: Vec<Role>,
    /// What the page calls it, in Chinese.
    #[serde(rename = "title-zh-CN", default = "title_zh_cn")]
    pub title_zh_cn: String,
    /// What the page calls it, in English.
    #[serde(rename = "title-en-US", default = "title_en_us")]
    pub title_en_us: String,
    /// A file of certificates (PEM) that are believed besides the usual ones.
    pub certificates: Option<PathBuf>,
}

fn usual_scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).into()
}

fn usual_login() -> String {
    "preferred_username".into()
}

fn title_zh_cn() -> String {
    "公司账号".into()
}

fn title_en_us() -> String {
    "the company account".into()
}

impl OidcSection {
    /// The service, looked over; it is not asked.
    ///
    /// # Errors
    /// What is wrong with it, in words for the operator; never the secret.
    pub fn service(&self) -> Result<Arc<Oidc>, String> {
        let secret = secret_of(
            ("client-secret-file", self.client_secret_file.as_deref()),
            ("client-secret-env", self.client_secret_env.as_deref()),
        );
        let read = |file: &PathBuf| {
            std::fs::read(file).map_err(|error| format!("certificates: {}: {error}", file.display()))
        };
        let settings = || {
            Ok(OidcSettings {
                issuer: self.issuer.clone(),
                client_id: self.client_id.clone(),
                client_secret: secret?,
                public_url: self.public_url.clone(),
                scopes: self.scopes.clone(),
                login_claim: self.login_claim.clone(),
                roles_claim: self.roles_claim.clone(),
                roles: self.roles.clone(),
                first_roles: self.first_roles.clone(),
                title: [
                    (Language::ZhCn, self.title_zh_cn.clone()),
                    (Language::EnUs, self.title_en_us.clone()),
                ]
                .into(),
                certificates: self.certificates.as_ref().map(read).transpose()?,
            })
        };
        settings().and_then(Oidc::new).map_err(|problem: String| format!("desk.oidc: {problem}"))
    }
}

/// `[api]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Api {
    /// Address and port.
    pub bind: SocketAddr,
    /// Whether browsers reach us by HTTPS only: a proxy with TLS stands in front. Cookies go by nothing else then.
    pub https: bool,
    /// Whose roles see telephone numbers whole.
    pub numbers_seen_by: Vec<Role>,
    /// Who may ask.
    pub tokens: Vec<ApiToken>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            https: false,
            numbers_seen_by: vec![Role::Supervisor],
            tokens: Vec::new(),
        }
    }
}

/// `[[api.tokens]]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiToken {
    /// Whose it is: stands in the access log.
    pub name: String,
    /// The secret itself.
    #[serde(serialize_with = "hidden")]
    pub secret: Pii<String>,
    /// Whether telephone numbers are shown whole.
    #[serde(default)]
    pub sees_numbers: bool,
    /// What it may do.
    #[serde(default = "agent")]
    pub roles: Vec<Role>,
}

fn agent() -> Vec<Role> {
    vec![Role::Agent]
}
