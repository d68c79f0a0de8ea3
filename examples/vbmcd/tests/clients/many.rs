//! Many BMCs and many who ask at the same time.

use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;

use crate::client::Client;
use crate::control::{Done, run};
use crate::daemon::{PASSWORD, USER, Vbmcd};
use crate::http::ask;

/// BMCs that are added, started, stopped and deleted at the same time, and by how many at a time.
const AT_ONCE: usize = 200;
const HANDS: usize = 8;
/// BMCs that survive.
const SURVIVORS: usize = 500;

/// Runs `vbmc` from any thread.
fn vbmc(socket: &Path, line: &str) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vbmc"));
    command.env("VBMCD_SOCKET", socket).args(line.split_whitespace());
    run(command.stdout(Stdio::piped()), PASSWORD)
}

#[test]
fn two_hundred_are_added_started_stopped_and_deleted_by_many_hands() {
    let daemon = Vbmcd::run_in(
        &Rc::new(tempfile::tempdir().unwrap()),
        "[connection.lab]\ntype = \"simulated\"\n",
    );
    let socket = daemon.file("vbmcd.sock");
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= AT_ONCE {
                        break;
                    }
                    let add = format!("add n{i} --port 0 --address 127.0.0.1 --password-stdin");
                    vbmc(&socket, &add).ok();
                    vbmc(&socket, &format!("start n{i}")).ok();
                    let listed = vbmc(&socket, &format!("show n{i} -f value")).ok();
                    assert!(listed.contains("status running"), "{listed}");
                    if i.is_multiple_of(2) {
                        vbmc(&socket, &format!("stop n{i}")).ok();
                    }
                    vbmc(&socket, &format!("delete n{i}")).ok();
                }
            });
        }
    });
    assert_eq!(daemon.vbmc("list -f value").ok(), "");
    assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
}

#[test]
fn five_hundred_are_running_again_after_a_kill() {
    let directory = Rc::new(tempfile::tempdir().unwrap());
    let text = format!(
        "[defaults]\nconnection = \"lab\"\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n\
         address = \"127.0.0.1\"\n[connection.lab]\ntype = \"simulated\"\n"
    );
    let daemon = Vbmcd::run_in(&directory, &text);
    for i in 0..SURVIVORS {
        let body = format!("{{\"bmc\": {{\"machine\": \"n{i}\", \"port\": 0}}}}");
        let (status, answer) = ask(&daemon, "POST", "/v1/bmcs", &body);
        assert_eq!(status, 201, "{answer}");
        let (status, answer) = ask(&daemon, "POST", &format!("/v1/bmcs/n{i}/start"), "");
        assert_eq!(status, 204, "{answer}");
    }
    daemon.stop(Signal::KILL);
    let daemon = Vbmcd::run_in(&directory, &text);
    assert_eq!(daemon.endpoints().len(), SURVIVORS);
    for i in [0, SURVIVORS / 2, SURVIVORS - 1] {
        Client::new(daemon.endpoints()[i].1)
            .ipmitool(&["mc", "info"])
            .ok();
    }
    let running = daemon.vbmc("list -f value -c Status").ok();
    assert_eq!(
        running.lines().filter(|line| *line == "running").count(),
        SURVIVORS
    );
}
