//! The login of IPMI 2.0: Open Session and RAKP (IPMI 2.0 §13.17 to §13.24).

use rand_core::CryptoRng;

use super::login::{LoginPhase, RakpRefusal, Step};
use super::sessionless::{payload_v2_0, write_payload_v2_0};
use super::tunnel::{Tunnel, Tunnel20};
use super::{ConnectFailure, ConsoleConfig, LoginStep};
use crate::crypto::{AuthenticationCode, CipherSuite, RakpTranscript, SessionKeys};
use crate::ipmb::Privilege;
use crate::packet::RmcpPlusStatus;
use crate::packet::open_session::{OpenSessionRequest, OpenSessionResponse, Proposal};
use crate::packet::rakp::{Rakp1, Rakp2, Rakp3, Rakp4, Reply, Role};
use crate::packet::v2_0::PayloadType;
use crate::session::DropReason;
use crate::wire::{WireError, Writer};

/// What the BMC says to a step that it refuses.
fn refused(step: LoginStep, status: RmcpPlusStatus) -> Step {
    let failure = ConnectFailure::Refused { step, status };
    match status {
        // The BMC has forgotten the half-open session: others came in between, or it restarted.
        RmcpPlusStatus::INVALID_SESSION_ID if step != LoginStep::OpenSession => Step::Restart(failure),
        _ => Step::Fail(failure),
    }
}

/// Open Session was sent.
#[derive(Debug)]
pub(super) struct OpenSession {
    suite: CipherSuite,
    tag: u8,
    console_session: u32,
}

impl OpenSession {
    pub(super) fn new(suite: CipherSuite, random: &mut impl CryptoRng) -> Self {
        let [tag, ..] = random.next_u32().to_le_bytes();
        Self {
            suite,
            tag,
            // 0 belongs to no session.
            console_session: random.next_u32().max(1),
        }
    }

    pub(super) const fn suite(&self) -> CipherSuite {
        self.suite
    }

    pub(super) fn write(&self, config: &ConsoleConfig, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let request = OpenSessionRequest {
            tag: self.tag,
            privilege: config.privilege,
            console_session: self.console_session,
            proposal: proposal(self.suite),
        };
        write_payload_v2_0(PayloadType::OPEN_SESSION_REQUEST, writer, |writer| {
            request.write(writer)
        })
    }

    pub(super) fn handle(
        &self,
        config: &ConsoleConfig,
        datagram: &[u8],
        random: &mut impl CryptoRng,
    ) -> Step {
        let payload = match payload_v2_0(datagram, PayloadType::OPEN_SESSION_RESPONSE) {
            Ok(payload) => payload,
            Err(reason) => return Step::Stay(reason),
        };
        let Ok(response) = OpenSessionResponse::parse(payload) else {
            return Step::Stay(DropReason::MalformedHandshake);
        };
        if (response.tag, response.console_session) != (self.tag, self.console_session) {
            return Step::Stay(DropReason::NotAwaited);
        }
        let granted = match response.outcome {
            Ok(granted) => granted,
            Err(status) => return refused(LoginStep::OpenSession, status),
        };
        // 0 belongs to no session.
        if granted.bmc_session == 0 {
            return Step::Stay(DropReason::MalformedHandshake);
        }
        if granted.algorithms != proposal(self.suite) {
            return Step::Fail(ConnectFailure::AlgorithmsChanged);
        }
        // Some BMCs say nothing here and decide at RAKP 1.
        if granted.privilege < config.privilege && granted.privilege != Privilege::UNSPECIFIED {
            return Step::Fail(ConnectFailure::PrivilegeNotGranted(granted.privilege));
        }
        let mut console_random = [0; 16];
        random.fill_bytes(&mut console_random);
        Step::Next(LoginPhase::Rakp1(AwaitRakp2 {
            suite: self.suite,
            tag: self.tag.wrapping_add(1),
            console_session: self.console_session,
            bmc_session: granted.bmc_session,
            console_random,
        }))
    }
}

fn proposal(suite: CipherSuite) -> Proposal {
    Proposal {
        authentication: Some(suite.authentication.code()),
        integrity: Some(suite.integrity.code()),
        confidentiality: Some(suite.confidentiality.code()),
    }
}

const fn role(config: &ConsoleConfig) -> Role {
    Role::new(config.privilege, config.name_only_lookup)
}

/// RAKP 1 was sent.
#[derive(Debug)]
pub(super) struct AwaitRakp2 {
    suite: CipherSuite,
    tag: u8,
    console_session: u32,
    bmc_session: u32,
    console_random: [u8; 16],
}

impl AwaitRakp2 {
    pub(super) const fn suite(&self) -> CipherSuite {
        self.suite
    }

