//! Moves characters between the active payload and the machine's console.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;

use super::{SolEnd, Task};
use crate::backend::{BackendError, BackendErrorKind, ConsoleEvent, ConsoleStream};
use crate::bmc::{Bmc, Sleep};
use crate::power::log_failure;

/// Until a console that cannot be opened is tried again: at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Until input is offered again to a machine that takes none.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// How often input of a client that is gone is offered to a machine that takes none.
const FAREWELLS: u32 = 50;
/// So often the machine may have something to say at once before others have their turn.
const TURNS: u32 = 16;

/// Serves payloads until nobody wants the console. The machine may be switched off and on meanwhile.
pub(crate) async fn run(bmc: Arc<Bmc>) {
    let mut running = Running(Some(Arc::clone(&bmc)));
    Pump {
        bmc: Arc::clone(&bmc),
        input: Vec::new(),
    }
    .serve()
    .await;
    running.0 = None;
}

/// Says that no pump runs when it is dropped in the middle, such as by a driver that ends.
struct Running(Option<Arc<Bmc>>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(bmc) = &self.0 {
            bmc.with(|inner| inner.sol.pump_ended());
        }
    }
}

struct Pump {
    bmc: Arc<Bmc>,
    /// Input that the machine has not taken yet.
    input: Vec<u8>,
}

/// What becomes of input while the console is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// A machine that is off hears nothing.
    Discard,
    /// It waits; the other end learns that it cannot be passed on.
    Refuse,
    /// It waits for a short time.
    Hold,
}

/// Why the pump goes on.
enum Woken {
    /// The machine's console says something.
    Console(Result<ConsoleEvent, BackendError>),
    /// There may be something to do.
    Changed,
}

