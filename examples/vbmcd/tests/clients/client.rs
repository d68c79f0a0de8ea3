//! Running the real ipmitool and FreeIPMI.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use wait_timeout::ChildExt;

use crate::daemon::{DEADLINE, PASSWORD, USER, text, until};

/// A client program and how it is to log in.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    user: String,
    password: String,
    /// ipmitool's interface, FreeIPMI's driver.
    version_1_5: bool,
    options: Vec<String>,
}

/// What a client showed.
pub(crate) struct Shown {
    command: String,
    /// Exit code.
    pub(crate) code: Option<i32>,
    /// Standard output and standard error.
    pub(crate) text: String,
}

impl Client {
    /// Logs in as the administrator over IPMI 2.0.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            version_1_5: false,
            options: Vec::new(),
        }
    }

    /// As another user.
    pub(crate) fn user(mut self, user: &str, password: &str) -> Self {
        user.clone_into(&mut self.user);
        password.clone_into(&mut self.password);
        self
    }

    /// Over IPMI 1.5.
    pub(crate) fn version_1_5(mut self) -> Self {
        self.version_1_5 = true;
        self
    }

    /// With more options of the program.
    pub(crate) fn option(mut self, options: &[&str]) -> Self {
        self.options
            .extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// The command line of ipmitool.
    pub(crate) fn ipmitool_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ipmitool");
        let interface = if self.version_1_5 { "lan" } else { "lanplus" };
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        command.args(["-I", interface, "-H", &host, "-p", &port]);
        command.args(["-U", &self.user, "-P", &self.password]);
        command.args(&self.options).args(arguments);
        command
    }

    /// Runs ipmitool.
    pub(crate) fn ipmitool(&self, arguments: &[&str]) -> Shown {
        show(self.ipmitool_command(arguments))
    }

    /// Runs one of the FreeIPMI tools.
    pub(crate) fn freeipmi(&self, tool: &str, arguments: &[&str]) -> Shown {
        let mut command = Command::new(tool);
        let driver = if self.version_1_5 { "LAN" } else { "LAN_2_0" };
        command.args(["-D", driver, "-h", &self.address.to_string()]);
        command.args(["-u", &self.user, "-p", &self.password]);
        command.args(&self.options).args(arguments);
        show(command)
    }

    /// What ipmitool says about the power.
    #[track_caller]
    pub(crate) fn power(&self) -> &'static str {
        let shown = self.ipmitool(&["chassis", "power", "status"]).ok();
        match (
            shown.text.contains("Chassis Power is on"),
            shown.text.contains("Chassis Power is off"),
        ) {
            (true, false) => "on",
            (false, true) => "off",
            _ => panic!("{shown}"),
        }
    }

    /// Waits for a power state.
    #[track_caller]
    pub(crate) fn wait_for_power(&self, state: &str) {
        let wanted = format!("Chassis Power is {state}");
        until(
            || format!("the power is not {state}"),
            || {
                self.ipmitool(&["chassis", "power", "status"])
                    .text
                    .contains(&wanted)
            },
        );
    }

    /// Switches the power with ipmitool and waits until it is so.
    #[track_caller]
    pub(crate) fn set_power(&self, state: &str) {
        self.ipmitool(&["chassis", "power", state]).ok();
        self.wait_for_power(state);
    }
}

impl Shown {
    /// Checks that the client ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        // ipmitool ends some commands with 0 although it never had a session.
        assert!(!self.text.contains("Unable to establish"), "{self}");
        self
    }

    /// Checks that the client failed.
    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        let without_session = self.text.contains("Unable to establish");
        assert!(
            self.code.is_some_and(|code| code != 0) || without_session,
            "{self}"
        );
        self
    }

    /// Checks that the client showed a text.
    #[track_caller]
    pub(crate) fn has(self, text: &str) -> Self {
        assert!(
            self.text.contains(text),
            "no {text:?} in what this showed: {self}"
        );
        self
    }

    /// Checks that the client showed none of a text.
    #[track_caller]
    pub(crate) fn has_not(self, text: &str) -> Self {
        assert!(!self.text.contains(text), "{text:?} in what this showed: {self}");
        self
    }

    /// The value in a line `KEY : VALUE`.
    #[track_caller]
    pub(crate) fn value(&self, key: &str) -> &str {
        let mut pairs = self.text.lines().filter_map(|line| line.split_once(':'));
        match pairs.find(|(found, _)| found.trim() == key) {
            Some((_, value)) => value.trim(),
            None => panic!("no line `{key} :` in what this showed: {self}"),
        }
    }

    /// The bytes that `ipmitool raw` showed.
    #[track_caller]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let byte = |text| u8::from_str_radix(text, 16).unwrap_or_else(|_| panic!("{self}"));
        self.text.split_whitespace().map(byte).collect()
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {:?}\n{}", self.command, self.code, self.text)
    }
}

/// Runs a client to its end, for as long as anything here may take.
#[track_caller]
fn show(mut command: Command) -> Shown {
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!(
            "cannot run {:?}: {error}; ./test.sh says how to install it",
            command.get_program()
        )
    });
    let mut output = child.stdout.take().unwrap();
    let mut errors = child.stderr.take().unwrap();
    let output = std::thread::spawn(move || text(&mut output));
    let errors = std::thread::spawn(move || text(&mut errors));
    let status = child.wait_timeout(DEADLINE).unwrap();
    if status.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let text = output.join().unwrap() + &errors.join().unwrap();
    let shown = Shown {
        command: format!("{command:?}"),
        code: status.and_then(|status| status.code()),
        text,
    };
    assert!(status.is_some(), "no end: {shown}");
    shown
}
