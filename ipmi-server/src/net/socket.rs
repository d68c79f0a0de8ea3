//! Opening sockets.
//!
//! A listener is bound without `SO_REUSEADDR`, so that a second program on its port is refused. Sockets that
//! are connected to one peer share its address and port; Linux allows that when both sides have
//! `SO_REUSEADDR` at the moment of the second `bind`, and never looks again. So the listener gets the flag
//! for just that moment ([`Shareable`]), and a second program, which comes without it or finds the
//! listener without it, is refused as before.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Opens a socket for datagrams to `address`.
pub(crate) fn listen(address: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    let socket = open(address, receive_buffer)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Opens `count` sockets for datagrams to `address`, among which the kernel distributes the peers.
pub(crate) fn listen_together(
    address: SocketAddr,
    receive_buffer: usize,
    count: usize,
) -> io::Result<Vec<UdpSocket>> {
    let first = listen(address, receive_buffer)?;
    if count <= 1 {
        return Ok(vec![first]);
    }
    // With SO_REUSEPORT a second program of the same user would not be refused: the first socket has found
    // out without it that the address is free, and which port it got.
    let address = first.local_addr()?;
    drop(first);
    let together = |_| {
        let socket = open(address, receive_buffer)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        Ok(socket.into())
    };
    (0..count).map(together).collect()
}

/// Opens a socket for datagrams from `remote` to `local`. The kernel prefers it to the listener, whose
/// address is to be [`Shareable`] meanwhile.
///
/// Datagrams of others that arrive between `bind` and `connect` stay in its queue.
pub(crate) fn connect(local: SocketAddr, remote: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    let socket = open(local, receive_buffer)?;
    socket.set_reuse_address(true)?;
    socket.bind(&local.into())?;
    socket.connect(&remote.into())?;
    Ok(socket.into())
}

/// While it lives, the listeners' address may be bound again by a socket with `SO_REUSEADDR`.
#[derive(Debug)]
pub(crate) struct Shareable<'s> {
    listeners: Vec<SockRef<'s>>,
}

impl<'s> Shareable<'s> {
    pub(crate) fn new(listeners: impl Iterator<Item = SockRef<'s>>) -> io::Result<Self> {
        let shareable = Self {
            listeners: listeners.collect(),
        };
        for listener in &shareable.listeners {
            listener.set_reuse_address(true)?;
        }
        Ok(shareable)
    }
}

impl Drop for Shareable<'_> {
    fn drop(&mut self) {
        for listener in &self.listeners {
            if let Err(error) = listener.set_reuse_address(false) {
                tracing::warn!(%error, "a listener's address stays open to other sockets");
            }
        }
    }
}

fn open(address: SocketAddr, receive_buffer: usize) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // IPv4 has sockets of its own.
        socket.set_only_v6(true)?;
    }
    // The kernel grants less where less is allowed.
    if let Err(error) = socket.set_recv_buffer_size(receive_buffer) {
        tracing::debug!(%error, "receive buffer stays as it is");
    }
    Ok(socket)
}

/// Whether an answer may leave from `address`: not if the datagram was sent to everybody.
pub(crate) fn is_own(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(v4) => !v4.is_multicast() && v4 != Ipv4Addr::BROADCAST,
        std::net::IpAddr::V6(v6) => !v6.is_multicast() && v6 != Ipv6Addr::UNSPECIFIED,
    }
}
