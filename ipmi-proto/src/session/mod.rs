//! Session engines without I/O: bytes, time and random numbers go in, bytes and events come out.
//!
//! [`managed`] is the BMC's side, [`console`] the client's. `handle_*` brings the world in, `poll_*` takes output
//! out, other verbs are what the application wants. What a peer does wrong is a [`DropReason`] or a status code that the
//! specification names, never a panic and never an error of the application.

mod event;
mod peer;
pub(crate) mod policy;
mod reason;

pub mod console;
pub mod managed;
pub mod window;

pub use event::{CloseReason, Event, LoginFailure};
pub use peer::Peer;
pub use policy::{AuthTypes, ChannelPolicy, Directory, LoginKinds, UserId, UserLookup, UserRecord};
pub use reason::DropReason;
