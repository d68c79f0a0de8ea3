//! Commands: lookup, checks, decoding, the call and encoding of the answer stand here and nowhere else.
//!
//! The sub-modules mirror those of [`ipmi_proto::command`]. There are two kinds of handlers: *pure* ones
//! answer from state at once, *backend* ones may leave a job that waits for the machine without the lock.

mod app;
mod chassis;
mod dcmi;
mod sensor_event;
mod storage;
mod table;
#[cfg(test)]
mod tests;
mod transport;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipmi_proto::command::{Access, Command, CommandSpec, Level, ParameterSpec, decode_request};
use ipmi_proto::command::{PARAMETER_NOT_SUPPORTED, PARAMETER_READ_ONLY};
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode, Lun, NetFn, Privilege, RequestHeader};
use ipmi_proto::session::managed::{SessionId, SessionInfo, Sessions};
use ipmi_proto::session::{Peer, UserId};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::Writer;

pub(crate) use app::{DEVICE_SUPPORT, MANUFACTURER, PRODUCT};
pub(crate) use chassis::boot_wish;
pub(crate) use table::{Handler, TABLE};

use crate::bmc::{Bmc, BodyPrefix, Job, Outcome, Work};
use crate::power::PowerSlot;
use crate::sol::{Sol, SolEnd};
use crate::state::{Restart, State};

/// Most data of an answer: the body code, and 256 bytes of a FRU or SDR with what stands before them.
pub(crate) const RESPONSE_CAPACITY: usize = 300;

/// What a handler works with.
pub(crate) struct Context<'a> {
    /// The BMC; its lock is held.
    pub(crate) bmc: &'a Arc<Bmc>,
    /// Sessions, to be looked at.
    pub(crate) sessions: &'a Sessions,
    /// State.
    pub(crate) state: &'a mut State,
    /// The power action under way.
    pub(crate) power: &'a mut PowerSlot,
    /// The active payload.
    pub(crate) sol: &'a mut Sol,
    /// Now.
    pub(crate) now: Instant,
    /// The session of the request, if it came in one.
    pub(crate) session: Option<RequestSession>,
    /// The channel of the request.
    pub(crate) channel: ChannelNumber,
    /// Who sent it, and to which address.
    pub(crate) peer: Peer,
    /// Addresses and number of the request.
    pub(crate) header: RequestHeader,
    /// What to do when the answer has been sealed.
    pub(crate) after: After,
    /// A timeout has become earlier: the driver has to look at it.
    pub(crate) wake_driver: bool,
}

/// What a handler has to know of the session of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestSession {
    /// Number.
    pub(crate) id: SessionId,
    /// Whose it is.
    pub(crate) user: UserId,
    /// Present privilege.
    pub(crate) privilege: Privilege,
}

impl From<SessionInfo> for RequestSession {
    fn from(session: SessionInfo) -> Self {
        Self {
            id: session.id,
            user: session.user,
            privilege: session.privilege,
        }
    }
}

impl Context<'_> {
    /// The channel that a request names, if it is ours: 0Eh is the one that the request came in on.
    ///
    /// # Errors
    /// CCh for a channel that is not there, or has no sessions.
    pub(crate) fn lan_channel(&self, channel: ChannelNumber) -> Result<ChannelNumber, CompletionCode> {
        match self.resolve(channel) {
            ChannelNumber::LAN => Ok(ChannelNumber::LAN),
            _ => Err(CompletionCode::INVALID_FIELD),
        }
    }

    /// Ends the sessions of a user who may not be here any more.
    pub(crate) fn close_user(&mut self, user: UserId) {
        self.after = After::CloseUser { user, spared: None };
    }

    /// Ends the sessions that a user has from before a change, but for the one that makes it: a client that changes
    /// its own password has more to say.
    pub(crate) fn close_others(&mut self, user: UserId) {
        let spared = self.session.map(|session| session.id);
        self.after = After::CloseUser { user, spared };
    }

    /// The channel that a request names.
    pub(crate) fn resolve(&self, channel: ChannelNumber) -> ChannelNumber {
        if channel == ChannelNumber::PRESENT {
            self.channel
        } else {
            channel
        }
    }
}

/// What to do when the answer has been sealed under the old keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing.
    Nothing,
    /// Serve Serial over LAN, which was activated.
    StartSol,
    /// End Serial over LAN.
    EndSol(SolEnd),
    /// End the sessions of a user.
    CloseUser {
        /// Whose.
        user: UserId,
        /// The session that made the change and may go on.
        spared: Option<SessionId>,
    },
    /// Restart the BMC.
    Reset(Restart),
}

/// What came of a request.
pub(crate) enum Dispatched {
    /// It is answered: the first `length` bytes of the buffer are the data.
    Answer {
        /// Completion code.
        completion: CompletionCode,
        /// Length of the data, the body included.
        length: usize,
    },
    /// It waits for the machine.
    Wait {
        /// What waits.
        job: Job,
        /// What stands before the data of the answer.
        body: BodyPrefix,
    },
}

/// What a handler says.
pub(crate) enum Step<R> {
    /// The answer.
    Done(R),
    /// The answer comes later.
    Wait(Waiting<R>),
}

/// A future answer, and what goes on after it.
pub(crate) type Waiting<R> =
    core::pin::Pin<Box<dyn Future<Output = Result<(R, Option<Work>), CompletionCode>> + Send>>;

