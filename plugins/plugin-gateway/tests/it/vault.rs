//! Sealing: opens at its place only; the keys on disk are private.

use std::os::unix::fs::PermissionsExt as _;

use plugin_gateway::{
    Key, KeyFileError, Secret, Vault, VaultError, WrappedKey, load_or_create_master,
    load_or_create_vault, master_from,
};

#[test]
fn a_value_opens_only_at_its_place() {
    let master = Key::random().unwrap();
    let (vault, wrapped) = Vault::create(&master, "default").unwrap();
    let sealed = vault.seal("erp", "session/main", 1, b"token").unwrap();
    assert_eq!(vault.open("erp", "session/main", 1, &sealed).unwrap().as_slice(), b"token");
    let places = [
        ("erp2", "session/main", 1),
        ("erp", "session/other", 1),
        ("erp", "session/main", 2),
        ("er", "psession/main", 1),
    ];
    for (connection, name, version) in places {
        assert_eq!(vault.open(connection, name, version, &sealed).unwrap_err(), VaultError::Open);
    }
    let (other, _) = Vault::create(&master, "default").unwrap();
    assert_eq!(other.open("erp", "session/main", 1, &sealed).unwrap_err(), VaultError::Open);
    assert_eq!(Vault::open_with(&master, "other", &wrapped).unwrap_err(), VaultError::Open);
    assert_ne!(vault.seal("erp", "n", 1, b"x").unwrap(), vault.seal("erp", "n", 1, b"x").unwrap());
}

#[test]
fn every_changed_byte_is_noticed() {
    let (vault, _) = Vault::create(&Key::random().unwrap(), "default").unwrap();
    let sealed = vault.seal("erp", "n", 1, b"token").unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 0x40;
        assert!(vault.open("erp", "n", 1, &changed).is_err(), "byte {at}");
        assert!(vault.open("erp", "n", 1, &sealed[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_new_master_key_rewraps_and_sealed_values_stay() {
    let (old, new) = (Key::random().unwrap(), Key::random().unwrap());
    let (vault, wrapped) = Vault::create(&old, "default").unwrap();
    let sealed = vault.seal("erp", "n", 1, b"token").unwrap();
    let rewrapped = Vault::rewrap(&old, &new, "default", &wrapped).unwrap();
    let reopened = Vault::open_with(&new, "default", &rewrapped).unwrap();
    assert_eq!(reopened.open("erp", "n", 1, &sealed).unwrap().as_slice(), b"token");
    assert_eq!(Vault::open_with(&old, "default", &rewrapped).unwrap_err(), VaultError::Open);
    assert!(Vault::open_with(&new, "default", &WrappedKey(vec![])).is_err());
}

#[test]
fn keys_on_disk_are_made_once_and_kept_private() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().join("data"), folder.path().join("keys"));
    std::fs::create_dir(&data).unwrap();
    let path = keys.join("master.key");
    let master = load_or_create_master(&path, &data).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(load_or_create_master(&path, &data).unwrap(), master);
    assert_eq!(std::fs::read_dir(&keys).unwrap().count(), 1);

    let wrapped = data.join("workspace.key");
    let vault = load_or_create_vault(&master, "default", &wrapped).unwrap();
    let sealed = vault.seal("erp", "n", 1, b"token").unwrap();
    let again = load_or_create_vault(&master, "default", &wrapped).unwrap();
    assert_eq!(again.open("erp", "n", 1, &sealed).unwrap().as_slice(), b"token");
    let stranger = load_or_create_vault(&Key::random().unwrap(), "default", &wrapped).unwrap_err();
    assert!(matches!(stranger, KeyFileError::Vault(VaultError::Open)), "{stranger}");

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = load_or_create_master(&path, &data).unwrap_err();
    assert!(matches!(exposed, KeyFileError::Exposed { mode: 0o640, .. }), "{exposed}");
    let inside = load_or_create_master(&data.join("sub/master.key"), &data).unwrap_err();
    assert!(matches!(inside, KeyFileError::InsideData { .. }), "{inside}");

    std::fs::write(&path, "not a key").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(load_or_create_master(&path, &data), Err(KeyFileError::Malformed)));
}

#[test]
fn a_master_key_may_come_from_a_reference() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert_eq!(master_from(&Secret::from(key)).unwrap(), master_from(&Secret::from(key)).unwrap());
    for bad in ["AAEC", "not base64!", ""] {
        assert!(master_from(&Secret::from(bad)).is_err());
    }
}
