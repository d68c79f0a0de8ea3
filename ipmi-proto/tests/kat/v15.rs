//! Sessions of IPMI 1.5.

use ipmi_proto::crypto::Password;
use ipmi_proto::crypto::v15::{AuthenticationType, authentication_code, verify_authentication_code};
use ipmi_proto::ipmb::{RequestMessage, ResponseMessage};
use ipmi_proto::wire::Reader;

use crate::capture::{Capture, Sender};

/// Verifies the authentication code of every packet that has one, and that the session used the wanted type.
pub(crate) fn check(capture: &Capture) {
    let name = &capture.name;
    let password = capture.password();
    let wanted = match capture.text("authentication") {
        "none" => AuthenticationType::NONE,
        "md2" => AuthenticationType::MD2,
        "md5" => AuthenticationType::MD5,
        "password" => AuthenticationType::PASSWORD,
        other => panic!("{name}: {other}"),
    };
    let mut in_session = 0;
    for (sender, datagram) in &capture.datagrams {
        let mut reader = Reader::new(datagram);
        let [version, _, _, class] = reader.array().unwrap();
        assert_eq!(version, 0x06, "{name}");
        if class == 0x06 {
            // ipmitool pings first.
            continue;
        }
        assert_eq!(class, 0x07, "{name}");
        let kind = AuthenticationType(reader.u8().unwrap());
        if kind == AuthenticationType::RMCP_PLUS {
            // ipmitool asks for the cipher suites in the other format before it logs in.
            continue;
        }
        let sequence: u32 = reader.value().unwrap();
        let session: u32 = reader.value().unwrap();
        let code: Option<[u8; 16]> = kind.has_code().then(|| reader.array().unwrap());
        let length = reader.u8().unwrap();
        let message = reader.slice(usize::from(length)).unwrap();
        assert!(reader.remaining() <= 1, "{name}: more than the legacy pad");
        match sender {
            Sender::Console => assert!(RequestMessage::parse(message).is_ok(), "{name}"),
            Sender::Bmc => assert!(ResponseMessage::parse(message).is_ok(), "{name}"),
        }
        if session != 0 {
            in_session += 1;
            assert_eq!(kind, wanted, "{name}");
        }
        if let Some(code) = code {
            check_code(name, kind, &password, session, message, sequence, &code);
        }
    }
    // Activate Session, Set Session Privilege Level, Get Chassis Status, Close Session and their answers.
    assert!(in_session >= 8, "{name}: {in_session} packets");
}

fn check_code(
    name: &str,
    kind: AuthenticationType,
    password: &Password,
    session: u32,
    message: &[u8],
    sequence: u32,
    code: &[u8; 16],
) {
    let wrong = Password::new(b"wrong").unwrap();
    let verify = |password, session, sequence, code| {
        verify_authentication_code(kind, password, session, message, sequence, code)
    };
    assert_eq!(
        authentication_code(kind, password, session, message, sequence).as_ref(),
        Some(code),
        "{name}"
    );
    assert!(verify(password, session, sequence, code), "{name}");
    assert!(!verify(&wrong, session, sequence, code), "{name}");
    let mut changed = *code;
    changed[15] ^= 0x80;
    assert!(!verify(password, session, sequence, &changed), "{name}");
    if kind != AuthenticationType::PASSWORD {
        assert!(!verify(password, session ^ 1, sequence, code), "{name}");
        assert!(!verify(password, session, sequence ^ 1, code), "{name}");
    }
}
