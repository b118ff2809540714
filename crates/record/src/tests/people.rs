//! Accounts, sessions, agents, and records that were made one.

use super::*;

pub async fn user(house: &House, login: &str, roles: &[Role]) -> hotline_model::UserId {
    let new = NewUser {
        login: login.into(),
        name: "李敏".into(),
        roles: roles.to_vec(),
        languages: vec![Language::ZhCn],
        password: Some("right-password".to_owned().into()),
    };
    house.record.add_user(new).await.unwrap()
}

async fn try_with(house: &House, login: &str, password: &str) -> &'static str {
    match house.record.sign_in(login, password.to_owned().into()).await.unwrap() {
        SignIn::Granted(_) => "granted",
        SignIn::Wrong => "wrong",
        SignIn::Locked(_) => "locked",
    }
}

pub async fn five_wrong_tries_lock_a_login_whether_or_not_it_exists(house: House) {
    user(&house, "min.li", &[Role::Agent]).await;
    for login in ["Min.Li", "nobody", "no body at all; DROP TABLE"] {
        for _ in 0..5 {
            assert_eq!(try_with(&house, login, "wrong-password").await, "wrong", "{login}");
        }
        assert_eq!(try_with(&house, login, "right-password").await, "locked", "{login}");
    }
    house.clock.advance(Duration::from_secs(15 * 60 + 1));
    for _ in 0..5 {
        assert_eq!(try_with(&house, "min.li", "wrong-password").await, "wrong");
    }
    house.clock.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(try_with(&house, "min.li", "right-password").await, "locked", "the second lock is longer");
    house.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(try_with(&house, "min.li", "right-password").await, "granted");
    assert_eq!(try_with(&house, "min.li", "wrong-password").await, "wrong");
    for _ in 0..4 {
        assert_eq!(try_with(&house, "min.li", "right-password").await, "granted", "a right one begins anew");
    }
}

pub async fn tries_at_the_same_moment_are_all_counted(house: House) {
    user(&house, "min.li", &[Role::Agent]).await;
    let tries = (0..12).map(|_| {
        let record = house.record.clone();
        tokio::spawn(async move { record.sign_in("min.li", "wrong-password".to_owned().into()).await })
    });
    let mut locked = 0;
    for attempt in tries.collect::<Vec<_>>() {
        locked += usize::from(matches!(attempt.await.unwrap().unwrap(), SignIn::Locked(_)));
    }
    assert_eq!(locked, 7, "five were looked at");
}

pub async fn a_session_ends_with_its_time_its_account_or_its_password(house: House) {
    user(&house, "min.li", &[Role::Agent, Role::Supervisor]).await;
    let begin = || async {
        let granted = house.record.sign_in("min.li", "right-password".to_owned().into()).await.unwrap();
        let SignIn::Granted(signed_in) = granted else { panic!("{granted:?}") };
        assert!(!format!("{signed_in:?}").contains(signed_in.token.expose().as_str()));
        signed_in.token.into_exposed()
    };
    let token = begin().await;
    let open = house.record.find_session(&token).await.unwrap().unwrap();
    assert_eq!(open.user.roles, [Role::Agent, Role::Supervisor]);
    assert!(house.record.find_session("guessed").await.unwrap().is_none());
    house.record.end_session(&token).await.unwrap();
    assert!(house.record.find_session(&token).await.unwrap().is_none());
    let token = begin().await;
    house.clock.advance(Duration::from_secs(12 * 3600));
    assert!(house.record.find_session(&token).await.unwrap().is_none());
    let token = begin().await;
    house.record.disable_user("min.li", true).await.unwrap();
    assert!(house.record.find_session(&token).await.unwrap().is_none());
    assert_eq!(try_with(&house, "min.li", "right-password").await, "wrong");
    house.record.disable_user("min.li", false).await.unwrap();
    let token = begin().await;
    house.record.reset_password("min.li", "another-password".to_owned().into()).await.unwrap();
    assert!(house.record.find_session(&token).await.unwrap().is_none());
    assert_eq!(try_with(&house, "min.li", "right-password").await, "wrong");
    assert_eq!(try_with(&house, "min.li", "another-password").await, "granted");
}

