//! Starting and ending the real `vbmcd`.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use wait_timeout::ChildExt;

/// Longest time that anything here may take. Generous: two cores may be shared by many tests.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The administrator of every daemon here.
pub(crate) const USER: &str = "admin";
/// The password of the administrator.
pub(crate) const PASSWORD: &str = "Correct-Horse-1";

/// A running `vbmcd`. Ends with the value.
pub(crate) struct Vbmcd {
    child: Child,
    directory: Rc<TempDir>,
    command: Command,
    endpoints: Vec<(String, SocketAddr)>,
    printed: String,
}

impl Vbmcd {
    /// `vbmcd demo` with one BMC on a free port, and more arguments.
    pub(crate) fn demo(arguments: &[&str]) -> Self {
        let mut all = vec!["demo", "--username", USER, "--password", PASSWORD];
        if !arguments.contains(&"--port") {
            all.extend(["--port", "0"]);
        }
        if !arguments.contains(&"--count") && !arguments.contains(&"--addresses") {
            all.extend(["--count", "1"]);
        }
        all.extend(arguments);
        Self::start(Rc::new(tempfile::tempdir().unwrap()), &all)
    }

    /// `vbmcd demo` with one BMC on a free port, and a password that it makes up.
    pub(crate) fn demo_without_password() -> Self {
        Self::start(
            Rc::new(tempfile::tempdir().unwrap()),
            &["demo", "--count", "1", "--port", "0", "--username", USER],
        )
    }

    /// `vbmcd run` with this configuration, in a directory that is kept for another run.
    pub(crate) fn run_in(directory: &Rc<TempDir>, text: &str) -> Self {
        let config = directory.path().join("vbmcd.toml");
        write_private(&config, text);
        Self::start(
            Rc::clone(directory),
            &["run", "--config", config.to_str().unwrap()],
        )
    }

    /// `vbmcd run` with one BMC on a free port, its administrator as here, and more lines of its `[[bmc]]`.
    pub(crate) fn run(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "[connection.lab]\ntype = \"simulated\"\n\n[[bmc]]\nname = \"node1\"\nconnection = \"lab\"\n\
             machine = \"lab-0\"\naddress = \"127.0.0.1\"\nport = 0\nusername = \"{USER}\"\n\
             password = \"{PASSWORD}\"\n{lines}\n"
        );
        let config = directory.path().join("vbmcd.toml");
        write_private(&config, &text);
        Self::start(Rc::new(directory), &["run", "--config", config.to_str().unwrap()])
    }

    /// `vbmcd run` with this configuration file and files beside it that only their owner can read.
    pub(crate) fn run_file(text: &str) -> Self {
        let directory = Rc::new(tempfile::tempdir().unwrap());
        let config = directory.path().join("vbmcd.toml");
        write_private(&config, text);
        Self::start(directory, &["run", "--config", config.to_str().unwrap()])
    }

    /// Ends it with a signal and starts it again as it was.
    pub(crate) fn restart(&mut self, signal: Signal) {
        self.signal(signal);
        self.restart_after_end(|| ());
    }

    /// Waits for its end, does something, and starts it again as it was.
    pub(crate) fn restart_after_end(&mut self, meanwhile: impl FnOnce()) {
        let status = self.child.wait_timeout(DEADLINE).unwrap();
        assert!(status.is_some(), "vbmcd did not end after the signal");
        meanwhile();
        self.child = launch(&self.directory, &mut self.command);
        self.endpoints.clear();
        self.printed.clear();
        self.until_ready();
    }

    fn start(directory: Rc<TempDir>, arguments: &[&str]) -> Self {
        let mut command = command();
        let (actions, socket) = (
            directory.path().join("actions"),
            directory.path().join("vbmcd.sock"),
        );
        command
            .args(arguments)
            .arg("--actions")
            .arg(actions)
            .arg("--socket")
            .arg(socket);
        Self::of(directory, command)
    }

    /// A daemon that `command` runs; `directory` gets its log.
    pub(crate) fn of(directory: Rc<TempDir>, mut command: Command) -> Self {
        let mut daemon = Self {
            child: launch(&directory, &mut command),
            directory,
            command,
            endpoints: Vec::new(),
            printed: String::new(),
        };
        daemon.until_ready();
        daemon
    }

    fn until_ready(&mut self) {
        let output = BufReader::new(self.child.stdout.take().unwrap());
        let (lines, printed) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = printed.recv_timeout(left).unwrap_or_else(|_| {
                panic!(
                    "{:?} did not get ready; it printed: {}{}",
                    self.command,
                    self.printed,
                    self.log()
                )
            });
            writeln!(self.printed, "{line}").unwrap();
            if line.starts_with("Ready") {
                return;
            }
            self.endpoints.extend(endpoint(&line));
        }
    }

    /// What it printed until it was ready.
    pub(crate) fn printed(&self) -> &str {
        &self.printed
    }

    /// Names and addresses of its BMCs.
    pub(crate) fn endpoints(&self) -> &[(String, SocketAddr)] {
        &self.endpoints
    }

    /// Address of its first BMC.
    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoints[0].1
    }

    /// The actions that reached machines so far.
    pub(crate) fn actions(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.directory.path().join("actions")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// How often an action reached a machine.
    pub(crate) fn count(&self, action: &str) -> usize {
        self.actions().iter().filter(|line| *line == action).count()
    }

    /// Waits until an action has reached a machine `times` times.
    #[track_caller]
    pub(crate) fn wait_for(&self, action: &str, times: usize) {
        until(
            || format!("no {times} x `{action}` in {:?}", self.actions()),
            || self.count(action) >= times,
        );
    }

    /// What it wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// A file beside the daemon's.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sends it a signal and waits for its end.
    pub(crate) fn stop(mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.child
            .wait_timeout(DEADLINE)
            .unwrap()
            .expect("vbmcd did not end after the signal")
    }
}

