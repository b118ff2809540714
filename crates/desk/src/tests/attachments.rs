//! Files of customers: by agents through the API, by customers through their link.

use std::sync::Arc;

use axum::http::HeaderMap;
use hotline_record::{LinkSent, Role};

use super::*;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0 a photo of a bill";

async fn shelf() -> (House, tempfile::TempDir) {
    let mut house = house().await;
    let folder = tempfile::tempdir().unwrap();
    house.desk.attachments = Some(folder.path().join("files"));
    house.desk.links = Some(Arc::from("https://kf.example"));
    house.router = router(house.desk.clone());
    (house, folder)
}

fn left(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(folder.path().join("files")).map(Iterator::count).unwrap_or(0)
}

impl House {
    async fn raw(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = axum::body::to_bytes(answer.into_body(), 20 << 20).await.unwrap();
        (status, headers, bytes.to_vec())
    }

    async fn put_file(&self, browser: &people::Browser, path: &str, body: Body) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header(header::COOKIE, &browser.cookie)
            .header("X-CSRF-Token", &browser.csrf)
            .body(body)
            .unwrap();
        let (status, _, bytes) = self.raw(request).await;
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, browser: &people::Browser, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.raw(Request::get(path).header(header::COOKIE, &browser.cookie).body(Body::empty()).unwrap())
            .await
    }

    /// A link of a customer, sent.
    async fn token(&self, customer: &str) -> String {
        let words = |token: &str, _: Language| format!("/u/{token}");
        let customer = customer.parse().unwrap();
        let sent =
            self.desk.record.send_upload_link(customer, None, &words, Language::ZhCn, None, "min.li").await;
        assert_eq!(sent.unwrap(), LinkSent::Planned);
        let message = self.desk.record.claim_messages(1, true).await.unwrap().remove(0);
        message.text.expose().strip_prefix("/u/").unwrap().to_owned()
    }

    async fn page(&self, path: &str) -> (StatusCode, HeaderMap, String) {
        let (status, headers, html) = self.raw(Request::get(path).body(Body::empty()).unwrap()).await;
        (status, headers, String::from_utf8(html).unwrap())
    }

    async fn form(&self, path: &str, files: &[(&str, &[u8])]) -> (StatusCode, String) {
        let mut body = Vec::new();
        for (name, bytes) in files {
            let head = format!(
                "--XX\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\
                 Content-Type: image/jpeg\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XX--\r\n");
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
            .body(Body::from(body))
            .unwrap();
        let (status, _, html) = self.raw(request).await;
        (status, String::from_utf8(html).unwrap())
    }
}

