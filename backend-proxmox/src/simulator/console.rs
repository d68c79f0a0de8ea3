//! Consoles: a ticket for a port, then a websocket that ends at the guest's terminal.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tungstenite::handshake::derive_accept_key;

use super::call::Call;
use super::cluster::Console;
use super::devices;
use super::frames::Frames;
use super::guest::GuestKind;
use super::shared::Shared;
use super::terminal::{Decoder, Input, Shell};
use super::version::PveVersion;

/// Time that the process of a terminal takes to start.
const STARTUP: Duration = Duration::from_millis(500);
/// Bytes of the line with the ticket.
const TICKET_LINE: usize = 4096;
/// Output that waits for a slow console; more is lost, as it is without one.
const BACKLOG: usize = 1024;

/// What happens to a guest, for those who watch it.
#[derive(Clone, Debug)]
pub(super) enum GuestEvent {
    /// It prints on its console.
    Output(Vec<u8>),
    /// Its process ended.
    Stopped,
    /// Something reached it, as in [`GuestView::events`](super::GuestView::events).
    Recorded(String),
}

/// A sender of a new guest's console events.
pub(super) fn channel() -> broadcast::Sender<GuestEvent> {
    broadcast::Sender::new(BACKLOG)
}

/// A request to go on as a websocket.
pub(super) struct Upgrade {
    upgraded: OnUpgrade,
    accept: String,
    protocol: Option<HeaderValue>,
    session: Option<Session>,
}

impl Upgrade {
    /// The upgrade that a request asks for, if it does.
    pub(super) fn of(request: &mut Request<Incoming>) -> Option<Self> {
        let headers = request.headers();
        let websocket = headers
            .get(UPGRADE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
        let accept = derive_accept_key(headers.get(SEC_WEBSOCKET_KEY).filter(|_| websocket)?.as_bytes());
        let protocol = headers.get(SEC_WEBSOCKET_PROTOCOL).cloned();
        Some(Self {
            upgraded: hyper::upgrade::on(request),
            accept,
            protocol,
            session: None,
        })
    }

    /// For the console that `call` asked for.
    pub(super) fn with(mut self, call: &Call) -> Self {
        let port = call.text("port").parse().unwrap_or(0);
        let console = call.shared.cluster().consoles.remove(&(call.here.clone(), port));
        self.session = console.map(|console| Session {
            shared: call.shared.clone(),
            console,
        });
        self
    }

    /// Answers, and serves the console until one end closes or `cut` is cancelled.
    pub(super) fn start(self, cut: CancellationToken) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let (upgraded, session) = (self.upgraded, self.session);
        tokio::spawn(async move {
            // Without a session nobody listens at the port: the connection is closed at once.
            let (Ok(stream), Some(session)) = (upgraded.await, session) else {
                return;
            };
            let (shared, upid) = (session.shared.clone(), session.console.upid.clone());
            let result = tokio::select! {
                result = session.serve(TokioIo::new(stream)) => result,
                () = cut.cancelled() => Ok(()),
            };
            let now = shared.clock.unix();
            shared.cluster().tasks.end(&upid, result, now);
        });
        response
    }
}

/// Forgets a console that nobody connects to in time.
pub(super) fn expire(shared: &Arc<Shared>, node: String, port: u16, upid: String) {
    let shared = shared.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = shared.clock.sleep(shared.settings.console_patience) => {}
            () = shared.end.cancelled() => return,
        }
        let now = shared.clock.unix();
        let mut cluster = shared.cluster();
        let key = (node, port);
        if cluster
            .consoles
            .get(&key)
            .is_some_and(|console| console.upid == upid)
        {
            cluster.consoles.remove(&key);
            cluster
                .tasks
                .end(&upid, Err("connection timed out".to_owned()), now);
        }
    });
}

struct Session {
    shared: Arc<Shared>,
    console: Console,
}

