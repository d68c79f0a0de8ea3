//! The login of IPMI 2.0: Open Session and RAKP (IPMI 2.0 §13.17 to §13.24).

use alloc::boxed::Box;

use rand_core::CryptoRng;

use super::active::{LoginAnswer, Protection, V2_0};
use super::claim::claim;
use super::half_open::{AwaitRakp1, AwaitRakp3, HalfOpen, Phase};
use super::{Arrival, Handled, Sessions};
use crate::crypto::{
    AuthenticationAlgorithm, AuthenticationCode, CipherSuite, ConfidentialityAlgorithm, IntegrityAlgorithm,
    RakpTranscript, SessionKeys,
};
use crate::ipmb::Privilege;
use crate::packet::open_session::{
    Granted, OpenSessionError, OpenSessionRequest, OpenSessionResponse, Proposal,
};
use crate::packet::rakp::{Rakp1, Rakp2, Rakp3, Rakp4, Reply};
use crate::packet::v2_0::{self, PayloadType};
use crate::packet::{RmcpPlusStatus, rmcp};
use crate::session::window::{SequenceCounter, SequenceWindow, Width};
use crate::session::{Directory, DropReason, Event, LoginFailure, UserId, UserRecord};
use crate::wire::{WireError, Writer};

/// What a step of a login comes to: the length of the answer, or nothing.
type Step = Result<usize, DropReason>;

