//! `vbmc` against the running `vbmcd`.

use std::io::Write;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::rc::Rc;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::client::Client;
use crate::daemon::{PASSWORD, USER, Vbmcd, run_to_end, until, write_private};
use crate::terminal::Terminal;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Done {
    /// What it printed; it must have succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.output
    }

    /// What it complained of; it must have failed with this exit code.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.errors
    }
}

impl Vbmcd {
    /// Runs `vbmc` with the words of a line.
    pub(crate) fn vbmc(&self, line: &str) -> Done {
        self.vbmc_with(line, "")
    }

    /// The same with something on standard input.
    pub(crate) fn vbmc_with(&self, line: &str, input: &str) -> Done {
        run(&mut self.vbmc_command(line), input)
    }

    pub(crate) fn vbmc_command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vbmc"));
        command
            .env("VBMCD_SOCKET", self.file("vbmcd.sock"))
            .args(line.split_whitespace());
        command
    }
}

pub(crate) fn run(command: &mut Command, input: &str) -> Done {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that needs no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    Done {
        code: done.status.code(),
        output: String::from_utf8(done.stdout).unwrap(),
        errors: String::from_utf8(done.stderr).unwrap(),
    }
}

/// A daemon with a connection and no BMC, and its directory.
fn empty() -> (Vbmcd, Rc<TempDir>) {
    let directory = Rc::new(tempfile::tempdir().unwrap());
    let daemon = Vbmcd::run_in(&directory, "[connection.lab]\ntype = \"simulated\"\n");
    write_private(&daemon.file("password"), PASSWORD);
    (daemon, directory)
}

/// A UDP port that was free a moment ago.
fn port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

fn client(port: u16) -> Client {
    Client::new(([127, 0, 0, 1], port).into())
}

#[test]
fn a_bmc_lives_from_add_to_delete() {
    let (daemon, _directory) = empty();
    let port = port();
    let password = daemon.file("password");
    let line = format!(
        "add node-0 --address 127.0.0.1 --port {port} --password-file {}",
        password.display()
    );
    assert_eq!(daemon.vbmc(&line).ok(), "");
    let row = |status: &str| format!("node-0 {status} 127.0.0.1 {port}\n");
    assert_eq!(daemon.vbmc("list -f value").ok(), row("down"));
    UdpSocket::bind(("127.0.0.1", port)).expect("a BMC that is down leaves its port alone");

    daemon.vbmc("start node-0").ok();
    assert_eq!(daemon.vbmc("list -f value").ok(), row("running"));
    client(port).ipmitool(&["chassis", "power", "on"]).ok();
    daemon.wait_for("node-0 power on", 1);
    let shown = daemon.vbmc("show node-0 -f json").ok();
    assert!(!shown.contains(PASSWORD), "a password is never shown: {shown}");
    for part in [
        "\"domain_name\"",
        "\"node-0\"",
        "\"username\"",
        "\"admin\"",
        "\"***\"",
    ] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    daemon.vbmc("start node-0").ok();

    daemon.vbmc("stop node-0").ok();
    assert_eq!(daemon.vbmc("list -f value -c Status").ok(), "down\n");
    daemon.vbmc("delete node-0").ok();
    assert_eq!(daemon.vbmc("list -f value").ok(), "");
    assert!(daemon.vbmc("show node-0").fails(1).contains("vbmc list"));
    assert!(!daemon.log().contains(PASSWORD));
}

