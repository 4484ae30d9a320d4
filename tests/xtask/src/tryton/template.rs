//! The prepared database that every fresh ERP is a copy of.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{DATABASE, USER};
use crate::{Unavailable, counterparts, paths, process, python};

/// What is installed. `party` brings countries, addresses, contact mechanisms.
const PACKAGES: [&str; 3] = ["trytond==8.2.1", "trytond-party==8.2.0", "proteus==8.2.0"];
/// The modules that are activated in the database.
const MODULES: [&str; 3] = ["ir", "res", "party"];
/// Random bytes of the administrator's password, written as hex.
const PASSWORD_BYTES: usize = 16;

/// A prepared ERP.
#[derive(Debug, Clone)]
pub struct Template {
    /// The Python that has Tryton.
    pub python: PathBuf,
    /// The database to copy.
    pub database: PathBuf,
    /// The administrator's password in it.
    pub password: String,
}

/// The prepared ERP, if it is there.
///
/// # Errors
/// It was not set up, or could not be on this machine.
pub fn ready() -> Result<Template, Unavailable> {
    let folder = template_folder();
    let python = python::interpreter(&environment_folder());
    let database = database_file(&folder);
    let password = fs::read_to_string(password_file(&folder));
    let complete = counterparts::is_complete(&folder, &wish());
    match password {
        Ok(password) if complete && python.is_file() && database.is_file() => {
            Ok(Template { python, database, password: password.trim().to_owned() })
        }
        _ => Err(Unavailable::new("Tryton", "cargo xtask setup --only tryton fetches it")),
    }
}

/// Prepares the ERP: packages, then a database with its modules.
///
/// # Errors
/// [`Unavailable`] without Python; otherwise what pip or Tryton said.
pub fn prepare() -> Result<Template> {
    if let Ok(template) = ready() {
        return Ok(template);
    }
    let python = python::environment(&environment_folder(), &PACKAGES)?;
    let folder = template_folder();
    counterparts::begin(&folder)?;
    fs::write(password_file(&folder), format!("{}\n", random_password()?))?;
    // Tryton connects to a SQLite file only if there is one.
    File::create(database_file(&folder))?;
    let configuration = folder.join("trytond.conf");
    fs::write(&configuration, self::configuration(&folder, 0))?;
    let mut command = Command::new(python);
    command
        .args(["-c", "from trytond.cli.admin import main; main()", "-c"])
        .arg(&configuration)
        .args(["-d", DATABASE, "--email", "admin@example.org", "--all", "-u"])
        .args(MODULES)
        .arg("--activate-dependencies")
        .env("TRYTONPASSFILE", password_file(&folder));
    process::read(&mut command).context("Tryton cannot make its database")?;
    counterparts::complete(&folder, &wish())?;
    Ok(ready()?)
}

impl Template {
    /// Copies the database into `folder` unless there is one already.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn copy_to(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let file = database_file(folder);
        if !file.exists() {
            fs::copy(&self.database, &file).with_context(|| format!("write {}", file.display()))?;
        }
        Ok(())
    }
}

/// The server's configuration. The path of a SQLite database has a key of its
/// own: inside the URI it is not found.
pub(super) fn configuration(folder: &Path, port: u16) -> String {
    format!(
        "[database]\nuri = sqlite://\npath = {}\n\n[web]\nlisten = 127.0.0.1:{port}\n\n\
         [session]\nauthentications = password\n",
        folder.display()
    )
}

fn wish() -> String {
    format!("{}\n{}\n{USER}", PACKAGES.join("\n"), MODULES.join("\n"))
}

fn environment_folder() -> PathBuf {
    paths::counterparts().join("tryton-venv")
}

fn template_folder() -> PathBuf {
    paths::counterparts().join("tryton")
}

fn database_file(folder: &Path) -> PathBuf {
    folder.join(format!("{DATABASE}.sqlite"))
}

fn password_file(folder: &Path) -> PathBuf {
    folder.join("password.txt")
}

fn random_password() -> Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut password = String::new();
    for byte in bytes {
        write!(password, "{byte:02x}")?;
    }
    Ok(password)
}
