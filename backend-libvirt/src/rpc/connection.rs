//! One connection: a task that owns the transport, and the calls and streams that wait for it.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, interval, timeout_at};

use super::error::{CloseReason, LibvirtError, RpcError};
use super::event::Event;
use super::frame::{self, Frame, Header, Kind, Status, program};
use super::stream::{Chunk, Stream};
use super::transport::Transport;
use super::xdr::{Decode, Encode, Reader};

/// Requests at once. libvirtd takes five and then reads no further, not even the answers to its own pings: the
/// fifth place stays free for those.
const REQUESTS: usize = 4;
/// Frames that wait for being written.
const QUEUE: usize = 16;
/// Events that wait for being taken. More are lost, and that is told.
const EVENTS: usize = 4_096;
/// How often the other side is asked whether it is there, and for how long it may say nothing.
const PING: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(30);

/// Of the keepalive: its procedures.
const KEEPALIVE_PING: u32 = 1;
const KEEPALIVE_PONG: u32 = 2;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Calls and events: both sides look whether the other is there.
    Calls,
    /// One console. What nobody takes stays on the wire, so that nothing is lost; that would hold up a keepalive.
    Console,
}

/// A call that waits for its reply. Keeps its place until the reply comes, even if nobody waits any more:
/// libvirt is still at it.
struct Pending {
    reply: oneshot::Sender<Result<Vec<u8>, RpcError>>,
    _place: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Waiting {
    calls: HashMap<u32, Pending>,
    streams: HashMap<u32, mpsc::Sender<Chunk>>,
    closed: Option<Arc<CloseReason>>,
}

/// What the handle and the task share.
struct Shared {
    waiting: Mutex<Waiting>,
    events: mpsc::Sender<Event>,
    events_lost: AtomicBool,
    /// Milliseconds after `start` at which something came last.
    heard: AtomicU64,
    start: Instant,
    closed: watch::Sender<Option<Arc<CloseReason>>>,
}

/// Events of a connection.
#[derive(Debug)]
pub(crate) struct Events {
    receiver: mpsc::Receiver<Event>,
    shared: Arc<Shared>,
}

/// A handle of a connection. It ends with its last handle.
#[derive(Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    output: mpsc::Sender<Vec<u8>>,
    places: Arc<Semaphore>,
    serial: Arc<AtomicU32>,
}

