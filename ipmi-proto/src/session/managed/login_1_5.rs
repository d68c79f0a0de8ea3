//! The login of IPMI 1.5: Get Session Challenge and Activate Session (IPMI 2.0 §22.16, §22.17).

use alloc::boxed::Box;

use rand_core::CryptoRng;

use super::active::{LoginAnswer, Protection, Sealing, V1_5, seal_v1_5};
use super::half_open::{AwaitActivate, HalfOpen, Phase};
use super::{AnsweredCommand, Arrival, Handled, Sessions};
use crate::command::app::session::{
    ActivateSession, ActivateSessionRequest, ActivatedSession, GetSessionChallenge,
    GetSessionChallengeRequest, SessionChallenge,
};
use crate::command::{Command, decode_request};
use crate::crypto::Password;
use crate::crypto::v15::{AuthenticationType, verify_authentication_code};
use crate::ipmb::{CompletionCode, Lun, Privilege, RequestMessage, ResponseMessage};
use crate::packet::v1_5;
use crate::session::policy::AuthTypes;
use crate::session::window::{SequenceCounter, SequenceWindow, Width};
use crate::session::{Directory, DropReason, LoginFailure, UserLookup, UserRecord};
use crate::wire::Writer;

impl Sessions {
    /// Get Session Challenge: starts a login.
    pub(super) fn challenge<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        request: &GetSessionChallengeRequest,
    ) -> Result<SessionChallenge, CompletionCode> {
        let kind = request.authentication.0;
        let channel = arrival.directory.channel();
        let mask = AuthTypes::from_bits_truncate(kind.mask());
        let is_offered = !mask.is_empty() && channel.auth_types.iter().any(|types| types.contains(mask));
        if !is_offered {
            return Err(CompletionCode::INVALID_FIELD);
        }
        let name = request.user.text();
        let lookup = UserLookup { name, at_least: None };
        self.draw_decoy(arrival.random);
        let directory = arrival.directory;
        let hides = directory.hides_unknown_users() && kind != AuthenticationType::NONE;
        let user = directory
            .user(lookup)
            .filter(|user| user.privilege_limit.is_level());
        let user = user.map(|user| user.id);
        let is_allowed = user.is_some_and(|id| directory.login_allowed(id, arrival.peer, arrival.now));
        // One that is hidden is found out by its authentication code. Not told as a failed login: a challenge is
        // asked for by a single datagram, whose sender may have put somebody else's address on it.
        if !is_allowed && !hides {
            return Err(if name.is_empty() {
                GetSessionChallenge::NULL_USER_DISABLED
            } else {
                GetSessionChallenge::INVALID_USER
            });
        }
        let temporary_session = self.free_id(arrival.random).ok_or(CompletionCode::OUT_OF_SPACE)?;
        let mut challenge = [0; 16];
        arrival.random.fill_bytes(&mut challenge);
        let phase = Phase::AwaitActivate(AwaitActivate {
            kind,
            challenge,
            user,
            wrong_code: None,
        });
        let login = HalfOpen {
            peer: arrival.peer,
            started: arrival.now,
            phase,
        };
        self.insert_half_open(arrival.now, temporary_session, login);
        Ok(SessionChallenge {
            temporary_session,
            challenge,
        })
    }

    /// A packet in the temporary session of a login: only Activate Session is allowed.
    pub(super) fn handle_temporary<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        packet: &v1_5::Packet<'_>,
        output: &mut [u8],
    ) -> Handled<'d> {
        match self.activate(arrival, packet, output) {
            Ok((length, completion)) => Handled::Reply {
                length,
                command: Some(AnsweredCommand {
                    netfn: ActivateSession::SPEC.netfn,
                    number: ActivateSession::SPEC.number,
                    completion,
                }),
            },
            Err(reason) => Handled::Dropped(reason),
        }
    }

    fn activate<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        packet: &v1_5::Packet<'_>,
        output: &mut [u8],
    ) -> Result<(usize, CompletionCode), DropReason> {
        let id = packet.header.session;
        let login = self.half_open.get(id).filter(|login| login.peer == arrival.peer);
        let Some(HalfOpen {
            phase: Phase::AwaitActivate(login),
            ..
        }) = login
        else {
            return Err(DropReason::SessionNotOpen);
        };
        let login = *login;
        let message = activation(packet)?;
        let user = self.authenticate(arrival, id, &login, packet)?;
        let request = decode_request::<ActivateSessionRequest>(message.data);
        let outcome = request.and_then(|request| self.activate_for(arrival, id, &login, &user, &request));
        match outcome {
            Ok(()) => {
                self.half_open.remove(id);
                let length = self.answer_activation(id, &message, output)?;
                Ok((length, CompletionCode::OK))
            }
            Err(completion) => {
                let request = message.header;
                let sealed = seal_v1_5(id, 0, login.kind, user.password, output, |writer| {
                    ResponseMessage {
                        request,
                        completion,
                        data: &[],
                    }
                    .write(writer)
                });
                let length = sealed.map_err(|_| DropReason::AnswerTooLong)?;
                Ok((length, completion))
            }
        }
    }

    /// The user whose password a packet of a login proves. Takes the same time whether there is such a user or not.
    fn authenticate<'a, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &Arrival<'a, D, R>,
        id: u32,
        login: &AwaitActivate,
        packet: &v1_5::Packet<'_>,
    ) -> Result<UserRecord<'a>, DropReason> {
        let directory = arrival.directory;
        let user = login.user.and_then(|id| directory.user_by_id(id));
        let decoy = self.decoy.as_deref();
        let password = user.as_ref().map(|user| user.password).or(decoy);
        let password = password.ok_or(DropReason::UnknownSession)?;
        let is_authentic = is_authentic(login.kind, password, packet)?;
        let is_allowed = login
            .user
            .is_none_or(|id| directory.login_allowed(id, arrival.peer, arrival.now));
        let failure = match user {
            Some(user) if is_authentic && is_allowed => return Ok(user),
            Some(_) if !is_allowed => LoginFailure::LockedOut,
            Some(_) => LoginFailure::WrongPassword,
            None => LoginFailure::UnknownUser,
        };
        // The challenge stays: whoever sent this may not be the console that asked for it. The same packet again
        // is no other guess.
        let code = packet.auth_code.copied();
        if code.is_none() || code != login.wrong_code {
            self.push_failure(arrival, login.user, failure);
        }
        if let Some(HalfOpen {
            phase: Phase::AwaitActivate(login),
            ..
        }) = self.half_open.get_mut(id)
        {
            login.wrong_code = code;
        }
        Err(DropReason::BadAuthCode)
    }

    fn activate_for<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        id: u32,
        login: &AwaitActivate,
        user: &UserRecord<'_>,
        request: &ActivateSessionRequest,
    ) -> Result<(), CompletionCode> {
        let maximum = request.maximum_privilege.0;
        let channel = arrival.directory.channel();
        if request.authentication.0 != login.kind
            || request.challenge != login.challenge
            || !maximum.is_level()
        {
            return Err(CompletionCode::INVALID_FIELD);
        }
        if request.initial_outbound == 0 {
            return Err(ActivateSession::SEQUENCE_OUT_OF_RANGE);
        }
        let mask = AuthTypes::from_bits_truncate(login.kind.mask());
        let limit = user.privilege_limit.min(channel.privilege_limit);
        if maximum > limit || !channel.auth_types_for(maximum).contains(mask) {
            return Err(ActivateSession::PRIVILEGE_EXCEEDED);
        }
        if self.is_full() {
            return Err(ActivateSession::NO_SLOT);
        }
        if !self.user_may_have_another(user) {
            return Err(ActivateSession::NO_SLOT_FOR_USER);
        }
        let initial_inbound = arrival.random.next_u32() | 1;
        let protection = Protection::V1_5(Box::new(V1_5 {
            kind: login.kind,
            password: user.password.duplicate(),
            inbound: SequenceWindow::new(initial_inbound, Width::V1_5),
            outbound: SequenceCounter::new(request.initial_outbound),
        }));
        let unconfirmed = LoginAnswer::V1_5 {
            challenge: login.challenge,
            initial_outbound: request.initial_outbound,
            initial_inbound,
            maximum,
        };
        self.open(arrival, id, user.id, maximum, protection, unconfirmed)
            .ok_or(ActivateSession::NO_SLOT)
    }

    /// The console did not get the answer to Activate Session and sends the command again.
    pub(super) fn repeat_activation<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &Arrival<'_, D, R>,
        packet: &v1_5::Packet<'_>,
        output: &mut [u8],
    ) -> Option<Result<usize, DropReason>> {
        let id = packet.header.session;
        let session = self
            .active
            .get_mut(id)
            .filter(|session| session.peer == arrival.peer)?;
        let (
            Some(LoginAnswer::V1_5 {
                challenge,
                initial_outbound,
                ..
            }),
            Protection::V1_5(protection),
        ) = (session.unconfirmed.as_deref(), &mut session.protection)
        else {
            return None;
        };
        let message = activation(packet).ok()?;
        let request = decode_request::<ActivateSessionRequest>(message.data).ok()?;
        let is_authentic = is_authentic(protection.kind, &protection.password, packet).ok()?;
        if !is_authentic || request.challenge != *challenge {
            return None;
        }
        protection.outbound = SequenceCounter::new(*initial_outbound);
        Some(self.answer_activation(id, &message, output))
    }

    fn answer_activation(
        &mut self,
        id: u32,
        message: &RequestMessage<'_>,
        output: &mut [u8],
    ) -> Result<usize, DropReason> {
        let session = self.active.get_mut(id).ok_or(DropReason::UnknownSession)?;
        let (
            Some(LoginAnswer::V1_5 {
                initial_inbound,
                maximum,
                ..
            }),
            Protection::V1_5(protection),
        ) = (session.unconfirmed.as_deref(), &mut session.protection)
        else {
            return Err(DropReason::UnknownSession);
        };
        let answer = ActivatedSession {
            authentication: protection.kind.into(),
            session: id,
            initial_inbound: *initial_inbound,
            maximum_privilege: (*maximum).into(),
        };
        let mut data = [0; 16];
        let mut writer = Writer::new(&mut data);
        writer.value(&answer).map_err(|_| DropReason::AnswerTooLong)?;
        let (request, completion) = (message.header, CompletionCode::OK);
        let kind = protection.kind;
        protection
            .seal(id, kind, output, |output| {
                ResponseMessage {
                    request,
                    completion,
                    data: writer.written(),
                }
                .write(output)
            })
            .map_err(|_| DropReason::AnswerTooLong)
    }

    /// A packet of IPMI 1.5 with the number of an open session.
    pub(super) fn handle_v1_5_session<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        packet: v1_5::Packet<'d>,
        output: &mut [u8],
    ) -> Handled<'d> {
        if packet.header.sequence == 0 {
            return match self.repeat_activation(arrival, &packet, output) {
                Some(Ok(length)) => Handled::answer(length),
                Some(Err(reason)) => Handled::Dropped(reason),
                None => Handled::Dropped(DropReason::OutOfWindow),
            };
        }
        let id = packet.header.session;
        let Ok(message) = RequestMessage::parse(packet.message) else {
            return Handled::Dropped(DropReason::MalformedMessage);
        };
        let Some(session) = self.active.get_mut(id) else {
            return Handled::Dropped(DropReason::UnknownSession);
        };
        // Packets without a code are those of a session only as far as they come from its console's address.
        let has_moved = session.peer.remote.ip() != arrival.peer.remote.ip();
        if has_moved && packet.header.auth_type == AuthenticationType::NONE.0 {
            return Handled::Dropped(DropReason::NotProtected);
        }
        let may_be_bare =
            session.peer == arrival.peer && bare_is_enough(arrival.directory, &message, session.privilege);
        let Protection::V1_5(protection) = &mut session.protection else {
            return Handled::Dropped(DropReason::NotProtected);
        };
        match protection.open(&packet, may_be_bare) {
            Ok((kind, is_duplicate)) => {
                self.handle_request(arrival, id, Sealing::V1_5(kind), message, is_duplicate, output)
            }
            Err(reason) => Handled::Dropped(reason),
        }
    }
}

