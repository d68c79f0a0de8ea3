//! The serial console.

use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use super::{LOOKS, Patience, settle};
use crate::backend::{
    BackendError, BackendErrorKind, BmcBackend, ConsoleEvent, ConsoleStream, PowerAction, PowerState,
    SerialConsole,
};

/// Longer than what a console takes at once.
const TEXT_LENGTH: usize = 2_000;

/// Checks opening and ending. The machine is on afterwards.
pub(super) async fn check(backend: &dyn BmcBackend, patience: &Patience) {
    let Some(console) = backend.console() else {
        return;
    };
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    let refused = console.open().await.err().map(|error| error.kind());
    assert_eq!(
        refused,
        Some(BackendErrorKind::InvalidState),
        "opening the console of a machine that is off"
    );
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    let stream = console.open().await;
    assert!(
        stream.is_ok(),
        "the console of a machine that is on opens: {stream:?}"
    );
    let second = console.open().await.err().map(|error| error.kind());
    if let Some(kind) = second {
        assert_eq!(
            kind,
            BackendErrorKind::Busy,
            "opening a console that somebody has"
        );
    }
    // Dropping it closes it, perhaps a moment later.
    drop(stream);
    let mut stream = open(console, patience).await;
    let sent = stream.send(b"\r").await;
    assert!(
        sent.as_ref().is_ok_and(|sent| *sent <= 1),
        "an open console takes what it is given, or less: {sent:?}"
    );
    let sent = stream.send_break().await.map_err(|error| error.kind());
    assert!(
        matches!(sent, Ok(()) | Err(BackendErrorKind::Unsupported)),
        "a break is sent, or cannot be: {sent:?}"
    );
    settle(backend, patience, PowerAction::Off, PowerState::Off).await;
    ended(&mut *stream, patience).await;
    drop(stream);
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    drop(open(console, patience).await);
}

/// Checks that nothing is lost, doubled or reordered on a console whose machine says again what it is sent, and
/// that it does so again after a power cycle. The machine is off afterwards.
///
/// It is sent small letters, and may say anything else before them.
///
/// # Panics
/// If the backend breaks its contract, or the machine has no console.
pub async fn check_echo(backend: &dyn BmcBackend, patience: &Patience) {
    let Some(console) = backend.console() else {
        panic!("the machine has no console: there is nothing to check");
    };
    for _ in 0..2 {
        settle(backend, patience, PowerAction::On, PowerState::On).await;
        let mut stream = open(console, patience).await;
        echo(&mut *stream, patience).await;
        settle(backend, patience, PowerAction::Off, PowerState::Off).await;
        ended(&mut *stream, patience).await;
    }
}

async fn echo(stream: &mut dyn ConsoleStream, patience: &Patience) {
    // Its period is no divisor of what buffers hold.
    let text: Vec<u8> = (b'a'..=b'w').cycle().take(TEXT_LENGTH).collect();
    let (mut sent, mut heard) = (0, Vec::new());
    for _ in 0..LOOKS {
        let rest = text.get(sent..).unwrap_or_default();
        if !rest.is_empty() {
            let taken = stream.send(rest).await;
            assert!(
                taken.as_ref().is_ok_and(|taken| *taken <= rest.len()),
                "an open console takes what it is given, or less: {taken:?}"
            );
            sent += taken.unwrap_or_default();
        }
        while let Some(event) = next(stream, patience).await {
            let Ok(ConsoleEvent::Output(output)) = event else {
                panic!("the console of a machine that is on does not end: {event:?}");
            };
            heard.extend_from_slice(&output);
            let echoed = heard.len() >= text.len() && heard.windows(text.len()).any(|part| part == text);
            if echoed {
                return;
            }
            if sent < text.len() {
                break;
            }
        }
    }
    let end = heard.len().saturating_sub(200);
    let end = heard.get(end..).unwrap_or_default();
    panic!(
        "what a console is sent and what it says stays whole and in order: {sent} of {} characters sent, {} heard, \
         the last of them {}",
        text.len(),
        heard.len(),
        end.escape_ascii()
    );
}

/// Opens the console. Whoever had it before may not have left it quite.
async fn open(console: &dyn SerialConsole, patience: &Patience) -> Box<dyn ConsoleStream> {
    for _ in 0..LOOKS {
        match console.open().await {
            Ok(stream) => return stream,
            Err(error) if error.kind() == BackendErrorKind::Busy => patience.pause().await,
            Err(error) => panic!("a console that was closed or ended can be opened again: {error}"),
        }
    }
    panic!("a console that was closed does not stay busy");
}

/// Waits for the end of the stream.
async fn ended(stream: &mut dyn ConsoleStream, patience: &Patience) {
    for _ in 0..LOOKS {
        match next(stream, patience).await {
            None | Some(Ok(ConsoleEvent::Output(_))) => {}
            Some(Ok(ConsoleEvent::Ended)) => return,
            Some(Err(error)) => panic!("a console ends with the power, without an error: {error}"),
        }
    }
    panic!("a console ends with the power");
}

/// What the console says next, if it says something soon. The future is dropped twice on the way, which must lose
/// nothing.
async fn next(
    stream: &mut dyn ConsoleStream,
    patience: &Patience,
) -> Option<Result<ConsoleEvent, BackendError>> {
    if let Poll::Ready(event) = look(stream) {
        return Some(event);
    }
    let (mut event, mut pause) = (stream.next(), (patience.sleep)(super::PAUSE));
    poll_fn(|context| match event.as_mut().poll(context) {
        Poll::Ready(event) => Poll::Ready(Some(event)),
        Poll::Pending => pause.as_mut().poll(context).map(|()| None),
    })
    .await
}

fn look(stream: &mut dyn ConsoleStream) -> Poll<Result<ConsoleEvent, BackendError>> {
    let mut context = Context::from_waker(Waker::noop());
    stream.next().as_mut().poll(&mut context)
}
