//! A real ERP to test against: Tryton, in a Python environment, on SQLite.
//!
//! Making its database takes long; copying it takes milliseconds. So one is
//! prepared once, and every [`Tryton::start`] works on a copy of its own: a
//! fresh ERP for each test.

pub mod rpc;
pub mod template;

use std::{
    fs::{self, File},
    io::Read as _,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use rpc::Session;
pub use template::{Template, prepare, ready};

/// The name of the database; also the first part of the path of its endpoint.
pub const DATABASE: &str = "erp";
/// The administrator's login name.
pub const USER: &str = "admin";

/// How long a start may take on a busy machine.
const START_LIMIT_SECONDS: u64 = 120;
/// Between two looks whether the server answers.
const LOOK_INTERVAL_MILLISECONDS: u64 = 50;
/// A free port may be taken by another process before the server binds it.
const PORT_ATTEMPTS: usize = 5;
/// How much of a failed server's log is quoted, in bytes.
const MAX_QUOTED_LOG_BYTES: usize = 3_000;

/// A running ERP; killed when dropped, and also when this process dies.
#[derive(Debug)]
pub struct Tryton {
    /// Where it answers, without a slash at the end.
    pub url: String,
    /// The name of its database.
    pub database: String,
    /// The administrator's login name.
    pub user: String,
    /// The administrator's password.
    pub password: String,
    /// Its port on loopback.
    pub port: u16,
    /// The server.
    pub child: Child,
    /// Its data and its log.
    pub folder: PathBuf,
}

impl Tryton {
    /// Starts an ERP on a free port, with its data in `folder`: a fresh one,
    /// or the one that was there before.
    ///
    /// # Errors
    /// [`crate::Unavailable`] if it was not set up; otherwise the end of the server's log.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut last = None;
        for _ in 0..PORT_ATTEMPTS {
            match Self::start_on(folder, free_port()?) {
                Err(error) if format!("{error:#}").contains("in use") => last = Some(error),
                result => return result,
            }
        }
        Err(last.context("no attempt was made")?)
    }

    /// Starts an ERP on a given port, for instance the one it had before.
    ///
    /// # Errors
    /// As [`Tryton::start`], and if the port is taken.
    pub fn start_on(folder: &Path, port: u16) -> Result<Self> {
        let template = ready()?;
        template.copy_to(folder)?;
        let configuration = write_configuration(folder, port)?;
        let log = File::create(log_file(folder))?;
        let child = Command::new(&template.python)
            .args(["-c", include_str!("tryton/serve.py"), "-c"])
            .arg(&configuration)
            .args(["-d", DATABASE])
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start trytond")?;
        let mut tryton = Self {
            url: format!("http://127.0.0.1:{port}"),
            database: DATABASE.to_owned(),
            user: USER.to_owned(),
            password: template.password,
            port,
            child,
            folder: folder.to_path_buf(),
        };
        tryton.wait_until_it_answers()?;
        Ok(tryton)
    }

    /// Logs in as the administrator, to look and to edit as a person would.
    ///
    /// # Errors
    /// The login is refused or the server does not answer.
    pub fn session(&self) -> Result<Session> {
        Session::log_in(self.port, &self.database, &self.user, &self.password)
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let limit = Instant::now() + Duration::from_secs(START_LIMIT_SECONDS);
        while Instant::now() < limit {
            if let Some(status) = self.child.try_wait()? {
                bail!("trytond ended with {status}: {}", self.log_end());
            }
            if rpc::version(self.port).is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(LOOK_INTERVAL_MILLISECONDS));
        }
        bail!("trytond does not answer after {START_LIMIT_SECONDS} s: {}", self.log_end())
    }

    fn log_end(&self) -> String {
        let mut bytes = Vec::new();
        let read =
            File::open(log_file(&self.folder)).and_then(|mut log| log.read_to_end(&mut bytes));
        if let Err(error) = read {
            return format!("its log cannot be read: {error}");
        }
        let start = bytes.len().saturating_sub(MAX_QUOTED_LOG_BYTES);
        String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned()
    }
}

impl Drop for Tryton {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

fn write_configuration(folder: &Path, port: u16) -> Result<PathBuf> {
    let file = folder.join("trytond.conf");
    let text = template::configuration(folder, port);
    fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    Ok(file)
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("trytond.log")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fresh_erp_answers_keeps_its_data_and_goes_when_dropped() {
        if let Err(missing) = ready() {
            missing.skip("tryton::a_fresh_erp_answers_keeps_its_data_and_goes_when_dropped");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let search = json!([[["name", "=", "Ana Costa"]], 0, 10, null, ["name"], {}]);

        let erp = Tryton::start(folder.path()).unwrap();
        let port = erp.port;
        let session = erp.session().unwrap();
        session.call("model.party.party.create", json!([[{"name": "Ana Costa"}], {}])).unwrap();
        drop(erp);
        assert!(rpc::version(port).is_err());

        let erp = Tryton::start_on(folder.path(), port).unwrap();
        let session = erp.session().unwrap();
        let found = session.call("model.party.party.search_read", search).unwrap();
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");

        // Errors come with HTTP 200 and an `error` member.
        let refused =
            session.call("model.party.party.search_read", json!([[["nope", "=", 1]], {}]));
        assert!(refused.is_err());
    }
}
