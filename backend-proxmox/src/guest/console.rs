//! The serial console of a virtual machine, and the terminal of a container: a websocket to PVE's `termproxy`.
//!
//! `POST termproxy` gives a port and a ticket; the websocket of that port is opened at the same node, the ticket is
//! its first message, and `OK` the first answer. Then bytes come as they are, and go as `0:LENGTH:BYTES`.

use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use ipmi_server::backend::{
    BackendError, BackendErrorKind, ConsoleEvent, ConsoleStream, PowerState, SerialConsole,
};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use super::Guest;
use super::knowledge::Life;
use crate::client::{Answer, ApiError, Call, Client};
use crate::cluster::GuestKind;
use crate::value::Object;

/// PVE waits ten seconds for the websocket and for the ticket.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// A message that says nothing keeps everything on the way from closing the connection.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Pieces of output that nobody has taken yet; then PVE waits.
const UNREAD_PIECES: usize = 64;
/// Pieces of input under way.
const UNSENT_PIECES: usize = 16;
/// Longest piece of input.
const PIECE: usize = 1024;
/// Longest message that is taken.
const MESSAGE_LIMIT: usize = 1 << 20;
/// PVE says this before the guest says anything. What is typed before it comes back twice.
const BANNER: &[u8] = b"starting serial terminal on interface ";
const OFF_TEXT: &[u8] = b" not running";
/// Longest text that can be a banner.
const BANNER_LIMIT: usize = 256;
/// The helper that says it may take so long to start.
const BANNER_PATIENCE: Duration = Duration::from_secs(8);

const OPERATION: &str = "open the console of the guest";
const SEND: &str = "send to the console of the guest";

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Lets one console at a time be open: PVE gives the bytes to one only.
#[derive(Debug)]
pub(super) struct ConsoleTurn(Arc<Semaphore>);

impl Default for ConsoleTurn {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// A console that is open. A task moves the bytes; it ends when this is dropped.
#[derive(Debug)]
struct Stream {
    output: mpsc::Receiver<Bytes>,
    input: mpsc::Sender<Bytes>,
}

#[async_trait]
impl SerialConsole for Guest {
    async fn open(&self) -> Result<Box<dyn ConsoleStream>, BackendError> {
        let turn = Arc::clone(&self.console.0).try_acquire_owned();
        let turn = turn.map_err(|_| BackendError::new(BackendErrorKind::Busy, OPERATION))?;
        let opened = self
            .to_the_end(move |guest| async move { guest.open_console(turn).await })
            .await;
        let stream = opened.map_err(|error| error.into_backend(OPERATION))?;
        Ok(Box::new(stream))
    }
}

#[async_trait]
impl ConsoleStream for Stream {
    async fn next(&mut self) -> Result<ConsoleEvent, BackendError> {
        Ok(match self.output.recv().await {
            Some(output) => ConsoleEvent::Output(output),
            None => ConsoleEvent::Ended,
        })
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<usize, BackendError> {
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        match self.input.try_send(Bytes::copy_from_slice(piece)) {
            Ok(()) => Ok(piece.len()),
            Err(mpsc::error::TrySendError::Full(_)) => Ok(0),
            // That it has ended is told with the output.
            Err(mpsc::error::TrySendError::Closed(_)) => Ok(piece.len()),
        }
    }

    async fn send_break(&mut self) -> Result<(), BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, SEND))
    }
}

impl Guest {
    /// Whether the guest has a console. One whose configuration is not known may have one.
    pub(super) fn has_console(&self) -> bool {
        self.profile()
            .is_none_or(|profile| profile.is_container || profile.serial.is_some())
    }

