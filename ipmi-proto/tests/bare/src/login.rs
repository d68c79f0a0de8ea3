//! A login and one command, with cryptography and messages alone.

use ipmi_proto::crypto::{BmcKey, CipherSuite, Password, RakpTranscript, SessionKeys};
use ipmi_proto::ipmb::RequestMessage;
use ipmi_proto::wire::Writer;

/// Get Device ID as ipmitool sends it.
const REQUEST: [u8; 7] = [0x20, 0x18, 0xc8, 0x81, 0x04, 0x01, 0x7a];

/// `None` if console and BMC do not agree.
pub(crate) fn run(suite: CipherSuite) -> Option<()> {
    let transcript = RakpTranscript {
        console_session: 0xa0a2_a3a4,
        bmc_session: 0x0200_1c00,
        console_random: &[0x11; 16],
        bmc_random: &[0x22; 16],
        guid: &[0x33; 16],
        role: 0x14,
        user_name: b"admin",
    };
    let console = keys(&transcript, suite)?;
    let bmc = keys(&transcript, suite)?;

    let mut packet = [0; 64];
    let start = if console.is_confidential() { 16 } else { 0 };
    let mut writer = Writer::new(packet.get_mut(start..)?);
    RequestMessage::parse(&REQUEST).ok()?.write(&mut writer).ok()?;
    let length = console.confidential_length(writer.len());
    if console.is_confidential() {
        let plain_length = writer.len();
        console.encrypt(&[0x44; 16], &mut packet, plain_length).ok()?;
    }
    let payload = packet.get_mut(..length)?;
    let code = console.integrity_code(payload);

    if !bmc.verify_integrity(payload, code.as_slice()) {
        return None;
    }
    let message = if bmc.is_confidential() {
        bmc.decrypt(payload).ok()?
    } else {
        payload
    };
    (message == REQUEST).then_some(())
}

/// The keys of one side, after the codes of RAKP 2, 3 and 4 were compared.
fn keys(transcript: &RakpTranscript<'_>, suite: CipherSuite) -> Option<SessionKeys> {
    let algorithm = suite.authentication;
    let password = Password::new(b"secret").ok()?;
    let bmc_key = BmcKey::new(b"two-key").ok()?;
    let second = transcript.rakp2_code(algorithm, &password);
    let third = transcript.rakp3_code(algorithm, &password);
    let key = transcript.session_integrity_key(algorithm, &password, Some(&bmc_key));
    let fourth = transcript.rakp4_code(algorithm, &key);
    let lengths = [second, third, fourth].map(|code| code.as_slice().len());
    let exchange = algorithm.exchange_code_length();
    (lengths == [exchange, exchange, algorithm.integrity_check_length()])
        .then(|| SessionKeys::derive(suite, &key, &password))
}
