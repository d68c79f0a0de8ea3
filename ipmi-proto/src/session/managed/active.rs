//! One open session: opening what its console sends, sealing what the BMC answers.

use alloc::boxed::Box;

use rand_core::CryptoRng;

use super::retry::RetryCache;
use super::{SessionId, SessionInfo};
use crate::crypto::v15::{AuthenticationType, authentication_code, verify_authentication_code};
use crate::crypto::{AuthenticationCode, CONFIDENTIALITY_HEADER, Password, SessionIntegrityKey, SessionKeys};
use crate::ipmb::{CompletionCode, Privilege, RequestHeader, ResponseMessage};
use crate::packet::v2_0::{self, Layout, PayloadType};
use crate::packet::{rmcp, v1_5};
use crate::session::window::{Refused, SequenceCounter, SequenceWindow};
use crate::session::{DropReason, Peer, UserId};
use crate::time::Instant;
use crate::wire::{WireError, Writer};

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: u32,
    pub(super) handle: u8,
    pub(super) user: UserId,
    pub(super) privilege: Privilege,
    pub(super) limit: Privilege,
    pub(super) peer: Peer,
    pub(super) last_heard: Instant,
    pub(super) retries: RetryCache,
    /// Until the console's first packet shows that it got the last answer of the login, that answer can be
    /// asked for again.
    pub(super) unconfirmed: Option<Box<LoginAnswer>>,
    pub(super) protection: Protection,
}

/// What the console proved with the last message of its login, and the answer to it.
#[derive(Debug)]
pub(super) enum LoginAnswer {
    /// RAKP 3 and RAKP 4.
    V2_0 {
        proof: AuthenticationCode,
        answer: AuthenticationCode,
        /// What the session's keys derive from.
        key: SessionIntegrityKey,
    },
    /// The challenge of Activate Session and the numbers in its answer.
    V1_5 {
        challenge: [u8; 16],
        initial_outbound: u32,
        initial_inbound: u32,
        maximum: Privilege,
    },
}

/// How packets of the session are protected and numbered.
#[derive(Debug)]
pub(super) enum Protection {
    V2_0(Box<V2_0>),
    V1_5(Box<V1_5>),
}

/// An IPMI 2.0 session. Authenticated and unauthenticated packets are counted apart.
#[derive(Debug)]
pub(super) struct V2_0 {
    pub(super) console_session: u32,
    pub(super) keys: SessionKeys,
    pub(super) authenticated: SequenceWindow,
    pub(super) unauthenticated: SequenceWindow,
    pub(super) authenticated_out: SequenceCounter,
    pub(super) unauthenticated_out: SequenceCounter,
}

/// An IPMI 1.5 session.
#[derive(Debug)]
pub(super) struct V1_5 {
    pub(super) kind: AuthenticationType,
    pub(super) password: Password,
    pub(super) inbound: SequenceWindow,
    pub(super) outbound: SequenceCounter,
}

/// How an answer has to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealing {
    V2_0,
    /// With the authentication type of the request.
    V1_5(AuthenticationType),
}

impl V2_0 {
    /// Checks protection, authentication code and window of a packet, in this order. `true`: it was received
    /// before.
    pub(super) fn let_in(&mut self, layout: &Layout, packet: &[u8]) -> Result<bool, DropReason> {
        let header = layout.header;
        let is_authenticated = self.keys.integrity_length() > 0;
        if header.authenticated != is_authenticated || header.encrypted != self.keys.is_confidential() {
            return Err(DropReason::NotProtected);
        }
        if is_authenticated {
            let (covered, code) = layout
                .trailer(packet, self.keys.integrity_length())
                .map_err(|_| DropReason::MalformedHeader)?;
            if !self.keys.verify_integrity(covered, code) {
                return Err(DropReason::BadAuthCode);
            }
        }
        let window = if is_authenticated {
            &mut self.authenticated
        } else {
            &mut self.unauthenticated
        };
        admit(window, header.sequence)
    }