    async fn open_console(&self, turn: OwnedSemaphorePermit) -> Result<Stream, ApiError> {
        let mut life = self.knowledge.life();
        life.mark_unchanged();
        let seen = self.look(std::time::Instant::now()).await?;
        if seen.power == PowerState::Off {
            return Err(ApiError::InvalidState {
                request: self.name(),
                reason: "it is off".to_owned(),
            });
        }
        life.mark_unchanged();
        let (node, kind) = self.locate().await?;
        let serial = match self.profile() {
            Some(profile) => profile.serial.clone(),
            None => self.learn().await?.serial.clone(),
        };
        if serial.is_none() && kind == GuestKind::Qemu {
            return Err(ApiError::Unsupported {
                what: format!(
                    "{} has no serial port: `qm set {} -serial0 socket`, then stop and start it",
                    self.name(),
                    self.vmid()
                ),
            });
        }
        let path = format!("/nodes/{node}/{kind}/{}", self.vmid());
        let by_user = self.console_needs_user();
        let mut call = Call::post(format!("{path}/termproxy"));
        if let Some(serial) = serial.filter(|_| kind == GuestKind::Qemu) {
            call = call.with("serial", serial);
        }
        if by_user {
            call = call.by_user();
        }
        let client = &self.cluster.client;
        let answer = client.call(call).await?;
        let connect = connect(client, &path, &answer, by_user);
        let connected = tokio::time::timeout(HANDSHAKE_LIMIT, connect).await;
        let mut socket = connected.unwrap_or_else(|_| Err(failed("it does not answer within 10 s")))?;
        let first = self.await_banner(&mut socket, kind).await?;
        let (to_user, output) = mpsc::channel(UNREAD_PIECES);
        let (input, from_user) = mpsc::channel(UNSENT_PIECES);
        if !first.is_empty() {
            // There is room: nothing was sent yet.
            let _ = to_user.try_send(first);
        }
        let pump = Pump {
            socket,
            output: to_user,
            input: from_user,
            life,
            _turn: turn,
        };
        self.spawn(move |guest| {
            // The console does not keep its guest alive.
            drop(guest);
            pump.run()
        });
        Ok(Stream { output, input })
    }

    /// Whether consoles are opened by the user with a password, because tokens cannot.
    fn console_needs_user(&self) -> bool {
        let credentials = self.cluster.client.credentials();
        credentials.user().is_some()
    }

    /// Waits for PVE's own text and leaves it out; gives what the guest has said behind it.
    async fn await_banner(&self, socket: &mut Socket, kind: GuestKind) -> Result<Bytes, ApiError> {
        if kind == GuestKind::Lxc {
            return Ok(Bytes::new());
        }
        let mut text = Vec::new();
        let read = async {
            loop {
                let Some(piece) = next_piece(socket).await? else {
                    return Err(failed("it ended before it began"));
                };
                text.extend_from_slice(&piece);
                if find(&text, OFF_TEXT).is_some() {
                    return Err(ApiError::InvalidState {
                        request: self.name(),
                        reason: "it is off".to_owned(),
                    });
                }
                if let Some(rest) = behind_banner(&text) {
                    return Ok(Bytes::copy_from_slice(rest));
                }
                if text.len() > BANNER_LIMIT {
                    return Ok(Bytes::copy_from_slice(&text));
                }
            }
        };
        let read = tokio::time::timeout(BANNER_PATIENCE, read).await;
        match read {
            Ok(result) => result,
            // Another version may say nothing at all.
            Err(_) => Ok(Bytes::from(text)),
        }
    }
}

fn failed(reason: &str) -> ApiError {
    ApiError::Console {
        reason: reason.to_owned(),
    }
}

/// What is wrong with a websocket. Its address, which holds the ticket, is not told.
fn broken(error: tungstenite::Error) -> ApiError {
    match error {
        tungstenite::Error::Http(response) => ApiError::Console {
            reason: format!("the websocket is refused with {}", response.status()),
        },
        tungstenite::Error::Url(_) => failed("its address cannot be used"),
        other => ApiError::Console {
            reason: other.to_string(),
        },
    }
}

/// Opens the websocket and hands in the ticket.
async fn connect(client: &Client, path: &str, answer: &Answer, by_user: bool) -> Result<Socket, ApiError> {
    let (data, endpoint): (&Value, _) = (&answer.data, &answer.endpoint);
    let data = Object::new(data);
    let missing = || ApiError::Malformed {
        request: "POST termproxy".to_owned(),
        reason: "it has no ticket, user or port".to_owned(),
    };
    let ticket = data.text("ticket").ok_or_else(missing)?;
    let user = data.text("user").ok_or_else(missing)?;
    let port = data.integer("port").ok_or_else(missing)?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("port", &port.to_string())
        .append_pair("vncticket", &ticket)
        .finish();
    let host = endpoint.base.trim_start_matches("https://");
    let address = format!("wss://{host}/api2/json{path}/vncwebsocket?{query}");
    let mut request = address.into_client_request().map_err(broken)?;
    let protocol = reqwest::header::HeaderValue::from_static("binary");
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    request
        .headers_mut()
        .extend(client.identity(by_user, endpoint).await?);

    let unreachable = |error: std::io::Error| ApiError::Unreachable {
        request: "the console's websocket".to_owned(),
        endpoint: endpoint.base.clone(),
        source: error.into(),
        unsent: true,
    };
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
        .await
        .map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let name =
        ServerName::try_from(endpoint.host.clone()).map_err(|_| failed("its host has no usable name"))?;
    let connector = TlsConnector::from(Arc::clone(client.tls()));
    let stream = connector.connect(name, stream).await.map_err(unreachable)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
    let (mut socket, _) = opened.map_err(broken)?;
    let ticket = Message::text(format!("{user}:{ticket}\n"));
    socket.send(ticket).await.map_err(broken)?;
    match next_piece(&mut socket).await {
        Ok(Some(piece)) if piece.starts_with(b"OK") => Ok(socket),
        _ => Err(failed(if by_user {
            "the ticket is refused: the user needs VM.Console on the guest"
        } else {
            "the ticket is refused: tokens open consoles from qemu-server 9.1.7 (Proxmox VE 9.1) on; before, give \
             `username` and `password_file`, too"
        })),
    }
}

