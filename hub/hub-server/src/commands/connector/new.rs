//! `liaison connector new`: a connector that works, from templates, in one of the
//! languages that have an SDK. The code of the templates is a guest of the tests, so
//! that what is handed out compiles and passes.

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

/// What is written whatever the language, and from what. `{{id}}`, `{{title}}`, `{{sdk}}` and
/// `{{commands}}` are filled in.
const SHARED: [(&str, &str); 5] = [
    ("connector.json", include_str!("template/connector.json")),
    ("README.md", include_str!("template/README.md")),
    (".gitignore", include_str!("template/gitignore")),
    ("try/liaison.toml", include_str!("template/liaison.toml")),
    ("try/samples.json", include_str!("template/samples.json")),
];

/// What is written in a language of connectors.
struct Kit {
    /// Its files.
    files: &'static [(&'static str, &'static str)],
    /// How it is tested and built.
    commands: &'static str,
    /// The SDK in a folder as a dependency, and the file that the folder holds.
    sdk: fn(&str) -> String,
    project: &'static str,
    /// The SDK as a dependency from its registry.
    published: &'static str,
}

const RUST: Kit = Kit {
    files: &[
        ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
        ("src/lib.rs", include_str!("template/lib.rs")),
        ("src/tests.rs", include_str!("template/tests.rs")),
    ],
    commands: include_str!("template/commands.txt"),
    sdk: |folder| format!("{{ path = {} }}", quoted(folder)),
    project: "Cargo.toml",
    published: concat!("\"", env!("CARGO_PKG_VERSION"), "\""),
};

const PYTHON: Kit = Kit {
    files: &[
        ("connector.py", include_str!("template/python/connector.py")),
        ("test_connector.py", include_str!("template/python/test_connector.py")),
        ("requirements.txt", include_str!("template/python/requirements.txt")),
    ],
    commands: include_str!("template/python/commands.txt"),
    sdk: |folder| format!(" @ file://{}", as_in_url(folder)),
    project: "pyproject.toml",
    published: concat!("==", env!("CARGO_PKG_VERSION")),
};

const TYPESCRIPT: Kit = Kit {
    files: &[
        ("connector.ts", include_str!("template/typescript/connector.ts")),
        ("connector.test.ts", include_str!("template/typescript/connector.test.ts")),
        ("package.json", include_str!("template/typescript/package.json.txt")),
        ("tsconfig.json", include_str!("template/typescript/tsconfig.json.txt")),
        // A folder of the SDK is taken as a package would be, with what it depends on.
        (".npmrc", "install-links=true\n"),
    ],
    commands: include_str!("template/typescript/commands.txt"),
    sdk: |folder| quoted(&format!("file:{folder}")),
    project: "package.json",
    published: concat!("\"", env!("CARGO_PKG_VERSION"), "\""),
};

const fn kit(lang: Lang) -> &'static Kit {
    match lang {
        Lang::Rust => &RUST,
        Lang::Python => &PYTHON,
        Lang::Ts => &TYPESCRIPT,
    }
}

/// Writes the connector into a folder of its id.
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
    let kit = kit(lang);
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
    let sdk = dependency(kit, sdk)?;
    for (name, template) in SHARED.iter().chain(kit.files) {
        let text = template
            .replace("{{commands}}\n", kit.commands)
            .replace("{{id}}", id)
            .replace("{{title}}", &escaped(&title))
            .replace("{{sdk}}", &sdk);
        write(&folder.join(name), &text)?;
    }
    let files: Vec<&str> = SHARED.iter().chain(kit.files).map(|(name, _)| *name).collect();
    let view = json!({ "folder": folder, "files": files });
    out.data(&view, || files.iter().map(|name| format!("{id}/{name}\n")).collect())?;
    talk(format!("next: cd {id}; its README.md says how to test and build it"));
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

/// As it stands in JSON and TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A path as it stands in the address of a file: a blank would end a requirement of pip.
/// (npm's are no addresses, though they look like some.)
fn as_in_url(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let encoded = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    path.bytes().map(encoded).collect()
}

/// As it may stand between quotes in JSON and TOML.
fn escaped(text: &str) -> String {
    let quoted = quoted(text);
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// The SDK as a dependency: a folder, or this version from the registry.
fn dependency(kit: &Kit, sdk: Option<&Path>) -> Result<String, Trouble> {
    let Some(folder) = sdk else { return Ok(kit.published.to_owned()) };
    let missing = |what: String| {
        let mend = format!("name the folder that holds the SDK's {}: .../sdk/...", kit.project);
        Trouble::new(Exit::Usage, "connector/sdk", folder.display(), what, mend)
    };
    let path = folder.canonicalize().map_err(|error| missing(error.to_string()))?;
    if !path.join(kit.project).is_file() {
        return Err(missing(format!("there is no {} in it", kit.project)));
    }
    Ok((kit.sdk)(&path.display().to_string()))
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
    use super::{ID_CHARS_MAX, Kit, PYTHON, RUST, TYPESCRIPT, escaped, is_id, title_of};

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
        for (name, text) in [RUST, PYTHON, TYPESCRIPT].iter().flat_map(|kit| kit.files) {
            let code = [".rs", ".py", ".ts"].iter().any(|ending| name.ends_with(ending));
            assert!(!code || !text.contains("{{"), "{name}");
        }
    }

    #[test]
    fn the_sdk_is_named_as_each_language_names_it() {
        let of = |kit: &Kit| (kit.sdk)("/a \"b\" é/sdk");
        assert_eq!(of(&RUST), "{ path = \"/a \\\"b\\\" é/sdk\" }");
        assert_eq!(of(&PYTHON), " @ file:///a%20%22b%22%20%C3%A9/sdk");
        assert_eq!(of(&TYPESCRIPT), "\"file:/a \\\"b\\\" é/sdk\"");
    }
}
