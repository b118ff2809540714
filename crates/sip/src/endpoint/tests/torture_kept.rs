//! What is kept of the messages of RFC 4475 and RFC 5118 where the point of the section is a value.

use super::torture::{Outcome, bytes_of, outcome_of};
use crate::message::{Framing, Limits, Message, Name, Scheme, find_part};
use crate::sdp;

fn read(bytes: &'static [u8]) -> Message {
    Message::parse(bytes, Framing::Datagram, &Limits::default()).unwrap()
}

fn message(name: &str) -> Message {
    read(bytes_of(name))
}

fn texts(message: &Message, name: Name) -> Vec<String> {
    message.values(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[test]
fn a_tortuous_invite_loses_nothing() {
    let invite = message("wsinv");
    assert_eq!(invite.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(invite.from().unwrap().display(), "J Rosenberg \\\"");
    assert_eq!(invite.number(Name::MaxForwards), Some(68));
    assert_eq!(invite.cseq().unwrap().number, 9);
    assert_eq!(invite.find_other("s"), Some(&b""[..]));
    assert_eq!(invite.find_other("UnknownHeaderWithUnusualValue"), Some(&b";;,,;;,;"[..]));
    assert_eq!(
        invite.find_other("newfangledheader"),
        Some(&b"newfangled value   continued newfangled value"[..])
    );
    let vias: Vec<_> = invite.values(Name::Via).map(message_via).collect();
    assert_eq!(
        vias,
        [
            ("192.0.2.2", "390skdjuw"),
            ("spindle.example.com", "z9hG4bK9ikj8"),
            ("192.168.255.111", "z9hG4bK30239")
        ]
        .map(|(host, branch)| (host.to_owned(), branch.to_owned()))
    );
    let contact = invite.contact().unwrap();
    assert_eq!(contact.display(), "Quoted string \"\"");
    assert_eq!(
        (contact.params().find("newparam"), contact.params().find("q")),
        (Some("newvalue"), Some("0.33"))
    );
    assert_eq!(contact.params().find("secondparam"), Some(""));
    let route = invite.name_addr(Name::Route).unwrap();
    assert_eq!(route.uri().find_param("unknown-no-value").as_deref(), Some(""));
    assert_eq!(invite.body_bytes().len(), 150);
}

fn message_via(value: &[u8]) -> (String, String) {
    let via = crate::message::Via::parse(value).unwrap();
    (via.host().to_owned(), via.branch().unwrap().to_owned())
}

#[test]
fn unusual_characters_keep_their_meaning() {
    let request = message("intmeth");
    assert_eq!(request.method_name(), b"!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(request.cseq().unwrap().number, 139_122_385);
    let uri = request.request_uri().unwrap();
    assert_eq!(uri.raw_user(), "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert_eq!(
        (uri.password(), uri.host()),
        (Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"), "example.com")
    );
    assert_eq!(request.to().unwrap().display(), "BEL:\u{7} NUL:\0 DEL:\u{7f}");
    assert_eq!(request.from().unwrap().tag(), Some("_token~1'+`*%!-."));
    assert_eq!(request.from().unwrap().display(), "token1~` token2'+_ token3*%!.-");
    assert_eq!(request.call_id(), Some("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));
    assert_eq!(request.via().unwrap().branch(), Some("z9hG4bK-.!%66*_+`'~"));
    assert_eq!(request.find_other("extensionHeader-!.%*+_`'~"), Some("\u{feff}大停電".as_bytes()));
}

#[test]
fn escapes_are_resolved_once_and_only_in_uris() {
    let invite = message("esc01");
    assert_eq!(invite.request_uri().unwrap().user(), "sips:user@example.com");
    assert_eq!(invite.to().unwrap().uri().user(), "user");
    assert_eq!(invite.from().unwrap().uri().user(), "I have spaces");
    let contact = invite.contact().unwrap();
    assert_eq!(contact.uri().user(), "caller");
    assert_eq!(contact.uri().find_param("lr").as_deref(), Some(""));
    assert_eq!(contact.uri().find_param("name").as_deref(), Some("value%41"));
    let register = message("escnull");
    assert_eq!(register.to().unwrap().uri().user(), "null-\0-null");
    assert_eq!(
        texts(&register, Name::Contact),
        ["<sip:%00@host5.example.com>", "<sip:%00%00@host5.example.com>"]
    );
    let other = message("esc02");
    assert_eq!(other.method_name(), b"RE%47IST%45R");
    assert_eq!(other.to().unwrap().display(), "%Z%45");
    assert_eq!(texts(&other, Name::Contact).len(), 2);
}

#[test]
fn names_users_and_bodies_are_divided_where_they_should() {
    assert_eq!(message("lwsdisp").from().unwrap().display(), "caller");
    assert_eq!(message("semiuri").request_uri().unwrap().user(), "user;par=u@example.net");
    let long = message("longreq");
    assert_eq!(texts(&long, Name::Via).len(), 34);
    assert_eq!(long.from().unwrap().tag().unwrap().len(), 155);
    assert_eq!(long.to().unwrap().uri().port(), Some(6000));
    assert!(message("dblreq").body_bytes().is_empty());
    let multipart = message("mpart01");
    let kind = multipart.find(Name::ContentType).unwrap();
    assert_eq!(&find_part(kind, &multipart.body(), "text/plain").unwrap()[..], b"Hello");
    let signature = find_part(kind, &multipart.body(), "application/octet-stream").unwrap();
    // A DER sequence says its length itself: 4 bytes and 0x152.
    assert_eq!((signature.len(), &signature[..4]), (4 + 0x152, &[0x30, 0x82, 0x01, 0x52][..]));
    let transports = message("transports");
    assert_eq!(transports.via().unwrap().transport(), "UDP");
    assert_eq!(texts(&transports, Name::Via).len(), 5);
}

#[test]
fn responses_with_odd_reasons_are_read_and_impossible_ones_are_not() {
    assert_eq!(message("unreason").code(), Some(200));
    let reason = String::from_utf8(message("unreason").reason().to_vec()).unwrap();
    assert!(reason.starts_with("= 2**3 * 5**2 но"), "{reason}");
    assert_eq!((message("noreason").code(), message("noreason").reason()), (Some(100), &b""[..]));
    assert_eq!(message("bcast").code(), Some(200));
    for name in ["scalarlg", "bigcode"] {
        assert!(Message::parse(bytes_of(name), Framing::Datagram, &Limits::default()).is_err(), "{name}");
    }
}

#[test]
fn contact_and_uri_parameters_are_told_apart() {
    let (one, two) = (message("cparam01"), message("cparam02"));
    let (header, inside) = (one.contact().unwrap(), two.contact().unwrap());
    assert_eq!(
        (header.params().find("unknownparam"), header.uri().find_param("unknownparam")),
        (Some(""), None)
    );
    assert_eq!(inside.params().find("unknownparam"), None);
    assert_eq!(inside.uri().find_param("unknownparam").as_deref(), Some(""));
    let escaped = message("regescrt");
    assert_eq!(escaped.contact().unwrap().uri().headers(), "Route=%3Csip:sip.example.com%3E");
}

#[test]
fn an_invite_of_rfc_2543_brings_its_body_and_no_tag() {
    let invite = message("inv2543");
    assert_eq!((invite.from().unwrap().tag(), invite.via().unwrap().branch()), (None, None));
    assert!(sdp::Sdp::parse(invite.body_bytes()).is_ok());
    assert!(matches!(message("unkscm").request_uri().unwrap().scheme(), Scheme::Other));
}

#[test]
fn unquoted_names_are_read_once_the_head_is_closed() {
    // The archive's `baddn` has no empty line after its head; §3.1.2.15 is about the names.
    let closed = [bytes_of("baddn"), b"\r\n"].concat();
    let message = Message::parse(closed, Framing::Datagram, &Limits::default()).unwrap();
    assert_eq!(message.from().unwrap().display(), "Bell, Alexander");
    assert_eq!(message.to().unwrap().uri().user(), "t.watson");
}

// RFC 5118

macro_rules! ipv6 {
    ($name:literal) => {
        include_bytes!(concat!("../../../fixtures/rfc5118/", $name, ".dat"))
    };
}

#[test]
fn every_message_of_rfc_5118_gets_what_its_section_asks() {
    use Outcome::{Code, Invited};
    let rows: [(&str, &'static [u8], Outcome); 12] = [
        // §4.1: well formed; we are no registrar.
        ("ipv6-good", ipv6!("ipv6-good"), Code(405)),
        // §4.2: no brackets in the Request-URI: should get 400.
        ("ipv6-bad", ipv6!("ipv6-bad"), Code(400)),
        // §4.3 and §4.4: both well formed.
        ("port-ambiguous", ipv6!("port-ambiguous"), Code(405)),
        ("port-unambiguous", ipv6!("port-unambiguous"), Code(405)),
        // §4.5: `received` with brackets and without; the dialog of the BYE is not ours.
        ("with-delim", ipv6!("via-received-param-with-delim"), Code(481)),
        ("no-delim", ipv6!("via-received-param-no-delim"), Code(200)),
        // §4.6 to §4.9: well formed.
        ("ipv6-in-sdp", ipv6!("ipv6-in-sdp"), Invited),
        ("mult-ip-in-header", ipv6!("mult-ip-in-header"), Code(481)),
        ("mult-ip-in-sdp", ipv6!("mult-ip-in-sdp"), Invited),
        ("ipv4-mapped-ipv6", ipv6!("ipv4-mapped-ipv6"), Invited),
        // §4.10: both must be tolerated.
        ("3-colons", ipv6!("ipv6-bug-abnf-3-colons"), Code(200)),
        ("2-colons", ipv6!("ipv6-correct-abnf-2-colons"), Code(200)),
    ];
    for (name, bytes, due) in rows {
        assert_eq!(outcome_of(bytes).map(|(outcome, _)| outcome), Ok(due), "{name}");
    }
}

#[test]
fn a_port_is_one_only_outside_the_brackets() {
    let address = |bytes| read(bytes).request_uri().unwrap().address().unwrap();
    assert_eq!(address(ipv6!("port-ambiguous")), "[2001:db8::10:5070]:5060".parse().unwrap());
    assert_eq!(address(ipv6!("port-unambiguous")), "[2001:db8::10]:5070".parse().unwrap());
    let (bug, correct) = (ipv6!("ipv6-bug-abnf-3-colons"), ipv6!("ipv6-correct-abnf-2-colons"));
    assert_eq!(address(bug), address(correct));
    assert_eq!(address(bug), "[2001:db8::192.0.2.1]:5060".parse().unwrap());
}

#[test]
fn vias_and_descriptions_may_mix_both_kinds_of_address() {
    let with = read(ipv6!("via-received-param-with-delim"));
    let without = read(ipv6!("via-received-param-no-delim"));
    let received = |message: &Message| {
        crate::message::parse_ip(message.via().unwrap().params().find("received").unwrap()).unwrap()
    };
    assert_eq!(received(&with), received(&without));
    let mixed = read(ipv6!("mult-ip-in-header"));
    let hosts: Vec<_> = mixed
        .values(Name::Via)
        .map(|via| crate::message::Via::parse(via).unwrap().host().to_owned())
        .collect();
    assert_eq!(hosts, ["[2001:db8::9:1]", "192.0.2.1", "[2001:db8::9:255]"]);

    let body = read(ipv6!("ipv6-in-sdp")).body();
    assert_eq!(sdp::Sdp::parse(&body).unwrap().connection, Some("2001:db8::20".parse().unwrap()));
    let ours = sdp::Capabilities::new("192.0.2.7:4000".parse().unwrap(), 1);
    let agreed = sdp::answer_bytes(&read(ipv6!("mult-ip-in-sdp")).body(), &ours).unwrap();
    assert_eq!(agreed.remote, "192.0.2.1:22334".parse().unwrap());
    assert!(agreed.sdp.contains("m=video 0 RTP/AVP 107\r\n"), "{}", agreed.sdp);
    let mapped = read(ipv6!("ipv4-mapped-ipv6"));
    assert_eq!(mapped.contact().unwrap().uri().address(), Some("[::ffff:192.0.2.2]:5060".parse().unwrap()));
    let body = mapped.body();
    assert_eq!(sdp::Sdp::parse(&body).unwrap().connection, Some("::ffff:192.0.2.2".parse().unwrap()));
}
