//! The login of IPMI 1.5: Get Session Challenge and Activate Session (IPMI 2.0 §22.16, §22.17).

use rand_core::CryptoRng;

use super::login::{LoginPhase, Step};
use super::sessionless::{message_v1_5, response, with_message, write_v1_5};
use super::tunnel::{Tunnel, Tunnel15, is_authentic_v1_5, seal_v1_5, session_packet};
use super::{ConnectFailure, ConsoleConfig, LoginStep};
use crate::command::app::session::{
    ActivateSession, ActivateSessionRequest, ActivatedSession, GetSessionChallenge,
    GetSessionChallengeRequest,
};
use crate::crypto::v15::AuthenticationType;
use crate::ipmb::RequestSequence;
use crate::packet::v1_5;
use crate::session::DropReason;
use crate::wire::{PaddedText, WireError, Writer};

/// Get Session Challenge was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Challenge {
    pub(super) kind: AuthenticationType,
    pub(super) sequence: RequestSequence,
}

impl Challenge {
    pub(super) fn write(self, config: &ConsoleConfig, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let request = GetSessionChallengeRequest {
            authentication: self.kind.into(),
            user: PaddedText::new(&config.user_name).map_err(|_| WireError::Invalid)?,
        };
        write_v1_5::<GetSessionChallenge>(self.sequence, &request, writer)
    }

    pub(super) fn handle(self, datagram: &[u8], random: &mut impl CryptoRng) -> Step {
        let answer = message_v1_5(datagram)
            .and_then(|message| response::<GetSessionChallenge>(self.sequence, message));
        match answer {
            Err(reason) => Step::Stay(reason),
            Ok(Err(completion)) => Step::Fail(ConnectFailure::Command {
                step: LoginStep::Challenge,
                completion,
            }),
            Ok(Ok(challenge)) => Step::Next(LoginPhase::Activation(Activation {
                kind: self.kind,
                sequence: self.sequence.next(),
                temporary_session: challenge.temporary_session,
                challenge: challenge.challenge,
                // 0 belongs to packets outside of a session.
                initial_outbound: random.next_u32().max(1),
            })),
        }
    }
}

/// Activate Session was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activation {
    kind: AuthenticationType,
    sequence: RequestSequence,
    temporary_session: u32,
    challenge: [u8; 16],
    /// First sequence number of the BMC's packets.
    initial_outbound: u32,
}

impl Activation {
    /// The step before, for a login that begins again.
    pub(super) const fn challenge_again(&self) -> Challenge {
        Challenge {
            kind: self.kind,
            sequence: self.sequence.next(),
        }
    }

    pub(super) fn write(&self, config: &ConsoleConfig, output: &mut [u8]) -> Result<usize, WireError> {
        let request = ActivateSessionRequest {
            authentication: self.kind.into(),
            maximum_privilege: config.privilege.into(),
            challenge: self.challenge,
            initial_outbound: self.initial_outbound,
        };
        let header = v1_5::Header {
            auth_type: self.kind.0,
            sequence: 0,
            session: self.temporary_session,
        };
        with_message::<ActivateSession, _>(self.sequence, &request, |message| {
            seal_v1_5(header, message, &config.password, output)
        })
    }

    pub(super) fn handle(&self, config: &ConsoleConfig, datagram: &[u8]) -> Step {
        let packet = session_packet(datagram)
            .and_then(|packet| v1_5::Packet::parse(packet).map_err(|_| DropReason::MalformedHeader));
        let packet = match packet {
            Ok(packet) => packet,
            Err(reason) => return Step::Stay(reason),
        };
        match response::<ActivateSession>(self.sequence, packet.message) {
            Err(reason) => Step::Stay(reason),
            // There are BMCs that refuse without an authentication code.
            Ok(Err(completion)) => Step::Fail(ConnectFailure::Command {
                step: LoginStep::Activation,
                completion,
            }),
            Ok(Ok(activated)) => self.handle_activated(config, &packet, &activated),
        }
    }

    fn handle_activated(
        &self,
        config: &ConsoleConfig,
        packet: &v1_5::Packet<'_>,
        activated: &ActivatedSession,
    ) -> Step {
        // BMCs differ in which of the two numbers this answer has.
        if ![self.temporary_session, activated.session].contains(&packet.header.session) {
            return Step::Stay(DropReason::UnknownSession);
        }
        if packet.header.auth_type != self.kind.0 {
            return Step::Stay(DropReason::NotProtected);
        }
        if !is_authentic_v1_5(packet, &config.password) {
            return Step::Stay(DropReason::BadAuthCode);
        }
        if activated.maximum_privilege.0 < config.privilege {
            return Step::Fail(ConnectFailure::PrivilegeNotGranted(activated.maximum_privilege.0));
        }
        let mut tunnel = Tunnel15::new(
            self.kind,
            activated.session,
            activated.initial_inbound,
            self.initial_outbound,
        );
        tunnel.count_received(packet.header.sequence);
        Step::Open(Tunnel::V1_5(tunnel))
    }
}
