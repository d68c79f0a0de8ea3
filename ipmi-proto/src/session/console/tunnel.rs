//! The protected way between the two ends of an open session: packets are sealed and opened here.

use core::ops::Range;

use rand_core::CryptoRng;

use crate::crypto::v15::{self, AuthenticationType};
use crate::crypto::{CONFIDENTIALITY_HEADER, Password, SessionKeys};
use crate::ipmb::{MESSAGE_OVERHEAD, RequestMessage};
use crate::packet::v2_0::PayloadType;
use crate::packet::{Format, rmcp, v1_5, v2_0};
use crate::session::DropReason;
use crate::session::window::{Refused, SequenceCounter, SequenceWindow, Width};
use crate::wire::{WireError, Writer};

/// What a packet is to carry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain<'a> {
    Message(RequestMessage<'a>),
    Payload(PayloadType, &'a [u8]),
}

impl Plain<'_> {
    const fn kind(&self) -> PayloadType {
        match self {
            Self::Message(_) => PayloadType::IPMI,
            Self::Payload(kind, _) => *kind,
        }
    }

    const fn length(&self) -> usize {
        match self {
            Self::Message(message) => MESSAGE_OVERHEAD + message.data.len(),
            Self::Payload(_, data) => data.len(),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        match self {
            Self::Message(message) => message.write(writer),
            Self::Payload(_, data) => writer.bytes(data),
        }
    }
}

/// What an opened packet carries, and where in the datagram.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) kind: PayloadType,
    pub(super) payload: Range<usize>,
}

/// Keys, session number and sequence numbers of an open session.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one for each session; the small one is that of old BMCs"
)]
pub(super) enum Tunnel {
    V2_0(Tunnel20),
    V1_5(Tunnel15),
}

impl Tunnel {
    /// The number by which the BMC knows the session.
    pub(super) const fn bmc_session(&self) -> u32 {
        match self {
            Self::V2_0(tunnel) => tunnel.bmc_session,
            Self::V1_5(tunnel) => tunnel.session,
        }
    }

    /// Makes a packet with a new sequence number. Returns its length.
    pub(super) fn seal(
        &mut self,
        plain: Plain<'_>,
        password: &Password,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Result<usize, WireError> {
        match self {
            Self::V2_0(tunnel) => tunnel.seal(plain, random, output),
            Self::V1_5(tunnel) => tunnel.seal(plain, password, output),
        }
    }

    /// Checks and decrypts a datagram in place.
    pub(super) fn open(&mut self, datagram: &mut [u8], password: &Password) -> Result<Opened, DropReason> {
        let packet = session_packet(datagram)?;
        match (self, Format::of(packet)) {
            (Self::V2_0(tunnel), Some(Format::V2_0)) => tunnel.open(datagram),
            (Self::V1_5(tunnel), Some(Format::V1_5)) => tunnel.open(datagram, password),
            // The answer to a packet from before the login, or not for this session at all.
            (_, Some(_)) => Err(DropReason::UnknownSession),
            (_, None) => Err(DropReason::MalformedHeader),
        }
    }
}

/// The session packet of a datagram that has the RMCP header of IPMI.
pub(super) fn session_packet(datagram: &[u8]) -> Result<&[u8], DropReason> {
    let header = rmcp::Header::parse(datagram).map_err(|_| DropReason::NotRmcp)?;
    match header {
        rmcp::Header {
            is_acknowledge: true, ..
        } => Err(DropReason::NoAnswerWanted),
        rmcp::Header {
            class: rmcp::Class::Ipmi,
            ..
        } => datagram.get(rmcp::HEADER_LENGTH..).ok_or(DropReason::NotRmcp),
        _ => Err(DropReason::OtherClass),
    }
}

impl From<Refused> for DropReason {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Duplicate => Self::Replayed,
            Refused::Outside => Self::OutOfWindow,
        }
    }
}

