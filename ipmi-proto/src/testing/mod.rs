//! Both engines against each other in virtual time, for the tests of this and other crates (feature `testing`).
//!
//! - [`Link`]: one direction of a network that loses, repeats, reorders, delays and changes datagrams, the same
//!   way each time for the same seed.
//! - [`Users`]: a [`Directory`](crate::session::Directory) that is written down in a test.
//! - [`Bmc`]: the BMC's engine with such a directory and a small machine behind it, which counts what it does.
//! - [`Forger`]: makes valid packets of a session out of anything.
//! - [`Pair`]: a console and a BMC with a link in each direction, and the clock.
//!
//! Nothing here waits or reads a clock. Nothing here is safe to use outside of tests: the random numbers are
//! known to everybody.

mod bmc;
mod forge;
mod link;
mod pair;
mod random;
mod users;

pub use bmc::{Bmc, Executed, Machine, OEM_COUNT, OEM_ECHO, OEM_NETFN};
pub use forge::Forger;
pub use link::{Faults, Link};
pub use pair::{Captured, Direction, Pair};
pub use random::PredictableRandom;
pub use users::{User, Users};
