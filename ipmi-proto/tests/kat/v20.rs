//! RMCP+ logins and sessions of IPMI 2.0.

use ipmi_proto::crypto::{
    CipherSuite, ConfidentialityAlgorithm, IntegrityAlgorithm, Password, RakpTranscript, SessionKeys,
};
use ipmi_proto::ipmb::{RequestMessage, ResponseMessage};
use ipmi_proto::wire::Reader;

use crate::capture::{Capture, Sender};

/// Payload types of the setup (IPMI 2.0 §13.27.3), and bits of the payload type byte.
const OPEN_REQUEST: u8 = 0x10;
const OPEN_RESPONSE: u8 = 0x11;
const RAKP_1: u8 = 0x12;
const RAKP_2: u8 = 0x13;
const RAKP_3: u8 = 0x14;
const RAKP_4: u8 = 0x15;
const TYPE: u8 = 0x3f;
const AUTHENTICATED: u8 = 0x40;
const ENCRYPTED: u8 = 0x80;

/// A packet of the IPMI 2.0 format, taken apart.
struct Packet<'a> {
    sender: Sender,
    /// Payload type with its two flags.
    kind: u8,
    session: u32,
    payload: &'a [u8],
    /// From the authentication type to the next header, what the AuthCode covers.
    covered: &'a [u8],
    code: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` for the format of IPMI 1.5.
    fn parse(sender: Sender, datagram: &'a [u8], code_length: usize) -> Option<Self> {
        let mut reader = Reader::new(datagram);
        assert_eq!(reader.array(), Ok([0x06, 0x00, 0xff, 0x07]));
        if reader.u8() != Ok(0x06) {
            return None;
        }
        let kind = reader.u8().unwrap();
        let session: u32 = reader.value().unwrap();
        let _sequence: u32 = reader.value().unwrap();
        let length: u16 = reader.value().unwrap();
        let payload = reader.slice(usize::from(length)).unwrap();
        let code_length = if kind & AUTHENTICATED == 0 { 0 } else { code_length };
        let (covered, code) = datagram[4..].split_at(datagram.len() - 4 - code_length);
        Some(Self {
            sender,
            kind,
            session,
            payload,
            covered,
            code,
        })
    }
}

/// What the setup of a session says, gathered message by message.
#[derive(Default)]
struct Setup {
    console_session: u32,
    bmc_session: u32,
    console_random: [u8; 16],
    bmc_random: [u8; 16],
    guid: [u8; 16],
    role: u8,
    user_name: Vec<u8>,
    keys: Option<SessionKeys>,
}

impl Setup {
    fn transcript(&self) -> RakpTranscript<'_> {
        RakpTranscript {
            console_session: self.console_session,
            bmc_session: self.bmc_session,
            console_random: &self.console_random,
            bmc_random: &self.bmc_random,
            guid: &self.guid,
            role: self.role,
            user_name: &self.user_name,
        }
    }
}

/// Verifies every code of the login, then every packet of the session.
pub(crate) fn check(capture: &Capture) {
    let suite = capture.suite().unwrap();
    let mut setup = Setup::default();
    let mut in_session = 0;
    for (sender, datagram) in &capture.datagrams {
        let Some(packet) = Packet::parse(*sender, datagram, suite.integrity.code_length()) else {
            continue;
        };
        if packet.session != 0 {
            in_session += 1;
            check_session_packet(capture, &setup, &packet);
            continue;
        }
        match packet.kind {
            OPEN_REQUEST => check_open(&mut setup, suite, packet.payload, false),
            OPEN_RESPONSE => check_open(&mut setup, suite, packet.payload, true),
            RAKP_1 | RAKP_2 | RAKP_3 => check_rakp(capture, &mut setup, &packet),
            RAKP_4 => check_rakp4(capture, &mut setup, &packet),
            other => assert_eq!(other, 0, "{}", capture.name),
        }
    }
    // Set Session Privilege Level, Get Chassis Status, Close Session and their answers.
    assert!(in_session >= 6, "{}: {in_session} packets", capture.name);
}

/// Both Open Session messages end in session IDs and three blocks of 8 bytes with an algorithm each.
fn check_open(setup: &mut Setup, suite: CipherSuite, payload: &[u8], response: bool) {
    let mut reader = Reader::new(payload);
    let [_tag, status, ..] = reader.array::<4>().unwrap();
    setup.console_session = reader.value().unwrap();
    if response {
        assert_eq!(status, 0);
        setup.bmc_session = reader.value().unwrap();
    }
    let expected = [
        [0, 0, 0, 8, suite.authentication.code(), 0, 0, 0],
        [1, 0, 0, 8, suite.integrity.code(), 0, 0, 0],
        [2, 0, 0, 8, suite.confidentiality.code(), 0, 0, 0],
    ];
    for block in expected {
        assert_eq!(reader.array(), Ok(block));
    }
    assert!(reader.is_empty());
}

/// Takes RAKP 1 to 3 in, verifies the codes of 2 and 3.
fn check_rakp(capture: &Capture, setup: &mut Setup, packet: &Packet<'_>) {
    let algorithm = capture.suite().unwrap().authentication;
    let mut reader = Reader::new(packet.payload);
    let [_tag, status, ..] = reader.array::<4>().unwrap();
    assert_eq!(status, 0, "{}", capture.name);
    let session: u32 = reader.value().unwrap();
    let wrong = Password::new(b"wrong").unwrap();
    let password = capture.password();
    match packet.kind {
        RAKP_1 => {
            assert_eq!(session, setup.bmc_session);
            setup.console_random = reader.array().unwrap();
            let [role, _, _, length] = reader.array().unwrap();
            setup.role = role;
            setup.user_name = reader.slice(usize::from(length)).unwrap().to_vec();
            assert_eq!(setup.user_name, capture.field("user"), "{}", capture.name);
            assert!(reader.is_empty());
        }
        RAKP_2 => {
            assert_eq!(session, setup.console_session);
            setup.bmc_random = reader.array().unwrap();
            setup.guid = reader.array().unwrap();
            let code = reader.rest();
            let transcript = setup.transcript();
            let expected = transcript.rakp2_code(algorithm, &password);
            assert_eq!(expected.as_slice(), code, "{}: RAKP 2", capture.name);
            assert!(expected.verify(code));
            assert!(code.is_empty() || !transcript.rakp2_code(algorithm, &wrong).verify(code));
        }
        _ => {
            assert_eq!(session, setup.bmc_session);
            let code = reader.rest();
            let transcript = setup.transcript();
            let expected = transcript.rakp3_code(algorithm, &password);
            assert_eq!(expected.as_slice(), code, "{}: RAKP 3", capture.name);
            assert!(expected.verify(code));
            assert!(code.is_empty() || !transcript.rakp3_code(algorithm, &wrong).verify(code));
        }
    }
}

/// Verifies the integrity check value of RAKP 4 and derives the keys of the session.
fn check_rakp4(capture: &Capture, setup: &mut Setup, packet: &Packet<'_>) {
    let suite = capture.suite().unwrap();
    let password = capture.password();
    let bmc_key = capture.bmc_key();
    let mut reader = Reader::new(packet.payload);
    let [_tag, status, ..] = reader.array::<4>().unwrap();
    let session: u32 = reader.value().unwrap();
    assert_eq!((status, session), (0, setup.console_session), "{}", capture.name);
    let code = reader.rest();
    let transcript = setup.transcript();
    let key = transcript.session_integrity_key(suite.authentication, &password, bmc_key.as_ref());
    let expected = transcript.rakp4_code(suite.authentication, &key);
    assert_eq!(expected.as_slice(), code, "{}: RAKP 4", capture.name);
    if bmc_key.is_some() {
        let one_key = transcript.session_integrity_key(suite.authentication, &password, None);
        assert!(!transcript.rakp4_code(suite.authentication, &one_key).verify(code));
    }
    setup.keys = Some(SessionKeys::derive(suite, &key, &password));
}

/// Verifies, decrypts and reads one packet of the session, then makes it again.
fn check_session_packet(capture: &Capture, setup: &Setup, packet: &Packet<'_>) {
    let name = &capture.name;
    let keys = setup.keys.as_ref().unwrap();
    let suite = keys.suite();
    let expected_session = match packet.sender {
        Sender::Console => setup.bmc_session,
        Sender::Bmc => setup.console_session,
    };
    assert_eq!(packet.session, expected_session, "{name}");
    assert_eq!(packet.kind & TYPE, 0, "{name}");
    assert_eq!(
        packet.kind & AUTHENTICATED != 0,
        suite.integrity != IntegrityAlgorithm::None
    );
    let encrypted = suite.confidentiality != ConfidentialityAlgorithm::None;
    assert_eq!(packet.kind & ENCRYPTED != 0, encrypted, "{name}");

    assert!(keys.verify_integrity(packet.covered, packet.code), "{name}");
    if suite.integrity != IntegrityAlgorithm::None {
        assert_eq!(packet.covered.len() % 4, 0, "{name}");
        for bit in 0..packet.covered.len() * 8 {
            let mut changed = packet.covered.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys.verify_integrity(&changed, packet.code), "{name}: bit {bit}");
        }
    }
    if encrypted {
        let mut payload = packet.payload.to_vec();
        let plain = keys.decrypt(&mut payload).unwrap().to_vec();
        check_message(name, packet.sender, &plain);

        let mut made = packet.payload.to_vec();
        let vector = *made.first_chunk().unwrap();
        made.fill(0xa5);
        made[16..16 + plain.len()].copy_from_slice(&plain);
        assert_eq!(
            keys.encrypt(&vector, &mut made, plain.len()),
            Ok(packet.payload.len())
        );
        assert_eq!(made, packet.payload, "{name}");
    } else {
        check_message(name, packet.sender, packet.payload);
    }
}

/// Both checksums and the direction of the message.
fn check_message(name: &str, sender: Sender, message: &[u8]) {
    match sender {
        Sender::Console => assert!(RequestMessage::parse(message).is_ok(), "{name}: {message:02x?}"),
        Sender::Bmc => assert!(ResponseMessage::parse(message).is_ok(), "{name}: {message:02x?}"),
    }
}
