//! Every way in which a package is let in or refused.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use plugin_api::Manifest;
use serde_json::json;

use super::{Offer, Step, Verb, Wish, approve, judge};
use crate::lock::{Lock, Locked, Release};
use crate::refusal::Refusal;
use crate::signature::{RANDOM_BYTES, SignerKey, sign};
use crate::{Capabilities, confirm};

/// A package: here its bytes are the text of its manifest.
struct Package {
    bytes: Vec<u8>,
    manifest: Manifest,
    signature: Option<String>,
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

impl Package {
    fn new(version: &str, hosts: &[&str], slots: &[&str]) -> Self {
        let slots: Vec<_> =
            slots.iter().map(|it| json!({ "name": it, "kind": "bearer" })).collect();
        let manifest = json!({
            "id": "crm", "version": version, "contract": "0.1.0", "capabilities": ["source"],
            "settings": {}, "hosts": hosts, "credentials": slots,
        });
        Self {
            bytes: manifest.to_string().into_bytes(),
            manifest: serde_json::from_value(manifest).unwrap(),
            signature: None,
            imports: ["http".to_owned()].into(),
            exports: ["connection".to_owned(), "source".to_owned()].into(),
        }
    }

    fn signed(mut self, secret: &str) -> Self {
        self.signature = Some(sign(&self.bytes, secret).unwrap().0);
        self
    }

    fn offer(&self) -> Offer<'_> {
        Offer {
            bytes: &self.bytes,
            signature: self.signature.as_deref(),
            manifest: &self.manifest,
            imports: &self.imports,
            exports: &self.exports,
        }
    }
}

/// A pair of keys, always the same for the same author.
fn generate(author: u8) -> Result<(String, SignerKey), crate::signature::SignatureError> {
    crate::signature::generate([author; RANDOM_BYTES])
}

