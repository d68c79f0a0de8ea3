#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod client;
mod cluster;
mod discovery;
mod environment;
mod guest;
mod inventory;
mod privileges;
#[cfg(feature = "simulator")]
pub mod simulator;
mod sync;
mod task;
mod value;

pub use client::{
    ApiError, ApiToken, ClientConfig, ClientError, Credentials, CredentialsError, EndpointError, Fingerprint,
    Secret, TlsError, Trust, UserPassword,
};
pub use cluster::{Cluster, ClusterConfig, ClusterError, GuestKind, GuestSummary, GuestUsage};
pub use discovery::GuestFilter;
pub use environment::{Environment, token_of};
pub use guest::{AppliedBoot, BootChange, BootRecord, FileJournal, Guest, Journal, MemoryJournal, Snapshot};
pub use inventory::{ClusterInventory, NodeInventory, Part};
pub use privileges::{Missing, Privileges, Version};
