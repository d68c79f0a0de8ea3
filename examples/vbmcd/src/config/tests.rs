//! What the configuration file accepts, and what it says to mistakes.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ipmi_proto::crypto::CipherSuiteId;
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::AuthTypes;
use tempfile::TempDir;

use super::load;
use crate::plan::{CipherSuites, CycleWhenOff, Plan, Sockets};

const HEAD: &str = "[connection.lab]\ntype = \"simulated\"\n\n[[bmc]]\n";
const BMC: &str = "name = \"node1\"\nconnection = \"lab\"\nmachine = \"lab-0\"\nport = 6230\n";
const USER: &str = "username = \"admin\"\npassword_file = \"password\"\n";

pub(super) struct Directory(TempDir);

impl Directory {
    pub(super) fn new() -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        directory.write("password", "secret-1\n", 0o600);
        directory
    }

    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(super) fn load(&self, text: &str) -> Result<Plan, String> {
        load(&self.write("vbmcd.toml", text, 0o600)).map_err(|error| {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                write!(text, ": {error}").unwrap();
                source = error.source();
            }
            text
        })
    }

    /// The error of a text; must name the file, a line and say all of `parts`.
    #[track_caller]
    fn refuses(&self, text: &str, line: usize, parts: &[&str]) {
        let error = self.load(text).unwrap_err();
        for part in [&format!("vbmcd.toml, line {line}: "), ""]
            .into_iter()
            .chain(parts.iter().copied())
        {
            assert!(error.contains(part), "no {part:?} in {error:?}");
        }
    }
}

#[test]
fn the_form_of_the_design_is_read() {
    let directory = Directory::new();
    directory.write("kg", "00112233445566778899aabbccddeeff00112233", 0o600);
    let text = r#"
[listen]
sockets = "shared"

[defaults]
connection = "lab"
port = 623
username = "admin"
password_file = "password"
ipmi_1_5 = []
cipher_suites = [3, 17]

[connection.lab]
type = "simulated"

[[bmc]]
name = "node1"
machine = "lab-0"
address = "127.0.0.2"

[[bmc]]
name = "node2"
machine = "lab-1"
address = "127.0.0.3"
username = "root"
users = [{ name = "oper", password_file = "password", privilege = "operator" }]
ipmi_1_5 = ["md5", "dangerous_none"]
cycle_when_off = "on"
login_attempts = 3
lockout_seconds = 600
hide_unknown_users = true
alert_port = 1162
kg_file = "kg"
"#;
    let plan = directory.load(text).unwrap();
    assert_eq!(plan.sockets, Sockets::Shared);
    let [first, second] = plan.bmcs.as_slice() else {
        panic!("two BMCs: {plan:?}")
    };
    assert_eq!(first.endpoint(), "127.0.0.2:623".parse().unwrap());
    assert_eq!(first.access.users[0].name, "admin");
    assert_eq!(first.access.auth_types, Some(AuthTypes::empty()));
    assert_eq!(
        first.access.cipher_suites,
        CipherSuites::Chosen(vec![CipherSuiteId::SUITE_3, CipherSuiteId::SUITE_17])
    );
    assert!(first.access.bmc_key.is_none());
    assert_eq!(second.access.users[0].name, "root");
    assert_eq!(second.access.users[1].privilege, Privilege::OPERATOR);
    assert_eq!(second.access.auth_types, Some(AuthTypes::MD5 | AuthTypes::NONE));
    assert_eq!(second.access.cycle_when_off, CycleWhenOff::On);
    let lockout = second.access.login_lockout;
    assert_eq!((lockout.attempts, lockout.duration.as_secs()), (3, 600));
    assert_eq!(lockout.window.as_secs(), 300);
    assert!(second.access.hide_unknown_users && !first.access.hide_unknown_users);
    assert_eq!(second.access.alert_port.get(), 1_162);
    assert!(second.access.bmc_key.as_ref().unwrap().is_set());
}

#[test]
fn unknown_keys_are_named_with_line_and_what_would_be_right() {
    let directory = Directory::new();
    directory.refuses(
        &format!("{HEAD}{BMC}{USER}usrname = \"x\"\n"),
        11,
        &["unknown field `usrname`", "`username`"],
    );
    directory.refuses("colour = 1\n", 1, &["unknown field `colour`", "`bmc`"]);
    directory.refuses(
        "[connection.lab]\ntype = \"simulated\"\nuri = \"x\"\n",
        3,
        &["`uri`", "a simulated connection has `type`"],
    );
    for wrong in ["151", "-1", "\"many\""] {
        directory.refuses(
            &format!("[connection.lab]\ntype = \"simulated\"\nextra_sensors = {wrong}\n"),
            3,
            &["`extra_sensors`", "0 to 150"],
        );
    }
    directory.refuses(
        "[connection.lab]\nuri = \"x\"\n",
        1,
        &["no `type`", "\"simulated\""],
    );
    directory.refuses(
        "[connection.lab]\ntype = \"qemu\"\n",
        2,
        &["`type`", "\"simulated\""],
    );
    directory.refuses("[connection.lab\n", 1, &["]"]);
}

