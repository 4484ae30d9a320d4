//! An SSH server that somebody else wrote: OpenSSH, unpacked and run by whoever runs the
//! tests, without root and without a word to the system's own users.
//!
//! A server that is not root can log in nobody but its own user. Who that is, and what the
//! password is, is told to it by a library (`nss_wrapper`) in place of `/etc/passwd` and
//! `/etc/shadow`. Root starts it as nobody, so that permissions mean something.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{Unavailable, apt, counterparts, paths, process, tryton};

/// What is unpacked: the server, the tool that makes keys, and libraries that a small
/// system lacks.
const PACKAGES: [&str; 10] = [
    "openssh-server",
    "openssh-client",
    "libnss-wrapper",
    "libwrap0",
    "libgssapi-krb5-2",
    "libkrb5-3",
    "libk5crypto3",
    "libkrb5support0",
    "libkeyutils1",
    "libcom-err2",
];
/// The user that it knows.
pub const USER: &str = "hub";
/// The password of that user.
pub const PASSWORD: &str = "sftp-s3cret";
/// What one of the keys is encrypted with.
pub const PASSPHRASE: &str = "locked-s3cret";
/// The password as `openssl passwd -6` writes it.
const PASSWORD_HASH: &str = "$6$liaison$rM2Jn6qOJHzt6K2dspdHEsLprrnSqu03Heut/zjmPGhxrB7LACUk3ii.SsIr6awm/BTQQb1q6un8PXgHkfXPY/";
/// Whom root starts the server as.
const NOBODY: &str = "65534";
/// How long a start may take, in tenths of a second.
const START_TENTHS_MAX: u32 = 100;

/// The folder with the server, if it was set up.
///
/// # Errors
/// It was not set up, or could not be on this machine.
pub fn ready() -> Result<PathBuf, Unavailable> {
    let folder = environment_folder();
    if counterparts::is_complete(&folder, &PACKAGES.join("\n")) {
        return Ok(folder);
    }
    let how = "cargo xtask setup --only sftp fetches it, on Debian and its kin";
    Err(Unavailable::new("a server of files (OpenSSH)", how))
}

/// Fetches the server.
///
/// # Errors
/// [`Unavailable`] without Debian's tools; otherwise what they said.
pub fn prepare() -> Result<PathBuf> {
    if let Ok(folder) = ready() {
        return Ok(folder);
    }
    let packages = PACKAGES.map(str::to_owned);
    if !apt::exists() {
        bail!(Unavailable::new("a server of files (OpenSSH)", "it comes as a package of Debian"));
    }
    if process::is_root() && packages.iter().any(|package| apt::look_up(package).is_none()) {
        apt::update()?;
    }
    let folder = environment_folder();
    counterparts::begin(&folder)?;
    let cache = folder.join("packages");
    apt::unpack(&packages, &cache, &folder)?;
    fs::remove_dir_all(&cache)?;
    counterparts::complete(&folder, &PACKAGES.join("\n"))?;
    Ok(folder)
}

fn environment_folder() -> PathBuf {
    paths::counterparts().join("sftp")
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Its port on this machine.
    pub port: u16,
    folder: PathBuf,
    child: Child,
}

