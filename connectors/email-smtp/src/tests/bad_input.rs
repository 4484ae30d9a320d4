//! What goes wrong, and what an administrator hears of it.

use super::*;

fn config(change: impl Fn(&mut Value)) -> Fault {
    let mut settings = settings();
    change(&mut settings);
    Mail::discover(&Call::with_settings(settings)).unwrap_err()
}

#[test]
fn wrong_settings_are_named_by_their_place() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 13] = [
        ("settings.from", |s| s["from"] = json!("news")),
        ("settings.from", |s| s["from"] = json!("news@shop.example\r\nBcc: all@x.example")),
        ("settings.reply_to", |s| s["reply_to"] = json!("Shop <a@x.example>")),
        ("settings.return_path", |s| s["return_path"] = json!("")),
        ("settings.from_name", |s| s["from_name"] = json!("Shop\r\nBcc: all@x.example")),
        ("settings", |s| s["templates"]["welcome"]["body"] = json!("x")),
        ("settings", |s| s["server"] = Value::Null),
        ("settings.templates.welcome.subject", |s| {
            s["templates"]["welcome"]["subject"] = json!("Hi\nBcc: all@x.example");
        }),
        ("settings.templates.welcome.subject", |s| {
            s["templates"]["welcome"]["subject"] = json!(" ");
        }),
        ("settings.templates.welcome.text", |s| s["templates"]["welcome"]["text"] = json!("{{a")),
        ("settings.templates.welcome.html", |s| s["templates"]["welcome"]["html"] = json!("{{}}")),
        ("settings.templates.welcome.text", |s| {
            s["templates"]["welcome"] = json!({ "subject": "x" });
        }),
        ("settings.templates.welcome.unsubscribe", |s| {
            s["templates"]["welcome"]["unsubscribe"] = json!("http://shop.example/leave");
        }),
    ];
    for (place, change) in cases {
        let fault = config(change);
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Config, place), "{fault}");
    }
    let fault = config(|s| s["templates"]["reports"] = json!({ "subject": "x", "text": "x" }));
    assert_eq!(fault.code, FaultCode::Config);
    let fault = script(|_| taken()).0.run(|| write("other", vec![item("1", person())]));
    assert_eq!(fault.unwrap_err().code, FaultCode::NotFound);
}

/// Those of one person: the others get their message.
#[test]
fn a_person_that_cannot_be_written_to_is_refused_alone() {
    let cases = [
        (json!({ "to": "ana@x.example\r\nRCPT TO:<all@x.example>" }), "to", "address"),
        (json!({ "to": "ana@x.example\r\nBcc: all@x.example" }), "to", "address"),
        (json!({ "to": "ana" }), "to", "address"),
        (json!({ "to": 7 }), "to", "no-value"),
        (json!({ "to": null }), "to", "no-value"),
        (json!({}), "to", "no-value"),
        (
            json!({ "to": "ana@x.example", "name": "A\r\nBcc: all@x.example", "code": "1" }),
            "name",
            "line-break",
        ),
        (json!({ "to": "ana@x.example", "name": ["A"], "code": "1" }), "name", "type"),
        (json!({ "to": "ana@x.example", "name": "Ana" }), "code", "no-value"),
        (
            json!({ "to": "ana@x.example", "name": "Ana", "code": "x".repeat(1_000) }),
            "unsubscribe",
            "address",
        ),
        (
            json!({ "to": "ana@x.example", "name": "é".repeat(1_000_000), "code": "1" }),
            "",
            "too-large",
        ),
    ];
    for (patch, place, reason) in cases {
        let (script, seen) = script(|_| taken());
        let items = vec![item("1", patch), item("2", person())];
        let outcomes = script.run(|| write("welcome", items)).unwrap();
        let [Outcome::Rejected(fault), Outcome::Created(_)] = &outcomes[..] else {
            panic!("{place}: {outcomes:?}")
        };
        assert_eq!((fault.place.as_str(), fault.arg("reason")), (place, Some(reason)));
        assert!(!fault.to_string().contains("x.example"), "a customer's value: {fault}");
        assert_eq!(seen.borrow().len(), 1);
    }
    for key in ["", "a@b", "a\r\nb", "<1>", &"x".repeat(200)] {
        let (script, _) = script(|_| taken());
        let outcomes = script.run(|| write("short", vec![item(key, person())])).unwrap();
        assert!(matches!(outcomes[..], [Outcome::Rejected(_)]), "{key}: {outcomes:?}");
    }
}

