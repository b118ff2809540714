//! Accounts, sessions, agents, and records that were made one.

use super::*;
use crate::{BegunSignIn, ServiceSignIn, ServiceUser};

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

pub fn begun(state: &str) -> BegunSignIn {
    BegunSignIn {
        state: state.to_owned().into(),
        nonce: "n".to_owned().into(),
        verifier: "v".to_owned().into(),
        back: "/customers/1".into(),
    }
}

pub async fn who_goes_to_the_sign_in_service_comes_back_once_and_in_time(house: House) {
    let record = &house.record;
    let within = Duration::from_secs(600);
    record.begin_sign_in(begun("one"), within).await.unwrap();
    record.begin_sign_in(begun("two"), within).await.unwrap();
    assert!(record.take_sign_in("guessed").await.unwrap().is_none());
    let taken = record.take_sign_in("one").await.unwrap().unwrap();
    assert_eq!((taken.nonce.expose().as_str(), taken.back.as_str()), ("n", "/customers/1"));
    assert!(record.take_sign_in("one").await.unwrap().is_none(), "replayed");
    house.clock.advance(within);
    assert!(record.take_sign_in("two").await.unwrap().is_none(), "too late");
    assert!(!format!("{:?}", begun("secret")).contains("secret"));
}

pub async fn whom_the_sign_in_service_vouches_for_has_one_account_with_its_roles(house: House) {
    let record = &house.record;
    let of = |subject: &str, login: &str, roles: Option<&[Role]>| ServiceUser {
        issuer: "https://id.example".into(),
        subject: subject.into(),
        login: login.into(),
        name: Some("李敏".into()),
        roles: roles.map(<[Role]>::to_vec),
        first_roles: Vec::new(),
    };
    let sign_in = async |user: ServiceUser| match record.sign_in_by_service(user).await.unwrap() {
        ServiceSignIn::Granted(signed_in) => Ok(*signed_in),
        ServiceSignIn::Disabled => Err("disabled"),
        ServiceSignIn::NoRole => Err("no-role"),
        ServiceSignIn::LoginTaken => Err("login-taken"),
        ServiceSignIn::BadLogin => Err("bad-login"),
    };
    assert_eq!(sign_in(of("s-1", "Min.Li", None)).await.unwrap_err(), "no-role");
    assert!(record.users().await.unwrap().is_empty());
    let first = sign_in(of("s-1", "Min.Li", Some(&[Role::Agent]))).await.unwrap();
    assert_eq!((first.user.login.as_str(), first.user.name.as_str()), ("min.li", "李敏"));
    assert!(record.find_agent(first.user.id).await.unwrap().is_some());
    assert!(record.find_session(first.token.expose()).await.unwrap().is_some());
    // Another login there later is the same person, and what they may do is what the service says now.
    let again = sign_in(of("s-1", "min.wang", Some(&[Role::Agent, Role::Supervisor]))).await.unwrap();
    assert_eq!((again.user.id, again.user.login.as_str()), (first.user.id, "min.li"));
    assert_eq!(again.user.roles, [Role::Agent, Role::Supervisor]);
    assert_eq!(sign_in(of("s-1", "min.li", Some(&[]))).await.unwrap_err(), "no-role");
    assert!(record.find_session(again.token.expose()).await.unwrap().is_none(), "shown out at once");
    // Nobody comes into an account by having its login somewhere else.
    user(&house, "boss", &[Role::Supervisor]).await;
    assert_eq!(sign_in(of("s-2", "boss", Some(&[Role::Agent]))).await.unwrap_err(), "login-taken");
    assert_eq!(sign_in(of("s-3", "min.li", Some(&[Role::Agent]))).await.unwrap_err(), "login-taken");
    assert_eq!(sign_in(of("s-4", "a b", Some(&[Role::Agent]))).await.unwrap_err(), "bad-login");
    // One that was made for them is theirs, with the roles it has where the service says nothing.
    let made = NewUser {
        login: "wei".into(),
        name: "Wei".into(),
        roles: vec![Role::Operator],
        languages: Vec::new(),
        password: None,
    };
    let id = record.add_user(made).await.unwrap();
    let theirs = sign_in(of("s-5", "wei", None)).await.unwrap();
    assert_eq!((theirs.user.id, theirs.user.roles.as_slice()), (id, &[Role::Operator][..]));
    assert_eq!(sign_in(of("s-6", "wei", None)).await.unwrap_err(), "login-taken", "it is somebody's now");
    record.disable_user("wei", true).await.unwrap();
    assert_eq!(sign_in(of("s-5", "wei", None)).await.unwrap_err(), "disabled");
    let other =
        ServiceUser { issuer: "https://other.example".into(), ..of("s-1", "new", Some(&[Role::Agent])) };
    assert_ne!(
        sign_in(other).await.unwrap().user.id,
        first.user.id,
        "another service's subject is another person"
    );
    // The password of nobody opens an account that has none.
    assert_eq!(try_with(&house, "min.li", "").await, "wrong");
}