impl Server {
    /// Starts a server with an empty folder, [`Server::files`], in one of its own.
    ///
    /// # Errors
    /// [`Unavailable`] if it was not set up; otherwise what keeps it from starting.
    pub fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, "unlimited")
    }

    /// The same, where no file can become larger: a disk that is full.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_full(folder: &Path, file_kib_max: u32) -> Result<Self> {
        Self::start_with(folder, &(file_kib_max * 2).to_string())
    }

    fn start_with(folder: &Path, blocks_max: &str) -> Result<Self> {
        let (installed, port) = (ready()?, tryton::free_port()?);
        fs::create_dir_all(folder.join("files"))?;
        write_configuration(&installed, folder, port)?;
        let root = process::is_root();
        if root {
            process::read(
                Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(folder),
            )?;
        }
        // A signal that is ignored stays so: writing then fails as on a full disk.
        let limited = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", limited, "sh", blocks_max]);
        if root {
            command.args(["setpriv", "--clear-groups"]);
            command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
        }
        // Whatever becomes of the test, the server ends with it.
        command.args(["setpriv", "--pdeathsig=KILL"]);
        let log = folder.join("server.log");
        command.arg(installed.join("usr/sbin/sshd")).args(["-D", "-e", "-f"]);
        command.arg(folder.join("config"));
        command.env("LD_LIBRARY_PATH", libraries(&installed));
        command.env("LD_PRELOAD", libraries(&installed).join("libnss_wrapper.so"));
        for name in ["passwd", "group", "shadow"] {
            command.env(format!("NSS_WRAPPER_{}", name.to_uppercase()), folder.join(name));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let child = command.spawn().context("cannot start sshd")?;
        let server = Self { port, folder: folder.to_path_buf(), child };
        for _ in 0..START_TENTHS_MAX {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("the server of files did not start: {}", fs::read_to_string(log)?);
    }

    /// The folder that it has.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// The address of that, or of something in it, by way of a port.
    #[must_use]
    pub fn url(&self, port: u16, below: &str) -> String {
        format!("sftp://127.0.0.1:{port}{}/{below}", self.files().display())
    }

    /// The line of its public host key of a kind: `ed25519` or `rsa`.
    ///
    /// # Errors
    /// There is none.
    pub fn host_key(&self, kind: &str) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join(format!("host_{kind}.pub")))?.trim().to_owned())
    }

    /// The fingerprint of that key, as `ssh-keygen` tells it.
    ///
    /// # Errors
    /// There is no such key.
    pub fn fingerprint(&self, kind: &str) -> Result<String> {
        let file = self.folder.join(format!("host_{kind}.pub"));
        let said = process::read(keygen(&ready()?).arg("-lf").arg(file))?;
        let print = said.split_whitespace().nth(1).context("ssh-keygen says no fingerprint")?;
        Ok(print.to_owned())
    }

    /// A private key: `id_ed25519` and `id_rsa` log in, and so does `id_locked`, which is
    /// encrypted; `id_stranger` does not.
    ///
    /// # Errors
    /// There is none.
    pub fn private_key(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join(name))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn libraries(installed: &Path) -> PathBuf {
    installed.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH))
}

fn keygen(installed: &Path) -> Command {
    let mut command = Command::new(installed.join("usr/bin/ssh-keygen"));
    command.env("LD_LIBRARY_PATH", libraries(installed));
    command
}

fn write_configuration(installed: &Path, folder: &Path, port: u16) -> Result<()> {
    let keys = [
        ("host_ed25519", "ed25519", ""),
        ("host_rsa", "rsa", ""),
        ("id_ed25519", "ed25519", ""),
        ("id_rsa", "rsa", ""),
        ("id_locked", "ed25519", PASSPHRASE),
        ("id_stranger", "ed25519", ""),
    ];
    let mut authorized = String::new();
    for (name, kind, passphrase) in keys {
        let mut make = keygen(installed);
        make.args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"]).arg(folder.join(name));
        process::read(&mut make)?;
        if name.starts_with("id_") && name != "id_stranger" {
            authorized += &fs::read_to_string(folder.join(format!("{name}.pub")))?;
        }
    }
    fs::write(folder.join("authorized"), authorized)?;
    let id = |flag: &str| process::read(Command::new("id").arg(flag));
    let (user, group) = if process::is_root() {
        (NOBODY.to_owned(), NOBODY.to_owned())
    } else {
        (id("-u")?.trim().to_owned(), id("-g")?.trim().to_owned())
    };
    let home = folder.display();
    fs::write(folder.join("passwd"), format!("{USER}:x:{user}:{group}::{home}:/bin/sh\n"))?;
    fs::write(folder.join("group"), format!("{USER}:x:{group}:\n"))?;
    fs::write(folder.join("shadow"), format!("{USER}:{PASSWORD_HASH}:19000:0:99999:7:::\n"))?;
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host_ed25519\n\
         HostKey {home}/host_rsa\nPidFile none\nUsePAM no\nStrictModes no\n\
         KbdInteractiveAuthentication no\nAuthorizedKeysFile {home}/authorized\n\
         MaxStartups 100\nSubsystem sftp internal-sftp\nForceCommand internal-sftp\n\
         LogLevel VERBOSE\n"
    );
    fs::write(folder.join("config"), config)?;
    Ok(())
}
