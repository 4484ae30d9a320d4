use super::*;

fn read_text(status: u16, body: &str) -> Result<Reply, ReplyFault> {
    read(status, body.as_bytes(), ["instance_url".to_owned()].iter())
}

fn reason(status: u16, body: &str) -> String {
    read_text(status, body).err().map_or_else(|| "good".to_owned(), |fault| fault.to_string())
}

#[test]
fn a_token_is_read_with_what_came_along() {
    let body = r#"{"access_token":"a","token_type":"bearer","expires_in":3599,
                   "refresh_token":"r","instance_url":"https://eu.example","id":7}"#;
    let reply = read_text(200, body).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(reply.access_token.as_str(), "a");
    assert_eq!(reply.refresh_token.as_ref().map(|it| it.as_str()), Some("r"));
    assert_eq!(reply.lifetime_seconds, Some(3_599));
    assert_eq!(reply.texts["instance_url"], "https://eu.example");
    assert_eq!(reply.texts.len(), 1);
}

#[test]
fn the_lifetime_may_be_missing_or_a_text_but_never_nonsense() {
    for (given, expected) in [
        (r#""expires_in":60"#, Ok(Some(60))),
        (r#""expires_in":"3600""#, Ok(Some(3_600))),
        (r#""expires_in":59.9"#, Ok(Some(59))),
        (r#""expires_in":null"#, Ok(None)),
        (r#""scope":"x""#, Ok(None)),
        (r#""expires_in":99999999999"#, Ok(Some(LIFETIME_SECONDS_MAX))),
        (r#""expires_in":-1"#, Err(())),
        (r#""expires_in":0"#, Err(())),
        (r#""expires_in":"soon""#, Err(())),
        (r#""expires_in":"-60""#, Err(())),
        (r#""expires_in":[60]"#, Err(())),
        (r#""expires_in":1e400"#, Err(())),
    ] {
        let read = read_text(200, &format!(r#"{{"access_token":"a",{given}}}"#));
        match (read, expected) {
            (Ok(reply), Ok(seconds)) => assert_eq!(reply.lifetime_seconds, seconds, "{given}"),
            (Err(ReplyFault::Unusable { .. }), Err(())) => {}
            (Ok(_), _) => panic!("{given} was taken"),
            (Err(fault), _) => panic!("{given}: {fault}"),
        }
    }
}

#[test]
fn every_bad_answer_has_its_own_words() {
    for (status, body, expected) in [
        (200, "<!doctype html><p>Welcome", "a page, not JSON"),
        (200, r#"{"access_token":"a""#, "breaks off"),
        (200, "", "empty"),
        (200, "token=a", "not JSON"),
        (200, "{}", "no `access_token`"),
        (200, r#"{"access_token":""}"#, "no `access_token`"),
        (200, r#"{"access_token":7}"#, "no text"),
        (200, "{\"access_token\":\"a\\nb\"}", "no header may hold"),
        (200, r#"{"access_token":"a","token_type":"DPoP"}"#, "`DPoP`"),
        (302, "{}", "without a reason"),
        (500, r#"{"access_token":"a"}"#, "status 500"),
        (429, "", "status 429"),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"gone\u0007"}"#,
            "invalid_grant: gone",
        ),
        (200, r#"{"error":"invalid_client"}"#, "invalid_client"),
        (400, r#"{"error":{"code":"x"}}"#, "refused: x"),
    ] {
        let said = reason(status, body);
        assert!(said.contains(expected), "{body}: {said}");
        assert!(!said.contains('\u{7}'), "{said}");
    }
    let long = format!("{{\"access_token\":\"{}\"}}", "a".repeat(TOKEN_BYTES_MAX + 1));
    assert!(reason(200, &long).contains("too long"));
    assert!(reason(200, &" ".repeat(REPLY_BYTES_MAX + 1)).contains("larger than"));
}

#[test]
fn only_invalid_grant_asks_a_person() {
    let refused = |error: &str| {
        read_text(400, &format!(r#"{{"error":"{error}"}}"#))
            .err()
            .is_some_and(|it| it.is_grant_refused())
    };
    assert!(refused("invalid_grant"));
    assert!(!refused("invalid_client") && !refused("invalid_scope"));
}