    /// Decrypts a packet that was let in.
    pub(super) fn open<'d>(&self, layout: &Layout, packet: &'d mut [u8]) -> Result<&'d mut [u8], DropReason> {
        let payload = packet
            .get_mut(layout.payload.clone())
            .ok_or(DropReason::MalformedHeader)?;
        if !layout.header.encrypted {
            return Ok(payload);
        }
        self.keys.decrypt(payload).map_err(|_| DropReason::BadEncryption)
    }

    /// Seals a payload that `write` writes into a whole datagram. Gives its length.
    pub(super) fn seal(
        &mut self,
        payload_type: PayloadType,
        random: &mut impl CryptoRng,
        output: &mut [u8],
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
    ) -> Result<usize, WireError> {
        let authenticated = self.keys.integrity_length() > 0;
        let encrypted = self.keys.is_confidential();
        let counter = if authenticated {
            &mut self.authenticated_out
        } else {
            &mut self.unauthenticated_out
        };
        let header = v2_0::Header {
            encrypted,
            authenticated,
            payload_type,
            oem: None,
            session: self.console_session,
            sequence: counter.take(),
        };
        let payload_start = rmcp::HEADER_LENGTH + v2_0::HEADER_LENGTH;
        let (head, body) = output
            .split_at_mut_checked(payload_start)
            .ok_or(WireError::BufferTooSmall)?;
        let payload_length = self.write_payload(encrypted, random, body, write)?;
        let mut writer = Writer::new(head);
        rmcp::Header::IPMI.write(&mut writer)?;
        header.write(payload_length, &mut writer)?;
        let end = payload_start + payload_length;
        if !authenticated {
            return Ok(end);
        }
        let trailer = body.get_mut(payload_length..).ok_or(WireError::BufferTooSmall)?;
        let mut writer = Writer::new(trailer);
        v2_0::write_trailer(end - rmcp::HEADER_LENGTH, &mut writer)?;
        let covered = end + writer.len();
        let code = self.keys.integrity_code(
            output
                .get(rmcp::HEADER_LENGTH..covered)
                .ok_or(WireError::BufferTooSmall)?,
        );
        let mut writer = Writer::new(output.get_mut(covered..).ok_or(WireError::BufferTooSmall)?);
        writer.bytes(code.as_slice())?;
        Ok(covered + writer.len())
    }

    fn write_payload(
        &self,
        encrypted: bool,
        random: &mut impl CryptoRng,
        body: &mut [u8],
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
    ) -> Result<usize, WireError> {
        let offset = if encrypted { CONFIDENTIALITY_HEADER } else { 0 };
        let mut writer = Writer::new(body.get_mut(offset..).ok_or(WireError::BufferTooSmall)?);
        write(&mut writer)?;
        let length = writer.len();
        if !encrypted {
            return Ok(length);
        }
        let mut initialization_vector = [0; CONFIDENTIALITY_HEADER];
        random.fill_bytes(&mut initialization_vector);
        self.keys
            .encrypt(&initialization_vector, body, length)
            .map_err(|_| WireError::BufferTooSmall)
    }
}

impl V1_5 {
    /// Checks the authentication code and the window of a packet.
    ///
    /// `may_be_unauthenticated`: the channel lets packets without a code in.
    pub(super) fn open(
        &mut self,
        packet: &v1_5::Packet<'_>,
        may_be_unauthenticated: bool,
    ) -> Result<(AuthenticationType, bool), DropReason> {
        let kind = AuthenticationType(packet.header.auth_type);
        let is_bare = kind == AuthenticationType::NONE;
        if kind != self.kind && !(is_bare && may_be_unauthenticated) {
            return Err(DropReason::NotProtected);
        }
        if !is_bare {
            let code = packet.auth_code.ok_or(DropReason::MalformedHeader)?;
            let v1_5::Header {
                session, sequence, ..
            } = packet.header;
            if !verify_authentication_code(kind, &self.password, session, packet.message, sequence, code) {
                return Err(DropReason::BadAuthCode);
            }
        }
        let is_duplicate = admit(&mut self.inbound, packet.header.sequence)?;
        Ok((kind, is_duplicate))
    }

    /// Seals a message that `write` writes into a whole datagram. Gives its length.
    pub(super) fn seal(
        &mut self,
        session: u32,
        kind: AuthenticationType,
        output: &mut [u8],
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
    ) -> Result<usize, WireError> {
        let sequence = self.outbound.take();
        seal_v1_5(session, sequence, kind, &self.password, output, write)
    }
}

/// Seals a message into an IPMI 1.5 datagram. Gives its length.
pub(super) fn seal_v1_5(
    session: u32,
    sequence: u32,
    kind: AuthenticationType,
    password: &Password,
    output: &mut [u8],
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
) -> Result<usize, WireError> {
    let mut message = [0; 255];
    let mut writer = Writer::new(&mut message);
    write(&mut writer)?;
    let message = writer.written();
    let header = v1_5::Header {
        auth_type: kind.0,
        sequence,
        session,
    };
    let code = match kind {
        AuthenticationType::NONE => None,
        _ => Some(authentication_code(kind, password, session, message, sequence).ok_or(WireError::Invalid)?),
    };
    let mut writer = Writer::new(output);
    rmcp::Header::IPMI.write(&mut writer)?;
    v1_5::Packet {
        header,
        auth_code: code.as_ref(),
        message,
    }
    .write(&mut writer)?;
    Ok(writer.len())
}