    pub(super) fn write(&self, config: &ConsoleConfig, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let message = Rakp1 {
            tag: self.tag,
            bmc_session: self.bmc_session,
            console_random: self.console_random,
            role: role(config),
            name_length: u8::try_from(config.user_name.len()).map_err(|_| WireError::Invalid)?,
            name: config.user_name,
        };
        write_payload_v2_0(PayloadType::RAKP_1, writer, |writer| message.write(writer))
    }

    pub(super) fn handle(&self, config: &ConsoleConfig, datagram: &[u8]) -> Step {
        let payload = match payload_v2_0(datagram, PayloadType::RAKP_2) {
            Ok(payload) => payload,
            Err(reason) => return Step::Stay(reason),
        };
        let Ok(reply) = Reply::<Rakp2<'_>>::parse(payload) else {
            return Step::Stay(DropReason::MalformedHandshake);
        };
        if (reply.tag, reply.console_session) != (self.tag, self.console_session) {
            return Step::Stay(DropReason::NotAwaited);
        }
        match reply.outcome {
            Ok(message) => self.handle_message(config, &message),
            Err(status) => refused(LoginStep::Rakp1, status),
        }
    }

    fn handle_message(&self, config: &ConsoleConfig, message: &Rakp2<'_>) -> Step {
        let transcript = RakpTranscript {
            console_session: self.console_session,
            bmc_session: self.bmc_session,
            console_random: &self.console_random,
            bmc_random: &message.bmc_random,
            guid: &message.guid,
            role: role(config).0,
            user_name: &config.user_name,
        };
        let algorithm = self.suite.authentication;
        let tag = self.tag.wrapping_add(1);
        if !transcript
            .rakp2_code(algorithm, &config.password)
            .verify(message.code)
        {
            let refusal = RakpRefusal {
                tag,
                bmc_session: self.bmc_session,
                status: RmcpPlusStatus::INVALID_INTEGRITY_CHECK,
            };
            return Step::Refuse(refusal, ConnectFailure::WrongPassword);
        }
        let key = transcript.session_integrity_key(algorithm, &config.password, config.bmc_key.as_ref());
        Step::Next(LoginPhase::Rakp3(AwaitRakp4 {
            tag,
            console_session: self.console_session,
            bmc_session: self.bmc_session,
            code: transcript.rakp3_code(algorithm, &config.password),
            expected: transcript.rakp4_code(algorithm, &key),
            keys: SessionKeys::derive(self.suite, &key, &config.password),
        }))
    }
}

/// RAKP 3 was sent.
#[derive(Debug)]
pub(super) struct AwaitRakp4 {
    tag: u8,
    console_session: u32,
    bmc_session: u32,
    /// Code of RAKP 3.
    code: AuthenticationCode,
    /// Code that RAKP 4 must have.
    expected: AuthenticationCode,
    /// For the session, once the BMC has proved that it has the same.
    keys: SessionKeys,
}

impl AwaitRakp4 {
    pub(super) const fn suite(&self) -> CipherSuite {
        self.keys.suite()
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let message = Rakp3 {
            tag: self.tag,
            status: RmcpPlusStatus::NO_ERRORS,
            bmc_session: self.bmc_session,
            code: self.code.as_slice(),
        };
        write_payload_v2_0(PayloadType::RAKP_3, writer, |writer| message.write(writer))
    }

    pub(super) fn handle(&self, datagram: &[u8]) -> Step {
        let payload = match payload_v2_0(datagram, PayloadType::RAKP_4) {
            Ok(payload) => payload,
            Err(reason) => return Step::Stay(reason),
        };
        let Ok(reply) = Reply::<Rakp4<'_>>::parse(payload) else {
            return Step::Stay(DropReason::MalformedHandshake);
        };
        if (reply.tag, reply.console_session) != (self.tag, self.console_session) {
            return Step::Stay(DropReason::NotAwaited);
        }
        let message = match reply.outcome {
            Ok(message) => message,
            Err(status) => return refused(LoginStep::Rakp3, status),
        };
        if !self.expected.verify(message.code) {
            return Step::Fail(ConnectFailure::WrongBmcKey);
        }
        Step::Verified
    }

    /// The session, after [`Step::Verified`].
    pub(super) fn into_tunnel(self) -> Tunnel {
        Tunnel::V2_0(Tunnel20::new(self.keys, self.console_session, self.bmc_session))
    }
}

/// Writes the RAKP 3 of a console that gives up.
pub(super) fn write_refusal(refusal: RakpRefusal, writer: &mut Writer<'_>) -> Result<(), WireError> {
    let message = Rakp3 {
        tag: refusal.tag,
        status: refusal.status,
        bmc_session: refusal.bmc_session,
        code: &[],
    };
    write_payload_v2_0(PayloadType::RAKP_3, writer, |writer| message.write(writer))
}