impl Sessions {
    /// Takes a handshake message in.
    pub(super) fn handle_handshake<'d, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        payload_type: PayloadType,
        payload: &[u8],
        output: &mut [u8],
    ) -> Handled<'d> {
        let step = match payload_type {
            PayloadType::OPEN_SESSION_REQUEST => self.open_session(arrival, payload, output),
            PayloadType::RAKP_1 => self.rakp1(arrival, payload, output),
            PayloadType::RAKP_3 => self.rakp3(arrival, payload, output),
            // Responses come from a BMC, and here is one.
            _ => Err(DropReason::MalformedHandshake),
        };
        match step {
            Ok(length) => Handled::answer(length),
            Err(reason) => Handled::Dropped(reason),
        }
    }

    fn open_session<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        payload: &[u8],
        output: &mut [u8],
    ) -> Step {
        let response = match OpenSessionRequest::parse(payload) {
            Err(OpenSessionError::Truncated) => return Err(DropReason::MalformedHandshake),
            Err(OpenSessionError::Status {
                tag,
                console_session,
                status,
            }) => OpenSessionResponse {
                tag,
                console_session,
                outcome: Err(status),
            },
            Ok(request) => OpenSessionResponse {
                tag: request.tag,
                console_session: request.console_session,
                outcome: self.grant(arrival, &request),
            },
        };
        seal_handshake(PayloadType::OPEN_SESSION_RESPONSE, output, |writer| {
            response.write(writer)
        })
    }

    /// Decides about an Open Session Request and remembers the login.
    fn grant<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        request: &OpenSessionRequest,
    ) -> Result<Granted, RmcpPlusStatus> {
        if request.console_session == 0 {
            return Err(RmcpPlusStatus::INVALID_SESSION_ID);
        }
        let (suite, suite_limit) = choose_suite(arrival.directory, request.proposal)?;
        let granted = grant_privilege(arrival.directory, request.privilege, suite_limit)?;
        let opened = AwaitRakp1 {
            console_session: request.console_session,
            suite,
            wanted: request.privilege,
            granted,
        };
        // A repeated request gets the answer again, not another place. A login that has gone on stays: the
        // request may be a late copy of its first step, or begin another login.
        let repeated = self
            .half_open
            .find_opened(arrival.peer, |known| known.is_repeated_by(&opened));
        let bmc_session = match repeated {
            Some(id) => id,
            None => self.admit_login(arrival, opened)?,
        };
        let algorithms = Proposal {
            authentication: Some(suite.authentication.code()),
            integrity: Some(suite.integrity.code()),
            confidentiality: Some(suite.confidentiality.code()),
        };
        Ok(Granted {
            privilege: granted,
            bmc_session,
            algorithms,
        })
    }

    fn admit_login<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        opened: AwaitRakp1,
    ) -> Result<u32, RmcpPlusStatus> {
        if self.is_full() {
            return Err(RmcpPlusStatus::INSUFFICIENT_RESOURCES);
        }
        let id = self
            .free_id(arrival.random)
            .ok_or(RmcpPlusStatus::INSUFFICIENT_RESOURCES)?;
        let login = HalfOpen {
            peer: arrival.peer,
            started: arrival.now,
            phase: Phase::AwaitRakp1(opened),
        };
        self.insert_half_open(arrival.now, id, login);
        Ok(id)
    }

    fn rakp1<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &mut Arrival<'_, D, R>,
        payload: &[u8],
        output: &mut [u8],
    ) -> Step {
        let (tag, id) = Rakp1::identify(payload).ok_or(DropReason::MalformedHandshake)?;
        let Some(login) = self.half_open.get(id).filter(|login| login.peer == arrival.peer) else {
            self.spend_unsolicited(arrival.now, arrival.peer)?;
            return seal_rakp2_error(tag, 0, RmcpPlusStatus::INVALID_SESSION_ID, output);
        };
        let (opened, known) = match &login.phase {
            Phase::AwaitRakp1(opened) => (*opened, None),
            Phase::AwaitRakp3(login) => (login.opened, Some(*login)),
            Phase::AwaitActivate(_) => return Err(DropReason::SessionNotOpen),
        };
        let error = |status, output: &mut [u8]| seal_rakp2_error(tag, opened.console_session, status, output);
        let Ok(rakp1) = Rakp1::parse(payload) else {
            return error(RmcpPlusStatus::ILLEGAL_PARAMETER, output);
        };
        if let Some(login) = known {
            // The same message again gets the same answer, to the tag that it has now: FreeIPMI counts it up.
            // Another one may not take the login over.
            let repeated = AwaitRakp3 { rakp1, ..login };
            return match (Rakp1 {
                tag: login.rakp1.tag,
                ..rakp1
            }) == login.rakp1
            {
                true => self.answer_rakp1(arrival, id, &repeated, output),
                false => error(RmcpPlusStatus::ILLEGAL_PARAMETER, output),
            };
        }
        self.draw_decoy(arrival.random);
        match claim(arrival, &opened, &rakp1) {
            Ok(claim) => {
                let mut bmc_random = [0; 16];
                arrival.random.fill_bytes(&mut bmc_random);
                let login = AwaitRakp3 {
                    opened,
                    rakp1,
                    bmc_random,
                    claim,
                };
                if let Some(entry) = self.half_open.get_mut(id) {
                    entry.phase = Phase::AwaitRakp3(login);
                }
                self.answer_rakp1(arrival, id, &login, output)
            }
            Err((status, user, failure)) => {
                self.push_failure(arrival, user, failure);
                error(status, output)
            }
        }
    }

    fn answer_rakp1<D: Directory, R: CryptoRng>(
        &self,
        arrival: &Arrival<'_, D, R>,
        id: u32,
        login: &AwaitRakp3,
        output: &mut [u8],
    ) -> Step {
        let (tag, console_session) = (login.rakp1.tag, login.opened.console_session);
        let user = login.claim.user.map(|id| arrival.directory.user_by_id(id));
        let password = match (&user, &self.decoy) {
            (Some(Some(user)), _) => user.password,
            (None, Some(decoy)) => decoy,
            _ => return seal_rakp2_error(tag, console_session, RmcpPlusStatus::UNAUTHORIZED_NAME, output),
        };
        let guid = arrival.directory.system_guid();
        let code = login
            .transcript(id, guid)
            .rakp2_code(login.opened.suite.authentication, password);
        let rakp2 = Rakp2 {
            bmc_random: login.bmc_random,
            guid: *guid,
            code: code.as_slice(),
        };
        let reply = Reply {
            tag,
            console_session,
            outcome: Ok(rakp2),
        };
        seal_handshake(PayloadType::RAKP_2, output, |writer| reply.write(writer))
    }

    fn rakp3<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &Arrival<'_, D, R>,
        payload: &[u8],
        output: &mut [u8],
    ) -> Step {
        let rakp3 = Rakp3::parse(payload).map_err(|_| DropReason::MalformedHandshake)?;
        let id = rakp3.bmc_session;
        if let Some(answer) = self.repeat_rakp4(arrival, &rakp3, output) {
            return answer;
        }
        let Some(login) = self.half_open.get(id).filter(|login| login.peer == arrival.peer) else {
            self.spend_unsolicited(arrival.now, arrival.peer)?;
            return seal_rakp4(rakp3.tag, 0, Err(RmcpPlusStatus::INVALID_SESSION_ID), output);
        };
        let Phase::AwaitRakp3(login) = login.phase else {
            return Err(DropReason::MalformedHandshake);
        };
        if rakp3.status != RmcpPlusStatus::NO_ERRORS {
            self.half_open.remove(id);
            if rakp3.status == RmcpPlusStatus::INVALID_INTEGRITY_CHECK {
                self.push_failure(arrival, login.claim.user, LoginFailure::GivenUp);
            }
            return Err(DropReason::LoginAbandoned);
        }
        let outcome = self.finish_login(arrival, &login, &rakp3);
        self.half_open.remove(id);
        let console_session = login.opened.console_session;
        match outcome {
            Ok(()) => {
                let session = self.active.get(id);
                let Some(LoginAnswer::V2_0 { answer, .. }) =
                    session.and_then(|session| session.unconfirmed.as_deref())
                else {
                    return Err(DropReason::MalformedHandshake);
                };
                seal_rakp4(
                    rakp3.tag,
                    console_session,
                    Ok(Rakp4 {
                        code: answer.as_slice(),
                    }),
                    output,
                )
            }
            Err(status) => seal_rakp4(rakp3.tag, console_session, Err(status), output),
        }
    }

    /// The console did not get RAKP 4 and sends RAKP 3 again.
    fn repeat_rakp4<D: Directory, R: CryptoRng>(
        &self,
        arrival: &Arrival<'_, D, R>,
        rakp3: &Rakp3<'_>,
        output: &mut [u8],
    ) -> Option<Step> {
        let session = self
            .active
            .get(rakp3.bmc_session)
            .filter(|session| session.peer == arrival.peer)?;
        let Protection::V2_0(keys) = &session.protection else {
            return None;
        };
        match session.unconfirmed.as_deref() {
            Some(LoginAnswer::V2_0 { proof, answer, .. }) if proof.verify(rakp3.code) => Some(seal_rakp4(
                rakp3.tag,
                keys.console_session,
                Ok(Rakp4 {
                    code: answer.as_slice(),
                }),
                output,
            )),
            _ => Some(Err(DropReason::MalformedHandshake)),
        }
    }

    /// The user whom the console has proven to be, and the proof. Takes the same time whether there is such a user
    /// or not.
    fn prove<'a, D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &Arrival<'a, D, R>,
        login: &AwaitRakp3,
        transcript: &RakpTranscript<'_>,
        rakp3: &Rakp3<'_>,
    ) -> Result<(UserRecord<'a>, AuthenticationCode), RmcpPlusStatus> {
        let claimed = login.claim.user;
        let user = claimed.and_then(|id| arrival.directory.user_by_id(id));
        let decoy = self.decoy.as_deref();
        let password = user.as_ref().map(|user| user.password).or(decoy);
        let password = password.ok_or(RmcpPlusStatus::UNAUTHORIZED_NAME)?;
        let proof = transcript.rakp3_code(login.opened.suite.authentication, password);
        let is_proven = proof.verify(rakp3.code);
        let is_allowed =
            claimed.is_none_or(|id| arrival.directory.login_allowed(id, arrival.peer, arrival.now));
        let failure = match user {
            Some(user) if is_proven && is_allowed => return Ok((user, proof)),
            Some(_) if !is_allowed => LoginFailure::LockedOut,
            Some(_) => LoginFailure::WrongPassword,
            None => LoginFailure::UnknownUser,
        };
        self.push_failure(arrival, claimed, failure);
        let hides = arrival.directory.hides_unknown_users();
        if failure == LoginFailure::WrongPassword || hides {
            Err(RmcpPlusStatus::INVALID_INTEGRITY_CHECK)
        } else {
            Err(RmcpPlusStatus::UNAUTHORIZED_NAME)
        }
    }

    /// Tells of a login that failed.
    pub(super) fn push_failure<D, R>(
        &mut self,
        arrival: &Arrival<'_, D, R>,
        user: Option<UserId>,
        failure: LoginFailure,
    ) {
        self.push_event(Event::LoginFailed {
            user,
            failure,
            peer: arrival.peer,
        });
    }

    /// Checks the console's proof and opens the session.
    fn finish_login<D: Directory, R: CryptoRng>(
        &mut self,
        arrival: &Arrival<'_, D, R>,
        login: &AwaitRakp3,
        rakp3: &Rakp3<'_>,
    ) -> Result<(), RmcpPlusStatus> {
        let suite = login.opened.suite;
        let guid = arrival.directory.system_guid();
        let transcript = login.transcript(rakp3.bmc_session, guid);
        let (user, proof) = self.prove(arrival, login, &transcript, rakp3)?;
        let Some(limit) = login.claim.limit else {
            self.push_failure(arrival, Some(user.id), LoginFailure::Privilege);
            return Err(RmcpPlusStatus::UNAUTHORIZED_ROLE);
        };
        // It may have been lowered since.
        let limit = limit.min(user.privilege_limit);
        if self.is_full() {
            return Err(RmcpPlusStatus::INSUFFICIENT_RESOURCES);
        }
        if !self.user_may_have_another(&user) {
            return Err(RmcpPlusStatus::INSUFFICIENT_RESOURCES_AT_ROLE);
        }
        let key = transcript.session_integrity_key(
            suite.authentication,
            user.password,
            arrival.directory.bmc_key(),
        );
        let answer = transcript.rakp4_code(suite.authentication, &key);
        let protection = Protection::V2_0(Box::new(V2_0 {
            console_session: login.opened.console_session,
            keys: SessionKeys::derive(suite, &key, user.password),
            authenticated: SequenceWindow::new(1, Width::V2_0),
            unauthenticated: SequenceWindow::new(1, Width::V2_0),
            authenticated_out: SequenceCounter::new(1),
            unauthenticated_out: SequenceCounter::new(1),
        }));
        let unconfirmed = LoginAnswer::V2_0 { proof, answer, key };
        self.open(
            arrival,
            rakp3.bmc_session,
            user.id,
            limit,
            protection,
            unconfirmed,
        )
        .ok_or(RmcpPlusStatus::INSUFFICIENT_RESOURCES)
    }
}