impl Drop for Vbmcd {
    fn drop(&mut self) {
        // Nothing is left to do if it ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(directory: &TempDir, command: &mut Command) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(directory.path().join("log"));
    command
        .stdout(Stdio::piped())
        .stderr(log.unwrap())
        .spawn()
        .unwrap()
}

/// A `vbmcd` command with nothing of the test's environment that could change it.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vbmcd"));
    command
        .env_remove("RUST_LOG")
        .env_remove("VBMCD_PASSWORD")
        .env_remove("STATE_DIRECTORY")
        .env_remove("CREDENTIALS_DIRECTORY")
        .env("VBMCD_SOCKET", "none")
        .stdin(Stdio::null());
    command
}

/// Runs `vbmcd` to its end: exit code, standard output, standard error.
pub(crate) fn run_to_end(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut child = command()
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let output = std::thread::spawn(move || text(&mut output));
    let errors = std::thread::spawn(move || text(&mut errors));
    let status = child.wait_timeout(DEADLINE).unwrap();
    if status.is_none() {
        child.kill().unwrap();
    }
    (
        status.and_then(|status| status.code()),
        output.join().unwrap(),
        errors.join().unwrap(),
    )
}

/// Everything that can be read, as text.
pub(crate) fn text(from: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A UDP port that no socket has at any address, for sockets that many BMCs share.
pub(crate) fn free_port() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.local_addr().unwrap().port().to_string()
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Asks again and again until something is so; the one place here where time passes between two questions.
#[track_caller]
pub(crate) fn until(complaint: impl Fn() -> String, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "{}", complaint());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `node1  127.0.0.1:6230` as name and address.
fn endpoint(line: &str) -> Option<(String, SocketAddr)> {
    let (name, address) = line.split_once(' ')?;
    Some((name.to_owned(), address.trim().parse().ok()?))
}
