//! What becomes of a package that is offered: it runs, it waits, nothing changes, or it
//! is refused.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use plugin_api::Manifest;
use semver::Version;

use crate::capabilities::Capabilities;
use crate::confirm::confirm;
use crate::lock::{Lock, Locked, Release};
use crate::refusal::Refusal;
use crate::signature::{self, SignatureError, SignerKey};

/// A package as it was found: bytes that are known to be a sound component.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// All its bytes.
    pub bytes: &'a [u8],
    /// The text of its signature, if there is one.
    pub signature: Option<&'a str>,
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Interfaces that it calls.
    pub imports: &'a BTreeSet<String>,
    /// Interfaces that it has.
    pub exports: &'a BTreeSet<String>,
}

/// Whether it is new here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is.
    Install,
    /// Another version of it is there.
    Upgrade,
}

/// What the administrator said.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What is to be done.
    pub verb: Verb,
    /// He saw what it asks for, and says yes.
    pub approve: bool,
    /// Nobody need have signed it.
    pub allow_unsigned: bool,
    /// It may be older than what is there.
    pub allow_downgrade: bool,
    /// The author's key, as he knows it.
    pub key: Option<SignerKey>,
    /// Who he is.
    pub by: String,
    /// What time it is.
    pub at: String,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is installed or held already.
    Unchanged,
    /// It runs from now on.
    Runs(Release),
    /// It asks for more, and waits.
    Held {
        /// What waits.
        release: Release,
        /// What it asks for beyond what was approved.
        wider: Capabilities,
    },
}

/// Judges a package that is offered.
///
/// # Errors
/// [`Refusal`]: nothing is to be changed.
pub fn judge(lock: &Lock, offer: &Offer<'_>, wish: &Wish) -> Result<Step, Refusal> {
    let id = &offer.manifest.id;
    let installed = lock.connectors.get(id);
    let digest = crate::digest(offer.bytes);
    if let Some(it) = installed.filter(|it| it.runs.digest == digest) {
        // It may be offered again to mend what lies in its place.
        return confirm(id, &it.runs, offer).map(|()| Step::Unchanged);
    }
    match (wish.verb, installed) {
        (Verb::Install, Some(_)) => return Err(Refusal::Installed(id.clone())),
        (Verb::Upgrade, None) => return Err(Refusal::NotInstalled(id.clone())),
        _ => {}
    }
    let key = signer(offer, installed, wish)?;
    later(&offer.manifest.version, installed, wish)?;
    let capabilities = Capabilities::of(offer.manifest, offer.imports, offer.exports);
    let approved = installed.map_or_else(Capabilities::default, |it| it.runs.capabilities.clone());
    let wider = capabilities.beyond(&approved);
    let release = Release {
        version: offer.manifest.version.clone(),
        contract: offer.manifest.contract.clone(),
        digest,
        key: key.map(|key| key.as_str().to_owned()),
        by: wish.by.clone(),
        at: wish.at.clone(),
        capabilities,
    };
    match installed {
        _ if wish.approve => Ok(Step::Runs(release)),
        None => Err(Refusal::NotApproved(Box::new(wider))),
        Some(_) if wider.is_empty() => Ok(Step::Runs(release)),
        Some(it) if it.held.as_ref().is_some_and(|held| held.digest == release.digest) => {
            Ok(Step::Unchanged)
        }
        Some(_) => Ok(Step::Held { release, wider }),
    }
}

/// The release of a connector that waits, and what it would get beyond what it has.
///
/// # Errors
/// [`Refusal`] when nothing waits.
pub fn approve<'l>(lock: &'l Lock, id: &str) -> Result<(&'l Release, Capabilities), Refusal> {
    let locked = lock.connectors.get(id).ok_or_else(|| Refusal::NotInstalled(id.to_owned()))?;
    let held = locked.held.as_ref().ok_or_else(|| Refusal::NothingHeld(id.to_owned()))?;
    Ok((held, held.capabilities.beyond(&locked.runs.capabilities)))
}

/// Who signed it: the key that is trusted for this connector, the one that the
/// administrator names, or, the first time, the one that the signature carries.
fn signer(
    offer: &Offer<'_>,
    installed: Option<&Locked>,
    wish: &Wish,
) -> Result<Option<SignerKey>, Refusal> {
    let trusted = installed.and_then(|it| it.runs.key.clone());
    let Some(signature) = offer.signature else {
        return match trusted {
            Some(key) => Err(Refusal::NoLongerSigned { key }),
            // Who names a key wants it to have signed.
            None if wish.allow_unsigned && wish.key.is_none() => Ok(None),
            None => Err(Refusal::Unsigned),
        };
    };
    let form = |error: SignatureError| Refusal::Signature(error.to_string());
    let key = match (&wish.key, &trusted) {
        (Some(key), _) => key.clone(),
        (None, Some(trusted)) => SignerKey::parse(trusted).map_err(form)?,
        (None, None) => signature::claimed(signature).map_err(form)?.ok_or(Refusal::KeyUnknown)?,
    };
    key.verify(offer.bytes, signature).map_err(|error| match error {
        SignatureError::OtherKey => Refusal::OtherKey { trusted: key.as_str().to_owned() },
        SignatureError::Mismatch => Refusal::Tampered(error.to_string()),
        other => form(other),
    })?;
    Ok(Some(key))
}

/// Whether it is later than what runs.
fn later(offered: &str, installed: Option<&Locked>, wish: &Wish) -> Result<(), Refusal> {
    let version = |text: &str| Version::parse(text).map_err(|_| Refusal::Version(text.to_owned()));
    let new = version(offered)?;
    let Some(installed) = installed.map(|it| it.runs.version.as_str()) else { return Ok(()) };
    let is_later = new.cmp_precedence(&version(installed)?) == Ordering::Greater;
    if is_later || wish.allow_downgrade {
        return Ok(());
    }
    Err(Refusal::Downgrade { offered: offered.to_owned(), installed: installed.to_owned() })
}

#[cfg(test)]
mod tests;
