//! The way of a command through the engine: retries, the engine's own commands, or the application.

use rand_core::CryptoRng;

use super::active::{Sealing, Session, seal_v1_5};
use super::handshake::seal_plain;
use super::retry::Lookup;
use super::{AnsweredCommand, Arrival, Executed, Handled, Origin, Request, RequestToken, Sessions};
use crate::command::Command;
use crate::command::app::session::{
    GetChannelAuthenticationCapabilities, GetChannelCipherSuites, GetSessionChallenge, GetSystemGuid,
};
use crate::command::sensor_event::alert::PetAcknowledge;
use crate::crypto::Password;
use crate::crypto::v15::AuthenticationType;
use crate::ipmb::{BMC_ADDRESS, CompletionCode, Lun, RequestHeader, RequestMessage, ResponseMessage};
use crate::packet::Format;
use crate::packet::v2_0::PayloadType;
use crate::session::{CloseReason, Directory, DropReason, Peer};
use crate::time::Instant;
use crate::wire::{Bytes, WireError};

/// Room for the longest answer that a retry can get again.
const LONGEST_REPEATED: usize = 128;

impl Session {
    /// Notes that the console lives, and where.
    pub(super) fn heard(&mut self, now: Instant, peer: Peer) {
        self.last_heard = now;
        self.peer = peer;
        self.unconfirmed = None;
    }
}

impl Sessions {
    /// Handles a request of an open session that passed authentication and window.
    pub(super) fn handle_request<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        id: u32,
        sealing: Sealing,
        message: RequestMessage<'d>,
        is_duplicate: bool,
        output: &mut [u8],
    ) -> Handled<'d> {
        let Some(session) = self.active.get_mut(id) else {
            return Handled::Dropped(DropReason::UnknownSession);
        };
        let header = message.header;
        if header.responder != BMC_ADDRESS {
            return Handled::Dropped(DropReason::MalformedMessage);
        }
        if is_duplicate {
            return repeat(session, arrival, sealing, &message, output);
        }
        session.heard(arrival.now, arrival.peer);
        let ticket = match session.retries.begin(arrival.now, &header, message.data) {
            Lookup::New(ticket) => ticket,
            Lookup::InProgress => return Handled::Dropped(DropReason::InProgress),
            Lookup::Answered(answer) => {
                let answer = Bytes::<LONGEST_REPEATED>::from_slice(answer).unwrap_or_default();
                return seal_repeated(session, arrival, sealing, header, &answer, output);
            }
        };
        let info = session.info();
        let origin = Origin::Session { id, ticket, sealing };
        let token = RequestToken { header, origin };
        if let Some(executed) = self.execute(arrival, Some(id), &message) {
            return self.answer(arrival, token, &executed, output);
        }
        let channel = arrival.directory.channel().number;
        Handled::Request(Request {
            token,
            message,
            session: Some(info),
            channel,
            peer: arrival.peer,
        })
    }

    /// Handles a message outside any session.
    pub(super) fn handle_sessionless<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        format: Format,
        bytes: &'d [u8],
        output: &mut [u8],
    ) -> Handled<'d> {
        let Ok(message) = RequestMessage::parse(bytes) else {
            return Handled::Dropped(DropReason::MalformedMessage);
        };
        let header = message.header;
        if header.responder != BMC_ADDRESS {
            return Handled::Dropped(DropReason::MalformedMessage);
        }
        if !is_sessionless(&header, format) {
            return Handled::Dropped(DropReason::NotSessionless);
        }
        let token = RequestToken {
            header,
            origin: Origin::Sessionless {
                format,
                peer: arrival.peer,
            },
        };
        if let Some(executed) = self.execute(arrival, None, &message) {
            return self.answer(arrival, token, &executed, output);
        }
        let channel = arrival.directory.channel().number;
        Handled::Request(Request {
            token,
            message,
            session: None,
            channel,
            peer: arrival.peer,
        })
    }

    fn answer<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        token: RequestToken,
        executed: &Executed,
        output: &mut [u8],
    ) -> Handled<'d> {
        let (netfn, number) = (token.header.netfn, token.header.command);
        let completion = executed.completion;
        let sealed = self.respond(
            arrival.now,
            token,
            completion,
            &executed.data,
            arrival.random,
            output,
        );
        if let Some(id) = executed.close {
            self.close_id(id, CloseReason::Requested);
        }
        match sealed {
            Some((_, length)) => Handled::Reply {
                length,
                command: Some(AnsweredCommand {
                    netfn,
                    number,
                    completion,
                }),
            },
            None => Handled::Dropped(DropReason::AnswerTooLong),
        }
    }
}

/// Answers a packet that was received before: with the first answer, if it is kept and the sender is the
/// console itself. Nothing runs.
fn repeat<'d, D: Directory, R: CryptoRng>(
    session: &mut Session,
    arrival: &mut Arrival<'_, D, R>,
    sealing: Sealing,
    message: &RequestMessage<'_>,
    output: &mut [u8],
) -> Handled<'d> {
    let answer = session
        .retries
        .answer_of(arrival.now, &message.header, message.data);
    let answer = answer
        .filter(|_| session.peer == arrival.peer)
        .and_then(|answer| Bytes::from_slice(answer).ok());
    match answer {
        Some(answer) => seal_repeated(session, arrival, sealing, message.header, &answer, output),
        None => Handled::Dropped(DropReason::Replayed),
    }
}

fn seal_repeated<'d, D: Directory, R: CryptoRng>(
    session: &mut Session,
    arrival: &mut Arrival<'_, D, R>,
    sealing: Sealing,
    header: RequestHeader,
    answer: &Bytes<LONGEST_REPEATED>,
    output: &mut [u8],
) -> Handled<'d> {
    let Some((completion, data)) = answer.split_first() else {
        return Handled::Dropped(DropReason::Replayed);
    };
    match session.seal_response(
        sealing,
        header,
        CompletionCode(*completion),
        data,
        arrival.random,
        output,
    ) {
        Ok(length) => Handled::answer(length),
        Err(_) => Handled::Dropped(DropReason::AnswerTooLong),
    }
}

/// Whether a command may be sent outside a session. Everything else is dropped: an answer would be an oracle.
fn is_sessionless(header: &RequestHeader, format: Format) -> bool {
    let is = |spec: &crate::command::CommandSpec| spec.is(header.netfn, header.command);
    let is_allowed = is(&GetSystemGuid::SPEC)
        || is(&GetChannelAuthenticationCapabilities::SPEC)
        || is(&GetChannelCipherSuites::SPEC)
        || is(&PetAcknowledge::SPEC)
        // A login of IPMI 1.5 begins in its own format.
        || is(&GetSessionChallenge::SPEC) && format == Format::V1_5;
    is_allowed && header.responder_lun == Lun::BMC
}

/// Seals an answer outside any session, in the format of its request.
pub(super) fn seal_sessionless(
    format: Format,
    response: &ResponseMessage<'_>,
    output: &mut [u8],
) -> Result<usize, WireError> {
    match format {
        Format::V2_0 => seal_plain(PayloadType::IPMI, output, |writer| response.write(writer)),
        Format::V1_5 => seal_v1_5(
            0,
            0,
            AuthenticationType::NONE,
            &Password::empty(),
            output,
            |writer| response.write(writer),
        ),
    }
}
