//! Snapshots of domains.

use super::{Client, QUICK, SLOW};
use crate::rpc::error::RpcError;
use crate::rpc::types::{Domain, Snapshot};

impl Client {
    /// All snapshots of a domain.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn snapshots(&self, domain: &Domain) -> Result<Vec<Snapshot>, RpcError> {
        let (snapshots, _count): (_, i32) = self.call(274, (domain, 1_i32, 0_u32), QUICK).await?;
        Ok(snapshots)
    }

    /// Takes a snapshot as the XML describes it.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn create_snapshot(&self, domain: &Domain, xml: &str) -> Result<Snapshot, RpcError> {
        self.call(185, (domain, xml, 0_u32), SLOW).await
    }

    /// Brings the domain back to a snapshot.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn revert_to_snapshot(&self, snapshot: &Snapshot) -> Result<(), RpcError> {
        self.call(192, (snapshot, 0_u32), SLOW).await
    }

    /// Deletes a snapshot; its children stay.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn delete_snapshot(&self, snapshot: &Snapshot) -> Result<(), RpcError> {
        self.call(193, (snapshot, 0_u32), SLOW).await
    }
}