#[test]
fn what_runs_is_running_again_after_a_kill_and_what_was_stopped_is_not() {
    let directory = Rc::new(tempfile::tempdir().unwrap());
    let ports = [port(), port(), port()];
    let text = format!(
        "[defaults]\nconnection = \"lab\"\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n\
         address = \"127.0.0.1\"\n[connection.lab]\ntype = \"simulated\"\n\
         [[bmc]]\nname = \"fixed\"\nmachine = \"lab-0\"\nport = {}\n",
        ports[0]
    );
    let daemon = Vbmcd::run_in(&directory, &text);
    daemon.vbmc(&format!("add one --port {}", ports[1])).ok();
    daemon.vbmc(&format!("add two --port {} --start", ports[2])).ok();
    daemon.vbmc("start one").ok();
    daemon.vbmc("stop fixed one").ok();
    let listed = "fixed down\none down\ntwo running\n";
    assert_eq!(daemon.vbmc("list -f value -c Name -c Status").ok(), listed);
    daemon.stop(Signal::KILL);

    let daemon = Vbmcd::run_in(&directory, &text);
    assert_eq!(daemon.vbmc("list -f value -c Name -c Status").ok(), listed);
    client(ports[2]).ipmitool(&["mc", "info"]).ok();
    daemon.vbmc("start fixed one").ok();
    client(ports[0]).ipmitool(&["mc", "info"]).ok();
    assert!(
        daemon
            .vbmc("delete fixed")
            .fails(1)
            .contains("configuration file")
    );
    assert!(
        daemon
            .vbmc("set fixed --port 1")
            .fails(1)
            .contains("configuration file")
    );
    assert_eq!(daemon.stop(Signal::TERM).code(), Some(0));
    let daemon = Vbmcd::run_in(&directory, &text);
    let statuses = daemon.vbmc("list -f value -c Status").ok();
    assert_eq!(statuses, "running\nrunning\nrunning\n");
}

#[test]
fn what_is_taken_is_refused_with_its_owner() {
    let (daemon, _directory) = empty();
    let (first, second) = (port(), port());
    let add = |line: &str| daemon.vbmc_with(&format!("add {line} --password-stdin"), "secret-1\n");
    add(&format!("one --port {first} --address 127.0.0.1")).ok();
    let error = add(&format!("two --port {first} --address 127.0.0.1")).fails(1);
    assert!(
        error.contains("BMC one") && error.contains(&first.to_string()),
        "{error}"
    );
    let error = add(&format!("two --port {first}")).fails(1);
    assert!(
        error.contains("BMC one"),
        "all addresses hold that one, too: {error}"
    );
    let error = add(&format!("one --port {second}")).fails(1);
    assert!(error.contains("`one`"), "{error}");
    let error = add(&format!("one --name other --port {second}")).fails(1);
    assert!(error.contains("machine `one`"), "{error}");
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let foreign = taken.local_addr().unwrap().port();
    let error = add(&format!("two --port {foreign} --address 127.0.0.1")).fails(1);
    assert!(error.contains("another program"), "{error}");
    let error = add(&format!("two --port {second} --address 192.0.2.7")).fails(1);
    assert!(error.contains("does not have the address"), "{error}");
    let error = add(&format!("two --port {second} --option cipher_suites=[99]")).fails(1);
    assert!(
        error.contains("cipher_suites") && !error.contains("line"),
        "{error}"
    );
    let error = add(&format!("two --port {second} --option colour=red")).fails(1);
    assert!(error.contains("`colour`"), "{error}");
    assert_eq!(daemon.vbmc("list -f value -c Name").ok(), "one\n");
    let error = daemon.vbmc("start one none").fails(1);
    assert!(error.contains("`none`") && error.contains("1 of 2"), "{error}");
    assert_eq!(daemon.vbmc("list -f value -c Status").ok(), "running\n");
}

#[test]
fn a_bmc_is_changed_while_it_runs() {
    let (daemon, _directory) = empty();
    let (first, second) = (port(), port());
    let line = format!("add one --port {first} --address 127.0.0.1 --password-stdin --start");
    daemon.vbmc_with(&line, "secret-1\n").ok();
    let line = format!("set one --port {second} --username chief --password-stdin");
    daemon.vbmc_with(&line, "secret-2\n").ok();
    client(second)
        .user("chief", "secret-2")
        .ipmitool(&["mc", "info"])
        .ok();
    UdpSocket::bind(("127.0.0.1", first)).expect("the old port is free again");
    let shown = daemon.vbmc("show one -f value").ok();
    assert!(
        shown.contains(&format!("port {second}")) && shown.contains("username chief"),
        "{shown}"
    );
    assert!(
        daemon
            .vbmc("set one --option port=abc")
            .fails(1)
            .contains("`port`")
    );
    assert!(
        daemon
            .vbmc("set one --option name=two")
            .fails(1)
            .contains("`name`")
    );
    client(second)
        .user("chief", "secret-2")
        .ipmitool(&["mc", "info"])
        .ok();
    assert!(daemon.vbmc("set one").fails(2).contains("--port"));
}

