//! `liaison connector keygen` and `sign`: what an author does once, and with every
//! version.

use std::io::Write as _;
use std::path::Path;

use plugin_install::signature::{self, SignatureError};
use serde_json::json;

use crate::exit::Exit;
use crate::out::{Out, talk};
use crate::package::{Found, signature_of, unwritable, write};
use crate::private;
use crate::trouble::Trouble;

/// Makes a pair of keys.
///
/// # Errors
/// When there is a key already, or it cannot be written.
pub fn keygen(to: &Path, out: Out) -> Result<Exit, Trouble> {
    let mut random = [0; signature::RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|error| {
        let mend = "check that /dev/urandom works on this system";
        Trouble::new(Exit::Usage, "key/randomness", "", error, mend)
    })?;
    let (secret, key) = signature::generate(random).map_err(|error| no_key(to, &error))?;
    let mut public = to.as_os_str().to_owned();
    public.push(".pub");
    let public = Path::new(&public);
    if to.exists() || public.exists() {
        let what = "there is a key already: with another one your connectors are refused where \
                    they are installed";
        let mend = "name another file with --to";
        return Err(Trouble::new(Exit::Usage, "connector/key-exists", to.display(), what, mend));
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), private::folder)
        .and_then(|()| private::new_file(to))
        .and_then(|mut file| file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| unwritable(to, &error))?;
    let text = format!("untrusted comment: public key of a Liaison connector's author\n{key}\n");
    write(public, text.as_bytes()).map_err(|error| unwritable(public, &error))?;
    talk("publish the public key where people look for you, and back the secret one up");
    let view = json!({ "secret": to, "public": public, "key": key.as_str() });
    out.data(&view, || format!("{key}\n"))?;
    Ok(Exit::Ok)
}

/// Signs a component.
///
/// # Errors
/// When it is no connector, the key cannot be used, or the signature not be written.
pub fn sign(package: &Path, key: &Path, out: Out) -> Result<Exit, Trouble> {
    let found = Found::read(package)?;
    let refused = |what: String| {
        let mend = "make one with `liaison connector keygen`, for you alone to read";
        Trouble::new(Exit::Usage, "connector/key", key.display(), what, mend)
    };
    let secret = private::read(key).map_err(|error| refused(error.to_string()))?;
    let secret = secret.ok_or_else(|| refused("there is no secret key".to_owned()))?;
    let (text, signer) =
        signature::sign(&found.bytes, &secret).map_err(|error| no_key(key, &error))?;
    let to = signature_of(package);
    write(&to, text.as_bytes()).map_err(|error| unwritable(&to, &error))?;
    let (id, version) = (&found.manifest.id, &found.manifest.version);
    let view = json!({
        "id": id, "version": version, "digest": found.digest, "file": to, "key": signer.as_str(),
    });
    out.data(&view, || format!("{}  {id} {version}, signed by {signer}\n", to.display()))?;
    Ok(Exit::Ok)
}

fn no_key(key: &Path, error: &SignatureError) -> Trouble {
    let mend = match error {
        SignatureError::Protected => {
            "sign with minisign itself: minisign -Sm FILE -t \"key:$(tail -1 minisign.pub)\""
        }
        _ => "make another with `liaison connector keygen`",
    };
    Trouble::new(Exit::Usage, "connector/key", key.display(), error, mend)
}
