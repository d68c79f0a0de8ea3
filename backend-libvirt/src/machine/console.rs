//! The serial console.

use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use ipmi_server::backend::{
    BackendError, BackendErrorKind, ConsoleEvent, ConsoleStream, PowerState, SerialConsole,
};

use super::LibvirtMachine;
use crate::failure::failure;
use crate::hypervisor::{Entry, Session, Shared};
use crate::rpc::{Client, Domain, ErrorCode, LibvirtError, RpcError, Stream};

/// Longest time that connecting may take.
const OPEN_LIMIT: Duration = Duration::from_secs(4);
/// libvirt notices a moment later that a console was closed: how often and when to try again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(60);

#[async_trait]
impl SerialConsole for LibvirtMachine {
    async fn open(&self) -> Result<Box<dyn ConsoleStream>, BackendError> {
        const OPERATION: &str = "open the domain's console";
        let session = self.session()?;
        if self.entry.known().power() == Some(PowerState::Off) {
            self.entry.want_console();
            return Err(BackendError::new(BackendErrorKind::InvalidState, OPERATION));
        }
        let stream = match self.entry.take_console() {
            Some(stream) => stream,
            None => self.open_stream(OPERATION).await?,
        };
        Ok(Box::new(LibvirtConsole {
            stream,
            entry: Arc::clone(&self.entry),
            session,
        }))
    }
}

impl LibvirtMachine {
    async fn open_stream(&self, operation: &'static str) -> Result<Stream, BackendError> {
        let shared = Arc::clone(&self.hypervisor.shared);
        let domain = self.entry.domain();
        // On the runtime of the hypervisor, whichever this is: the connection's task lives there.
        let runtime = shared.runtime.clone();
        let opened = runtime.spawn(async move { open_at(&shared, &domain, operation).await });
        let lost = |_| BackendError::new(BackendErrorKind::Other, operation);
        opened.await.map_err(lost)?
    }
}

async fn open_at(shared: &Shared, domain: &Domain, operation: &'static str) -> Result<Stream, BackendError> {
    let force = shared.options.force_console;
    let client = Client::open_for_console(&shared.uri, OPEN_LIMIT).await;
    let client = client
        .map_err(|error| BackendError::new(BackendErrorKind::Unavailable, operation).with_source(error))?;
    let mut tries = 0;
    loop {
        tries += 1;
        match client.open_console(domain, force).await {
            Err(RpcError::Libvirt(error)) if is_taken(&error) => {
                if tries >= TRIES {
                    return Err(BackendError::new(BackendErrorKind::Busy, operation).with_source(error));
                }
                tokio::time::sleep(PAUSE).await;
            }
            result => return result.map_err(failure(operation)),
        }
    }
}

/// "Active console session exists for this domain".
fn is_taken(error: &LibvirtError) -> bool {
    error.code == ErrorCode::OPERATION_FAILED
}

/// An open console.
#[derive(Debug)]
struct LibvirtConsole {
    stream: Stream,
    entry: Arc<Entry>,
    session: Arc<Session>,
}

#[async_trait]
impl ConsoleStream for LibvirtConsole {
    async fn next(&mut self) -> Result<ConsoleEvent, BackendError> {
        match self.stream.next().await {
            Ok(Some(bytes)) => Ok(ConsoleEvent::Output(bytes)),
            Ok(None) => {
                // Who has it wants it again when the domain starts.
                self.entry.want_console();
                Ok(ConsoleEvent::Ended)
            }
            Err(error) => Err(failure("read the domain's console")(error)),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<usize, BackendError> {
        let sent = self.stream.send(bytes).await;
        sent.map_err(failure("write to the domain's console"))
    }

    async fn send_break(&mut self) -> Result<(), BackendError> {
        let command = "{\"execute\":\"chardev-send-break\",\"arguments\":{\"id\":\"charserial0\"}}";
        let sent = self.session.monitor(&self.entry.domain(), command).await;
        sent.map_err(|error| {
            BackendError::new(
                BackendErrorKind::Unsupported,
                "send a break to the domain's console",
            )
            .with_source(error)
        })
    }
}
