//! Steps of a login that arrive twice, late, or with a new tag, and keys as python-ipmi computes them.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;

use ipmi_proto::crypto::{
    AuthenticationAlgorithm, CipherSuite, CipherSuiteId, Password, RakpTranscript, SessionKeys,
};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::packet::open_session::{OpenSessionRequest, OpenSessionResponse, Proposal};
use ipmi_proto::packet::rakp::{Rakp1, Rakp2, Rakp3, Rakp4, Reply, Role};
use ipmi_proto::packet::v2_0::{self, Header, Layout, PayloadType};
use ipmi_proto::packet::{RmcpPlusStatus, rmcp};
use ipmi_proto::session::Peer;
use ipmi_proto::session::managed::{Handled, Limits, Sessions};
use ipmi_proto::testing::{PredictableRandom, Users};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::{Bytes, WireError, Writer};

const PASSWORD: &[u8] = b"secret";
const CONSOLE_SESSION: u32 = 0xa0a2_a3a4;
const CONSOLE_RANDOM: [u8; 16] = [7; 16];

/// A BMC and a console that writes each message by hand.
struct Login {
    sessions: Sessions,
    users: Users,
    random: PredictableRandom,
    output: [u8; 1_024],
}

impl Login {
    fn new() -> Self {
        Self {
            sessions: Sessions::new(Limits::default()),
            users: Users::permissive(b"admin", Password::new(PASSWORD).unwrap()),
            random: PredictableRandom::new(1),
            output: [0; 1_024],
        }
    }

    /// Sends a datagram; the answer, if there is one.
    fn send(&mut self, mut datagram: Vec<u8>) -> Option<Vec<u8>> {
        let remote: SocketAddr = "192.0.2.1:40000".parse().unwrap();
        let local: SocketAddr = "192.0.2.2:623".parse().unwrap();
        let peer = Peer { remote, local };
        let Self {
            sessions,
            users,
            random,
            output,
        } = self;
        match sessions.handle_datagram(Instant::ZERO, peer, &mut datagram, users, random, output) {
            Handled::Reply { length, .. } => Some(output[..length].to_vec()),
            _ => None,
        }
    }

    /// Sends a step of the login; the payload of the answer.
    fn step(
        &mut self,
        kind: PayloadType,
        write: impl Fn(&mut Writer<'_>) -> Result<(), WireError>,
    ) -> Option<Vec<u8>> {
        let mut payload = [0; 128];
        let mut writer = Writer::new(&mut payload);
        write(&mut writer).unwrap();
        let answer = self.send(plain(kind, writer.written()))?;
        let packet = &answer[rmcp::HEADER_LENGTH..];
        Some(packet[Layout::parse(packet).unwrap().payload].to_vec())
    }

    fn open(&mut self, tag: u8) -> u32 {
        let algorithms = Proposal {
            authentication: Some(3),
            integrity: Some(4),
            confidentiality: Some(1),
        };
        let request = OpenSessionRequest {
            tag,
            privilege: Privilege::ADMINISTRATOR,
            console_session: CONSOLE_SESSION,
            proposal: algorithms,
        };
        let answer = self
            .step(PayloadType::OPEN_SESSION_REQUEST, |writer| request.write(writer))
            .unwrap();
        let answer = OpenSessionResponse::parse(&answer).unwrap();
        assert_eq!(answer.tag, tag);
        answer.outcome.unwrap().bmc_session
    }

    fn rakp1(&mut self, bmc_session: u32, tag: u8, console_random: [u8; 16]) -> Vec<u8> {
        let message = Rakp1 {
            tag,
            bmc_session,
            console_random,
            role: Role::new(Privilege::ADMINISTRATOR, true),
            name_length: 5,
            name: Bytes::from_slice(b"admin").unwrap(),
        };
        self.step(PayloadType::RAKP_1, |writer| message.write(writer))
            .unwrap()
    }
}

fn plain(kind: PayloadType, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        encrypted: false,
        authenticated: false,
        payload_type: kind,
        oem: None,
        session: 0,
        sequence: 0,
    };
    let mut output = [0; 256];
    let mut writer = Writer::new(&mut output);
    rmcp::Header::IPMI.write(&mut writer).unwrap();
    header.write(payload.len(), &mut writer).unwrap();
    writer.bytes(payload).unwrap();
    writer.written().to_vec()
}