#[test]
fn it_says_what_to_do_when_there_is_no_daemon_or_no_password() {
    let (daemon, directory) = empty();
    let error = daemon.vbmc("add one --port 6230").fails(2);
    assert!(error.contains("--password-file"), "{error}");
    let done = daemon.vbmc("add one --address 127.0.0.1 --port 6230 --password secret-1");
    assert!(
        done.errors.contains("warning") && done.errors.contains("--password-file"),
        "{done:?}"
    );
    daemon.stop(Signal::TERM);
    let mut command = Command::new(env!("CARGO_BIN_EXE_vbmc"));
    let socket = directory.path().join("vbmcd.sock");
    let error = run(command.arg("--socket").arg(&socket).arg("list"), "").fails(3);
    assert!(
        error.contains("--socket") && error.contains("vbmcd.sock"),
        "{error}"
    );
}

#[test]
fn the_same_program_is_pbmc_by_another_name() {
    let (daemon, directory) = empty();
    let pbmc = directory.path().join("pbmc");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vbmc"), &pbmc).unwrap();
    let run_pbmc = |line: &str| {
        let mut command = Command::new(&pbmc);
        command.env("VBMCD_SOCKET", daemon.file("vbmcd.sock"));
        run(command.args(line.split_whitespace()), "secret-1\n")
    };
    let port = port();
    let line = format!("add 101 --connection lab --port {port} --address 127.0.0.1 --password-stdin");
    run_pbmc(&line).ok();
    run_pbmc("start 101").ok();
    let expected =
        format!("\"VMID\",\"Status\",\"Address\",\"Port\"\n101,\"running\",\"127.0.0.1\",{port}\n");
    assert_eq!(run_pbmc("list -f csv").ok(), expected);
    let error = run_pbmc("add 102 --port 1 --password-stdin").fails(2);
    assert!(
        error.starts_with("pbmc: ") && error.contains("--proxmox-address"),
        "{error}"
    );
}

#[test]
fn a_configuration_is_checked_without_being_started() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("vbmcd.toml");
    let check = || run_to_end(&["check-config", "--config", config.to_str().unwrap()]);
    write_private(&config, "[connection.lab]\ntype = \"simulated\"\n");
    let (code, output, errors) = check();
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.contains("0 BMCs, 1 connections"), "{output}");
    write_private(&config, "[conection.lab]\n");
    let (code, _, errors) = check();
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("line 1") && errors.contains("conection"),
        "{errors}"
    );
    assert!(!directory.path().join("vbmcd.state").exists());
}

/// A configuration with these BMCs: name, port and password of each.
fn configuration(bmcs: &[(&str, u16, &str)]) -> String {
    let mut text = "[connection.lab]\ntype = \"simulated\"\n".to_owned();
    for (name, port, password) in bmcs {
        text += &format!(
            "[[bmc]]\nname = \"{name}\"\nconnection = \"lab\"\nmachine = \"{name}\"\naddress = \"127.0.0.1\"\n\
             port = {port}\nusername = \"{USER}\"\npassword = \"{password}\"\n"
        );
    }
    text
}

