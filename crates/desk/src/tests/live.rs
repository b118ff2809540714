//! The journal as a page that stays open sees it.

use std::time::Duration;

use futures_util::StreamExt;
use hotline_record::{AgentState, Role};

use super::people::Browser;
use super::*;

/// An open stream.
struct Tail {
    body: axum::body::BodyDataStream,
    text: String,
}

impl House {
    async fn tail(&self, browser: &Browser, path: &str, last: Option<i64>) -> Tail {
        let mut request = Request::get(path)
            .header(header::COOKIE, &browser.cookie)
            .header(header::ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last.to_string());
        }
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Tail { body: answer.into_body().into_data_stream(), text: String::new() }
    }
}

impl Tail {
    /// The next frame as `(event, id, data)`.
    async fn next(&mut self) -> (String, i64, Value) {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = frame.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().trim().to_owned()
                };
                let told = (
                    field("event:"),
                    field("id:").parse().unwrap_or(0),
                    serde_json::from_str(&field("data:")).unwrap_or(Value::Null),
                );
                self.text = rest.to_owned();
                return told;
            }
            let piece = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
            let piece = piece.expect("something is told in time").expect("the stream goes on").unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn type_name(&mut self) -> String {
        self.next().await.2["type"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_resumes_where_it_was() {
    let house = house().await;
    let browser = house.browser("boss", &[Role::Supervisor]).await;
    let mut tail = house.tail(&browser, "/api/v1/events", None).await;
    let (kind, _, at) = tail.next().await;
    assert_eq!(kind, "ready");
    house.post_ticket(&ticket()).await;
    let (kind, seq, event) = tail.next().await;
    assert_eq!((kind.as_str(), event["type"].as_str()), ("", Some("ticket.created")));
    assert!(seq > at["seq"].as_i64().unwrap() && event["seq"] == seq);
    drop(tail);
    let mut second = ticket();
    second["external-ref"] = json!("T-2");
    second["code"] = Value::Null;
    house.post_ticket(&second).await;
    // The browser comes back and says where it was.
    let mut tail = house.tail(&browser, "/api/v1/events", Some(seq)).await;
    assert_eq!(tail.next().await.0, "ready");
    let (_, next, event) = tail.next().await;
    assert_eq!((next, event["type"].as_str()), (seq + 1, Some("ticket.created")));
    // A page that knows another journal than ours paints anew.
    let mut tail = house.tail(&browser, "/api/v1/events", Some(9_000_000)).await;
    let (kind, id, gap) = tail.next().await;
    assert_eq!((kind.as_str(), id, &gap["missed"]), ("gap", next, &json!(0)));
}

#[tokio::test]
async fn who_missed_too_much_is_told_of_a_gap_and_goes_on_from_there() {
    let house = house().await;
    let browser = house.browser("boss", &[Role::Supervisor]).await;
    let call: hotline_model::CallId = 7.into();
    let steps: Vec<_> = (1..=10_100)
        .map(|number| hotline_record::CallStep {
            number,
            at: house.desk.record.now(),
            event: hotline_model::StepEvent::entered("main", "menu"),
        })
        .collect();
    house.desk.record.store_steps(call, None, &steps);
    assert!(house.desk.record.flush(Duration::from_secs(10)).await);
    let mut tail = house.tail(&browser, "/api/v1/events", Some(1)).await;
    let (kind, id, gap) = tail.next().await;
    assert_eq!((kind.as_str(), &gap["seq"]), ("gap", &json!(id)));
    house.post_ticket(&ticket()).await;
    assert_eq!(tail.next().await.1, id + 1);
    // A little less is told in full, over many looks at the journal.
    let mut tail = house.tail(&browser, "/api/v1/events", Some(id - 2_000)).await;
    tail.next().await;
    for seq in id - 1_999..=id + 1 {
        assert_eq!(tail.next().await.1, seq);
    }
}

#[tokio::test]
async fn an_agent_is_told_of_the_house_themselves_and_the_customer_they_look_at() {
    let house = house().await;
    let browser = house.browser("min.li", &[Role::Agent]).await;
    let (_, ticket_made) = house.post_ticket(&ticket()).await;
    let customer = ticket_made["customer"].as_str().unwrap();
    let mut of_house = house.tail(&browser, "/api/v1/events", None).await;
    let mut of_customer = house.tail(&browser, &format!("/api/v1/events?customer={customer}"), None).await;
    assert_eq!((of_house.next().await.0, of_customer.next().await.0), ("ready".into(), "ready".into()));
    let mut changed = ticket();
    changed["category"] = json!("data-charge");
    house.post_ticket(&changed).await;
    let agent = house.desk.record.agents().await.unwrap().remove(0);
    house.desk.record.set_agent_state(agent.user, AgentState::Available, None).await.unwrap();
    changed["category"] = json!("plan");
    house.post_ticket(&changed).await;
    assert_eq!(of_house.type_name().await, "agent.state", "not the ticket of a customer they do not look at");
    assert_eq!(of_customer.type_name().await, "ticket.changed");
    assert_eq!(of_customer.type_name().await, "ticket.changed");
    assert_eq!(house.desk.streams(), 2);
    drop((of_house, of_customer));
    assert_eq!(house.desk.streams(), 0, "who is gone is not told");
    let mut nobody = house.tail(&browser, "/api/v1/events?me=1", None).await;
    nobody.next().await;
    house.desk.record.set_agent_state(agent.user, AgentState::Break, Some("lunch")).await.unwrap();
    assert_eq!(nobody.next().await.2["body"]["reason"], "lunch");
}

#[tokio::test]
async fn streams_end_with_the_process() {
    let house = house().await;
    let browser = house.browser("min.li", &[Role::Agent]).await;
    let mut tail = house.tail(&browser, "/api/v1/events", None).await;
    tail.next().await;
    house.desk.stopping.cancel();
    assert!(tail.body.next().await.is_none());
}
