//! Serial over LAN (IPMI 2.0 §15): the packets, and a state machine for each end of the line.
//!
//! [`Managed`] is the BMC's end, [`Console`] the client's. Both are sans-IO: `write` takes characters in, `read`
//! gives them out, `handle_packet` and `handle_timeout` bring the world in, `poll_transmit`, `poll_timeout` and
//! `poll_event` take output out. After every call but the polls, `poll_transmit` is to be called until it gives
//! `None`; `poll_timeout` then says when to call `handle_timeout`.
//!
//! Each direction has one packet in flight. It is sent again, unchanged, until it is acknowledged; the number of
//! accepted characters in the acknowledgement says how many need not be sent again. So nothing is lost, doubled or
//! reordered, whatever the network does, and a reader that is slow slows the writer down.

#[cfg(feature = "alloc")]
mod console;
#[cfg(feature = "alloc")]
mod managed;
mod packet;
#[cfg(feature = "alloc")]
mod receiver;
#[cfg(feature = "alloc")]
mod ring;
#[cfg(feature = "alloc")]
mod sender;
#[cfg(feature = "alloc")]
mod settings;
#[cfg(all(test, feature = "alloc"))]
mod tests;

#[cfg(feature = "alloc")]
pub use console::{Console, ConsoleEvent};
#[cfg(feature = "alloc")]
pub use managed::{Managed, ManagedEvent};
pub use packet::{
    ConsoleControl, HEADER_LENGTH, MAX_CHARACTERS, MAX_PACKET_LENGTH, MAX_SEQUENCE, ManagedStatus, SolHeader,
    SolPacket,
};
#[cfg(feature = "alloc")]
pub use settings::SolSettings;

/// Why a packet was dropped. For counting and tracing; nothing has to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SolDrop {
    /// Shorter than a header or with more characters than a packet can have.
    #[error("the SOL packet has a wrong length")]
    Malformed,
    /// A late copy of a packet before the last one.
    #[error("the SOL packet is a late copy")]
    Stale,
    /// The payload is not active any more.
    #[error("the SOL payload is not active")]
    Closed,
}
