//! What becomes a package and what is refused, and why.

use std::fs;

use plugin_host::{Host, HostOptions, Limits, LoadError};

use crate::support::{component, host};

#[tokio::test]
async fn a_component_is_known_by_its_digest_and_manifest() {
    let host = host();
    let bytes = fs::read(component("guest-simple")).unwrap();
    let package = host.load(&component("guest-simple")).await.unwrap();
    assert_eq!(package.manifest.id, "guest-simple");
    assert_eq!(package.interfaces, ["connection", "destination", "lookup", "source"]);
    assert_eq!(package.size_bytes, bytes.len());
    assert_eq!(package.digest.to_string().len(), 64);
    let again = host.load_bytes(bytes).await.unwrap();
    assert_eq!(package.digest, again.digest);
}

#[tokio::test]
async fn a_forbidden_import_is_refused_by_name() {
    let error = host().load(&component("guest-forbidden-import")).await.unwrap_err();
    assert!(matches!(&error, LoadError::ForbiddenImport(name) if name == "evil:host/shell@1.0.0"));
    assert!(error.to_string().contains("evil:host/shell"), "{error}");
}

#[tokio::test]
async fn other_files_are_refused_with_a_reason() {
    let host = host();
    let good = fs::read(component("guest-simple")).unwrap();
    let halved = good.get(..good.len() / 2).unwrap().to_vec();
    // The first section's length now reaches beyond the file.
    let mut broken = good.clone();
    broken[9] = 0x7f;
    let module = [&[0, b'a', b's', b'm', 1, 0, 0, 0][..], &[0; 8]].concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "empty"),
        (b"<html>not found</html>".to_vec(), "HTML"),
        (b"\x7fELF compiled".to_vec(), "compiled"),
        (module, "core"),
        (vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0], "manifest"),
        (halved, "valid"),
        (broken, ""),
    ];
    for (bytes, named) in cases {
        let error = host.load_bytes(bytes).await.unwrap_err().to_string();
        assert!(error.contains(named), "{named}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = host.load(&folder.path().join("none.wasm")).await.unwrap_err();
    assert!(matches!(error, LoadError::Read(_)), "{error:?}");
    let large = folder.path().join("large.wasm");
    // A sparse file: it would not fit if it were read.
    fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(host.load(&large).await.unwrap_err(), LoadError::TooLarge));
}

#[tokio::test]
async fn a_manifest_cannot_promise_what_the_code_has_not() {
    let mut bytes = fs::read(component("guest-simple")).unwrap();
    let manifest = br#""capabilities": ["source", "destination", "files"]"#;
    let at = bytes.windows(manifest.len()).position(|it| it == manifest).unwrap();
    // Of the same length, so that the section stays whole.
    let lie = br#""capabilities": ["source", "destination","sender"]"#;
    assert_eq!(lie.len(), manifest.len());
    bytes.splice(at..at + lie.len(), lie.iter().copied());
    let error = host().load_bytes(bytes).await.unwrap_err();
    assert!(matches!(&error, LoadError::ExportMissing(name) if name == "sender"), "{error:?}");
}

fn cached(folder: &std::path::Path, key: u8) -> Host {
    let options = HostOptions {
        cache_dir: Some(folder.to_path_buf()),
        cache_key: [key; 32],
        limits: Limits::default(),
    };
    Host::new(options).unwrap()
}

fn only_file(folder: &std::path::Path) -> std::path::PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}

#[tokio::test]
async fn compiled_code_is_kept_and_altered_code_never_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("code");
    let path = component("guest-simple");
    assert!(!cached(&folder, 1).load(&path).await.unwrap().from_cache);
    assert!(cached(&folder, 1).load(&path).await.unwrap().from_cache);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let file = only_file(&folder);
    let good = fs::read(&file).unwrap();

    let mut altered = good.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let forged = [&[0; 32][..], good.get(32..).unwrap()].concat();
    let short = good.get(..good.len() - 1).unwrap().to_vec();
    for (what, bytes) in
        [("altered", altered), ("forged", forged), ("short", short), ("empty", Vec::new())]
    {
        fs::write(&file, bytes).unwrap();
        assert!(!cached(&folder, 1).load(&path).await.unwrap().from_cache, "{what}");
        // Replaced by what our own compiler wrote.
        assert!(cached(&folder, 1).load(&path).await.unwrap().from_cache, "{what}");
    }
    // Another hub's key: its code is not ours.
    assert!(!cached(&folder, 2).load(&path).await.unwrap().from_cache);
}
