//! Connectors in other languages than Rust: what `liaison connector new` begins, made into a
//! component by the tools of each SDK.
//!
//! The packages that make it have pinned versions and lie in a folder of their own below the
//! target folder. What a component was made of is remembered as a digest, so that the second
//! time costs nothing. A machine without the tools, or without the way to their packages, is
//! an ordinary one: [`Unavailable`].

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::{
    Unavailable, apt,
    components::{self, Component},
    counterparts,
    guests::Guest,
    paths, process, python,
};

/// What says which packages the Python SDK is used with, and how that line begins.
const PYTHON_PROJECT: &str = "sdk/python/pyproject.toml";
const PYTHON_PACKAGES: &str = "build = ";
/// What of the TypeScript SDK is its package.
const TYPESCRIPT_PACKAGE: [&str; 6] =
    ["src", "tests", "tools", "package.json", "package-lock.json", "tsconfig.json"];
/// The contract, which every SDK takes along.
const CONTRACT: &str = "sdk/liaison-sdk/wit/since-v0.1.0";
/// What the tests of every SDK are held to.
const VECTORS: &str = "sdk/vectors";
/// Where what `liaison connector new` writes comes from.
const TEMPLATE: &str = "hub/hub-server/src/commands/connector/template";

/// A language that has an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// componentize-py.
    Python,
    /// componentize-js, after esbuild.
    TypeScript,
}

