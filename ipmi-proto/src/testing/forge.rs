//! Packets of a session made by somebody who knows its password and heard its login.

use alloc::vec::Vec;

use super::{Captured, Direction};
use crate::crypto::{
    AuthenticationAlgorithm, BmcKey, CONFIDENTIALITY_HEADER, CipherSuite, ConfidentialityAlgorithm,
    IntegrityAlgorithm, Password, RakpTranscript, SessionKeys,
};
use crate::packet::open_session::{Granted, OpenSessionResponse};
use crate::packet::rakp::{Rakp1, Rakp2, Reply};
use crate::packet::v2_0::{self, Header, Layout, PayloadType};
use crate::packet::{Format, rmcp};
use crate::wire::Writer;

/// The keys of a session of IPMI 2.0, to look into its packets and to make others with valid codes.
#[derive(Debug)]
pub struct Forger {
    keys: SessionKeys,
    /// The number by which the BMC knows the session.
    pub bmc_session: u32,
    /// The number by which the console knows the session.
    pub console_session: u32,
}

/// The payload of a captured handshake message.
fn handshake(captured: &Captured, kind: PayloadType) -> Option<&[u8]> {
    let packet = captured.bytes.get(rmcp::HEADER_LENGTH..)?;
    if Format::of(packet) != Some(Format::V2_0) {
        return None;
    }
    let layout = Layout::parse(packet).ok()?;
    if layout.header.payload_type == kind {
        packet.get(layout.payload)
    } else {
        None
    }
}

fn suite(granted: &Granted) -> Option<CipherSuite> {
    CipherSuite::by_algorithms(
        AuthenticationAlgorithm::from_code(granted.algorithms.authentication?)?,
        IntegrityAlgorithm::from_code(granted.algorithms.integrity?)?,
        ConfidentialityAlgorithm::from_code(granted.algorithms.confidentiality?)?,
    )
}

impl Forger {
    /// Derives the keys from the login in a capture; `None` if there is none.
    #[must_use]
    pub fn from_login(captured: &[Captured], password: &Password, bmc_key: Option<&BmcKey>) -> Option<Self> {
        let find = |kind| captured.iter().rev().find_map(|packet| handshake(packet, kind));
        let opened = OpenSessionResponse::parse(find(PayloadType::OPEN_SESSION_RESPONSE)?).ok()?;
        let granted = opened.outcome.ok()?;
        let suite = suite(&granted)?;
        let rakp1 = Rakp1::parse(find(PayloadType::RAKP_1)?).ok()?;
        let rakp2 = Reply::<Rakp2<'_>>::parse(find(PayloadType::RAKP_2)?)
            .ok()?
            .outcome
            .ok()?;
        let transcript = RakpTranscript {
            console_session: opened.console_session,
            bmc_session: granted.bmc_session,
            console_random: &rakp1.console_random,
            bmc_random: &rakp2.bmc_random,
            guid: &rakp2.guid,
            role: rakp1.role.0,
            user_name: &rakp1.name,
        };
        let key = transcript.session_integrity_key(suite.authentication, password, bmc_key);
        Some(Self {
            keys: SessionKeys::derive(suite, &key, password),
            bmc_session: granted.bmc_session,
            console_session: opened.console_session,
        })
    }

    /// The header and the decrypted payload of a packet of the session.
    #[must_use]
    pub fn open(&self, datagram: &[u8]) -> Option<(Header, Vec<u8>)> {
        let packet = datagram.get(rmcp::HEADER_LENGTH..)?;
        let layout = Layout::parse(packet).ok()?;
        let mut payload = packet.get(layout.payload)?.to_vec();
        if layout.header.encrypted {
            payload = self.keys.decrypt(&mut payload).ok()?.to_vec();
        }
        Some((layout.header, payload))
    }

    /// Makes a datagram for the BMC or the console, encrypted and with its code as the session wants it.
    #[must_use]
    pub fn seal(
        &self,
        direction: Direction,
        kind: PayloadType,
        sequence: u32,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        let header = Header {
            encrypted: self.keys.is_confidential(),
            authenticated: self.keys.integrity_length() > 0,
            payload_type: kind,
            oem: (kind == PayloadType::OEM_EXPLICIT).then_some([0; 6]),
            session: match direction {
                Direction::ToBmc => self.bmc_session,
                Direction::ToConsole => self.console_session,
            },
            sequence,
        };
        self.seal_with(&header, payload)
    }

    /// Makes a datagram with a header that need not be right.
    #[must_use]
    pub fn seal_with(&self, header: &Header, payload: &[u8]) -> Option<Vec<u8>> {
        let mut body = payload.to_vec();
        if header.encrypted && self.keys.is_confidential() {
            body = [&[0; CONFIDENTIALITY_HEADER][..], payload, &[0; 16]].concat();
            let length = self.keys.encrypt(&[0x5a; 16], &mut body, payload.len()).ok()?;
            body.truncate(length);
        }
        self.seal_body(header, &body)
    }

    /// Makes a datagram from a payload that is encrypted already, or pretends to be.
    #[must_use]
    pub fn seal_body(&self, header: &Header, body: &[u8]) -> Option<Vec<u8>> {
        let mut output = Vec::from_iter((0..body.len() + 64).map(|_| 0));
        let mut writer = Writer::new(&mut output);
        rmcp::Header::IPMI.write(&mut writer).ok()?;
        header.write(body.len(), &mut writer).ok()?;
        writer.bytes(body).ok()?;
        if header.authenticated {
            let length = writer.len() - rmcp::HEADER_LENGTH;
            v2_0::write_trailer(length, &mut writer).ok()?;
            let code = self
                .keys
                .integrity_code(writer.written().get(rmcp::HEADER_LENGTH..)?);
            writer.bytes(code.as_slice()).ok()?;
        }
        let length = writer.len();
        output.truncate(length);
        Some(output)
    }
}
