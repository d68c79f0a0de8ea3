//! A private libvirtd of an unprivileged user, in a directory of its own: for the test driver, and for small
//! real guests that QEMU emulates.
//!
//! Nothing of the system is touched; everything ends with the value. Programs that are missing fail the test;
//! `./test.sh` installs them.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

pub(crate) mod guest;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest time that anything here may take. Generous: two cores may be shared by many tests.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// A libvirtd.
pub(crate) struct Lab {
    directory: TempDir,
    daemon: Option<Child>,
}

impl Lab {
    /// Starts a libvirtd and waits until it answers.
    pub(crate) fn start() -> Self {
        // Not below the target directory: paths of sockets are short.
        let directory = tempfile::Builder::new().prefix("lab").tempdir_in("/tmp").unwrap();
        let mut lab = Self {
            directory,
            daemon: None,
        };
        for name in ["run", "home", "images"] {
            std::fs::create_dir(lab.path(name)).unwrap();
        }
        set_mode(lab.directory.path(), 0o755);
        if is_root() {
            for name in ["run", "home"] {
                let mut chown = Command::new("chown");
                assert!(
                    chown
                        .arg("nobody")
                        .arg(lab.path(name))
                        .status()
                        .unwrap()
                        .success()
                );
            }
        }
        set_mode(&lab.path("run"), 0o700);
        lab.start_daemon();
        lab
    }

    /// A path in the lab's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The daemon's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/libvirt/libvirt-sock")
    }

    /// URI of the test driver behind the daemon: its domains are shared by all connections.
    pub(crate) fn test_driver(&self) -> String {
        format!("test+unix:///default?socket={}", self.socket().display())
    }

    /// URI of QEMU behind the daemon.
    pub(crate) fn qemu(&self) -> String {
        format!("qemu+unix:///session?socket={}", self.socket().display())
    }

    /// A command of the unprivileged user, with nothing of the test's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = if is_root() {
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", program]);
            setpriv
        } else {
            Command::new(program)
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// Starts the daemon, again if need be.
    pub(crate) fn start_daemon(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("libvirtd.log"))
            .unwrap();
        let mut command = self.command("/usr/sbin/libvirtd");
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let daemon = command
            .spawn()
            .expect("cannot run libvirtd: ./test.sh says how to install it");
        self.daemon = Some(daemon);
        until(
            || {
                let log = std::fs::read_to_string(self.path("libvirtd.log")).unwrap();
                format!("libvirtd does not answer:\n{log}")
            },
            || self.try_virsh("test", &["version"]).is_ok(),
        );
    }

    /// Kills the daemon, as if it crashed. Guests go on.
    pub(crate) fn kill_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    /// Runs virsh on the `test` driver or on `qemu`.
    ///
    /// # Errors
    /// What it wrote to standard error, if it failed.
    pub(crate) fn try_virsh(&self, driver: &str, arguments: &[&str]) -> Result<String, String> {
        let uri = if driver == "test" {
            self.test_driver()
        } else {
            self.qemu()
        };
        let output = self
            .command("virsh")
            .args(["-q", "-c", &uri])
            .args(arguments)
            .output();
        let output = output.expect("cannot run virsh: ./test.sh says how to install it");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    /// Runs virsh, which must succeed.
    #[track_caller]
    pub(crate) fn virsh(&self, driver: &str, arguments: &[&str]) -> String {
        match self.try_virsh(driver, arguments) {
            Ok(output) => output,
            Err(error) => panic!("virsh {arguments:?}: {error}"),
        }
    }

    /// Writes a file that the daemon can read.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        set_mode(&path, 0o644);
        path
    }

    /// Writes a file that the unprivileged user alone can read.
    pub(crate) fn write_private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        set_mode(&path, 0o600);
        if is_root() {
            let mut chown = Command::new("chown");
            assert!(chown.arg("nobody").arg(&path).status().unwrap().success());
        }
        path
    }

    /// Defines a domain.
    #[track_caller]
    pub(crate) fn define(&self, driver: &str, xml: &str) {
        let path = self.write("define.xml", xml);
        self.virsh(driver, &["define", path.to_str().unwrap()]);
    }

    /// Waits for a state, as virsh calls it.
    #[track_caller]
    pub(crate) fn wait_for_state(&self, driver: &str, domain: &str, state: &str) {
        let mut last = String::new();
        until(
            || format!("{domain} is not {state}"),
            || {
                last = self
                    .try_virsh(driver, &["domstate", domain])
                    .unwrap_or_else(|error| error);
                last == state
            },
        );
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.daemon.is_none() {
            self.start_daemon();
        }
        if let Ok(running) = self.try_virsh("qemu", &["list", "--name"]) {
            for domain in running.lines().filter(|line| !line.is_empty()) {
                let _ = self.try_virsh("qemu", &["destroy", domain]);
            }
        }
        self.kill_daemon();
        // libvirtd starts a virtlogd of its own.
        if let Ok(pid) = std::fs::read_to_string(self.path("run/libvirt/virtlogd.pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

/// Asks again and again until something is so; the one place here where time passes between two questions.
#[track_caller]
pub(crate) fn until(complaint: impl Fn() -> String, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "{}", complaint());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether this is root, who may become somebody else.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}
