//! The sockets of a node: where it is reached, and how it stops being reached.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::cluster::NodeFailure;
use super::http;
use super::shared::Shared;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A port that nobody else gets while the node is down.
pub(super) struct Port {
    /// Bound and not listening: connections to it alone are refused.
    reserved: TcpSocket,
    /// Listens from the beginning: whoever has the address can connect.
    first: Option<TcpListener>,
    pub(super) address: SocketAddr,
}

impl Port {
    pub(super) fn reserve(address: SocketAddr) -> std::io::Result<Self> {
        let reserved = bind(address)?;
        let address = reserved.local_addr()?;
        let first = Some(bind(address)?.listen(BACKLOG)?);
        Ok(Self {
            reserved,
            first,
            address,
        })
    }

    fn listen(&mut self) -> std::io::Result<TcpListener> {
        match self.first.take() {
            Some(listener) => Ok(listener),
            None => bind(self.reserved.local_addr()?)?.listen(BACKLOG),
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves a node until the simulator ends; `failure` says whether, and how, it is down.
pub(super) async fn run(
    shared: Arc<Shared>,
    name: String,
    mut port: Port,
    acceptor: TlsAcceptor,
    mut failure: watch::Receiver<Option<NodeFailure>>,
) {
    loop {
        let current = *failure.borrow_and_update();
        let work = async {
            match current {
                Some(NodeFailure::Refused) => std::future::pending().await,
                _ => accept(&shared, &name, &mut port, &acceptor, current).await,
            }
        };
        tokio::select! {
            () = shared.end.cancelled() => return,
            changed = failure.changed() => if changed.is_err() { return },
            () = work => {}
        }
    }
}

async fn accept(
    shared: &Arc<Shared>,
    name: &str,
    port: &mut Port,
    acceptor: &TlsAcceptor,
    failure: Option<NodeFailure>,
) {
    let listener = match port.listen() {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(node = name, %error, "cannot listen; the simulated node is not reached");
            return std::future::pending().await;
        }
    };
    let mut silent = Vec::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files: what is there must end first.
                tracing::warn!(node = name, %error, "cannot accept a connection to the simulated node");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        match failure {
            None => {
                _ = tokio::spawn(connection(
                    shared.clone(),
                    name.to_owned(),
                    stream,
                    acceptor.clone(),
                ))
            }
            Some(NodeFailure::Silent) if silent.len() < 1000 => silent.push(stream),
            Some(_) => drop(stream),
        }
    }
}

async fn connection(shared: Arc<Shared>, node: String, stream: TcpStream, acceptor: TlsAcceptor) {
    let Some(cut) = shared
        .daemons
        .get(&node)
        .map(|daemon| daemon.cut_token().child_token())
    else {
        return;
    };
    _ = stream.set_nodelay(true);
    let serve = async {
        let handshake = tokio::time::timeout(shared.settings.idle, acceptor.accept(stream)).await;
        match handshake {
            Ok(Ok(stream)) => {
                shared.counters().connections += 1;
                http::serve(shared.clone(), node, stream, cut.clone()).await;
            }
            Ok(Err(error)) => {
                shared.counters().failed_handshakes += 1;
                tracing::debug!(%error, "simulated TLS handshake failed");
            }
            Err(_) => {}
        }
    };
    tokio::select! {
        () = serve => {}
        () = cut.cancelled() => {}
        () = shared.end.cancelled() => {}
    }
}
