//! The workspace as the checker sees it: crates, folders and declared edges.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Which build an edge belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The product itself, its build scripts included.
    Product,
    /// Tests, examples, benchmarks.
    Tests,
}

/// A declared dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The crate that is used.
    pub to: String,
    /// Where it is used.
    pub kind: Kind,
}

/// One crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The crate.
    pub name: String,
    /// Its folder, from the root, with `/`.
    pub folder: String,
    /// What it declares.
    pub edges: Vec<Edge>,
}

/// The workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// Its crates.
    pub members: Vec<Member>,
    /// What each crate, of the workspace or not, links into the product; macros
    /// run in the compiler and are left out.
    pub links: BTreeMap<String, BTreeSet<String>>,
}

/// The root of this workspace.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_path_buf()
}

impl Graph {
    /// Reads the workspace in `root`.
    ///
    /// # Errors
    /// Cargo cannot read it.
    pub fn read(root: &Path) -> Result<Self> {
        // For this machine's platform only: the others' crates are not here.
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .other_options(["--filter-platform".to_owned(), host()?])
            .exec()
            .context("cargo metadata")?;
        let members = metadata.workspace_packages();
        let members = members.into_iter().map(|package| member(package, root));
        Ok(Self { members: members.collect::<Result<_>>()?, links: links(&metadata) })
    }
}

fn member(package: &Package, root: &Path) -> Result<Member> {
    let folder = package.manifest_path.parent().context("a Cargo.toml lies in a folder")?;
    let folder = folder.as_std_path().strip_prefix(root)?;
    let edges = package.dependencies.iter().map(|dependency| Edge {
        to: dependency.name.clone(),
        kind: match dependency.kind {
            DependencyKind::Development => Kind::Tests,
            _ => Kind::Product,
        },
    });
    Ok(Member {
        name: package.name.to_string(),
        folder: folder.to_string_lossy().replace('\\', "/"),
        edges: edges.collect(),
    })
}

fn links(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let linked = metadata.packages.iter().filter(|package| !is_macro(package));
    let names: BTreeMap<_, _> =
        linked.map(|package| (&package.id, package.name.to_string())).collect();
    let mut links: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
        let Some(from) = names.get(&node.id) else { continue };
        let linked = node.deps.iter().filter(|dependency| {
            dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
        });
        let linked = linked.filter_map(|dependency| names.get(&dependency.pkg).cloned());
        links.entry(from.clone()).or_default().extend(linked);
    }
    links
}

fn is_macro(package: &Package) -> bool {
    package.targets.iter().any(cargo_metadata::Target::is_proc_macro)
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc -vV")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match text.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("rustc -vV names no host"),
    }
}
