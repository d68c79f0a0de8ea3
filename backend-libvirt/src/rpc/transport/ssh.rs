//! Another host by ssh: the system's ssh, with the user's keys and known hosts, and libvirt's own helper there.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStderr, Command};

use super::{Transport, TransportError};
use crate::rpc::uri::{Ssh, Uri};

/// What ssh says that is kept for an error.
const LINE_LIMIT: usize = 300;

/// Starts ssh. Whether it gets through shows when the daemon answers or does not.
pub(super) fn connect(uri: &Uri, ssh: &Ssh) -> Result<Transport, TransportError> {
    let program = ssh.command.as_deref().unwrap_or("ssh");
    let mut command = Command::new(program);
    // No terminal, no escape character, nothing to ask a user who is not there.
    command.args(["-T", "-e", "none", "-o", "BatchMode=yes"]);
    if let Some(port) = ssh.port {
        command.args(["-p", &port.to_string()]);
    }
    if let Some(user) = &ssh.user {
        command.args(["-l", user]);
    }
    if let Some(key) = &ssh.key_file {
        command.arg("-i").arg(key);
    }
    // The far side gives this to a shell.
    let remote = format!("virt-ssh-helper {}", quoted(&uri.for_daemon()));
    command.args(["--", &ssh.host, &remote]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.kill_on_drop(true).spawn();
    let error = |source| TransportError::Program {
        program: program.to_owned(),
        source,
    };
    let mut child = child.map_err(error)?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(input), Some(output), Some(errors)) = pipes else {
        return Err(error(std::io::Error::other("it has no pipes")));
    };
    let mut transport = Transport::new(tokio::io::join(output, input));
    transport.said = Some(tokio::spawn(listen(errors, ssh.host.clone())));
    // Ends with the transport.
    transport.child = Some(child);
    Ok(transport)
}

/// Logs what ssh says, and keeps the last line.
async fn listen(errors: ChildStderr, host: String) -> String {
    let mut last = String::new();
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line: String = line.chars().take(LINE_LIMIT).collect();
        tracing::debug!(host, line, "ssh");
        last = line;
    }
    last
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