#[test]
fn impossible_values_are_named() {
    let directory = Directory::new();
    let with = |line: &str| format!("{HEAD}{BMC}{USER}{line}\n");
    directory.refuses(&with("address = \"localhost\""), 11, &["`address`", "IP address"]);
    directory.refuses(&format!("{HEAD}port = 70000\n"), 5, &["`port`", "70000", "u16"]);
    directory.refuses(&with("cipher_suites = [3, 4]"), 11, &["no suite 4", "17"]);
    directory.refuses(&with("cipher_suites = [0]"), 11, &["dangerous_cipher_suite_0"]);
    directory.refuses(
        &with("ipmi_1_5 = [\"password\"]"),
        11,
        &["ipmi_1_5", "dangerous_password"],
    );
    directory.refuses(&with("cycle_when_off = 1"), 11, &["cycle_when_off"]);
    directory.refuses(
        &with("lockout_seconds = 700000"),
        11,
        &["`lockout_seconds`", "655350"],
    );
    directory.refuses(
        &with("users = [{ name = \"\", password_file = \"password\" }]"),
        11,
        &["dangerous_null_user"],
    );
    directory.refuses(&with("users = [{ name = \"x\" }]"), 11, &["`x` has no password"]);
    directory.refuses(
        &with("users = [{ name = \"admin\", password_file = \"password\" }]"),
        11,
        &["two users"],
    );
    directory.refuses(&with("kg = \"12\""), 11, &["kg", "40 hexadecimal digits"]);
    directory.refuses(
        &format!("{HEAD}{BMC}"),
        4,
        &["nobody could log in", "password_file"],
    );
    directory.refuses(
        "[[bmc]]\nname = \"a\"\nconnection = \"x\"\n",
        3,
        &["[connection.x]", "there is: none"],
    );
    directory.refuses(&format!("{HEAD}name = \"a\"\n"), 4, &["no `connection`"]);
    directory.refuses("[defaults]\nname = \"a\"\n", 2, &["`name` cannot be a default"]);
}

#[test]
fn what_one_bmc_has_no_other_can_have() {
    let directory = Directory::new();
    let second = |text: &str| format!("{HEAD}{BMC}{USER}\n[[bmc]]\n{text}connection = \"lab\"\n{USER}");
    directory.refuses(
        &second("name = \"node1\"\nmachine = \"m\"\nport = 1\n"),
        13,
        &["name", "line 5"],
    );
    directory.refuses(
        &second("name = \"b\"\nmachine = \"lab-0\"\nport = 1\n"),
        14,
        &["machine", "line 7"],
    );
    directory.refuses(
        &second("name = \"b\"\nmachine = \"m\"\nport = 6230\n"),
        12,
        &["address and port", "line 4"],
    );
}

#[test]
fn secrets_need_private_files_and_are_never_quoted() {
    let directory = Directory::new();
    directory.write("open", "secret-1\n", 0o644);
    directory.write("empty", "", 0o600);
    directory.write("long", "123456789012345678901", 0o600);
    let with = |line: &str| format!("{HEAD}{BMC}username = \"admin\"\n{line}\n");
    directory.refuses(
        &with("password_file = \"open\""),
        10,
        &["password_file", "chmod 600", "644"],
    );
    directory.refuses(
        &with("password_file = \"none\""),
        10,
        &["password_file", "cannot read", "none"],
    );
    directory.refuses(
        &with("password_file = \"empty\""),
        10,
        &["password_file", "first line"],
    );
    directory.refuses(
        &with("password_file = \"long\""),
        10,
        &["password_file", "20 bytes"],
    );
    directory.refuses(&with("password = \"\""), 10, &["password", "empty"]);
    directory.refuses(&with("password = 271828"), 10, &["password", "quotes"]);
    for text in [
        "password = 271828",
        "password = 2.71828",
        "password = [271828]",
        "password = \"271828",
        "password = 271828x",
    ] {
        let error = directory.load(&with(text)).unwrap_err();
        assert!(!error.contains("71828"), "{error}");
    }

    let text = with("password = \"secret-1\"");
    directory.load(&text).unwrap();
    let path = directory.write("open.toml", &text, 0o640);
    let error = load(&path).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("chmod 600") && source.contains("open.toml"),
        "{source}"
    );
    let shown = format!("{:?}", directory.load(&text));
    assert!(!shown.contains("secret-1"), "{shown}");
}

#[test]
fn consoles_and_their_logs() {
    let directory = Directory::new();
    let text = format!(
        "[audit]\nfile = \"audit.jsonl\"\n[console]\nper_user = 3\n[defaults]\nconsole_idle_timeout = 60\n\
         console_always_open = false\n{HEAD}{BMC}{USER}console_idle_timeout = 30\nconsole_absolute_timeout = 90\n\
         console_scrollback = 0\nconsole_transcripts = \"said\"\n"
    );
    let plan = directory.load(&text).unwrap();
    assert!(plan.audit.unwrap().ends_with("audit.jsonl"));
    assert_eq!(plan.consoles_per_user, Some(3));
    let console = &plan.bmcs[0].console;
    let seconds = |seconds| Some(std::time::Duration::from_secs(seconds));
    assert_eq!(
        (console.idle_timeout, console.absolute_timeout),
        (seconds(30), seconds(90))
    );
    assert_eq!((console.scrollback, console.always_open), (Some(0), Some(false)));
    assert!(console.transcripts.as_ref().unwrap().ends_with("said"));

    let with = |line: &str| format!("{HEAD}{BMC}{USER}{line}\n");
    directory.refuses(&with("console_idle_timeout = 0"), 11, &["`console_idle_timeout`"]);
    directory.refuses(&with("console_scrollback = 99999999"), 11, &["16777216"]);
    let text = with("console_transcripts = \".\"").replace("node1", "../node1");
    directory.refuses(&text, 5, &["`name`", "name of a file"]);
}
