//! Surveys on pages, as browsers and messengers ask for them; and what is written back to a message.

use std::time::Duration;

use axum::http::HeaderMap;
use hotline_dialplan::{Plans, Recordings};
use hotline_model::{CallId, CustomerId, IdSource, Pii};
use hotline_record::{CampaignDeed, CustomerView, EntryKind, NewPage, TimelineEntry};
use tokio::sync::watch;

use super::*;
use crate::Surveys;

const TOKEN: &str = "0123456789abcdefghjkmnpqrs";
const DAY: Duration = Duration::from_secs(86_400);

fn plans() -> Plans {
    let files = [
        ("after-complaint.yaml", include_str!("../../../../dialplans/after-complaint.yaml")),
        ("calendars/office.yaml", include_str!("../../../../dialplans/calendars/office.yaml")),
        ("queues.yaml", include_str!("../../../../dialplans/queues.yaml")),
        ("waiting.yaml", include_str!("../../../../dialplans/waiting.yaml")),
        ("called-back.yaml", include_str!("../../../../dialplans/called-back.yaml")),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    Plans::load(files.into(), &Recordings::default()).0.expect("the shipped plans have no error")
}

struct Site {
    house: House,
    clock: Arc<ManualClock>,
    customer: CustomerId,
    _plans: watch::Sender<Arc<Plans>>,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

/// A house with a customer who was sent a link.
async fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new("2026-11-20T02:00:00Z".parse().unwrap()));
    let shared: Arc<dyn Clock> = clock.clone();
    let record = Record::open(&Settings::sqlite(&folder.path().join("record.db")), shared).await.unwrap();
    let (_plans, published) = watch::channel(Arc::new(plans()));
    let desk = Desk {
        surveys: Some(Surveys::new(published, "10086".into())),
        ..Desk::new(record, Tokens(vec![Token::new("crm", MASKED, false)]), Language::ZhCn)
    };
    let house = House { router: router(desk.clone()), desk, _folder: folder };
    let mut open = ticket();
    open["state"] = json!("open");
    open.as_object_mut().unwrap().retain(|name, _| name != "result" && name != "code");
    let (_, stored) = house.post_ticket(&open).await;
    let customer: CustomerId = stored["customer"].as_str().unwrap().parse().unwrap();
    let now = clock.now();
    let page = NewPage {
        attempt: IdSource::new(7).next::<CallId>(now),
        token: Pii::new(TOKEN.into()),
        customer,
        ticket: stored["ticket"].as_str().unwrap().parse().unwrap(),
        policy: "after-complaint".into(),
        plan: "after-complaint".into(),
        language: Language::ZhCn,
        given: Pii::new("{\"closed-on\":{\"type\":\"date\",\"value\":\"2026-11-19\"}}".into()),
        valid_until: now + DAY * 7,
    };
    house.desk.record.store_campaign(vec![CampaignDeed::Page(Box::new(page))]).await.unwrap();
    Site { house, clock, customer, _plans }
}