impl Session {
    /// The result of the console's task.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) -> Result<(), String> {
        let mut frames = Frames::new(stream);
        let vmid = self.console.vmid;
        let failed = || format!("command '/usr/bin/termproxy --path /vms/{vmid}' failed: exit code 1");
        let early = self.check_ticket(&mut frames).await.ok_or_else(failed)?;
        frames.send(b"OK").await.ok_or_else(failed)?;
        // How a console ends is no error: clients just go away.
        self.attach(&mut frames, early).await;
        Ok(())
    }

    /// Reads the line `USER:TICKET`; what came behind it is returned.
    async fn check_ticket<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        frames: &mut Frames<S>,
    ) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let end = loop {
            if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                break end;
            }
            if line.len() > TICKET_LINE {
                return None;
            }
            let piece = tokio::select! {
                piece = frames.next() => piece?,
                () = self.shared.clock.sleep(self.shared.settings.console_patience) => return None,
            };
            line.extend_from_slice(&piece);
        };
        let rest = line.split_off(end + 1);
        let expected = format!("{}:{}\n", self.console.caller.id(), self.console.ticket);
        let usable = self.console.caller.token.is_none() || self.shared.settings.token_consoles;
        (usable && line == expected.as_bytes()).then_some(rest)
    }

    /// Connects the client with the guest's terminal.
    async fn attach<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        frames: &mut Frames<S>,
        early: Vec<u8>,
    ) -> Option<()> {
        let mut decoder = Decoder::default();
        decoder.push(&early);
        let mut typed = Vec::new();
        // Until the terminal's process has started, what is typed is echoed by its tty, and delivered later again.
        let deadline = self.shared.clock.now() + STARTUP;
        loop {
            let piece = tokio::select! {
                piece = frames.next() => piece?,
                () = self.shared.clock.sleep_until(deadline) => break,
            };
            decoder.push(&piece);
            let new = drain(&mut decoder)?;
            frames.send(&new).await?;
            typed.extend_from_slice(&new);
        }
        let (events, kind, port) = {
            let cluster = self.shared.cluster();
            let guest = cluster.guests.get(&self.console.vmid)?;
            (guest.console.subscribe(), guest.kind, guest.port.clone())
        };
        let running = self.shell().is_some();
        if !running {
            let title = kind.title();
            frames
                .send(format!("{title} {} not running\r\n", self.console.vmid).as_bytes())
                .await?;
            return None;
        }
        let _attached = if kind == GuestKind::Qemu {
            let name = self.console.port.as_deref().unwrap_or("serial0");
            frames
                .send(format!("starting serial terminal on interface {name}\r\n").as_bytes())
                .await?;
            // One console at a time has the port; what is typed at the others waits.
            Some(loop {
                tokio::select! {
                    attached = port.clone().lock_owned() => break attached,
                    piece = frames.next() => {
                        decoder.push(&piece?);
                        typed.extend_from_slice(&drain(&mut decoder)?);
                    }
                }
            })
        } else {
            None
        };
        self.relay(frames, events, decoder, typed).await
    }

    /// Carries bytes between client and guest.
    async fn relay<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        frames: &mut Frames<S>,
        mut events: broadcast::Receiver<GuestEvent>,
        mut decoder: Decoder,
        mut typed: Vec<u8>,
    ) -> Option<()> {
        let shell = self.shell()?;
        let mut stopped = false;
        loop {
            if !typed.is_empty() {
                // Since version 9 a console ends with the machine only when something is sent to it.
                if stopped {
                    return None;
                }
                let output = shell.echo(&typed);
                typed.clear();
                frames.send(&output).await?;
            }
            tokio::select! {
                piece = frames.next() => {
                    decoder.push(&piece?);
                    typed = drain(&mut decoder)?;
                }
                event = events.recv() => match event {
                    // What is started later has a port of its own.
                    Ok(GuestEvent::Output(_)) if stopped => {}
                    Ok(GuestEvent::Output(bytes)) => frames.send(&bytes).await?,
                    Ok(GuestEvent::Stopped) if self.shared.version < PveVersion::V9 => return None,
                    Ok(GuestEvent::Stopped) => stopped = true,
                    Ok(GuestEvent::Recorded(_)) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    }

    /// The shell of the guest while it runs and has the port.
    fn shell(&self) -> Option<Shell> {
        let cluster = self.shared.cluster();
        let guest = cluster.guests.get(&self.console.vmid)?;
        let process = guest.process.as_ref()?;
        if guest.kind == GuestKind::Qemu {
            devices::serial_port(&process.config, self.console.port.as_deref())?;
        }
        Some(Shell::new(guest.name()))
    }
}

/// What was typed in whole messages; `None`: not the protocol.
fn drain(decoder: &mut Decoder) -> Option<Vec<u8>> {
    let mut typed = Vec::new();
    while let Some(input) = decoder.next().ok()? {
        if let Input::Typed(bytes) = input {
            typed.extend_from_slice(&bytes);
        }
    }
    Some(typed)
}