/// Lets a sequence number in. `true`: it was received before.
fn admit(window: &mut SequenceWindow, sequence: u32) -> Result<bool, DropReason> {
    match window.check(sequence) {
        Ok(()) => {
            window.commit(sequence);
            Ok(false)
        }
        Err(Refused::Duplicate) => Ok(true),
        Err(Refused::Outside) => Err(DropReason::OutOfWindow),
    }
}

impl Session {
    /// Seals a response to a request of this session. Gives the datagram's length.
    pub(super) fn seal_response(
        &mut self,
        sealing: Sealing,
        request: RequestHeader,
        completion: CompletionCode,
        data: &[u8],
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Result<usize, WireError> {
        let write = |writer: &mut Writer<'_>| {
            ResponseMessage {
                request,
                completion,
                data,
            }
            .write(writer)
        };
        match (&mut self.protection, sealing) {
            (Protection::V2_0(session), _) => session.seal(PayloadType::IPMI, random, output, write),
            (Protection::V1_5(session), Sealing::V1_5(kind)) => session.seal(self.id, kind, output, write),
            (Protection::V1_5(session), Sealing::V2_0) => {
                let kind = session.kind;
                session.seal(self.id, kind, output, write)
            }
        }
    }

    /// Lets a packet of IPMI 2.0 in, see [`V2_0::let_in`]. The first one shows with which keys.
    pub(super) fn let_in(&mut self, layout: &Layout, packet: &[u8]) -> Result<bool, DropReason> {
        let let_in = |session: &mut Self| match &mut session.protection {
            Protection::V2_0(protection) => protection.let_in(layout, packet),
            Protection::V1_5(_) => Err(DropReason::NotProtected),
        };
        match let_in(self) {
            Err(DropReason::BadAuthCode) if self.take_other_keys(layout, packet) => let_in(self),
            verdict => verdict,
        }
    }

    /// Until the first packet: takes the keys that python-ipmi computes, if the packet was made with them.
    fn take_other_keys(&mut self, layout: &Layout, packet: &[u8]) -> bool {
        let (Some(LoginAnswer::V2_0 { key, .. }), Protection::V2_0(protection)) =
            (self.unconfirmed.as_deref(), &mut self.protection)
        else {
            return false;
        };
        let Some(keys) = SessionKeys::derive_over_digest_length(protection.keys.suite(), key) else {
            return false;
        };
        let fits = layout
            .trailer(packet, keys.integrity_length())
            .is_ok_and(|(covered, code)| keys.verify_integrity(covered, code));
        if fits {
            protection.keys = keys;
        }
        fits
    }

    /// The session as the application sees it.
    pub(super) fn info(&self) -> SessionInfo {
        let (is_rmcp_plus, is_authenticated, is_encrypted) = match &self.protection {
            Protection::V2_0(session) => (
                true,
                session.keys.integrity_length() > 0,
                session.keys.is_confidential(),
            ),
            Protection::V1_5(session) => (false, session.kind != AuthenticationType::NONE, false),
        };
        SessionInfo {
            id: SessionId(self.id),
            handle: self.handle,
            user: self.user,
            privilege: self.privilege,
            limit: self.limit,
            is_rmcp_plus,
            is_authenticated,
            is_encrypted,
            peer: self.peer,
        }
    }

    /// Whether packets prove who sent them. Without that, the console's address is all there is.
    pub(super) fn is_authenticated(&self) -> bool {
        self.info().is_authenticated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_takes_less_than_two_kibibytes() {
        let size = size_of::<Session>() + size_of::<V2_0>();
        assert!(
            size <= 1_856,
            "{size} bytes, of which {} for retries",
            size_of::<RetryCache>()
        );
        let size = size_of::<Session>() + size_of::<V1_5>();
        assert!(size <= 1_856, "{size} bytes");
    }

    #[test]
    fn a_login_takes_less_than_half_a_kibibyte() {
        let size = size_of::<crate::session::managed::half_open::HalfOpen>();
        assert!(size <= 256, "{size} bytes");
    }
}
