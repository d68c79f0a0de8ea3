//! Room for thousands of sockets.

use rlimit::Resource;
use thiserror::Error;
use tracing::debug;

/// Files that are open besides the sockets of BMCs: runtimes, logs, configuration.
const OTHERS: u64 = 128;

/// The system allows fewer open files than the BMCs need.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenFilesError {
    /// The hard limit is too low.
    #[error(
        "{needed} open files are needed and {allowed} are allowed: raise the hard limit (`ulimit -Hn`, \
         LimitNOFILE= of a systemd unit), or let BMCs share a socket (--addresses)"
    )]
    TooFew {
        /// How many are needed.
        needed: u64,
        /// The hard limit.
        allowed: u64,
    },
    /// The limit cannot be read or set.
    #[error("cannot change the limit of open files")]
    System(#[from] std::io::Error),
}

/// Raises the soft limit of open files so that `sockets` fit. It is never lowered.
///
/// # Errors
/// [`OpenFilesError`] if the hard limit does not allow that many.
pub fn make_room(sockets: usize) -> Result<(), OpenFilesError> {
    let needed = u64::try_from(sockets).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let (soft, hard) = Resource::NOFILE.get()?;
    if needed > hard {
        return Err(OpenFilesError::TooFew {
            needed,
            allowed: hard,
        });
    }
    if needed > soft {
        Resource::NOFILE.set(needed, hard)?;
        debug!(from = soft, to = needed, "raised the limit of open files");
    }
    Ok(())
}
