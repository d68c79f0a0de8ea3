//! The control socket: a unix socket that only those get to who may.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustix::fs::{FlockOperation, flock};
use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};
use tracing::warn;

/// Pause after a failure to accept, so that a lack of open files does not burn a core.
const PAUSE: Duration = Duration::from_millis(100);

/// Why there is no control socket.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SocketError {
    /// Another program has it.
    #[error("another vbmcd has the control socket {path}: choose another one with --socket")]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("cannot make the control socket {path}: choose another place with --socket")]
    Make {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no such group.
    #[error("there is no group `{0}` for the control socket: add it, or name another one")]
    Group(String),
}

/// The socket. It is removed when this is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Held as long as the socket: the kernel lets it go however the program ends.
    _lock: File,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// User, if the kernel says.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Process.
    pub pid: Option<i32>,
}

impl ControlSocket {
    /// Makes the socket, for its owner and a group.
    ///
    /// # Errors
    /// [`SocketError`] if another program has it, or if it cannot be made.
    pub fn open(path: &Path, group: Option<u32>) -> Result<Self, SocketError> {
        let make = |source| SocketError::Make {
            path: path.to_owned(),
            source,
        };
        if let Some(directory) = path
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        {
            std::fs::create_dir_all(directory).map_err(make)?;
        }
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path);
        let lock = lock.map_err(make)?;
        if let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            return Err(if error == rustix::io::Errno::WOULDBLOCK {
                SocketError::Taken {
                    path: path.to_owned(),
                }
            } else {
                make(error.into())
            });
        }
        // What a program that was killed left behind; nobody listens there while we have the lock.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(make(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(make)?;
        if let Some(group) = group {
            chown(path, None, Some(group)).map_err(make)?;
        }
        // Until now it had what the umask left; whoever connected meanwhile is checked like all others.
        std::fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(make)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            _lock: lock,
        })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Whoever removed it before us has done no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Listener for ControlSocket {
    type Io = UnixStream;
    type Addr = Caller;

    async fn accept(&mut self) -> (UnixStream, Caller) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let caller = Caller::of(&stream);
                    return (stream, caller);
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection to the control socket");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Caller> {
        Ok(Caller {
            uid: None,
            gid: None,
            pid: None,
        })
    }
}

impl Caller {
    fn of(stream: &UnixStream) -> Self {
        let credentials = stream.peer_cred().ok();
        Self {
            uid: credentials.as_ref().map(tokio::net::unix::UCred::uid),
            gid: credentials.as_ref().map(tokio::net::unix::UCred::gid),
            pid: credentials.and_then(|credentials| credentials.pid()),
        }
    }

    /// Whether this is root, the user of this program, or somebody of the group.
    #[must_use]
    pub fn may_control(&self, group: Option<u32>) -> bool {
        let own = rustix::process::geteuid().as_raw();
        let is_known = self.uid.is_some_and(|uid| uid == 0 || uid == own);
        is_known || group.is_some_and(|group| self.gid == Some(group) || self.has_group(group))
    }

    /// Whether a group is among the further ones of the process.
    fn has_group(&self, group: u32) -> bool {
        let status = self
            .pid
            .map(|pid| std::fs::read_to_string(format!("/proc/{pid}/status")));
        let Some(Ok(status)) = status else {
            return false;
        };
        // The process may have ended, and its number may be another's now: the user must be the same.
        let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let numbers = |line: &str| -> Vec<u32> {
            line.split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect()
        };
        let user = line("Uid:").map(numbers).unwrap_or_default();
        let is_same = self.uid.is_some_and(|uid| user.contains(&uid));
        is_same && line("Groups:").map(numbers).unwrap_or_default().contains(&group)
    }
}

impl Connected<IncomingStream<'_, ControlSocket>> for Caller {
    fn connect_info(stream: IncomingStream<'_, ControlSocket>) -> Self {
        *stream.remote_addr()
    }
}

/// The number of a group: its name in /etc/group, or the number itself.
///
/// # Errors
/// [`SocketError::Group`] if there is none.
pub fn group_number(group: &str) -> Result<u32, SocketError> {
    let unknown = || SocketError::Group(group.to_owned());
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = std::fs::read_to_string("/etc/group").map_err(|_| unknown())?;
    let number = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok())?
    });
    number.ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_private_and_has_one_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/vbmcd.sock");
        let socket = ControlSocket::open(&path, None).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let other = ControlSocket::open(&path, None).unwrap_err();
        assert!(matches!(other, SocketError::Taken { .. }), "{other:?}");
        drop(socket);
        assert!(!path.exists());
        // A killed program leaves the socket, but not the lock.
        std::fs::write(&path, "").unwrap();
        ControlSocket::open(&path, None).unwrap();
    }

    #[test]
    fn strangers_are_told_from_friends() {
        let caller = |uid, gid| Caller {
            uid: Some(uid),
            gid: Some(gid),
            pid: Some(std::process::id().cast_signed()),
        };
        let own = rustix::process::geteuid().as_raw();
        assert!(caller(own, 12).may_control(None));
        assert!(caller(0, 12).may_control(None));
        assert!(!caller(54_321, 12).may_control(None));
        assert!(caller(54_321, 12).may_control(Some(12)));
        assert!(!caller(54_321, 12).may_control(Some(13)));
        let nobody = Caller {
            uid: None,
            gid: None,
            pid: None,
        };
        assert!(!nobody.may_control(Some(12)));
        assert_eq!(group_number("root").unwrap(), 0);
        assert!(group_number("no-such-group").is_err());
    }
}