pub async fn a_bad_account_is_refused_with_the_field(house: House) {
    user(&house, "min.li", &[Role::Agent]).await;
    let good = || NewUser {
        login: "wang".into(),
        name: "王".into(),
        roles: vec![Role::Agent],
        languages: Vec::new(),
        password: None,
    };
    let refused = |new: NewUser| {
        let record = house.record.clone();
        async move { record.add_user(new).await.unwrap_err().to_string() }
    };
    assert!(refused(NewUser { login: "MIN.li".into(), ..good() }).await.starts_with("login: somebody"));
    assert!(refused(NewUser { login: "a b".into(), ..good() }).await.starts_with("login: "));
    assert!(refused(NewUser { name: " ".into(), ..good() }).await.starts_with("name: "));
    assert!(refused(NewUser { roles: Vec::new(), ..good() }).await.starts_with("roles: "));
    let short = Some("short".to_owned().into());
    assert!(refused(NewUser { password: short, ..good() }).await.starts_with("password: "));
    // Without a password nobody signs in by one.
    house.record.add_user(good()).await.unwrap();
    assert_eq!(try_with(&house, "wang", "").await, "wrong");
}

pub async fn an_agent_cannot_leave_a_caller_by_going_on_a_break(house: House) {
    let id = user(&house, "min.li", &[Role::Agent]).await;
    let record = &house.record;
    assert_eq!(record.find_agent(id).await.unwrap().unwrap().state, AgentState::SignedOut);
    house.clock.advance(Duration::from_secs(60));
    record.choose_agent_state(id, AgentState::Available, None).await.unwrap();
    let idle = record.find_agent(id).await.unwrap().unwrap().idle_since;
    assert_eq!(idle, house.clock.now());
    house.clock.advance(Duration::from_secs(60));
    record.set_agent_state(id, AgentState::Offered, None).await.unwrap();
    record.set_agent_state(id, AgentState::Available, None).await.unwrap();
    assert_eq!(record.find_agent(id).await.unwrap().unwrap().idle_since, idle, "an offer that went by");
    record.set_agent_state(id, AgentState::Talking, None).await.unwrap();
    let refused = record.choose_agent_state(id, AgentState::Break, Some("lunch")).await;
    assert!(matches!(refused, Err(RecordError::Stale(_))), "{refused:?}");
    record.set_agent_state(id, AgentState::WrapUp, None).await.unwrap();
    record.choose_agent_state(id, AgentState::Break, Some("lunch")).await.unwrap();
    let agent = record.agents().await.unwrap().remove(0);
    assert_eq!((agent.state, agent.reason.as_deref()), (AgentState::Break, Some("lunch")));
    let moves = record.follow(0, 100).await.unwrap();
    assert_eq!(moves.iter().filter(|event| event.type_name == "agent.state").count(), 6);
}

pub async fn a_merge_of_the_wrong_two_is_undone_and_old_ids_resolve_throughout(house: House) {
    let record = &house.record;
    let mut customers = Vec::new();
    for (number, phone) in ["13800138000", "13900139000", "13700137000"].into_iter().enumerate() {
        let mut input = ticket(&format!("T-{number}"), phone);
        input.code = None;
        customers.push(record.upsert_ticket(input, Language::ZhCn).await.unwrap().customer);
    }
    let [a, b, c] = customers[..] else { panic!("three were made") };
    record.merge_customers(a, b, "min.li", Some("one person")).await.unwrap();
    let wrong = record.merge_customers(b, c, "min.li", None).await.unwrap();
    for id in [a, b, c] {
        let family = record.family(id).await.unwrap().unwrap();
        assert_eq!((family.root, family.ids.len()), (c, 3));
        assert_eq!(record.find_customer(id, 10).await.unwrap().unwrap().tickets.len(), 3);
    }
    let number = CallerNumber::parse("13800138000");
    assert_eq!(record.recognise(&number).await.unwrap().customer, Some(c));
    assert!(record.merge_customers(a, c, "min.li", None).await.is_err(), "they are one already");
    record.undo_merge(&wrong, "supervisor").await.unwrap();
    assert!(matches!(record.undo_merge(&wrong, "supervisor").await, Err(RecordError::Stale(_))));
    assert_eq!(record.family(a).await.unwrap().unwrap().root, b, "who was merged before stays");
    assert_eq!(record.family(c).await.unwrap().unwrap().ids, [c.to_string()]);
    assert_eq!(record.find_customer(c, 10).await.unwrap().unwrap().tickets.len(), 1);
    assert_eq!(record.recognise(&number).await.unwrap().customer, Some(b));
    let merges = record.merges_of(c).await.unwrap();
    assert_eq!(merges.len(), 1);
    assert_eq!(merges[0].undone_by.as_deref(), Some("supervisor"));
    let told = record.follow(0, 100).await.unwrap();
    assert_eq!(told.iter().filter(|event| event.type_name == "customer.unmerged").count(), 2);
}