impl Connection {
    /// Starts the task of a connection on the present runtime.
    pub(crate) fn start(transport: Transport, what_for: Use) -> (Self, Events) {
        let (output, frames) = mpsc::channel(QUEUE);
        let (events, receiver) = mpsc::channel(EVENTS);
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            events,
            events_lost: AtomicBool::new(false),
            heard: AtomicU64::new(0),
            start: Instant::now(),
            closed: watch::Sender::new(None),
        });
        tokio::spawn(run(
            Arc::clone(&shared),
            transport,
            frames,
            output.downgrade(),
            what_for,
        ));
        let connection = Self {
            shared: Arc::clone(&shared),
            output,
            places: Arc::new(Semaphore::new(REQUESTS)),
            serial: Arc::default(),
        };
        (connection, Events { receiver, shared })
    }

    /// Calls a procedure.
    ///
    /// # Errors
    /// [`RpcError`]; after [`RpcError::Closed`] and [`RpcError::Timeout`] the call may have been done.
    pub(crate) async fn call<R: Decode>(
        &self,
        (program, procedure): (u32, u32),
        arguments: impl Encode + Send,
        limit: Duration,
    ) -> Result<R, RpcError> {
        let body = self
            .request(program, procedure, &encoded(arguments), limit, None)
            .await?;
        R::decode(&mut Reader::new(&body)).map_err(RpcError::Answer)
    }

    /// Calls a procedure that opens a stream.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub(crate) async fn open_stream(
        &self,
        procedure: u32,
        arguments: impl Encode + Send,
        limit: Duration,
    ) -> Result<Stream, RpcError> {
        let (chunks, receiver) = Stream::channel();
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let stream = Stream::new(self.clone(), procedure, serial, receiver);
        let body = encoded(arguments);
        self.request(program::REMOTE, procedure, &body, limit, Some((serial, chunks)))
            .await?;
        Ok(stream)
    }

    /// Sends a frame that belongs to a stream; waits while the transport takes nothing.
    ///
    /// # Errors
    /// [`RpcError::Closed`].
    pub(super) async fn send(&self, header: Header, body: &[u8]) -> Result<(), RpcError> {
        let frame = header.frame(body).ok_or(RpcError::TooLarge)?;
        self.output.send(frame).await.map_err(|_| self.closed_error())
    }

    /// Forgets a stream; what still comes for it is dropped.
    pub(super) fn forget_stream(&self, serial: u32) {
        self.shared.waiting().streams.remove(&serial);
    }

    /// Waits for the end of the connection.
    pub(crate) async fn closed(&self) -> Arc<CloseReason> {
        let mut closed = self.shared.closed.subscribe();
        let reason = match closed.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        reason.unwrap_or_else(|| Arc::new(CloseReason::Unused))
    }

    async fn request(
        &self,
        program: u32,
        procedure: u32,
        body: &[u8],
        limit: Duration,
        stream: Option<(u32, mpsc::Sender<Chunk>)>,
    ) -> Result<Vec<u8>, RpcError> {
        let deadline = Instant::now() + limit;
        let late = |_| RpcError::Timeout(limit);
        let place = timeout_at(deadline, Arc::clone(&self.places).acquire_owned());
        let place = place.await.map_err(late)?.map_err(|_| self.closed_error())?;
        // The place in the queue first: from then on nothing waits, so that a call that libvirt has been asked
        // for is never forgotten, and one that it has not never keeps its place.
        let slot = timeout_at(deadline, self.output.reserve());
        let slot = slot.await.map_err(late)?.map_err(|_| self.closed_error())?;
        let serial = match &stream {
            Some((serial, _)) => *serial,
            None => self.serial.fetch_add(1, Ordering::Relaxed),
        };
        let frame = Header::call(program, procedure, serial).frame(body);
        let frame = frame.ok_or(RpcError::TooLarge)?;
        let (reply, answer) = oneshot::channel();
        {
            let mut waiting = self.shared.waiting();
            if let Some(reason) = &waiting.closed {
                return Err(RpcError::Closed(Arc::clone(reason)));
            }
            let pending = Pending { reply, _place: place };
            waiting.calls.insert(serial, pending);
            if let Some((serial, chunks)) = stream {
                waiting.streams.insert(serial, chunks);
            }
        }
        slot.send(frame);
        match timeout_at(deadline, answer).await.map_err(late)? {
            Ok(result) => result,
            Err(_) => Err(self.closed_error()),
        }
    }

    fn closed_error(&self) -> RpcError {
        let reason = self.shared.waiting().closed.clone();
        RpcError::Closed(reason.unwrap_or_else(|| Arc::new(CloseReason::Ended)))
    }
}

impl Events {
    /// Waits for the next event; `None` after the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            event = self.receiver.recv() => event,
            () = self.shared.until_closed() => self.receiver.try_recv().ok(),
        }
    }

    /// Whether events were lost since this was asked last, because they were not taken.
    pub(crate) fn were_lost(&self) -> bool {
        self.shared.events_lost.swap(false, Ordering::Relaxed)
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until_closed(&self) {
        // An error would mean that the sender is gone, which this holds.
        let _ = self.closed.subscribe().wait_for(Option::is_some).await;
    }

    /// Fails everything that waits.
    fn close(&self, reason: CloseReason) {
        let reason = Arc::new(reason);
        let (calls, streams) = {
            let mut waiting = self.waiting();
            waiting.closed = Some(Arc::clone(&reason));
            (
                core::mem::take(&mut waiting.calls),
                core::mem::take(&mut waiting.streams),
            )
        };
        for (_, pending) in calls {
            // Nobody may wait any more.
            let _ = pending.reply.send(Err(RpcError::Closed(Arc::clone(&reason))));
        }
        drop(streams);
        self.closed.send_replace(Some(reason));
    }

    fn note_life(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(heard)
    }
}

/// The task: reads, writes and looks whether the other side is there, until one of them ends.
async fn run(
    shared: Arc<Shared>,
    transport: Transport,
    frames: mpsc::Receiver<Vec<u8>>,
    output: mpsc::WeakSender<Vec<u8>>,
    what_for: Use,
) {
    let (stream, carrier) = transport.split();
    let (mut input, sink) = tokio::io::split(stream);
    let reason = tokio::select! {
        reason = read(&shared, &mut input, &output) => reason,
        reason = write(sink, frames) => reason,
        reason = keep_alive(&shared, &output), if what_for == Use::Calls => reason,
    };
    let reason = carrier.explain(reason).await;
    tracing::debug!(%reason, "connection to libvirt ended");
    shared.close(reason);
}

async fn write(mut sink: impl AsyncWrite + Unpin, mut frames: mpsc::Receiver<Vec<u8>>) -> CloseReason {
    while let Some(frame) = frames.recv().await {
        let written = async {
            sink.write_all(&frame).await?;
            sink.flush().await
        };
        if let Err(error) = written.await {
            return CloseReason::Io(error);
        }
    }
    CloseReason::Unused
}

