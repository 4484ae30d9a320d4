//! A component file as it lies on disk, with the signature beside it: read once, looked
//! at without compiling or running it. Whatever is decided about it is decided about
//! the bytes that were read; nobody opens the file a second time.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use plugin_api::Manifest;
use plugin_host::LoadError;
use plugin_host::inspect::inspect;
use plugin_host::limits::COMPONENT_BYTES_MAX;
use plugin_host::package::ComponentDigest;
use plugin_install::signature::{SIGNATURE_BYTES_MAX, SUFFIX};
use plugin_install::{Offer, Refusal};

use crate::exit::Exit;
use crate::trouble::Trouble;

/// Why a package is not used.
#[derive(Debug)]
pub struct Unfit {
    /// A stable code.
    pub code: &'static str,
    /// The file.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// A sound package.
pub struct Found {
    /// The file.
    pub place: String,
    /// All its bytes.
    pub bytes: Vec<u8>,
    /// The text of the signature beside it.
    pub signature: Option<String>,
    /// Its manifest.
    pub manifest: Manifest,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

impl Found {
    /// Reads a component file and the signature beside it.
    ///
    /// # Errors
    /// When it is no connector of ours.
    pub fn read(path: &Path) -> Result<Self, Unfit> {
        Self::of(path, bytes(path)?)?.with_signature(path)
    }

    /// The same of a file that others may have put there: no link to somewhere else,
    /// and, where it is known, of this digest, before anything of it is parsed.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_itself(path: &Path, digest: Option<&str>) -> Result<Self, Unfit> {
        let kind = fs::symlink_metadata(path).map(|it| it.file_type());
        match kind {
            Ok(kind) if kind.is_symlink() => Err(Unfit {
                code: "connector/symlink",
                place: path.display().to_string(),
                what: "it is a link to another file".to_owned(),
                mend: "name the file itself, or copy it there".to_owned(),
            }),
            Ok(kind) if !kind.is_file() => {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "it is no file");
                Err(Unfit::of(path.display(), &LoadError::Read(error)))
            }
            _ => {
                let bytes = bytes(path)?;
                if let Some(expected) = digest {
                    plugin_install::is(expected, &bytes)
                        .map_err(|refusal| Unfit::refused(path.display(), &refusal))?;
                }
                Self::of(path, bytes)?.with_signature(path)
            }
        }
    }

    fn with_signature(self, path: &Path) -> Result<Self, Unfit> {
        Ok(self.signed(signature(&signature_of(path))?))
    }

    /// The same with the text of a signature.
    pub fn signed(self, signature: Option<String>) -> Self {
        Self { signature, ..self }
    }

    /// Looks at the bytes of a component.
    ///
    /// # Errors
    /// When they are no connector of ours.
    pub fn of(path: &Path, bytes: Vec<u8>) -> Result<Self, Unfit> {
        let looked = inspect(&bytes).map_err(|error| Unfit::of(path.display(), &error))?;
        Ok(Self {
            place: path.display().to_string(),
            signature: None,
            manifest: looked.manifest,
            digest: ComponentDigest::of(&bytes).to_string(),
            imports: looked.imports,
            exports: looked.exports,
            bytes,
        })
    }

    /// As it is judged.
    pub fn offer(&self) -> Offer<'_> {
        Offer {
            bytes: &self.bytes,
            signature: self.signature.as_deref(),
            manifest: &self.manifest,
            imports: &self.imports,
            exports: &self.exports,
        }
    }

    /// Everything that it asks for.
    pub fn capabilities(&self) -> plugin_install::Capabilities {
        plugin_install::Capabilities::of(&self.manifest, &self.imports, &self.exports)
    }
}

impl Unfit {
    /// Of what the host says about a component.
    pub fn of(place: impl fmt::Display, error: &LoadError) -> Self {
        let (code, mend) = explain(error);
        Self { code, place: place.to_string(), what: whole(error), mend: mend.to_owned() }
    }

    /// Of a package that is not let in.
    pub fn refused(place: impl fmt::Display, refusal: &Refusal) -> Self {
        let (what, mend) = (refusal.to_string(), refusal.mend().to_owned());
        Self { code: refusal.code(), place: place.to_string(), what, mend }
    }
}

impl From<Unfit> for Trouble {
    fn from(unfit: Unfit) -> Self {
        Self::new(Exit::Usage, unfit.code, unfit.place, unfit.what, unfit.mend)
    }
}

/// Where the signature of a package is.
pub fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(SUFFIX);
    PathBuf::from(name)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Unfit> {
    read_capped(path).map_err(|error| Unfit::of(path.display(), &error))
}

fn signature(path: &Path) -> Result<Option<String>, Unfit> {
    let text = File::open(path).and_then(|file| {
        let mut text = String::new();
        file.take(SIGNATURE_BYTES_MAX).read_to_string(&mut text).map(|_| text)
    });
    match text {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let refusal = Refusal::Signature(format!("it cannot be read: {error}"));
            Err(Unfit::refused(path.display(), &refusal))
        }
    }
}

/// The component files in a folder, in order of their names.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .collect();
    files.sort();
    files
}

/// The bytes of a file that may be a component.
///
/// # Errors
/// When it cannot be read, or is larger than a component may be.
pub fn read_capped(path: &Path) -> Result<Vec<u8>, LoadError> {
    let file = File::open(path).map_err(LoadError::Read)?;
    if file.metadata().map_err(LoadError::Read)?.len() > COMPONENT_BYTES_MAX {
        return Err(LoadError::TooLarge);
    }
    let mut bytes = Vec::new();
    file.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(LoadError::Read)?;
    Ok(bytes)
}

/// Writes a file whole or not at all, with its folder: who watches it never sees half.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    absent(fs::remove_file(&fresh))?;
    let mut file = File::options().write(true).create_new(true).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

/// A file that is not there is removed already.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A file that cannot be written.
pub fn unwritable(path: &Path, error: &io::Error) -> Trouble {
    let what = format!("it cannot be written: {error}");
    let mend = "check owner, permissions and free space of the folder";
    Trouble::new(Exit::Usage, "connector/write", path.display(), what, mend)
}

/// An error with its sources, on one line.
pub fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

const fn explain(error: &LoadError) -> (&'static str, &'static str) {
    match error {
        LoadError::Read(_) => ("connector/unreadable", "check that the file is there and readable"),
        LoadError::TooLarge => ("connector/too-large", "use the component that its author ships"),
        LoadError::NotWebAssembly { .. } => (
            "connector/not-wasm",
            "put the component file of the connector there; a download may have failed",
        ),
        LoadError::CoreModule => {
            ("connector/core-module", "make a component of it: `liaison connector pack`")
        }
        LoadError::Invalid(_) => ("connector/damaged", "fetch the file again: it is damaged"),
        LoadError::ManifestMissing | LoadError::Manifest(_) => {
            ("connector/manifest", "use a file built with the connector's manifest in it")
        }
        LoadError::Contract { .. } => {
            ("connector/contract", "use a version of the connector made for this contract")
        }
        LoadError::ForbiddenImport(_) => (
            "connector/forbidden-import",
            "do not use this file: connectors get no access beyond the contract",
        ),
        LoadError::ExportMissing(_) | LoadError::Unfit(_) => {
            ("connector/unfit", "update the connector, or report this to its author")
        }
        LoadError::Host(_) => ("connector/host", "try again; report it if it stays"),
    }
}