/// A session of IPMI 2.0.
///
/// All packets of a session are protected in the same way, so one counter and one window serve for the
/// authenticated packets, or for the unauthenticated ones where the suite has no integrity (IPMI 2.0 §6.12.13).
#[derive(Debug)]
pub(super) struct Tunnel20 {
    keys: SessionKeys,
    console_session: u32,
    bmc_session: u32,
    outbound: SequenceCounter,
    inbound: SequenceWindow,
}

impl Tunnel20 {
    pub(super) const fn new(keys: SessionKeys, console_session: u32, bmc_session: u32) -> Self {
        Self {
            keys,
            console_session,
            bmc_session,
            outbound: SequenceCounter::new(1),
            inbound: SequenceWindow::new(1, Width::V2_0),
        }
    }

    fn seal(
        &mut self,
        plain: Plain<'_>,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Result<usize, WireError> {
        let mut writer = Writer::new(output);
        rmcp::Header::IPMI.write(&mut writer)?;
        let authenticated = self.keys.integrity_length() > 0;
        let header = v2_0::Header {
            encrypted: self.keys.is_confidential(),
            authenticated,
            payload_type: plain.kind(),
            oem: None,
            session: self.bmc_session,
            sequence: self.outbound.take(),
        };
        let length = self.keys.confidential_length(plain.length());
        header.write(length, &mut writer)?;
        let start = writer.len();
        if header.encrypted {
            writer.bytes(&[0; CONFIDENTIALITY_HEADER])?;
        }
        plain.write(&mut writer)?;
        if header.encrypted {
            let padding = (start + length).saturating_sub(writer.len());
            // One block at most.
            writer.bytes([0; 16].get(..padding).ok_or(WireError::BufferTooSmall)?)?;
            let mut vector = [0; CONFIDENTIALITY_HEADER];
            random.fill_bytes(&mut vector);
            let payload = writer
                .written_mut()
                .get_mut(start..)
                .ok_or(WireError::BufferTooSmall)?;
            self.keys
                .encrypt(&vector, payload, plain.length())
                .map_err(|_| WireError::BufferTooSmall)?;
        }
        if authenticated {
            let packet_length = writer.len() - rmcp::HEADER_LENGTH;
            v2_0::write_trailer(packet_length, &mut writer)?;
            let covered = writer.written().get(rmcp::HEADER_LENGTH..).unwrap_or_default();
            let code = self.keys.integrity_code(covered);
            writer.bytes(code.as_slice())?;
        }
        Ok(writer.len())
    }

    fn open(&mut self, datagram: &mut [u8]) -> Result<Opened, DropReason> {
        let packet = datagram
            .get_mut(rmcp::HEADER_LENGTH..)
            .ok_or(DropReason::MalformedHeader)?;
        let layout = v2_0::Layout::parse(packet).map_err(|_| DropReason::MalformedHeader)?;
        let header = layout.header;
        if header.session != self.console_session {
            return Err(DropReason::UnknownSession);
        }
        let code_length = self.keys.integrity_length();
        if header.authenticated != (code_length > 0) || header.encrypted != self.keys.is_confidential() {
            return Err(DropReason::NotProtected);
        }
        if header.authenticated {
            let (covered, code) = layout
                .trailer(packet, code_length)
                .map_err(|_| DropReason::MalformedHeader)?;
            if !self.keys.verify_integrity(covered, code) {
                return Err(DropReason::BadAuthCode);
            }
        } else if layout.payload.end != packet.len() {
            return Err(DropReason::MalformedHeader);
        }
        self.inbound.check(header.sequence)?;
        self.inbound.commit(header.sequence);
        let start = rmcp::HEADER_LENGTH + layout.payload.start;
        let payload = if header.encrypted {
            let payload = packet
                .get_mut(layout.payload)
                .ok_or(DropReason::MalformedHeader)?;
            let plain = self
                .keys
                .decrypt(payload)
                .map_err(|_| DropReason::BadEncryption)?;
            let start = start + CONFIDENTIALITY_HEADER;
            start..start + plain.len()
        } else {
            start..rmcp::HEADER_LENGTH + layout.payload.end
        };
        Ok(Opened {
            kind: header.payload_type,
            payload,
        })
    }
}

