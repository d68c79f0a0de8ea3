//! The UDP driver: any number of BMCs on any number of sockets.
//!
//! ```text
//!   a socket for each BMC        Server::add(bmc, address:port)
//!   one socket for many          Server::share(port) ─► Shared::add(bmc, address)
//! ```
//!
//! Every socket has one task. It takes datagrams until there are none, lets the BMC answer each on the spot,
//! and sends: no channel, no other task, no allocation. Only what waits for a machine runs aside
//! (`aside`). Timers are not touched by datagrams (`alarm`). A flood is met by giving logged-in
//! clients sockets of their own (`pressure`, `promoted`).
//!
//! A program that serves thousands of BMCs raises its limit of open files (`RLIMIT_NOFILE`) itself: a socket
//! for each BMC, and [`NetConfig::promoted_sockets`].
//!
//! For more than one core, give [`Server::on`] a handle of one single-threaded runtime per core.

mod alarm;
mod aside;
mod clock;
mod common;
mod config;
mod deadlines;
mod group;
mod handler;
mod outlet;
mod own;
mod pressure;
mod promoted;
mod scratch;
mod server;
mod shared;
mod signal;
mod socket;
mod station;

pub use clock::Clock;
pub use config::NetConfig;
pub use handler::{AsideCommand, AsideWork, DatagramHandler, Outcome};
pub use server::{BmcHandle, Server, Shared};

use core::future::Future;
use core::pin::pin;
use core::task::Context;

/// How many datagrams a socket takes before others have their turn.
const BUDGET: usize = 64;

/// The same in a flood: logged-in clients have sockets of their own then, and are not to wait for long.
const BUDGET_UNDER_PRESSURE: usize = 16;

/// How often a task looks again at what its BMCs want before others have their turn.
const ROUNDS: usize = 4;

/// Has the present task run again after the others, and after the runtime has looked at its sockets.
/// Waking itself would do neither: a runtime looks at sockets only every few dozen runs of tasks.
fn yield_to_driver(context: &mut Context<'_>) {
    let yielded = pin!(tokio::task::yield_now());
    // Noted at the first poll; the rest of this future only says that it was polled a second time.
    let _ = yielded.poll(context);
}