/// The next bytes that come; `None`: the end.
async fn next_piece(socket: &mut Socket) -> Result<Option<Bytes>, ApiError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes)),
            Some(Ok(Message::Text(text))) => return Ok(Some(Bytes::from(text))),
            Some(Ok(Message::Close(_))) | None => return Ok(None),
            Some(Ok(_)) => {}
            // PVE closes without saying so.
            Some(Err(tungstenite::Error::Protocol(_) | tungstenite::Error::ConnectionClosed)) => {
                return Ok(None);
            }
            Some(Err(tungstenite::Error::Io(_))) => return Ok(None),
            Some(Err(error)) => return Err(broken(error)),
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// What stands behind the line with the banner, once all of that is there.
fn behind_banner(text: &[u8]) -> Option<&[u8]> {
    let start = find(text, BANNER)?;
    let rest = text.get(start..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    rest.get(end + 1..)
}

/// Moves bytes until either side ends.
struct Pump {
    socket: Socket,
    output: mpsc::Sender<Bytes>,
    input: mpsc::Receiver<Bytes>,
    life: watch::Receiver<Life>,
    _turn: OwnedSemaphorePermit,
}

impl Pump {
    async fn run(mut self) {
        let mut ping = tokio::time::interval(PING_INTERVAL);
        ping.reset();
        let generation = self.life.borrow().generation;
        // Back-pressure: nothing is read from PVE while nobody has taken what was read before.
        let mut unread: Option<Bytes> = None;
        loop {
            let mut done = Ok(());
            tokio::select! {
                piece = next_piece(&mut self.socket), if unread.is_none() => match piece {
                    Ok(Some(piece)) => unread = Some(piece),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(%error, "a console broke");
                        break;
                    }
                },
                room = self.output.reserve(), if unread.is_some() => match room {
                    Ok(room) => {
                        if let Some(piece) = unread.take() {
                            room.send(piece);
                        }
                    }
                    Err(_) => break,
                },
                piece = self.input.recv() => match piece {
                    Some(piece) => done = self.socket.send(framed(&piece)).await,
                    None => break,
                },
                _ = ping.tick() => done = self.socket.send(Message::text("2")).await,
                changed = self.life.changed() => {
                    let life = *self.life.borrow_and_update();
                    // From version 9 on the websocket stays open and silent when the guest is gone.
                    if changed.is_err() || life.is_on == Some(false) || life.generation != generation {
                        break;
                    }
                },
                () = self.output.closed() => break,
            }
            if done.is_err() {
                break;
            }
        }
        // The other side may have closed it already.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close(None)).await;
    }
}

/// Bytes as PVE wants them.
fn framed(piece: &[u8]) -> Message {
    let mut message = format!("0:{}:", piece.len()).into_bytes();
    message.extend_from_slice(piece);
    Message::binary(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_is_left_out_and_the_guest_is_not() {
        let text = b"starting serial terminal on interface serial0\r\nDebian";
        assert_eq!(behind_banner(text), Some(&b"Debian"[..]));
        for end in 0..47 {
            assert_eq!(behind_banner(&text[..end.min(46)]), None, "{end}");
        }
        assert_eq!(
            behind_banner(b"x\r\nstarting serial terminal on interface serial1\n"),
            Some(&b""[..])
        );
    }

    #[test]
    fn input_is_counted_in_bytes() {
        assert_eq!(
            framed("ä\0".as_bytes()),
            Message::binary(b"0:3:\xc3\xa4\0".to_vec())
        );
    }
}