impl AwaitRakp1 {
    fn is_repeated_by(&self, other: &Self) -> bool {
        self.console_session == other.console_session
            && self.suite.id == other.suite.id
            && self.wanted == other.wanted
    }
}

impl AwaitRakp3 {
    /// What the codes of this login are computed over.
    fn transcript<'a>(&'a self, bmc_session: u32, guid: &'a [u8; 16]) -> RakpTranscript<'a> {
        RakpTranscript {
            console_session: self.opened.console_session,
            bmc_session,
            console_random: &self.rakp1.console_random,
            bmc_random: &self.bmc_random,
            guid,
            role: self.rakp1.role.0,
            user_name: &self.rakp1.name,
        }
    }
}

/// Finds the suite that a proposal means and that is offered, with its highest privilege.
fn choose_suite(
    directory: &impl Directory,
    proposal: Proposal,
) -> Result<(CipherSuite, Privilege), RmcpPlusStatus> {
    let offered = || {
        CipherSuite::ALL
            .iter()
            .filter_map(|suite| Some((*suite, directory.suite_privilege(suite.id)?)))
    };
    let fits = |wanted: Option<u8>, code: u8| wanted.is_none_or(|wanted| wanted == code);
    // The strongest suites stand last in the table: they win where the console leaves a choice.
    let chosen = offered().filter(|(suite, _)| {
        fits(proposal.authentication, suite.authentication.code())
            && fits(proposal.integrity, suite.integrity.code())
            && fits(proposal.confidentiality, suite.confidentiality.code())
    });
    if let Some(chosen) = chosen.last() {
        return Ok(chosen);
    }
    let is_unknown = |code: Option<u8>, is_known: fn(u8) -> bool| code.is_some_and(|code| !is_known(code));
    if is_unknown(proposal.authentication, AuthenticationAlgorithm::is_known) {
        Err(RmcpPlusStatus::INVALID_AUTHENTICATION_ALGORITHM)
    } else if is_unknown(proposal.integrity, IntegrityAlgorithm::is_known) {
        Err(RmcpPlusStatus::INVALID_INTEGRITY_ALGORITHM)
    } else if is_unknown(proposal.confidentiality, ConfidentialityAlgorithm::is_known) {
        Err(RmcpPlusStatus::INVALID_CONFIDENTIALITY_ALGORITHM)
    } else {
        Err(RmcpPlusStatus::NO_CIPHER_SUITE_MATCH)
    }
}

