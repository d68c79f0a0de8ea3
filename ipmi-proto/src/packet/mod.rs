//! What lies between UDP and an IPMI message: RMCP, ASF, and the session packets of IPMI 1.5 and 2.0.
//!
//! A datagram is read in stages, because a packet can be understood only with the keys of its session:
//! [`rmcp::Header`], then [`Format`], then [`v1_5::Header`] or [`v2_0::Header`]; integrity and encryption are
//! the session's.

pub mod asf;
pub mod open_session;
pub mod rakp;
pub mod rmcp;
mod status;
pub mod v1_5;
pub mod v2_0;

pub use status::RmcpPlusStatus;

/// The longest datagram that is looked at. What is longer cannot be ours: see
/// [`MAX_MESSAGE_DATA`](crate::ipmb::MAX_MESSAGE_DATA).
pub const MAX_DATAGRAM: usize = 1_280;

/// The value of the authentication type byte that announces an IPMI 2.0 packet (IPMI 2.0 §13.6).
pub const RMCP_PLUS_FORMAT: u8 = 0x06;

/// Which of the two session packets follows the RMCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// IPMI 1.5.
    V1_5,
    /// IPMI 2.0, also called RMCP+.
    V2_0,
}

impl Format {
    /// Reads the format off the first byte after the RMCP header; `None` if there is none.
    #[must_use]
    pub fn of(session_packet: &[u8]) -> Option<Self> {
        match session_packet.first()? {
            &RMCP_PLUS_FORMAT => Some(Self::V2_0),
            _ => Some(Self::V1_5),
        }
    }
}