#[test]
fn rakp_1_with_a_new_tag_gets_the_same_answer_to_it() {
    let mut login = Login::new();
    let session = login.open(1);
    let first = login.rakp1(session, 2, CONSOLE_RANDOM);
    let again = login.rakp1(session, 3, CONSOLE_RANDOM);
    let (first, again) = (
        Reply::<Rakp2<'_>>::parse(&first).unwrap(),
        Reply::<Rakp2<'_>>::parse(&again).unwrap(),
    );
    assert_eq!((first.tag, again.tag), (2, 3));
    assert_eq!(first.outcome, again.outcome);
    let other = login.rakp1(session, 4, [8; 16]);
    let other = Reply::<Rakp2<'_>>::parse(&other).unwrap();
    assert_eq!(other.outcome, Err(RmcpPlusStatus::ILLEGAL_PARAMETER));
}

#[test]
fn open_session_again_is_the_same_login_until_rakp_1_and_another_after_it() {
    let mut login = Login::new();
    let session = login.open(1);
    assert_eq!(login.open(2), session);
    let first = login.rakp1(session, 3, CONSOLE_RANDOM);
    let late = login.open(1);
    assert_ne!(late, session);
    // The login that has gone on is still there.
    assert_eq!(login.rakp1(session, 3, CONSOLE_RANDOM), first);
}

#[test]
fn keys_over_the_digest_length_are_taken_with_the_first_packet() {
    let mut login = Login::new();
    let session = login.open(1);
    let answer = login.rakp1(session, 2, CONSOLE_RANDOM);
    let rakp2 = Reply::<Rakp2<'_>>::parse(&answer).unwrap().outcome.unwrap();
    let password = Password::new(PASSWORD).unwrap();
    let transcript = RakpTranscript {
        console_session: CONSOLE_SESSION,
        bmc_session: session,
        console_random: &CONSOLE_RANDOM,
        bmc_random: &rakp2.bmc_random,
        guid: &rakp2.guid,
        role: 0x14,
        user_name: b"admin",
    };
    let algorithm = AuthenticationAlgorithm::RakpHmacSha256;
    let proof = transcript.rakp3_code(algorithm, &password);
    let rakp3 = Rakp3 {
        tag: 3,
        status: RmcpPlusStatus::NO_ERRORS,
        bmc_session: session,
        code: proof.as_slice(),
    };
    let answer = login
        .step(PayloadType::RAKP_3, |writer| rakp3.write(writer))
        .unwrap();
    assert!(Reply::<Rakp4<'_>>::parse(&answer).unwrap().outcome.is_ok());
    let key = transcript.session_integrity_key(algorithm, &password, None);
    let suite = CipherSuite::by_id(CipherSuiteId::SUITE_17).unwrap();
    let usual = SessionKeys::derive(suite, &key, &password);
    let other = SessionKeys::derive_over_digest_length(suite, &key).unwrap();
    let privilege = [0x20, 0x18, 0xc8, 0x81, 0x04, 0x3b, 0x04, 0x3c];
    assert!(login.send(sealed(&other, session, 1, &privilege)).is_some());
    // From now on these are the keys.
    assert!(login.send(sealed(&usual, session, 2, &privilege)).is_none());
    assert!(login.send(sealed(&other, session, 3, &privilege)).is_some());
}

fn sealed(keys: &SessionKeys, session: u32, sequence: u32, message: &[u8]) -> Vec<u8> {
    let mut payload = [0; 64];
    payload[16..16 + message.len()].copy_from_slice(message);
    let length = keys.encrypt(&[9; 16], &mut payload, message.len()).unwrap();
    let header = Header {
        encrypted: true,
        authenticated: true,
        payload_type: PayloadType::IPMI,
        oem: None,
        session,
        sequence,
    };
    let mut output = [0; 256];
    let mut writer = Writer::new(&mut output);
    rmcp::Header::IPMI.write(&mut writer).unwrap();
    header.write(length, &mut writer).unwrap();
    writer.bytes(&payload[..length]).unwrap();
    let covered = writer.len() - rmcp::HEADER_LENGTH;
    v2_0::write_trailer(covered, &mut writer).unwrap();
    let code = keys.integrity_code(&writer.written()[rmcp::HEADER_LENGTH..]);
    writer.bytes(code.as_slice()).unwrap();
    writer.written().to_vec()
}