#[test]
fn another_configuration_touches_only_what_changed() {
    let directory = Rc::new(tempfile::tempdir().unwrap());
    let [same, changed, gone, new, added] = [port(), port(), port(), port(), port()];
    let before = configuration(&[
        ("same", same, PASSWORD),
        ("changed", changed, PASSWORD),
        ("gone", gone, PASSWORD),
    ]);
    let daemon = Vbmcd::run_in(&directory, &before);
    let line = format!("add extra --port {added} --address 127.0.0.1 --password-stdin --start");
    daemon.vbmc_with(&line, PASSWORD).ok();
    client(same).set_power("on");
    let mut console = Terminal::ipmitool(&client(same));
    console.echoes("before");

    let after = configuration(&[
        ("same", same, PASSWORD),
        ("changed", changed, "other-Secret"),
        ("new", new, PASSWORD),
    ]);
    write_private(&daemon.file("vbmcd.toml"), &after);
    let done = daemon.vbmc("reload -f value -c Name -c Result").ok();
    assert_eq!(done, "new started\nchanged restarted\ngone removed\n");
    console.echoes("and after");
    client(changed)
        .user(USER, "other-Secret")
        .ipmitool(&["mc", "info"])
        .ok();
    client(new).ipmitool(&["mc", "info"]).ok();
    client(added).ipmitool(&["mc", "info"]).ok();
    UdpSocket::bind(("127.0.0.1", gone)).expect("its port is free");

    write_private(&daemon.file("vbmcd.toml"), &after.replace("[[bmc]]", "[[bcm]]"));
    let error = daemon.vbmc("reload").fails(1);
    assert!(error.contains("line") && error.contains("bcm"), "{error}");
    assert_eq!(daemon.vbmc("list -f value -c Status").ok(), "running\n".repeat(4));

    // The same by a signal: one that was stopped by hand stays so.
    daemon.vbmc("stop new").ok();
    write_private(
        &daemon.file("vbmcd.toml"),
        &after.replace("other-Secret", PASSWORD),
    );
    daemon.signal(Signal::HUP);
    until(
        || daemon.log(),
        || daemon.log().matches("configuration read again").count() == 2,
    );
    client(changed).ipmitool(&["mc", "info"]).ok();
    assert_eq!(
        daemon
            .vbmc("show new -f value -c Value")
            .ok()
            .lines()
            .filter(|line| *line == "down")
            .count(),
        1
    );
    console.echoes("to the end");
}

#[test]
fn virtualbmcs_directory_is_taken_over() {
    let (daemon, directory) = empty();
    let home = directory.path().join("vbmc-home");
    for (name, port, active) in [("node-0", port(), "True"), ("node-1", port(), "False")] {
        let place = home.join(name);
        std::fs::create_dir_all(&place).unwrap();
        let text = format!(
            "[VirtualBMC]\nusername = admin\npassword = {PASSWORD}\nport = {port}\naddress = 127.0.0.1\n\
             domain_name = {name}\nlibvirt_uri = qemu:///system\nactive = {active}\n\n"
        );
        std::fs::write(place.join("config"), text).unwrap();
    }
    std::fs::write(home.join("master.pid"), "1").unwrap();
    let line = format!(
        "import vbmc {} --connection lab -f value -c Name -c Runs -c Result",
        home.display()
    );
    let planned = daemon.vbmc(&format!("{line} --dry-run")).ok();
    assert_eq!(
        planned,
        "node-0 True would be added\nnode-1 False would be added\n"
    );
    assert_eq!(daemon.vbmc("list -f value").ok(), "");
    assert_eq!(
        daemon.vbmc(&line).ok(),
        "node-0 True added and started\nnode-1 False added\n"
    );
    let listed = daemon.vbmc("list -f value -c Port -c Status").ok();
    let (running, _) = listed.split_once(" running\n").unwrap();
    client(running.parse().unwrap()).ipmitool(&["mc", "info"]).ok();
    let error = daemon.vbmc(&line).fails(1);
    assert!(error.contains("2 of 2"), "{error}");
    let error = daemon.vbmc("import vbmc /nonexistent").fails(1);
    assert!(error.contains("/nonexistent"), "{error}");
}
