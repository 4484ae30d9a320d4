//! References to secrets, and the redactor.

use std::os::unix::fs::PermissionsExt as _;

use plugin_gateway::{Redactor, Secret, SecretError, SecretRef};
use secrecy::ExposeSecret as _;

#[test]
fn references_are_read_and_values_are_refused_without_being_shown() {
    assert_eq!("env:ERP_KEY".parse(), Ok(SecretRef::Env("ERP_KEY".to_owned())));
    assert_eq!("file:a/b".parse(), Ok(SecretRef::File("a/b".into())));
    for text in ["s3cr3t-value", "env:", "env:A B", "env:1A", "file:", "file:a\0b", "vault:x", ""] {
        let error = text.parse::<SecretRef>().unwrap_err();
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
        assert!(error.to_string().contains("env:NAME"));
    }
}

#[test]
fn a_file_is_resolved_at_each_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("erp");
    let write = |text: &str, mode| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let secret = Secret::reference("file:erp".parse().unwrap(), folder.path());
    let missing = secret.resolve().unwrap_err();
    assert!(missing.to_string().contains("erp"), "{missing}");
    for (text, expected) in [("one\n", "one"), ("two\r\n", "two"), (" three \n\n", " three \n")] {
        write(text, 0o600);
        assert_eq!(secret.resolve().unwrap().expose_secret(), expected);
    }
    write("shared with the group", 0o640);
    secret.resolve().unwrap();
    write("seen by all", 0o644);
    let exposed = secret.resolve().unwrap_err();
    assert!(matches!(exposed, SecretError::Exposed { mode: 0o644, .. }), "{exposed}");
    assert!(exposed.to_string().contains("chmod 600"));
    for text in ["", "\n"] {
        write(text, 0o600);
        assert!(matches!(secret.resolve(), Err(SecretError::File { .. })));
    }
    write(&"x".repeat(70_000), 0o600);
    assert!(matches!(secret.resolve(), Err(SecretError::File { .. })));
    assert!(matches!(
        Secret::reference("file:.".parse().unwrap(), folder.path()).resolve(),
        Err(SecretError::File { .. })
    ));
}

#[test]
fn an_unset_variable_is_named() {
    let secret = Secret::reference("env:LIAISON_TEST_NEVER_SET".parse().unwrap(), ".");
    let error = secret.resolve().unwrap_err();
    assert!(error.to_string().contains("LIAISON_TEST_NEVER_SET"));
}

#[test]
fn every_form_of_a_secret_is_masked() {
    let redactor = Redactor::new();
    redactor.learn("p&ss \"w\u{f6}rd\"");
    redactor.learn("p&ss");
    redactor.learn("ab");
    let cases = [
        ("key p&ss \"w\u{f6}rd\" refused", "key *** refused"),
        ("?k=p%26ss%20%22w%C3%B6rd%22&x", "?k=***&x"),
        (r#"{"k":"p&ss \"wörd\""}"#, r#"{"k":"***"}"#),
        ("Basic cCZzcyAid8O2cmQi", "Basic ***"),
        ("only p&ss here", "only *** here"),
        ("ab is too short", "ab is too short"),
    ];
    for (text, expected) in cases {
        assert_eq!(redactor.redact(text), expected);
    }
    let body = |text: &str| redactor.redact_body(text.as_bytes().to_vec());
    assert_eq!(body("key p&ss \"w\u{f6}rd\"!"), b"key p&ss \"w\xc3\xb6rd\"!", "short: a value");
    redactor.learn("0123456789abcdef");
    redactor.learn("0123456789abcdef0123456789abcdef");
    let echoed = body("\u{f6} 0123456789abcdef0123456789abcdef, MDEyMzQ1Njc4OWFiY2RlZg==");
    assert_eq!(echoed, "\u{f6} ***, ***".as_bytes());
    assert_eq!(redactor.redact_body(vec![0xff; 40]), [0xff; 40]);
    for n in 0..1000 {
        redactor.learn(&format!("session-{n}"));
        redactor.learn("always-in-use");
    }
    assert_eq!(redactor.redact("session-999 always-in-use"), "*** ***");
}
