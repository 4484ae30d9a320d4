//! Whether what was installed may run: judged whenever it is loaded, over the very bytes
//! that are then compiled. The lock file can be edited by hand and the folder by anybody
//! who may write there, so the digest alone is not believed: the signature must be that
//! of the trusted key, and the package ask for no more than was approved.

use crate::capabilities::Capabilities;
use crate::judge::Offer;
use crate::lock::Release;
use crate::refusal::Refusal;
use crate::signature::SignerKey;

/// Whether bytes have the digest that the lock file names, or the administrator.
///
/// # Errors
/// [`Refusal::Tampered`].
pub fn is(digest: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let found = crate::digest(bytes);
    if found == digest {
        return Ok(());
    }
    Err(Refusal::Tampered(format!("its digest is {found}, and should be {digest}")))
}

/// Confirms that bytes are the release that the lock file names.
///
/// # Errors
/// [`Refusal`]: it does not run.
pub fn confirm(id: &str, release: &Release, offer: &Offer<'_>) -> Result<(), Refusal> {
    is(&release.digest, offer.bytes)?;
    if offer.manifest.id != id {
        let (found, expected) = (offer.manifest.id.clone(), id.to_owned());
        return Err(Refusal::OtherId { found, expected });
    }
    if offer.manifest.version != release.version {
        let (found, named) = (&offer.manifest.version, &release.version);
        return Err(Refusal::Tampered(format!("it is version {found}, and {named} is named")));
    }
    if let Some(key) = &release.key {
        let tampered = |what: String| Refusal::Tampered(what);
        let key = SignerKey::parse(key).map_err(|error| tampered(error.to_string()))?;
        let signature =
            offer.signature.ok_or_else(|| tampered("its signature is gone".to_owned()))?;
        key.verify(offer.bytes, signature).map_err(|error| tampered(error.to_string()))?;
    }
    let asked = Capabilities::of(offer.manifest, offer.imports, offer.exports);
    let wider = asked.beyond(&release.capabilities);
    if wider.is_empty() { Ok(()) } else { Err(Refusal::NotApproved(Box::new(wider))) }
}
