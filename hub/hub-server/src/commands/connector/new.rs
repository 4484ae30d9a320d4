//! `liaison connector new`: a crate that works, from templates. The code of the
//! templates is a guest of the tests, so that what is handed out compiles and
//! passes.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::Lang;
use crate::exit::Exit;
use crate::out::{Out, talk};
use crate::trouble::Trouble;

/// Longest id, in characters.
const ID_CHARS_MAX: usize = 64;

/// What is written, and from what. `{{id}}`, `{{title}}` and `{{sdk}}` are filled in.
const FILES: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("connector.json", include_str!("template/connector.json")),
    ("README.md", include_str!("template/README.md")),
    (".gitignore", include_str!("template/gitignore")),
    ("src/lib.rs", include_str!("template/lib.rs")),
    ("src/tests.rs", include_str!("template/tests.rs")),
    ("try/liaison.toml", include_str!("template/liaison.toml")),
    ("try/samples.json", include_str!("template/samples.json")),
];

/// Writes the crate into a folder of its id.
///
/// # Errors
/// An id that is none, a folder that has something in it, or one that cannot be written.
pub fn run(
    id: &str,
    title: Option<String>,
    lang: Lang,
    sdk: Option<&Path>,
    out: Out,
) -> Result<Exit, Trouble> {
    let Lang::Rust = lang;
    if !is_id(id) {
        let what = format!("`{id}` is no id");
        let mend = "small letters, digits and hyphens, beginning with a letter: crm-acme";
        return Err(Trouble::new(Exit::Usage, "connector/id", "", what, mend));
    }
    let folder = PathBuf::from(id);
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let mend = "choose another id, or another folder to stand in";
        let what = "there is something in it already";
        return Err(Trouble::new(Exit::Usage, "connector/exists", folder.display(), what, mend));
    }
    let title = title.unwrap_or_else(|| title_of(id));
    let sdk = dependency(sdk)?;
    for (name, template) in FILES {
        let text = template
            .replace("{{id}}", id)
            .replace("{{title}}", &escaped(&title))
            .replace("{{sdk}}", &sdk);
        write(&folder.join(name), &text)?;
    }
    let files: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    let view = json!({ "folder": folder, "files": files });
    out.data(&view, || files.iter().map(|name| format!("{id}/{name}\n")).collect())?;
    talk(format!("next: cd {id} && cargo test, and then liaison connector build"));
    Ok(Exit::Ok)
}

fn is_id(id: &str) -> bool {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    id.len() <= ID_CHARS_MAX
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && !id.ends_with('-')
        && id.chars().all(sound)
}

/// `crm-acme` is `Crm acme`, until its author knows better.
fn title_of(id: &str) -> String {
    let words = id.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As it may stand between quotes in JSON and TOML.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// The SDK as a dependency: a folder, or this version from the registry.
fn dependency(sdk: Option<&Path>) -> Result<String, Trouble> {
    let Some(folder) = sdk else { return Ok(format!("\"{}\"", env!("CARGO_PKG_VERSION"))) };
    let missing = |what: String| {
        let mend = "name the folder that holds the SDK's Cargo.toml: .../sdk/liaison-sdk";
        Trouble::new(Exit::Usage, "connector/sdk", folder.display(), what, mend)
    };
    let path = folder.canonicalize().map_err(|error| missing(error.to_string()))?;
    if !path.join("Cargo.toml").is_file() {
        return Err(missing("there is no Cargo.toml in it".to_owned()));
    }
    Ok(format!("{{ path = {} }}", serde_json::Value::from(path.display().to_string())))
}

/// Never over what is there.
fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())
    });
    written.map_err(|error| {
        let what = format!("it cannot be written: {error}");
        let mend = "check owner, permissions and free space of the folder";
        Trouble::new(Exit::Usage, "connector/write", path.display(), what, mend)
    })
}

#[cfg(test)]
mod tests {
    use super::{FILES, ID_CHARS_MAX, escaped, is_id, title_of};

    #[test]
    fn an_id_is_small_letters_digits_and_hyphens() {
        let long = "a".repeat(ID_CHARS_MAX + 1);
        for (id, sound) in [
            ("crm-acme", true),
            ("x2", true),
            ("", false),
            ("Crm", false),
            ("2x", false),
            ("crm_acme", false),
            ("crm-", false),
            ("../crm", false),
            ("crmé", false),
            (&long, false),
        ] {
            assert_eq!(is_id(id), sound, "{id}");
        }
        assert_eq!(title_of("crm-acme"), "Crm acme");
        assert_eq!(escaped(r#"a \ "b""#), r#"a \\ \"b\""#);
    }

    #[test]
    fn code_holds_no_place_to_fill_in() {
        for (name, text) in FILES.iter().filter(|(name, _)| name.ends_with(".rs")) {
            assert!(!text.contains("{{id}}") && !text.contains("{{title}}"), "{name}");
        }
    }
}