impl Pump {
    async fn serve(&mut self) {
        let mut pause = FIRST_PAUSE;
        while self.bmc.with(|inner| inner.sol.keeps_pump()) {
            let bmc = Arc::clone(&self.bmc);
            let Some(console) = bmc.backend().console() else {
                self.give_up();
                continue;
            };
            match console.open().await {
                Ok(stream) => {
                    pause = FIRST_PAUSE;
                    self.with_stream(stream).await;
                    self.wait_closed(Input::Hold, FIRST_PAUSE).await;
                }
                Err(error) if error.kind() == BackendErrorKind::Unsupported => {
                    log_failure(bmc.name(), &error);
                    self.give_up();
                }
                Err(error) => {
                    let input = if error.kind() == BackendErrorKind::InvalidState {
                        if bmc.backend().events().is_some()
                            && !bmc.with(|inner| inner.sol.keeps_pump_while_off())
                        {
                            return;
                        }
                        Input::Discard
                    } else {
                        if pause == FIRST_PAUSE {
                            log_failure(bmc.name(), &error);
                        }
                        Input::Refuse
                    };
                    self.wait_closed(input, pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// The machine has no console.
    fn give_up(&self) {
        self.bmc.with(|inner| inner.sol.give_up());
        self.bmc.end_sol(SolEnd::NoConsole);
    }

    /// Waits until the console is to be opened again. A client who comes need not wait.
    async fn wait_closed(&mut self, input: Input, pause: Duration) {
        let mut sleep = Sleep::or_power_change(Arc::clone(&self.bmc), pause);
        if input == Input::Discard {
            self.input.clear();
        }
        let bmc = Arc::clone(&self.bmc);
        let mut was_active = None;
        poll_fn(|context| {
            let watch = bmc.with(|inner| {
                let watch = inner.sol.watch(context.waker());
                match input {
                    Input::Discard if watch.has_input => {
                        inner.sol.discard_input();
                        inner.wake_driver();
                    }
                    Input::Refuse => inner.sol.set_available(false),
                    Input::Discard | Input::Hold => {}
                }
                watch
            });
            let was_active = *was_active.get_or_insert(watch.is_active);
            if !watch.is_wanted || watch.is_active && !was_active {
                return Poll::Ready(());
            }
            Pin::new(&mut sleep).poll(context)
        })
        .await;
    }

    /// Serves an open console until it ends or nobody wants it.
    async fn with_stream(&mut self, mut stream: Box<dyn ConsoleStream>) {
        self.bmc.with(|inner| {
            inner.sol.set_available(true);
            inner.wake_driver();
        });
        let (mut turns, mut farewells) = (0, 0);
        loop {
            let input = &mut self.input;
            let task = self.bmc.with(|inner| {
                let task = inner.sol.next_task(input);
                if !input.is_empty() {
                    // There is room for input again, which the console may have to be told.
                    inner.wake_driver();
                }
                task
            });
            let sent = match task {
                Task::End => return,
                Task::Break => self.send_break(&mut *stream).await,
                Task::Send => self.send_input(&mut *stream).await,
            };
            let woken = match sent {
                Ok(()) if farewells > FAREWELLS => return,
                Ok(()) => self.wait(&mut *stream, &mut farewells).await,
                Err(error) => Woken::Console(Err(error)),
            };
            match woken {
                Woken::Changed => {}
                Woken::Console(Ok(ConsoleEvent::Output(output))) => {
                    if let Some(transcript) = &self.bmc.settings().transcript {
                        transcript.output(self.bmc.name(), &output);
                    }
                    self.bmc.with(|inner| {
                        inner.sol.output(&output);
                        if inner.sol.session().is_some() {
                            inner.wake_driver();
                        }
                    });
                    turns += 1;
                    if turns % TURNS == 0 {
                        yield_now().await;
                    }
                }
                Woken::Console(Ok(_)) => {
                    tracing::debug!(bmc = self.bmc.name(), "the machine's console ended");
                    return;
                }
                Woken::Console(Err(error)) => {
                    log_failure(self.bmc.name(), &error);
                    return;
                }
            }
        }
    }

    async fn send_break(&self, stream: &mut dyn ConsoleStream) -> Result<(), BackendError> {
        match stream.send_break().await {
            Err(error) if error.kind() == BackendErrorKind::Unsupported => {
                tracing::debug!(bmc = self.bmc.name(), "the machine cannot be sent a break");
                Ok(())
            }
            sent => sent,
        }
    }

    /// Sends what the machine takes at once.
    async fn send_input(&mut self, stream: &mut dyn ConsoleStream) -> Result<(), BackendError> {
        if !self.input.is_empty() {
            let taken = stream.send(&self.input).await?;
            self.input.drain(..taken.min(self.input.len()));
        }
        Ok(())
    }

    /// Waits for output, if there is room for it, and for something to do. Counts how often it waited in vain for
    /// a machine to take the input of a client that is gone.
    async fn wait(&self, stream: &mut dyn ConsoleStream, farewells: &mut u32) -> Woken {
        let is_busy = !self.input.is_empty();
        let mut sleep = is_busy.then(|| Sleep::new(Arc::clone(&self.bmc), BUSY_PAUSE));
        let mut next = stream.next();
        poll_fn(|context| {
            let watch = self.bmc.with(|inner| inner.sol.watch(context.waker()));
            if watch.has_room
                && let Poll::Ready(event) = next.as_mut().poll(context)
            {
                return Poll::Ready(Woken::Console(event));
            }
            let goes_on = watch.is_wanted || watch.has_leftover || is_busy && watch.is_served;
            if !goes_on || watch.has_input && !is_busy {
                return Poll::Ready(Woken::Changed);
            }
            match &mut sleep {
                Some(sleep) => Pin::new(sleep).poll(context).map(|()| {
                    *farewells += u32::from(!watch.is_wanted);
                    Woken::Changed
                }),
                None => Poll::Pending,
            }
        })
        .await
    }
}

/// Lets others have their turn: a machine that never stops talking must not keep a thread to itself.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if core::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
