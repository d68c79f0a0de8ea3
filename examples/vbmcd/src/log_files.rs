//! Files that grow by a piece at a time: the audit log and the transcripts of consoles.
//!
//! One thread writes them all, so that no BMC waits for a disk. A file is opened for each batch that goes into it:
//! a file that was moved away is made anew by itself, and thousands of transcripts take no open files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use thiserror::Error;
use tracing::error;

use crate::secret::{self, SecretError};

/// Pieces that wait to be written; more are lost, and counted.
const QUEUE: usize = 1_024;
/// How long the end may be held up by a slow disk.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes that are written at once.
const BATCH: usize = 256 * 1024;

/// A file cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogFileError {
    /// It cannot be opened.
    #[error("cannot open {path} for writing: choose a file that this user may write")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others can read it.
    #[error("cannot write {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Who can.
        source: SecretError,
    },
    /// No thread can be started.
    #[error("cannot start the thread that writes log files: free memory or processes")]
    Thread(#[source] io::Error),
}

/// The thread that writes.
#[derive(Debug)]
pub struct LogFiles {
    queue: SyncSender<Message>,
}

/// A file that can be appended to.
#[derive(Clone, Debug)]
pub struct LogFile {
    target: Arc<Target>,
    queue: SyncSender<Message>,
}

#[derive(Debug)]
struct Target {
    path: PathBuf,
    /// Pieces that were lost since the last one that was written.
    lost: AtomicU64,
    /// What is written about so many lost pieces.
    describe_lost: fn(u64) -> String,
}

#[derive(Debug)]
enum Message {
    Append(Arc<Target>, Vec<u8>),
    /// Everything before this is written.
    Flush(SyncSender<()>),
}

impl LogFiles {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`LogFileError::Thread`] if that is not possible.
    pub fn start() -> Result<Self, LogFileError> {
        let (queue, messages) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("log files".to_owned());
        thread
            .spawn(move || write_all(&messages))
            .map_err(LogFileError::Thread)?;
        Ok(Self { queue })
    }

    /// A file to append to, which only this user can read; what it holds already stays. `describe_lost` says what
    /// is written in place of so many pieces that could not be.
    ///
    /// # Errors
    /// [`LogFileError`] if it cannot be written, or if others can read it.
    pub fn file(&self, path: &Path, describe_lost: fn(u64) -> String) -> Result<LogFile, LogFileError> {
        open(path).map_err(|source| LogFileError::Open {
            path: path.to_owned(),
            source,
        })?;
        secret::check_private(path).map_err(|source| LogFileError::Exposed {
            path: path.to_owned(),
            source,
        })?;
        Ok(LogFile {
            target: Arc::new(Target {
                path: path.to_owned(),
                lost: AtomicU64::new(0),
                describe_lost,
            }),
            queue: self.queue.clone(),
        })
    }

    /// Waits, for a few seconds at most, until everything is written.
    pub fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        if self.queue.send(Message::Flush(done)).is_ok() {
            // There is nothing to be done about a disk that does not get ready.
            let _ = is_done.recv_timeout(PATIENCE);
        }
    }
}

impl LogFile {
    /// Appends a piece, without waiting. If too many wait already, it is lost, and the file says so later.
    pub fn append(&self, piece: Vec<u8>) {
        let message = Message::Append(Arc::clone(&self.target), piece);
        if self.queue.try_send(message).is_err() {
            self.target.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// The thread.
fn write_all(messages: &Receiver<Message>) {
    let mut next = messages.recv().ok();
    while let Some(message) = next.take() {
        match message {
            Message::Append(target, mut batch) => {
                let mut pieces = 1;
                while batch.len() < BATCH {
                    match messages.try_recv() {
                        Ok(Message::Append(other, piece)) if Arc::ptr_eq(&other, &target) => {
                            batch.extend(piece);
                            pieces += 1;
                        }
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                write(&target, &batch, pieces);
            }
            Message::Flush(done) => {
                // Whoever asked may have given up.
                let _ = done.send(());
            }
        }
        if next.is_none() {
            next = messages.recv().ok();
        }
    }
}

fn write(target: &Target, batch: &[u8], pieces: u64) {
    let lost = target.lost.swap(0, Ordering::Relaxed);
    let written = open(&target.path).and_then(|mut file| {
        if lost > 0 {
            file.write_all((target.describe_lost)(lost).as_bytes())?;
        }
        file.write_all(batch)
    });
    if let Err(error) = written {
        let before = target.lost.fetch_add(lost + pieces, Ordering::Relaxed);
        if lost + before == 0 {
            error!(path = %target.path.display(), %error, "cannot write: what comes is lost until this is mended");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn lost(pieces: u64) -> String {
        format!("[{pieces} lost]")
    }

    #[test]
    fn pieces_are_appended_in_order_to_private_files() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let files = LogFiles::start().unwrap();
        let (first, second) = (files.file(&one, lost).unwrap(), files.file(&two, lost).unwrap());
        for piece in ["a", "b", "c"] {
            first.append(piece.into());
            second.append(piece.to_uppercase().into());
        }
        files.flush();
        assert_eq!(std::fs::read_to_string(&one).unwrap(), "abc");
        assert_eq!(std::fs::read_to_string(&two).unwrap(), "ABC");
        assert_eq!(
            std::fs::metadata(&one).unwrap().permissions().mode() & 0o777,
            0o600
        );

        // Moved away: the next piece makes it anew.
        std::fs::rename(&one, &two).unwrap();
        first.append("d".into());
        files.flush();
        assert_eq!(std::fs::read_to_string(&one).unwrap(), "d");
        assert_eq!(std::fs::read_to_string(&two).unwrap(), "abc");
    }

    #[test]
    fn what_is_lost_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let path = inner.join("file");
        let files = LogFiles::start().unwrap();
        let file = files.file(&path, lost).unwrap();
        std::fs::remove_dir_all(&inner).unwrap();
        for _ in 0..2 {
            file.append("x".into());
            files.flush();
        }
        std::fs::create_dir(&inner).unwrap();
        file.append("y".into());
        files.flush();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[2 lost]y");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let files = LogFiles::start().unwrap();
        assert!(matches!(
            files.file(&path, lost),
            Err(LogFileError::Exposed { .. })
        ));
        let error = files.file(directory.path(), lost).unwrap_err();
        assert!(matches!(error, LogFileError::Open { .. }), "{error}");
    }
}
