//! Snapshots of a guest.

use core::time::Duration;

use super::Guest;
use crate::client::{ApiError, Call};
use crate::task::{self, Upid};
use crate::value::objects;

/// A snapshot with the memory of a large machine takes its time.
const LIMIT: Duration = Duration::from_secs(1800);
/// The list ends with the present state under this name.
const PRESENT: &str = "current";

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// When it was made, seconds since 1970.
    pub time: Option<u64>,
    /// The snapshot that it is based on.
    pub parent: Option<String>,
    /// Whether it holds the memory of the running machine.
    pub has_memory: bool,
}

impl Guest {
    /// The snapshots, in PVE's order.
    ///
    /// # Errors
    /// [`ApiError`] if the list cannot be had.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>, ApiError> {
        let list = self.ask(|path| Call::get(format!("{path}/snapshot"))).await?;
        let snapshots = objects(&list).filter_map(|row| {
            Some(Snapshot {
                name: row.text("name").filter(|name| name != PRESENT)?,
                description: row.text("description"),
                time: row.integer("snaptime"),
                parent: row.text("parent"),
                has_memory: row.flag("vmstate"),
            })
        });
        Ok(snapshots.collect())
    }

    /// Makes a snapshot, of a running virtual machine with its memory if `with_memory`; ends when it is made.
    ///
    /// # Errors
    /// [`ApiError`], also if the storage cannot make snapshots.
    pub async fn make_snapshot(&self, name: &str, with_memory: bool) -> Result<(), ApiError> {
        let name = checked(name)?.to_owned();
        let begun = self.ask(|path| {
            let call = Call::post(format!("{path}/snapshot")).with("snapname", &name);
            if with_memory {
                call.with("vmstate", 1)
            } else {
                call
            }
        });
        self.to_its_end("snapshot", begun.await?).await
    }

    /// Goes back to a snapshot; ends when that is done.
    ///
    /// # Errors
    /// [`ApiError`], also if there is no such snapshot.
    pub async fn roll_back(&self, name: &str) -> Result<(), ApiError> {
        let name = checked(name)?.to_owned();
        let begun = self.ask(|path| Call::post(format!("{path}/snapshot/{name}/rollback")));
        let begun = begun.await?;
        self.knowledge.acted();
        self.to_its_end("rollback", begun).await
    }

    /// Deletes a snapshot; ends when that is done.
    ///
    /// # Errors
    /// [`ApiError`], also if there is no such snapshot.
    pub async fn delete_snapshot(&self, name: &str) -> Result<(), ApiError> {
        let name = checked(name)?.to_owned();
        let begun = self.ask(|path| Call::delete(format!("{path}/snapshot/{name}")));
        self.to_its_end("delete snapshot", begun.await?).await
    }

    async fn to_its_end(&self, request: &str, begun: serde_json::Value) -> Result<(), ApiError> {
        let upid = Upid::of_answer(request, &begun)?;
        task::finished(&self.cluster.client, &upid, LIMIT).await
    }
}

/// A name becomes part of a path.
fn checked(name: &str) -> Result<&str, ApiError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.bytes().all(plain) && name != PRESENT {
        return Ok(name);
    }
    Err(ApiError::Unsupported {
        what: format!("{name:?} cannot be the name of a snapshot: take letters, digits, `-` and `_`"),
    })
}
