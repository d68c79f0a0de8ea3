//! IPMI over LAN as a sans-IO library: bytes in, bytes out.
//!
//! No sockets, no clock, no global randomness: time and random numbers are arguments. The crate is
//! `no_std`; the codecs, records and cryptography need no allocator, the session engines need `alloc`.
//!
//! - [`wire`]: checked [`Reader`](wire::Reader) and [`Writer`](wire::Writer), the codec traits.
//! - [`ipmb`]: network functions, completion codes, privileges, channels, LAN message framing.
//! - [`packet`]: RMCP, ASF, IPMI 1.5 and 2.0 session packets, Open Session, RAKP.
//! - [`crypto`]: cipher suites, keys, authentication and integrity codes.
//! - [`command`]: every command with request and response codecs, and a table of all of them.
//! - [`pet`]: platform event traps, SNMPv1 datagrams that tell of events.
//! - [`record`]: sensor data records, event log records, FRU inventory.
//! - [`sol`]: Serial over LAN, its packets and both ends of the line.
#![no_std]
#![forbid(unsafe_code)]
#![warn(
    clippy::alloc_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod command;
pub mod crypto;
pub mod ipmb;
pub mod packet;
pub mod pet;
pub mod record;
#[cfg(feature = "alloc")]
pub mod session;
pub mod sol;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod wire;
