#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod client;
mod cluster;
mod environment;
mod guest;
mod privileges;
#[cfg(feature = "simulator")]
pub mod simulator;
mod task;
mod value;

pub use client::{
    ApiError, ApiToken, ClientConfig, ClientError, Credentials, CredentialsError, EndpointError, Fingerprint,
    Secret, TlsError, Trust, UserPassword,
};
pub use cluster::{Cluster, ClusterConfig, ClusterError, GuestKind, GuestSummary, GuestUsage};
pub use environment::{Environment, token_of};
pub use guest::{AppliedBoot, BootChange, BootRecord, FileJournal, Guest, Journal, MemoryJournal};
pub use privileges::{Missing, Privileges, Version};