/// What the server says about a recipient.
#[test]
fn a_reply_is_the_outcome_of_its_recipient() {
    let unknown = "550 5.1.1 <ana@x.example> no such mailbox";
    let cases = [
        (Delivery::Refused(unknown.into()), "5.1.1"),
        (Delivery::Refused("552 message too large".into()), "552"),
        (Delivery::Deferred("452 4.5.3 too many recipients".into()), "4.5.3"),
        (Delivery::Deferred("451 greylisted".into()), "451"),
    ];
    for (delivery, code) in cases {
        let answer = delivery.clone();
        let (script, _) = script(move |message| match message.recipients[0].as_str() {
            "ana@x.example" => Ok(vec![answer.clone()]),
            _ => taken(),
        });
        let other = json!({ "to": "bob@x.example" });
        let items = vec![item("1", person()), item("2", other)];
        let outcomes = script.run(|| write("short", items)).unwrap();
        assert!(matches!(outcomes[1], Outcome::Created(_)), "{outcomes:?}");
        let fault = match (&delivery, &outcomes[0]) {
            (Delivery::Refused(_), Outcome::Rejected(fault)) => fault,
            (Delivery::Deferred(_), Outcome::Retry(None, fault)) => fault,
            _ => panic!("{delivery:?}: {outcomes:?}"),
        };
        assert_eq!((fault.place.as_str(), fault.arg("vendor-code")), ("to", Some(code)));
        assert!(!fault.to_string().contains("ana@"), "a customer's value: {fault}");
    }
    let (script, _) = script(|_| Ok(vec![Delivery::Unknown("it broke".into())]));
    assert_eq!(
        script.run(|| write("short", vec![item("1", person())])).unwrap(),
        [Outcome::Unknown]
    );
}

/// What it says about us ends the batch; what was sent before stays sent.
#[test]
fn a_trouble_of_the_sender_is_the_calls() {
    let cases = [
        (Trouble::Credential("535 5.7.8 no".into()), FaultCode::Auth),
        (Trouble::Refused("554 no SMTP service here".into()), FaultCode::Permission),
        (Trouble::Deferred("421 busy".into()), FaultCode::Transient),
        (Trouble::Connect("this is no mail server: `SSH-2.0`".into()), FaultCode::Unreachable),
        (Trouble::Denied("not granted".into()), FaultCode::HostDenied),
        (Trouble::BudgetExhausted, FaultCode::Limit),
    ];
    for (trouble, code) in cases {
        let told = trouble.clone();
        let (first, _) = script(move |_| Err(told.clone()));
        let items = || vec![item("1", person()), item("2", json!({ "to": "bob@x.example" }))];
        let fault = first.run(|| write("short", items())).unwrap_err();
        assert_eq!(fault.code, code);
        let (second, _) = script(move |message| match message.recipients[0].as_str() {
            "ana@x.example" => taken(),
            _ => Err(trouble.clone()),
        });
        let outcomes = second.run(|| write("short", items())).unwrap();
        let [Outcome::Created(_), Outcome::Retry(None, fault)] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(fault.code, code);
    }
    let (script, _) = script(|_| Err(Trouble::TooLarge(50)));
    let outcomes = script.run(|| write("short", vec![item("1", person())])).unwrap();
    let [Outcome::Rejected(fault)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!(fault.arg("reason"), Some("too-large"));
}

#[test]
fn nothing_is_sent_by_a_clock_that_is_not_set() {
    for now in [0, i64::MAX, i64::MIN] {
        let (script, seen) = script(|_| taken());
        let fault = script.now(now).run(|| write("short", vec![item("1", person())])).unwrap_err();
        assert_eq!((fault.code, fault.place.as_str()), (FaultCode::Transient, "clock"));
        assert!(seen.borrow().is_empty());
    }
}