fn wish(verb: Verb) -> Wish {
    Wish {
        verb,
        approve: false,
        allow_unsigned: false,
        allow_downgrade: false,
        key: None,
        by: "ana".to_owned(),
        at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

fn installed(package: &Package) -> Lock {
    let approve = Wish { approve: true, allow_unsigned: true, ..wish(Verb::Install) };
    let Step::Runs(runs) = judge(&Lock::default(), &package.offer(), &approve).unwrap() else {
        unreachable!()
    };
    let locked = Locked { runs, held: None };
    Lock { connectors: [("crm".to_owned(), locked)].into(), ..Lock::default() }
}

fn refused(lock: &Lock, package: &Package, wish: &Wish) -> &'static str {
    judge(lock, &package.offer(), wish).unwrap_err().code()
}

#[test]
fn a_new_package_is_signed_approved_and_trusted_from_then_on() {
    let (secret, key) = generate(1).unwrap();
    let package = Package::new("1.0.0", &["api.x.fr"], &["token"]).signed(&secret);
    let none = Lock::default();
    let install = wish(Verb::Install);
    let refusal = judge(&none, &package.offer(), &install).unwrap_err();
    assert!(
        refusal.to_string().contains("wants host api.x.fr; wants credential token"),
        "{refusal}"
    );
    assert_eq!(refusal.code(), "connector/not-approved");
    assert_eq!(refused(&none, &package, &wish(Verb::Upgrade)), "connector/not-installed");

    let lock = installed(&package);
    assert_eq!(lock.connectors["crm"].runs.key.as_deref(), Some(key.as_str()));
    assert_eq!(judge(&lock, &package.offer(), &install), Ok(Step::Unchanged));
    let next = Package::new("1.1.0", &["api.x.fr"], &["token"]).signed(&secret);
    assert_eq!(refused(&lock, &next, &install), "connector/installed");
    assert!(matches!(judge(&lock, &next.offer(), &wish(Verb::Upgrade)), Ok(Step::Runs(_))));
}

#[test]
fn who_signed_it_decides() {
    let (secret, key) = generate(1).unwrap();
    let (other_secret, other_key) = generate(2).unwrap();
    let package = Package::new("1.0.0", &[], &[]);
    let none = Lock::default();
    let install = Wish { approve: true, ..wish(Verb::Install) };
    assert_eq!(refused(&none, &package, &install), "connector/unsigned");
    let junk = Package { signature: Some("junk".to_owned()), ..Package::new("1.0.0", &[], &[]) };
    assert_eq!(refused(&none, &junk, &install), "connector/signature");
    let package = package.signed(&secret);
    let mut tampered = Package::new("1.0.1", &[], &[]);
    tampered.signature.clone_from(&package.signature);
    assert_eq!(refused(&none, &tampered, &install), "connector/tampered");
    let asks_other = Wish { key: Some(other_key.clone()), ..install.clone() };
    assert_eq!(refused(&none, &package, &asks_other), "connector/other-key");

    let lock = installed(&package);
    let upgrade = Wish { approve: true, allow_unsigned: true, ..wish(Verb::Upgrade) };
    let next = || Package::new("1.1.0", &[], &[]);
    assert_eq!(refused(&lock, &next(), &upgrade), "connector/no-longer-signed");
    assert_eq!(refused(&lock, &next().signed(&other_secret), &upgrade), "connector/other-key");
    let changed = Wish { key: Some(other_key.clone()), ..upgrade.clone() };
    let Ok(Step::Runs(release)) = judge(&lock, &next().signed(&other_secret).offer(), &changed)
    else {
        unreachable!()
    };
    assert_eq!(release.key.as_deref(), Some(other_key.as_str()));
    assert_ne!(release.key.as_deref(), Some(key.as_str()));
    // Who was let in unsigned may begin to sign.
    let unsigned = installed(&Package::new("1.0.0", &[], &[]));
    assert_eq!(unsigned.connectors["crm"].runs.key, None);
    assert_eq!(refused(&unsigned, &next(), &wish(Verb::Upgrade)), "connector/unsigned");
    assert!(judge(&unsigned, &next().signed(&secret).offer(), &wish(Verb::Upgrade)).is_ok());
    assert!(judge(&unsigned, &next().offer(), &upgrade).is_ok());
    // spelling: off
    let bare = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
        wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";
    let bare = Package { signature: Some(bare.to_owned()), ..Package::new("1.0.0", &[], &[]) };
    assert_eq!(refused(&none, &bare, &install), "connector/key-unknown");
    let known = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    // spelling: on
    let named = Wish { key: Some(SignerKey::parse(known).unwrap()), ..install };
    assert_eq!(refused(&none, &bare, &named), "connector/tampered");
}

#[test]
fn only_later_versions_follow() {
    let lock = installed(&Package::new("1.2.0", &[], &[]));
    let upgrade = Wish { allow_unsigned: true, ..wish(Verb::Upgrade) };
    for (version, code) in [
        ("1.1.9", "connector/downgrade"),
        ("1.2.0-rc.1", "connector/downgrade"),
        // The same version, with other bytes.
        ("1.2.0", "connector/downgrade"),
        ("1.2.0+build", "connector/downgrade"),
        ("1.2", "connector/version"),
        ("latest", "connector/version"),
    ] {
        let offered = Package::new(version, &[], &["x"]);
        assert_eq!(refused(&lock, &offered, &upgrade), code, "{version}");
    }
    for version in ["1.2.1-rc.1", "1.2.1", "1.10.0", "2.0.0"] {
        assert!(
            judge(&lock, &Package::new(version, &[], &[]).offer(), &upgrade).is_ok(),
            "{version}"
        );
    }
    let older = Wish { allow_downgrade: true, ..upgrade };
    assert!(judge(&lock, &Package::new("1.0.0", &[], &[]).offer(), &older).is_ok());
}

#[test]
fn an_update_that_asks_for_more_waits_until_it_is_approved() {
    let (secret, _) = generate(1).unwrap();
    let lock = installed(&Package::new("1.0.0", &["api.x.fr"], &["token"]).signed(&secret));
    let upgrade = wish(Verb::Upgrade);
    for (hosts, slots, more) in [
        (vec!["api.x.fr", "evil.x"], vec!["token"], ("wants host", "evil.x")),
        (vec!["api.x.fr"], vec!["token", "other"], ("wants credential", "other: bearer")),
        (vec!["*.x.fr"], vec!["token"], ("wants host", "*.x.fr")),
    ] {
        let package = Package::new("1.1.0", &hosts, &slots).signed(&secret);
        let Ok(Step::Held { release, wider }) = judge(&lock, &package.offer(), &upgrade) else {
            unreachable!()
        };
        assert_eq!(wider.lines(), [more]);
        let mut held = lock.clone();
        held.connectors.get_mut("crm").unwrap().held = Some(release);
        assert_eq!(judge(&held, &package.offer(), &upgrade), Ok(Step::Unchanged));
        let (waits, wider) = approve(&held, "crm").unwrap();
        assert_eq!((waits.version.as_str(), wider.lines()), ("1.1.0", vec![more]));
        let yes = Wish { approve: true, ..upgrade.clone() };
        assert!(matches!(judge(&held, &package.offer(), &yes), Ok(Step::Runs(_))));
    }
    assert_eq!(approve(&lock, "crm").unwrap_err().code(), "connector/nothing-held");
    assert_eq!(approve(&lock, "erp").unwrap_err().code(), "connector/not-installed");
    let fewer = Package::new("1.1.0", &[], &[]).signed(&secret);
    assert!(matches!(judge(&lock, &fewer.offer(), &upgrade), Ok(Step::Runs(_))));
}

#[test]
fn what_is_loaded_is_what_was_installed() {
    let (secret, _) = generate(1).unwrap();
    let (other_secret, _) = generate(2).unwrap();
    let package = Package::new("1.0.0", &["api.x.fr"], &[]).signed(&secret);
    let release = installed(&package).connectors["crm"].runs.clone();
    assert_eq!(confirm("crm", &release, &package.offer()), Ok(()));
    let code = |id: &str, release: &Release, package: &Package| {
        confirm(id, release, &package.offer()).unwrap_err().code()
    };
    // Another file of the same author lies in its place.
    let next = Package::new("1.1.0", &["api.x.fr"], &[]).signed(&secret);
    assert_eq!(code("crm", &release, &next), "connector/tampered");
    // Somebody wrote another digest into the lock file.
    let moved = |package: &Package| Release {
        digest: crate::digest(&package.bytes),
        version: package.manifest.version.clone(),
        ..release.clone()
    };
    assert_eq!(confirm("crm", &moved(&next), &next.offer()), Ok(()));
    let foreign = Package::new("1.1.0", &["api.x.fr"], &[]).signed(&other_secret);
    assert_eq!(code("crm", &moved(&foreign), &foreign), "connector/tampered");
    let bare = Package::new("1.1.0", &["api.x.fr"], &[]);
    assert_eq!(code("crm", &moved(&bare), &bare), "connector/tampered");
    let wider = Package::new("1.1.0", &["evil.x"], &[]).signed(&secret);
    assert_eq!(code("crm", &moved(&wider), &wider), "connector/not-approved");
    assert_eq!(code("erp", &release, &package), "connector/other-id");
    let named = Release { version: "0.9.0".to_owned(), ..release.clone() };
    assert_eq!(code("crm", &named, &package), "connector/tampered");
    let narrowed = Release { capabilities: Capabilities::default(), ..release };
    assert!(matches!(confirm("crm", &narrowed, &package.offer()), Err(Refusal::NotApproved(_))));
}
