//! Mail: to granted servers only, safely, and with an honest word on each recipient.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plugin_gateway::http::HttpLimits;
use plugin_gateway::{
    ConnectionGateway, Credential, Gateway, GatewayOptions, Grants, MailDelivery, MailFault,
    MailMessage, MailSecurity, MailServer,
};

use crate::mail_server::{MailDouble, Manner, Taken};
use crate::server::{Fixed, policy};
use crate::tls::{acceptor, authority};

const CANARY: &str = "c4n4ry-in-the-m4il";

fn message(recipients: &[&str]) -> MailMessage {
    let headers = [
        ("From", "Shop <news@shop.example>"),
        ("Date", "Mon, 02 Mar 2026 10:00:00 +0000"),
        ("Message-ID", "<1@shop.example>"),
    ];
    MailMessage {
        sender: "bounces@shop.example".to_owned(),
        recipients: recipients.iter().map(|it| (*it).to_owned()).collect(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: b"Hello\r\n.\r\n..\r\n".to_vec(),
    }
}

fn limits() -> HttpLimits {
    let soon = Duration::from_millis(400);
    HttpLimits { total_timeout: soon, mail_verdict_timeout: soon, ..HttpLimits::default() }
}

fn basic(username: &str, password: &str) -> Credential {
    Credential::Basic { username: username.into(), password: password.into() }
}

fn connect(grants: Grants, credential: Option<Credential>) -> Arc<ConnectionGateway> {
    connect_with(grants, credential, HttpLimits::default(), &["127.0.0.1"])
}

fn connect_with(
    grants: Grants,
    credential: Option<Credential>,
    limits: HttpLimits,
    addresses: &[&str],
) -> Arc<ConnectionGateway> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
    let options =
        GatewayOptions { lookup: Arc::new(Fixed(addresses)), ..GatewayOptions::default() };
    let policy = policy(grants, credential, limits, serde_json::Value::Null);
    Gateway::new(options).unwrap().connection(policy)
}

async fn sent(manner: Manner) -> (Result<Vec<MailDelivery>, MailFault>, MailDouble) {
    let double = MailDouble::start(manner).await;
    let gateway = connect_with(double.grants(), None, limits(), &[]);
    let message = message(&["ana@x.example", "bob@x.example"]);
    let answer = gateway.send_mail(&double.server(MailSecurity::None), &message).await;
    (answer, double)
}