impl Language {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Python, Self::TypeScript];

    const fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::TypeScript => "typescript",
        }
    }

    /// The name of its component.
    #[must_use]
    pub fn component(self) -> String {
        format!("guest-template-{}", self.word())
    }

    /// Its component as a guest, if it was built.
    ///
    /// # Errors
    /// It was not, or could not be on this machine.
    pub fn ready(self) -> Result<Guest, Unavailable> {
        let name = self.component();
        components::built(&name).map_err(|missing| Unavailable {
            how: "cargo xtask setup --only languages builds it or says why not".to_owned(),
            ..missing
        })?;
        Ok(Guest { name, module: String::new(), folder: self.made() })
    }

    /// Builds its component, if what that is made of has changed.
    ///
    /// # Errors
    /// [`Unavailable`] where the tools cannot be had; otherwise what they said.
    pub fn build(self) -> Result<Component> {
        let (name, made, digest) = (self.component(), self.made(), self.digest()?);
        let path = paths::components().join(format!("{name}.wasm"));
        if !counterparts::is_complete(&made, &digest) || !path.is_file() {
            self.set_up()?;
            counterparts::begin(&made)?;
            let file = made.join("component.wasm");
            self.componentize(&file)?;
            let manifest = paths::root().join(TEMPLATE).join("connector.json");
            let manifest = fs::read_to_string(manifest)?.replace("{{id}}", &name);
            fs::write(made.join("connector.json"), &manifest)?;
            let component = plugin_pack::append(&fs::read(file)?, manifest.as_bytes())?;
            fs::create_dir_all(paths::components())?;
            components::write_if_changed(&path, &component)?;
            counterparts::complete(&made, &digest)?;
        }
        let bytes = usize::try_from(fs::metadata(&path)?.len())?;
        eprintln!("      {name}.wasm, {} KiB", bytes / 1024);
        Ok(Component { name, path, bytes })
    }

    /// Checks the types of the SDK, its tests and the template, and runs the SDK's tests.
    ///
    /// # Errors
    /// A type or a test fails; the message is what its checker said.
    pub fn test_sdk(self) -> Result<String> {
        let folder = self.folder();
        if self == Self::Python {
            let mut types = self.tool();
            types.current_dir(self.sdk()).args(["-m", "mypy", "--cache-dir"]);
            types.arg(folder.join("mypy")).args(["liaison_sdk", "tests"]).arg(self.template());
            process::read(&mut types)?;
            return self.test(&self.sdk().join("tests"));
        }
        self.set_up()?;
        process::read(npm(&folder).args(["run", "--silent", "types"]))?;
        self.test(&folder)
    }

    /// Runs the tests of a connector in a folder.
    ///
    /// # Errors
    /// As [`Self::test_sdk`].
    pub fn test(self, folder: &Path) -> Result<String> {
        let mut command = self.tool();
        match self {
            Self::Python => command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]),
            Self::TypeScript => command.arg("test"),
        };
        process::read(command.arg(folder))
    }

    /// A command for a connector in a folder, as if the SDK had been installed for it.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn installed(self, folder: &Path, mut command: Command) -> Result<Command> {
        match self {
            Self::Python => {
                command.env("PYTHONPATH", self.sdk()).env("PYTHONDONTWRITEBYTECODE", "1");
                command.env("VIRTUAL_ENV", self.folder().join("venv"));
            }
            Self::TypeScript => {
                let package = folder.join("node_modules/liaison-sdk");
                if !package.exists() {
                    fs::create_dir_all(folder.join("node_modules"))?;
                    std::os::unix::fs::symlink(self.folder(), package)?;
                }
            }
        }
        command.current_dir(folder);
        Ok(command)
    }

    /// Makes the template into a component without a manifest.
    fn componentize(self, to: &Path) -> Result<()> {
        let mut command = self.tool();
        match self {
            Self::Python => command.args(["-m", "liaison_sdk", "build"]).arg(self.template()),
            Self::TypeScript => command.arg("build").arg(self.folder().join("example")),
        };
        process::read(command.arg("--to").arg(to)).map(drop)
    }

    /// Python, which finds the SDK; or the SDK's own program.
    fn tool(self) -> Command {
        if self == Self::TypeScript {
            let mut node = Command::new("node");
            node.arg(self.folder().join("tools/liaison-ts.mjs"));
            return node;
        }
        let mut python = Command::new(python::interpreter(&self.folder().join("venv")));
        // Nothing is written beside the sources.
        python.env("PYTHONPATH", self.sdk()).env("PYTHONDONTWRITEBYTECODE", "1");
        python
    }

    /// The tools, with their packages.
    fn set_up(self) -> Result<()> {
        let missing = |error: anyhow::Error| match error.downcast::<Unavailable>() {
            Ok(missing) => missing,
            Err(error) => Unavailable::new(
                format!("a connector in {}", self.word()),
                format!("its packages come from the index of its language: {error:#}"),
            ),
        };
        let folder = self.folder();
        match self {
            Self::Python => {
                let packages = python_packages()?;
                let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
                python::environment(&folder.join("venv"), &packages).map_err(missing)?;
            }
            Self::TypeScript => {
                for part in TYPESCRIPT_PACKAGE {
                    copy(&self.sdk().join(part), &folder.join(part))?;
                }
                copy(&paths::root().join(CONTRACT), &folder.join("wit"))?;
                copy(&paths::root().join(VECTORS), &paths::languages().join("vectors"))?;
                copy(&self.template(), &folder.join("example"))?;
                node_packages(&folder).map_err(missing)?;
            }
        }
        Ok(())
    }

    fn folder(self) -> PathBuf {
        paths::languages().join(self.word())
    }

    fn made(self) -> PathBuf {
        self.folder().join("made")
    }

    fn sdk(self) -> PathBuf {
        paths::root().join("sdk").join(self.word())
    }

    fn template(self) -> PathBuf {
        paths::root().join(TEMPLATE).join(self.word())
    }

    /// What a component is made of.
    fn digest(self) -> Result<String> {
        let mut digest = Sha256::new();
        let manifest = paths::root().join(TEMPLATE).join("connector.json");
        let contract = paths::root().join(CONTRACT);
        for folder in [self.sdk(), self.template(), contract, manifest] {
            let mut files = Vec::new();
            files_of(&folder, &mut files)?;
            files.sort();
            for file in files {
                let text = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
                digest.update(file.to_string_lossy().as_bytes());
                digest.update(text.len().to_le_bytes());
                digest.update(text);
            }
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What the Python SDK is used with: its own list, which is written as JSON is.
fn python_packages() -> Result<Vec<String>> {
    let path = paths::root().join(PYTHON_PROJECT);
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let list = text.lines().find_map(|line| line.strip_prefix(PYTHON_PACKAGES));
    let list = list.with_context(|| format!("no packages in {}", path.display()))?;
    serde_json::from_str(list).with_context(|| format!("the packages in {}", path.display()))
}

/// Node and the packages that the lock names.
fn node_packages(folder: &Path) -> Result<()> {
    if !process::exists("npm") && apt::install(&["nodejs", "npm"]).is_err() {
        return Err(Unavailable::new("Node", "as root: apt-get install nodejs npm").into());
    }
    let modules = folder.join("node_modules");
    let wish = fs::read_to_string(folder.join("package-lock.json"))?;
    if counterparts::is_complete(&modules, &wish) {
        return Ok(());
    }
    process::read(npm(folder).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
        .context("npm cannot fetch the packages")?;
    counterparts::complete(&modules, &wish)
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder);
    command
}

/// A file, or a folder with all that is in it, in place of what was there.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        fs::copy(from, to).with_context(|| format!("copy {}", from.display()))?;
        return Ok(());
    }
    counterparts::begin(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The files below a path, without what tools put beside sources.
fn files_of(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("read {}", path.display()))? {
        let entry = entry?.path();
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if !["node_modules", "types", "wit", "__pycache__"].contains(&&*name) {
            files_of(&entry, files)?;
        }
    }
    Ok(())
}