impl Site {
    async fn send(&self, method: &str, path: &str, form: &str) -> Page {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        let answer = self.house.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        Page { status, headers, html: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn look(&self, more: &str) -> Page {
        self.send("GET", &format!("/s/{TOKEN}{more}"), "").await
    }

    /// Answers a question, and follows to the next page.
    async fn answer(&self, at: usize, step: &str, what: &str) -> Page {
        let form = format!("lang=zh-CN&at={at}&step=after-complaint%2F{step}&{what}");
        let page = self.send("POST", &format!("/s/{TOKEN}"), &form).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
        let to = page.headers[header::LOCATION].to_str().unwrap().to_owned();
        self.send("GET", &to, "").await
    }

    async fn view(&self) -> CustomerView {
        self.house.desk.record.find_customer(self.customer, 10).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn looking_changes_nothing_and_nobody_keeps_or_frames_the_page() {
    let site = site().await;
    let before = site.house.desk.record.newest_seq().await.unwrap();
    let page = site.look("").await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "<html lang=\"zh-CN\">",
        "您的投诉已经在2026年11月19日办结。",
        "<h1>您对处理结果满意吗?</h1>",
        "第1题,最多3题",
    ] {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    assert!(
        !page.html.contains("<script") && !page.html.contains("style=") && !page.html.contains("onclick")
    );
    for (name, rule) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("content-security-policy", "default-src 'none'"),
    ] {
        assert!(page.headers[name].to_str().unwrap().starts_with(rule), "{name}: {:?}", page.headers);
    }
    let english = site.look("?lang=en-US").await;
    assert!(
        english.html.contains("<html lang=\"en-US\">")
            && english.html.contains("Are you satisfied with the result?")
    );
    site.look("?stop=1").await;
    assert_eq!(site.send("HEAD", &format!("/s/{TOKEN}"), "").await.status, StatusCode::OK);
    assert_eq!(site.house.desk.record.newest_seq().await.unwrap(), before);
    assert!(site.view().await.contacts.is_empty());
    let style = site.send("GET", "/s/survey.css", "").await;
    assert_eq!(
        (style.status, style.headers[header::CONTENT_TYPE].to_str().unwrap()),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
}

#[tokio::test]
async fn who_is_not_content_is_promised_a_call_and_the_same_answer_twice_is_one() {
    let site = site().await;
    let why = site.answer(0, "how-was-it", "choice=2").await;
    assert!(why.html.contains("主要是什么原因?") && why.html.contains("?at=0"), "{}", why.html);
    // The phone sends it again: nothing is lost and nothing is double.
    let again = site.answer(0, "how-was-it", "choice=2").await;
    assert!(again.html.contains("主要是什么原因?"));
    let view = site.view().await;
    assert_eq!((view.contacts.len(), view.follow_ups.len()), (1, 1));
    assert_eq!(view.contacts[0].channel, "web");
    // Back: the answer is there, and another one leads elsewhere.
    let back = site.look("?at=0").await;
    assert!(back.html.contains("value=\"2\" required checked"), "{}", back.html);
    let comment = site.answer(1, "why", "choice=3").await;
    assert!(comment.html.contains("<textarea"), "{}", comment.html);
    let said = "%3Cb%3E%26%E5%A4%9A%E6%94%B6%E4%BA%86%E9%92%B1%0D%0A%3C%2Ftextarea%3E";
    let end = site.answer(2, "comment", &format!("words={said}")).await;
    assert!(end.html.contains("之前给您回电") && end.html.contains("感谢您"), "{}", end.html);
    let contact = site.view().await.contacts.remove(0);
    let words = site.house.desk.record.written_words(&contact.id).await.unwrap();
    assert_eq!(words[0].1.expose(), "<b>&多收了钱\n</textarea>");
    let answers = site.house.desk.record.answers_of(site.customer, 10).await.unwrap();
    let mut told: Vec<_> = answers.iter().map(|one| (one.question.as_str(), one.answer.as_str())).collect();
    told.sort_unstable();
    assert_eq!(told, [("reason", "money"), ("satisfied", "dissatisfied")]);
    let view = site.view().await;
    assert_eq!((view.follow_ups.len(), view.follow_ups[0].reason.as_str()), (1, "dissatisfied"));
    assert_eq!(contact.outcome.as_deref(), Some("wants-human"));
    // It is over: whatever comes now is thanked and not taken.
    let late = site.answer(0, "how-was-it", "choice=1").await;
    assert!(late.html.contains("感谢您") && !late.html.contains("<form"), "{}", late.html);
    assert_eq!(site.house.desk.record.answers_of(site.customer, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_written_stands_there_as_it_was_written_and_is_no_markup() {
    let site = site().await;
    site.answer(0, "how-was-it", "choice=2").await;
    site.answer(1, "why", "choice=1").await;
    // Nothing is chosen, or something that is not there.
    for what in ["", "choice=9", "choice=%3Cscript%3E"] {
        let form = format!("at=1&step=after-complaint%2Fwhy&{what}");
        let page = site.send("POST", &format!("/s/{TOKEN}"), &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.html.contains("role=\"alert\"") && !page.html.contains("<script"), "{}", page.html);
    }
    // Another question than the one that stands there, a place that is not there: the page as it is.
    for (at, step) in [(0, "why"), (7, "why"), (2, "gone")] {
        let page = site.answer(at, step, "choice=1").await;
        assert!(page.html.contains("<textarea"), "{}", page.html);
    }
    let large = format!("at=2&step=after-complaint%2Fcomment&words={}", "x".repeat(40_000));
    assert_eq!(site.send("POST", &format!("/s/{TOKEN}"), &large).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_page_that_cannot_be_answered_says_why() {
    let site = site().await;
    for token in ["0123456789abcdefghjkmnpqrt", "x", "..%2f", "%F0%9F%98%80"] {
        let page = site.send("GET", &format!("/s/{token}"), "").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{token}");
        assert!(
            page.html.contains("没有找到这个页面") && page.html.contains("href=\"tel:10086\""),
            "{}",
            page.html
        );
    }
    site.clock.advance(DAY * 8);
    let page = site.look("").await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.html.contains("评价时间已过"));
    let late = site.answer(0, "how-was-it", "choice=1").await;
    assert_eq!(late.status, StatusCode::GONE);
    assert!(site.view().await.contacts.is_empty());
    site.house.desk.record.erase_customer(site.customer, "min.li").await.unwrap();
    let page = site.look("?lang=en-US").await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.html.contains("There is nothing here anymore"), "{}", page.html);
}

#[tokio::test]
async fn who_wants_no_more_is_left_alone() {
    let site = site().await;
    let asks = site.look("?stop=1").await;
    assert!(asks.html.contains("name=\"act\" value=\"stop\"") && asks.html.contains("不再联系您?"));
    let done = site.send("POST", &format!("/s/{TOKEN}"), "lang=zh-CN&act=stop").await;
    assert!(done.status == StatusCode::OK && done.html.contains("已经记下"), "{}", done.html);
    let card = site.house.desk.record.card(site.customer).await.unwrap().unwrap();
    assert!(card.do_not_call);
    assert_eq!(site.view().await.contacts[0].outcome.as_deref(), Some("refused"));
    assert!(site.look("").await.html.contains("感谢您"));
}

#[tokio::test]
async fn a_message_back_is_an_answer_a_refusal_or_something_to_read() {
    let site = site().await;
    let write = async |id: &str, text: &str| {
        let body = json!({ "id": id, "from": "138 0013 8000", "to": "10690001", "text": text });
        site.house.ask(MASKED, "POST", "/api/v1/replies", &body.to_string()).await
    };
    let (status, read) = write("m1", "我的问题还没有解决<b>").await;
    assert_eq!((status, &read["taken-as"]), (StatusCode::OK, &Value::Null));
    let (_, again) = write("m1", "我的问题还没有解决<b>").await;
    assert_eq!(again["contact"], read["contact"]);
    let view = site.view().await;
    assert_eq!((view.contacts.len(), view.follow_ups.len()), (1, 1));
    assert_eq!(view.follow_ups[0].reason, "wrote-back");
    for (id, text) in [("m2", " 2。"), ("m2", "2"), ("m3", "不满意")] {
        assert_eq!(write(id, text).await.1["taken-as"], "answered", "{text}");
    }
    let view = site.view().await;
    let reasons: Vec<&str> = view.follow_ups.iter().map(|one| one.reason.as_str()).collect();
    assert!(reasons.contains(&"dissatisfied") && reasons.len() == 2, "{reasons:?}");
    // The rest is answered on the page.
    assert!(site.look("").await.html.contains("主要是什么原因?"));
    // What may as well answer a question refuses nothing.
    for (id, text) in [("n1", "N"), ("n2", "end"), ("n3", "QUIT")] {
        assert_eq!(write(id, text).await.1["taken-as"], Value::Null, "{text}");
    }
    assert!(!site.house.desk.record.card(site.customer).await.unwrap().unwrap().do_not_call);
    assert_eq!(write("m4", "td").await.1["taken-as"], "refused");
    assert!(site.house.desk.record.card(site.customer).await.unwrap().unwrap().do_not_call);
    let line = site.house.desk.record.timeline(site.customer, None, 50).await.unwrap().unwrap();
    let of = |kind: EntryKind| {
        move |one: &&TimelineEntry| one.kind == kind && one.channel.as_deref() == Some("message")
    };
    assert_eq!(line.entries.iter().filter(of(EntryKind::Contact)).count(), 7);
    assert_eq!(line.entries.iter().filter(of(EntryKind::Consent)).count(), 1, "with its proof");
    assert_eq!(write("", "1").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = site.house.ask("guessed", "POST", "/api/v1/replies", "{}").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