fn replies(replies: &[(&'static str, &str)]) -> Manner {
    let replies = replies.iter().map(|(at, reply)| (*at, (*reply).to_owned())).collect();
    Manner { replies, ..Manner::default() }
}

#[tokio::test]
async fn a_message_arrives_as_it_was_stated() {
    let (answer, double) =
        sent(Manner { abilities: vec!["SIZE 10000"], ..Manner::default() }).await;
    let accepted = MailDelivery::Accepted("250 2.0.0 queued as 4711".to_owned());
    assert_eq!(answer, Ok(vec![accepted.clone(), accepted]));
    let content = "From: Shop <news@shop.example>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\
                   Message-ID: <1@shop.example>\r\n\r\nHello\r\n.\r\n..\r\n";
    let recipients = vec!["ana@x.example".to_owned(), "bob@x.example".to_owned()];
    let sender = "bounces@shop.example".to_owned();
    assert_eq!(double.taken(), [Taken { sender, recipients, content: content.to_owned() }]);
    let commands = double.commands();
    assert_eq!(commands[0], "EHLO [127.0.0.1]");
    assert_eq!(commands[1], format!("MAIL FROM:<bounces@shop.example> SIZE={}", content.len()));
    assert_eq!(commands.last().unwrap(), "QUIT");
}

/// What each refusal means, and that nobody gets a message then.
#[tokio::test]
async fn a_refusal_is_told_for_whom_it_is_meant() {
    use MailDelivery::{Accepted, Deferred, Refused};
    let no = "550 5.1.1 unknown".to_owned();
    let some = "452 4.5.3 too many".to_owned();
    let queued = || Accepted("250 2.0.0 queued as 4711".to_owned());
    let cases = [
        (replies(&[("RCPT TO:<ana", &no)]), Ok(vec![Refused(no.clone()), queued()]), 1),
        (replies(&[("RCPT TO:<bob", &some)]), Ok(vec![queued(), Deferred(some.clone())]), 1),
        (replies(&[("RCPT", &no)]), Ok(vec![Refused(no.clone()), Refused(no.clone())]), 0),
        (replies(&[("DATA", &no)]), Ok(vec![Refused(no.clone()), Refused(no.clone())]), 0),
        (replies(&[(".", &some)]), Ok(vec![Deferred(some.clone()), Deferred(some.clone())]), 0),
        (
            replies(&[("MAIL", "552 too large")]),
            Ok(vec![Refused("552 too large".into()), Refused("552 too large".into())]),
            0,
        ),
        (
            replies(&[("RCPT TO:<bob", "421 closing")]),
            Err(MailFault::Deferred("421 closing".into())),
            0,
        ),
        (replies(&[("MAIL", &no)]), Err(MailFault::Refused(no.clone())), 0),
        (replies(&[("EHLO", &no)]), Err(MailFault::Refused(no.clone())), 0),
        (
            Manner { greeting: Some("554-no\r\n554 service".into()), ..Manner::default() },
            Err(MailFault::Refused("554 no service".into())),
            0,
        ),
        (
            Manner { greeting: Some("421 busy".into()), ..Manner::default() },
            Err(MailFault::Deferred("421 busy".into())),
            0,
        ),
        (
            Manner { abilities: vec!["SIZE 50"], ..Manner::default() },
            Err(MailFault::TooLarge { limit_bytes: 50 }),
            0,
        ),
    ];
    for (manner, expected, taken) in cases {
        let (answer, double) = sent(manner).await;
        assert_eq!(answer, expected);
        assert_eq!(double.taken().len(), taken, "{expected:?}");
    }
}

/// Whether anybody may have the message: the end of it is the border.
#[tokio::test]
async fn only_what_happens_behind_the_end_is_unknown() {
    for at in ["EHLO", "MAIL", "RCPT", "DATA", "."] {
        // The end of the message answers to `DATA` too, unless that is replied to.
        let before = at != ".";
        let refuses = |manner: Manner| match at {
            "DATA" => Manner { replies: replies(&[("DATA", "250 hm")]).replies, ..manner },
            _ => manner,
        };
        let hangs_up = refuses(Manner { hangs_up: Some(at), ..Manner::default() });
        let silent = refuses(Manner { silent: Some(at), ..Manner::default() });
        let garbage = replies(&[(at, "HTTP/1.1 400 Bad Request")]);
        for (what, manner) in [("hangs up", hangs_up), ("silent", silent), ("garbage", garbage)] {
            let (answer, double) = sent(manner).await;
            if before {
                assert!(matches!(answer, Err(MailFault::Connect(_))), "{what} {at}: {answer:?}");
            } else {
                let answer = answer.unwrap();
                let unknown = |it: &MailDelivery| matches!(it, MailDelivery::Unknown(_));
                assert!(answer.len() == 2 && answer.iter().all(unknown), "{what}: {answer:?}");
            }
            assert!(double.taken().is_empty(), "{what} {at}");
        }
    }
}

#[tokio::test]
async fn no_reply_is_too_long_or_too_odd() {
    let line = format!("220 {}", "x".repeat(10_000));
    let lines = "220-x\r\n".repeat(1_000) + "220 x";
    for greeting in [line.as_str(), &lines, "\u{7f}ELF", "220x", "", "SSH-2.0-OpenSSH_9.2p1"] {
        let began = Instant::now();
        let (answer, _) =
            sent(Manner { greeting: Some(greeting.to_owned()), ..Manner::default() }).await;
        assert!(matches!(answer, Err(MailFault::Connect(_))), "{greeting:.20}: {answer:?}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    let (answer, _) = sent(replies(&[("RCPT", "550 \u{1b}[2J\u{7}\u{e9}")])).await;
    assert_eq!(answer.unwrap()[0], MailDelivery::Refused("550  [2J \u{e9}".to_owned()));
}

#[tokio::test]
async fn a_login_is_taken_or_told_without_the_password() {
    let known = |abilities| Manner { abilities, login: Some(("ana", CANARY)), ..Manner::default() };
    let cases = [
        (known(vec!["AUTH PLAIN LOGIN"]), CANARY, true),
        (known(vec!["AUTH LOGIN"]), CANARY, true),
        (known(vec!["AUTH PLAIN"]), "wr0ng-c4n4ry", false),
        (known(vec!["AUTH LOGIN"]), "wr0ng-c4n4ry", false),
        (known(vec!["AUTH GSSAPI"]), CANARY, false),
        (known(vec![]), CANARY, false),
    ];
    for (manner, password, good) in cases {
        let double = MailDouble::start(manner).await;
        let gateway = connect(double.grants(), Some(basic("ana", password)));
        let server =
            MailServer { credential: Some("main".into()), ..double.server(MailSecurity::None) };
        let sent = gateway.send_mail(&server, &message(&["ana@x.example"])).await;
        let checked = gateway.check_mail(&server).await;
        assert_eq!((sent.is_ok(), checked.is_ok()), (good, good), "{sent:?} {checked:?}");
        if !good {
            assert!(matches!(sent, Err(MailFault::Credential(_))), "{sent:?}");
            assert!(matches!(checked, Err(MailFault::Credential(_))), "{checked:?}");
            assert!(!format!("{sent:?}{checked:?}").contains(password));
        }
        assert_eq!(double.taken().len(), usize::from(good));
    }
    // Refused for now is no wrong password; and an echo shows nothing.
    let encoded = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("\0ana\0{CANARY}"))
    };
    let echo = format!("454 4.7.0 ana {CANARY} {encoded}");
    let manner = Manner { abilities: vec!["AUTH PLAIN"], ..replies(&[("AUTH", &echo)]) };
    let double = MailDouble::start(manner).await;
    let gateway = connect(double.grants(), Some(basic("ana", CANARY)));
    let server =
        MailServer { credential: Some("main".into()), ..double.server(MailSecurity::None) };
    let fault = gateway.check_mail(&server).await.unwrap_err();
    assert_eq!(fault, MailFault::Deferred("454 4.7.0 ana *** ***".to_owned()));
    // Other slots and other kinds are no login.
    for (slot, credential) in
        [("other", basic("ana", CANARY)), ("main", Credential::Bearer("x".into()))]
    {
        let gateway = connect(double.grants(), Some(credential));
        let server = MailServer { credential: Some(slot.into()), ..server.clone() };
        let fault = gateway.check_mail(&server).await.unwrap_err();
        assert!(matches!(fault, MailFault::Credential(_)), "{fault}");
    }
}

#[tokio::test]
async fn mail_goes_to_granted_servers_only() {
    let double = MailDouble::start(Manner::default()).await;
    let port = double.port;
    let grants = |hosts: &[&str], private: &[&str]| Grants {
        hosts: hosts
            .iter()
            .map(|it| it.replace("PORT", &port.to_string()).parse().unwrap())
            .collect(),
        private: private
            .iter()
            .map(|it| it.replace("PORT", &port.to_string()).parse().unwrap())
            .collect(),
        insecure_http: true,
        ..Grants::default()
    };
    let loopback = ["127.0.0.1/32:PORT"];
    let cases = [
        ("127.0.0.1:PORT", grants(&["127.0.0.1:PORT"], &loopback), true),
        ("mail.example.com:PORT", grants(&["mail.example.com:PORT"], &loopback), true),
        ("2130706433:PORT", grants(&["127.0.0.1:PORT"], &loopback), true),
        ("127.0.0.1:PORT", grants(&["127.0.0.1:PORT"], &[]), false),
        ("mail.example.com:PORT", grants(&["mail.example.com:PORT"], &[]), false),
        ("mail.example.com:PORT", grants(&["mail.example.com:25"], &loopback), false),
        ("mail.example.com:PORT", grants(&["mail.example.com"], &loopback), false),
        ("mail.example.com:PORT", grants(&["127.0.0.1:PORT"], &loopback), false),
        ("localhost:PORT", grants(&["localhost:PORT"], &[]), false),
        (
            "metadata.google.internal:PORT",
            grants(&["metadata.google.internal:PORT"], &loopback),
            false,
        ),
        ("169.254.169.254:PORT", grants(&["169.254.169.254:PORT"], &loopback), false),
    ];
    for (address, grants, good) in cases {
        let gateway = connect_with(grants, None, limits(), &["127.0.0.1"]);
        let address = address.replace("PORT", &port.to_string());
        let server = MailServer { address, security: MailSecurity::None, credential: None };
        let answer = gateway.check_mail(&server).await;
        match good {
            true => assert_eq!(answer, Ok(()), "{server:?}"),
            false => assert!(matches!(answer, Err(MailFault::Denied(_))), "{server:?} {answer:?}"),
        }
    }
    let grants = double.grants();
    for address in ["", "127.0.0.1", "a@127.0.0.1:PORT", "127.0.0.1:PORT/x", "x:0x19", "x\r\n:25"] {
        let address = address.replace("PORT", &port.to_string());
        let server = MailServer { address, security: MailSecurity::None, credential: None };
        let answer = connect(grants.clone(), None).check_mail(&server).await;
        assert!(matches!(answer, Err(MailFault::Invalid(_))), "{server:?} {answer:?}");
    }
    // A name of which only a forbidden address is known, and one that leads inside.
    for addresses in [["169.254.169.254"], ["10.1.2.3"]] {
        let grants = Grants {
            hosts: vec![format!("mail.example.com:{port}").parse().unwrap()],
            private: vec![format!("127.0.0.1/32:{port}").parse().unwrap()],
            insecure_http: true,
            ..Grants::default()
        };
        let gateway = connect_with(grants, None, limits(), &addresses);
        let address = format!("mail.example.com:{port}");
        let server = MailServer { address, security: MailSecurity::None, credential: None };
        let answer = gateway.check_mail(&server).await;
        assert!(matches!(answer, Err(MailFault::Denied(_))), "{answer:?}");
    }
    let commands = double.commands().iter().filter(|line| line.starts_with("EHLO")).count();
    assert_eq!(commands, 3, "somebody connected who may not");

    // Without TLS only where that is granted, and never more often than granted.
    let tight = Grants { insecure_http: false, ..double.grants() };
    let answer = connect(tight, None).check_mail(&double.server(MailSecurity::None)).await;
    assert!(matches!(answer, Err(MailFault::Denied(_))), "{answer:?}");
    let once = HttpLimits { calls_max: 1, ..limits() };
    let gateway = connect_with(double.grants(), None, once, &[]);
    let server = double.server(MailSecurity::None);
    assert_eq!(gateway.check_mail(&server).await, Ok(()));
    let answer = gateway.send_mail(&server, &message(&["ana@x.example"])).await;
    assert_eq!(answer, Err(MailFault::BudgetExhausted));
}

#[tokio::test]
async fn nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let double = MailDouble { port: free, memory: Arc::default() };
    let answer =
        connect(double.grants(), None).check_mail(&double.server(MailSecurity::None)).await;
    assert!(matches!(answer, Err(MailFault::Connect(_))), "{answer:?}");
}

#[tokio::test]
async fn tls_is_there_or_nothing_is_said() {
    let (ours, other) = (authority(), authority());
    let name = "mail.example.com";
    let starttls = || vec!["STARTTLS", "AUTH PLAIN"];
    let behind = |implicit, abilities: Vec<&'static str>, name, expired| Manner {
        abilities,
        login: Some(("ana", CANARY)),
        tls: Some((acceptor(&ours, &[name], expired), implicit)),
        ..Manner::default()
    };
    let injected = Manner {
        replies: replies(&[("STARTTLS", "220 go on\r\n250-evil\r\n250 AUTH PLAIN")]).replies,
        ..behind(false, starttls(), name, false)
    };
    let cases = [
        ("implicit", MailSecurity::Tls, behind(true, vec!["AUTH PLAIN"], name, false), &ours, true),
        ("starttls", MailSecurity::StartTls, behind(false, starttls(), name, false), &ours, true),
        (
            "stripped",
            MailSecurity::StartTls,
            behind(false, vec!["AUTH PLAIN"], name, false),
            &ours,
            false,
        ),
        ("injected", MailSecurity::StartTls, injected, &ours, false),
        (
            "another authority",
            MailSecurity::StartTls,
            behind(false, starttls(), name, false),
            &other,
            false,
        ),
        (
            "wrong name",
            MailSecurity::Tls,
            behind(true, starttls(), "x.example.com", false),
            &ours,
            false,
        ),
        ("expired", MailSecurity::Tls, behind(true, starttls(), name, true), &ours, false),
        (
            "clear",
            MailSecurity::Tls,
            Manner { silent: Some("\u{16}"), ..Manner::default() },
            &ours,
            false,
        ),
    ];
    for (what, security, manner, trusted, good) in cases {
        let double = MailDouble::start(manner).await;
        let grants = Grants {
            hosts: vec![format!("{name}:{}", double.port).parse().unwrap()],
            private: vec![format!("127.0.0.1/32:{}", double.port).parse().unwrap()],
            authorities_pem: Some(trusted.certificate.pem()),
            ..Grants::default()
        };
        let gateway = connect_with(grants, Some(basic("ana", CANARY)), limits(), &["127.0.0.1"]);
        let address = format!("{name}:{}", double.port);
        let server = MailServer { address, security, credential: Some("main".to_owned()) };
        let answer = gateway.send_mail(&server, &message(&["ana@x.example"])).await;
        assert_eq!(answer.is_ok(), good, "{what}: {answer:?}");
        assert_eq!(double.taken().len(), usize::from(good), "{what}");
        if !good {
            assert!(matches!(answer, Err(MailFault::Connect(_))), "{what}: {answer:?}");
            let told = double.commands().iter().any(|line| line.starts_with("AUTH"));
            assert!(!told, "{what}: the password was told");
        }
    }
}

#[test]
fn debug_texts_show_no_customer() {
    let message = MailMessage { body: CANARY.into(), ..message(&[&format!("{CANARY}@x.example")]) };
    assert!(!format!("{message:?}").contains(CANARY));
}