/// The highest privilege that the session may get, never 0 (the clients take that as none).
fn grant_privilege(
    directory: &impl Directory,
    wanted: Privilege,
    suite_limit: Privilege,
) -> Result<Privilege, RmcpPlusStatus> {
    let limit = suite_limit.min(directory.channel().privilege_limit);
    if !limit.is_level() {
        return Err(RmcpPlusStatus::UNAUTHORIZED_ROLE);
    }
    match wanted {
        Privilege::UNSPECIFIED => Ok(limit),
        wanted if !wanted.is_level() => Err(RmcpPlusStatus::INVALID_ROLE),
        wanted if wanted > limit => Err(RmcpPlusStatus::UNAUTHORIZED_ROLE),
        wanted => Ok(wanted),
    }
}

fn seal_rakp2_error(tag: u8, console_session: u32, status: RmcpPlusStatus, output: &mut [u8]) -> Step {
    let reply: Reply<Rakp2<'_>> = Reply {
        tag,
        console_session,
        outcome: Err(status),
    };
    seal_handshake(PayloadType::RAKP_2, output, |writer| reply.write(writer))
}

fn seal_rakp4(
    tag: u8,
    console_session: u32,
    outcome: Result<Rakp4<'_>, RmcpPlusStatus>,
    output: &mut [u8],
) -> Step {
    let reply = Reply {
        tag,
        console_session,
        outcome,
    };
    seal_handshake(PayloadType::RAKP_4, output, |writer| reply.write(writer))
}

fn seal_handshake(
    payload_type: PayloadType,
    output: &mut [u8],
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
) -> Step {
    seal_plain(payload_type, output, write).map_err(|_| DropReason::AnswerTooLong)
}

/// Writes a datagram outside any session: number and sequence 0, no protection.
pub(super) fn seal_plain(
    payload_type: PayloadType,
    output: &mut [u8],
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
) -> Result<usize, WireError> {
    let start = rmcp::HEADER_LENGTH + v2_0::HEADER_LENGTH;
    let (head, body) = output
        .split_at_mut_checked(start)
        .ok_or(WireError::BufferTooSmall)?;
    let mut writer = Writer::new(body);
    write(&mut writer)?;
    let length = writer.len();
    let header = v2_0::Header {
        encrypted: false,
        authenticated: false,
        payload_type,
        oem: None,
        session: 0,
        sequence: 0,
    };
    let mut writer = Writer::new(head);
    rmcp::Header::IPMI.write(&mut writer)?;
    header.write(length, &mut writer)?;
    Ok(start + length)
}