/// Answers one request; data of the answer is written to `buffer`.
pub(crate) fn dispatch(context: &mut Context<'_>, data: &[u8], buffer: &mut [u8]) -> Dispatched {
    let refuse = |completion, length| Dispatched::Answer { completion, length };
    let netfn = context.header.netfn;
    let (body, data) = match BodyPrefix::split(netfn, data) {
        Ok(split) => split,
        Err(completion) => return refuse(completion, 0),
    };
    let mut writer = Writer::new(buffer);
    if writer.bytes(body.as_slice()).is_err() {
        return refuse(CompletionCode::UNSPECIFIED, 0);
    }
    let start = writer.len();
    let handler = match check(context, body) {
        Ok(handler) => handler,
        Err(completion) => return refuse(completion, start),
    };
    match (handler.run)(context, data, &mut writer) {
        Ok(Ran::Written(completion)) => refuse(completion, writer.len()),
        Ok(Ran::Wait(waiting)) => Dispatched::Wait {
            job: Box::pin(finish(waiting)),
            body,
        },
        Err(completion) => refuse(completion, start),
    }
}

/// The row of a command that is answered.
pub(crate) fn find(netfn: NetFn, body: BodyPrefix, number: u8) -> Option<&'static CommandSpec> {
    let handler = TABLE.find(netfn, body.as_slice(), number)?;
    Some(handler.spec)
}

/// Looks the command up and checks unit and privilege.
fn check(context: &Context<'_>, body: BodyPrefix) -> Result<&'static Handler, CompletionCode> {
    let header = &context.header;
    let handler = TABLE
        .find(header.netfn, body.as_slice(), header.command)
        .ok_or(CompletionCode::INVALID_COMMAND)?;
    if header.responder_lun != Lun::BMC {
        return Err(CompletionCode::INVALID_FOR_LUN);
    }
    match handler.spec.level {
        Level::Anyone => Ok(handler),
        Level::AtLeast(level) if context.session.is_some_and(|session| session.privilege >= level) => {
            Ok(handler)
        }
        // It has no sessions and every privilege; nothing of the LAN gets here.
        Level::AtLeast(_) | Level::SystemInterface if context.channel == ChannelNumber::SYSTEM_INTERFACE => {
            Ok(handler)
        }
        Level::AtLeast(_) | Level::SystemInterface => Err(CompletionCode::INSUFFICIENT_PRIVILEGE),
        _ => Err(CompletionCode::INVALID_COMMAND),
    }
}

async fn finish(waiting: Waiting<Vec<u8>>) -> Outcome {
    match waiting.await {
        Ok((data, then)) => Outcome {
            completion: CompletionCode::OK,
            data,
            then,
        },
        Err(completion) => Outcome {
            completion,
            data: Vec::new(),
            then: None,
        },
    }
}

/// What a handler of the table did.
pub(crate) enum Ran {
    /// The data stands in the writer.
    Written(CompletionCode),
    /// The data comes later.
    Wait(Waiting<Vec<u8>>),
}

/// The form of all handlers in the table.
pub(crate) type Run = fn(&mut Context<'_>, &[u8], &mut Writer<'_>) -> Result<Ran, CompletionCode>;

/// Runs a handler that answers from state.
fn pure<C: Command>(
    context: &mut Context<'_>,
    data: &[u8],
    writer: &mut Writer<'_>,
    handler: impl FnOnce(&mut Context<'_>, C::Request) -> Result<C::Response, CompletionCode>,
) -> Result<Ran, CompletionCode> {
    let response = handler(context, decode_request::<C::Request>(data)?)?;
    writer.value(&response)?;
    Ok(Ran::Written(CompletionCode::OK))
}

/// As [`pure`], for a handler whose answer has data also with a completion code of its own.
fn coded<C: Command>(
    context: &mut Context<'_>,
    data: &[u8],
    writer: &mut Writer<'_>,
    handler: impl FnOnce(&mut Context<'_>, C::Request) -> Result<(CompletionCode, C::Response), CompletionCode>,
) -> Result<Ran, CompletionCode> {
    let (completion, response) = handler(context, decode_request::<C::Request>(data)?)?;
    writer.value(&response)?;
    Ok(Ran::Written(completion))
}

/// Runs a handler that may wait for the machine.
fn backend<C: Command<Response: Send + 'static>>(
    context: &mut Context<'_>,
    data: &[u8],
    writer: &mut Writer<'_>,
    handler: impl FnOnce(&mut Context<'_>, C::Request) -> Result<Step<C::Response>, CompletionCode>,
) -> Result<Ran, CompletionCode> {
    match handler(context, decode_request::<C::Request>(data)?)? {
        Step::Done(response) => {
            writer.value(&response)?;
            Ok(Ran::Written(CompletionCode::OK))
        }
        Step::Wait(waiting) => Ok(Ran::Wait(Box::pin(async move {
            let (response, then) = waiting.await?;
            let mut buffer = vec![0; RESPONSE_CAPACITY];
            let mut writer = Writer::new(&mut buffer);
            writer.value(&response)?;
            let length = writer.len();
            buffer.truncate(length);
            Ok((buffer, then))
        }))),
    }
}

/// Whether a client may write a configuration parameter.
///
/// # Errors
/// 80h if there is none, 82h if it can only be read.
fn check_writable(parameter: Option<&ParameterSpec>) -> Result<(), CompletionCode> {
    match parameter.ok_or(PARAMETER_NOT_SUPPORTED)?.access {
        Access::ReadOnly => Err(PARAMETER_READ_ONLY),
        _ => Ok(()),
    }
}

/// Declares the handlers of a module: how they are run (`pure` or `backend`), the command, the function.
macro_rules! handlers {
    ($( $kind:ident $command:ident => $function:expr; )*) => {
        /// The handlers of this module.
        pub(super) const HANDLERS: &[$crate::handlers::Handler] = &[$(
            $crate::handlers::Handler {
                spec: &<$command as ipmi_proto::command::Command>::SPEC,
                run: |context, data, writer| {
                    $crate::handlers::$kind::<$command>(context, data, writer, $function)
                },
            },
        )*];
    };
}
use handlers;