/// Whether the channel lets this command in without an authentication code.
fn bare_is_enough(directory: &impl Directory, message: &RequestMessage<'_>, privilege: Privilege) -> bool {
    let channel = directory.channel();
    if channel.per_message_authentication_disabled && privilege < Privilege::OPERATOR {
        return true;
    }
    let is_user_level = || {
        let spec = crate::command::find(
            message.header.netfn,
            crate::command::Body::Ipmi,
            message.header.command,
        );
        spec.is_some_and(|spec| spec.level == crate::command::Level::USER)
    };
    channel.user_level_authentication_disabled && is_user_level()
}

/// The message of a packet, if it is Activate Session.
fn activation<'a>(packet: &v1_5::Packet<'a>) -> Result<RequestMessage<'a>, DropReason> {
    let message = RequestMessage::parse(packet.message).map_err(|_| DropReason::MalformedMessage)?;
    let is_activation = ActivateSession::SPEC.is(message.header.netfn, message.header.command);
    if is_activation && message.header.responder_lun == Lun::BMC {
        Ok(message)
    } else {
        Err(DropReason::SessionNotOpen)
    }
}

fn is_authentic(
    expected: AuthenticationType,
    password: &Password,
    packet: &v1_5::Packet<'_>,
) -> Result<bool, DropReason> {
    let kind = AuthenticationType(packet.header.auth_type);
    if kind != expected {
        return Err(DropReason::NotProtected);
    }
    let Some(code) = packet.auth_code else {
        return Ok(kind == AuthenticationType::NONE);
    };
    let v1_5::Header {
        session, sequence, ..
    } = packet.header;
    Ok(verify_authentication_code(
        kind,
        password,
        session,
        packet.message,
        sequence,
        code,
    ))
}