/// A session of IPMI 1.5.
#[derive(Debug)]
pub(super) struct Tunnel15 {
    kind: AuthenticationType,
    /// Both sides use the BMC's number.
    session: u32,
    outbound: SequenceCounter,
    inbound: SequenceWindow,
}

impl Tunnel15 {
    /// `first_out` was given by the BMC, `first_in` by the console.
    pub(super) const fn new(kind: AuthenticationType, session: u32, first_out: u32, first_in: u32) -> Self {
        Self {
            kind,
            session,
            outbound: SequenceCounter::new(first_out),
            inbound: SequenceWindow::new(first_in, Width::V1_5),
        }
    }

    /// Counts a packet that was checked by other means: the answer to Activate Session.
    pub(super) fn count_received(&mut self, sequence: u32) {
        if self.inbound.check(sequence).is_ok() {
            self.inbound.commit(sequence);
        }
    }

    fn seal(&mut self, plain: Plain<'_>, password: &Password, output: &mut [u8]) -> Result<usize, WireError> {
        let Plain::Message(message) = plain else {
            // IPMI 1.5 has no other payloads.
            return Err(WireError::Invalid);
        };
        let header = v1_5::Header {
            auth_type: self.kind.0,
            sequence: self.outbound.take(),
            session: self.session,
        };
        seal_v1_5(header, &message, password, output)
    }

    fn open(&mut self, datagram: &[u8], password: &Password) -> Result<Opened, DropReason> {
        let packet = session_packet(datagram)?;
        let parsed = v1_5::Packet::parse(packet).map_err(|_| DropReason::MalformedHeader)?;
        if parsed.header.session != self.session {
            return Err(DropReason::UnknownSession);
        }
        if parsed.header.auth_type != self.kind.0 {
            return Err(DropReason::NotProtected);
        }
        if !is_authentic_v1_5(&parsed, password) {
            return Err(DropReason::BadAuthCode);
        }
        self.inbound.check(parsed.header.sequence)?;
        self.inbound.commit(parsed.header.sequence);
        let code_length = if parsed.auth_code.is_some() {
            v1_5::AUTH_CODE_LENGTH
        } else {
            0
        };
        // Header of nine bytes, code, length.
        let start = rmcp::HEADER_LENGTH + 9 + code_length + 1;
        Ok(Opened {
            kind: PayloadType::IPMI,
            payload: start..start + parsed.message.len(),
        })
    }
}

/// The longest message of IPMI 1.5: its length is one byte.
pub(super) const MAX_MESSAGE_V1_5: usize = 255;

/// Writes a packet of IPMI 1.5 with its authentication code.
pub(super) fn seal_v1_5(
    header: v1_5::Header,
    message: &RequestMessage<'_>,
    password: &Password,
    output: &mut [u8],
) -> Result<usize, WireError> {
    let mut buffer = [0; MAX_MESSAGE_V1_5];
    let mut plain = Writer::new(&mut buffer);
    message.write(&mut plain)?;
    let kind = AuthenticationType(header.auth_type);
    let code = if kind == AuthenticationType::NONE {
        None
    } else {
        let code = v15::authentication_code(kind, password, header.session, plain.written(), header.sequence);
        Some(code.ok_or(WireError::Invalid)?)
    };
    let packet = v1_5::Packet {
        header,
        auth_code: code.as_ref(),
        message: plain.written(),
    };
    let mut writer = Writer::new(output);
    rmcp::Header::IPMI.write(&mut writer)?;
    packet.write(&mut writer)?;
    Ok(writer.len())
}

/// Whether the authentication code of a packet is right. A packet of the type "none" has nothing to check.
pub(super) fn is_authentic_v1_5(packet: &v1_5::Packet<'_>, password: &Password) -> bool {
    let header = packet.header;
    match packet.auth_code {
        None => true,
        Some(code) => v15::verify_authentication_code(
            AuthenticationType(header.auth_type),
            password,
            header.session,
            packet.message,
            header.sequence,
            code,
        ),
    }
}