#[tokio::test]
async fn an_agent_puts_a_file_there_and_a_supervisor_deletes_it() {
    let (house, folder) = shelf().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let designer = house.browser("plan.maker", &[Role::Designer]).await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let path = format!("/api/v1/customers/{}/attachments", made["customer"].as_str().unwrap());
    let named = format!("{path}?name=%3Cb%3E%E8%B4%A6%E5%8D%95.html");
    let (status, one) = house.put_file(&agent, &named, Body::from(JPEG)).await;
    assert_eq!(status, StatusCode::CREATED, "{one}");
    assert_eq!(house.put_file(&agent, &named, Body::from(JPEG)).await, (StatusCode::OK, one.clone()));
    assert_eq!(left(&folder), 1, "the second was not needed");
    let (_, list) = house.by(&agent, "GET", &path, Value::Null).await;
    assert_eq!(
        (&list[0]["name"], &list[0]["media-type"], &list[0]["bytes"], &list[0]["by"]),
        (&json!("<b>账单.html"), &json!("image/jpeg"), &json!(JPEG.len()), &json!("min.li"))
    );
    let file = format!("/api/v1/attachments/{}/file", one["id"].as_str().unwrap());
    let (status, headers, bytes) = house.get(&agent, &file).await;
    assert_eq!((status, bytes.as_slice()), (StatusCode::OK, JPEG));
    assert_eq!(headers[header::CONTENT_TYPE], "image/jpeg");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let said = headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(said.starts_with("attachment; ") && said.ends_with(".html.jpg"), "{said}");
    assert_eq!(house.get(&designer, &file).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.raw(Request::get(&file).body(Body::empty()).unwrap()).await.0, StatusCode::UNAUTHORIZED);

    for (body, status, code) in [
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>".to_vec(), 415, "wrong-kind"),
        (Vec::new(), 422, "empty"),
        ([JPEG, &vec![0; 10 << 20]].concat(), 413, "too-large"),
    ] {
        let (found, told) = house.put_file(&agent, &path, Body::from(body)).await;
        assert_eq!((found.as_u16(), &told["code"]), (status, &json!(code)), "{told}");
    }
    let broken = futures_util::stream::iter([
        Ok(axum::body::Bytes::from_static(JPEG)),
        Err(std::io::Error::other("x")),
    ]);
    let (found, told) = house.put_file(&agent, &path, Body::from_stream(broken)).await;
    assert_eq!((found, &told["code"]), (StatusCode::BAD_REQUEST, &json!("unreadable")), "{told}");
    assert_eq!(left(&folder), 1, "nothing half is left");
    let strange = format!("{path}?ticket=01M8");
    let (found, _) = house.put_file(&agent, &strange, Body::from([JPEG, b"2"].concat())).await;
    assert_eq!((found, left(&folder)), (StatusCode::UNPROCESSABLE_ENTITY, 1));

    let path = format!("/api/v1/attachments/{}", one["id"].as_str().unwrap());
    assert_eq!(house.by(&agent, "DELETE", &path, Value::Null).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.by(&boss, "DELETE", &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.by(&boss, "DELETE", &path, Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!((left(&folder), house.get(&agent, &file).await.0), (0, StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told() {
    let (mut house, folder) = shelf().await;
    // A file where the folder should be.
    std::fs::write(folder.path().join("files"), "").unwrap();
    house.router = router(house.desk.clone());
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let path = format!("/api/v1/customers/{}/attachments", made["customer"].as_str().unwrap());
    let (status, told) = house.put_file(&agent, &path, Body::from(JPEG)).await;
    assert_eq!((status, &told["code"]), (StatusCode::INSUFFICIENT_STORAGE, &json!("no-room")), "{told}");
    let (_, list) = house.by(&agent, "GET", &path, Value::Null).await;
    assert_eq!(list, json!([]));
}

#[tokio::test]
async fn a_customer_sends_files_by_a_link_without_scripts() {
    let (house, folder) = shelf().await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let customer = made["customer"].as_str().unwrap();
    let path = format!("/u/{}", house.token(customer).await);
    for _ in 0..3 {
        // Previews of messengers look as often as they like.
        let (status, headers, html) = house.page(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            html.contains("lang=\"zh-CN\"") && html.contains("还可以传 10 个") && !html.contains("<script"),
            "{html}"
        );
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert!(!html.contains("王小明") && !html.contains("138"), "whoever has the link learns nothing");
    }
    assert!(house.page(&format!("{path}?lang=en-US")).await.2.contains("Send photos or documents"));
    let evil = "<img src=x>.jpg";
    let (status, html) =
        house.form(&path, &[(evil, JPEG), ("a.exe", b"MZ not a picture at all"), ("", b"")]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("&lt;img src=x&gt;.jpg</bdi> 已收到") && !html.contains("<img"), "{html}");
    assert!(html.contains("a.exe</bdi> 不是可以接收") && html.contains("还可以传 9 个"), "{html}");
    let (status, html) = house.form(&path, &[("again.jpg", JPEG)]).await;
    assert!(status == StatusCode::OK && html.contains("还可以传 9 个"), "sent twice it is one: {html}");
    let (status, html) = house.form(&path, &[("", b"")]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && html.contains("还没有选择文件"), "{html}");
    let large = [JPEG, &vec![0; 10 << 20]].concat();
    let (status, html) = house.form(&path, &[("large.jpg", &large), ("b.jpg", &[JPEG, b"b"].concat())]).await;
    assert!(
        status == StatusCode::OK && html.contains("超过 10 MB") && html.contains("b.jpg</bdi> 已收到"),
        "{html}"
    );
    for number in 0..8_u8 {
        house.form(&path, &[("n.jpg", &[JPEG, &[number]].concat())]).await;
    }
    let (status, html) = house.form(&path, &[("more.jpg", &[JPEG, b"more"].concat())]).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && html.contains("已经传满 10 个文件"), "{html}");
    assert!(!html.contains("<form"), "{html}");
    assert_eq!(left(&folder), 10);
    let files = house.desk.record.attachments_of(customer.parse().unwrap()).await.unwrap();
    assert!(files.len() == 10 && files.iter().all(|one| one.made_by == "customer"));
}

#[tokio::test]
async fn a_link_that_is_none_is_told_honestly_and_guesses_are_bounded() {
    let (house, _folder) = shelf().await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let known = format!("/u/{}", house.token(made["customer"].as_str().unwrap()).await);
    let mut last = StatusCode::OK;
    for number in 0..40_u32 {
        let (status, _, html) = house.page(&format!("/u/{number:032x}")).await;
        let expected = if number < 30 { StatusCode::NOT_FOUND } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(status, expected, "{number}: {html}");
        last = status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(house.page(&known).await.0, StatusCode::OK, "whoever has a link is served all the same");
    assert_eq!(house.form("/u/..%2F..%2Fetc", &[("a.jpg", JPEG)]).await.0, StatusCode::TOO_MANY_REQUESTS);
    let customer = made["customer"].as_str().unwrap();
    house.desk.record.erase_customer(customer.parse().unwrap(), "boss").await.unwrap();
    assert_ne!(house.form(&known, &[("a.jpg", JPEG)]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_link_needs_an_address_and_a_number() {
    let (mut house, _folder) = shelf().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let path = format!("/api/v1/customers/{}/upload-links", made["customer"].as_str().unwrap());
    assert_eq!(house.by(&agent, "POST", &path, json!({})).await.0, StatusCode::ACCEPTED);
    let message = house.desk.record.claim_messages(1, true).await.unwrap().remove(0);
    assert!(message.text.expose().contains("https://kf.example/u/"), "it goes to the number on file");
    house.desk.links = None;
    house.router = router(house.desk.clone());
    let (status, told) = house.by(&agent, "POST", &path, json!({})).await;
    assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("no-address")));
    assert!(told["message"].as_str().unwrap().contains("[messages]"), "{told}");
}
