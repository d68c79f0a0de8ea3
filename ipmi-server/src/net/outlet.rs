//! Where answers leave.

use std::io;

use ipmi_proto::session::Peer;
use quinn_udp::{Transmit, UdpSocketState};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::socket::is_own;

/// A listener: takes datagrams of anybody, and sends answers.
#[derive(Debug)]
pub(crate) enum Outlet {
    /// Bound to one address.
    Own(UdpSocket),
    /// Bound to all addresses: the kernel is told from which one an answer leaves.
    Shared(SharedSocket),
}

/// A socket with packet information.
#[derive(Debug)]
pub(crate) struct SharedSocket {
    pub(crate) socket: UdpSocket,
    pub(crate) state: UdpSocketState,
}

impl Outlet {
    pub(crate) fn socket(&self) -> &UdpSocket {
        match self {
            Self::Own(socket) => socket,
            Self::Shared(shared) => &shared.socket,
        }
    }

    pub(crate) fn options(&self) -> SockRef<'_> {
        SockRef::from(self.socket())
    }

    /// Sends without waiting.
    pub(crate) fn try_send(&self, peer: Peer, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Own(socket) => socket.try_send_to(bytes, peer.remote).map(drop),
            Self::Shared(shared) => shared.try_send(peer, bytes),
        }
    }
}

impl SharedSocket {
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }

    pub(crate) fn try_send(&self, peer: Peer, bytes: &[u8]) -> io::Result<()> {
        let transmit = Transmit {
            destination: peer.remote,
            ecn: None,
            contents: bytes,
            segment_size: None,
            src_ip: Some(peer.local.ip()).filter(|address| is_own(*address)),
        };
        self.socket.try_io(Interest::WRITABLE, || {
            self.state.try_send((&self.socket).into(), &transmit)
        })
    }
}