async fn keep_alive(shared: &Shared, output: &mpsc::WeakSender<Vec<u8>>) -> CloseReason {
    let mut ticks = interval(PING);
    loop {
        ticks.tick().await;
        let silence = shared.silence();
        if silence >= SILENCE {
            return CloseReason::Silent(silence);
        }
        if silence >= PING {
            send_keepalive(output, KEEPALIVE_PING);
        }
    }
}

/// Sends a ping or a pong, unless the queue is full: then something else shows whether the other side lives.
fn send_keepalive(output: &mpsc::WeakSender<Vec<u8>>, procedure: u32) {
    let header = Header {
        program: program::KEEPALIVE,
        procedure,
        kind: Kind::Message,
        serial: 0,
        status: Status::Ok,
    };
    if let (Some(output), Some(frame)) = (output.upgrade(), header.frame(&[])) {
        let _ = output.try_send(frame);
    }
}

async fn read(
    shared: &Shared,
    input: &mut (impl tokio::io::AsyncRead + Unpin),
    output: &mpsc::WeakSender<Vec<u8>>,
) -> CloseReason {
    loop {
        let frame = match frame::read(input).await {
            Ok(frame) => frame,
            Err(reason) => return reason,
        };
        shared.note_life();
        let Header {
            program,
            procedure,
            kind,
            serial,
            ..
        } = frame.header;
        match (program, kind) {
            (program::KEEPALIVE, _) => {
                if procedure == KEEPALIVE_PING {
                    send_keepalive(output, KEEPALIVE_PONG);
                }
            }
            (_, Kind::Reply) => shared.reply(frame),
            (program::REMOTE, Kind::Message) => {
                if let Some(reason) = shared.event(&frame) {
                    return reason;
                }
            }
            (_, Kind::Stream) => shared.chunk(frame).await,
            _ => tracing::debug!(
                program,
                procedure,
                serial,
                ?kind,
                "libvirt sent something unknown"
            ),
        }
    }
}

impl Shared {
    fn reply(&self, frame: Frame) {
        let serial = frame.header.serial;
        let (pending, is_failed) = {
            let mut waiting = self.waiting();
            let pending = waiting.calls.remove(&serial);
            let is_failed = frame.header.status != Status::Ok;
            if is_failed {
                waiting.streams.remove(&serial);
            }
            (pending, is_failed)
        };
        let Some(pending) = pending else {
            tracing::debug!(serial, "libvirt answered what was not asked");
            return;
        };
        let result = if is_failed {
            Err(LibvirtError::decode(&frame.body).map_or_else(RpcError::Answer, RpcError::Libvirt))
        } else {
            Ok(frame.body)
        };
        // Nobody may wait any more.
        let _ = pending.reply.send(result);
    }

    fn event(&self, frame: &Frame) -> Option<CloseReason> {
        match Event::decode(frame.header.procedure, &frame.body) {
            Ok(Some(Event::ConnectionClosed)) => return Some(CloseReason::Hypervisor),
            Ok(Some(event)) => {
                // The reader never waits: calls would wait with it.
                if self.events.try_send(event).is_err() {
                    self.events_lost.store(true, Ordering::Relaxed);
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(procedure = frame.header.procedure, %error, "an event of libvirt cannot be understood");
            }
        }
        None
    }

    async fn chunk(&self, frame: Frame) {
        let serial = frame.header.serial;
        let chunk = match frame.header.status {
            Status::Continue if !frame.body.is_empty() => Chunk::Data(frame.body.into()),
            Status::Continue | Status::Ok => Chunk::End,
            Status::Error => Chunk::Failed(
                LibvirtError::decode(&frame.body).map_or_else(RpcError::Answer, RpcError::Libvirt),
            ),
        };
        let is_last = !matches!(chunk, Chunk::Data(_));
        let sender = {
            let mut waiting = self.waiting();
            if is_last {
                waiting.streams.remove(&serial)
            } else {
                waiting.streams.get(&serial).cloned()
            }
        };
        if let Some(sender) = sender {
            // Waits while nobody takes what came: the other side then waits, too. An error: nobody ever will.
            let _ = sender.send(chunk).await;
        }
    }
}

fn encoded(arguments: impl Encode) -> Vec<u8> {
    let mut body = Vec::new();
    arguments.encode(&mut body);
    body
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.waiting();
        f.debug_struct("Connection")
            .field("calls", &waiting.calls.len())
            .field("streams", &waiting.streams.len())
            .field("closed", &waiting.closed)
            .finish_non_exhaustive()
    }
}
