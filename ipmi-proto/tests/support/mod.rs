//! What the engine tests have in common.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not their helpers"
)]

use ipmi_proto::crypto::v15::AuthenticationType;
use ipmi_proto::crypto::{CipherSuite, CipherSuiteId, Password};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::console::{ConnectFailure, ConsoleConfig, Event, Protocol, SuiteChoice, TypeChoice};
use ipmi_proto::testing::{Captured, OEM_COUNT, OEM_ECHO, OEM_NETFN, Pair, Users};

pub(crate) const NAME: &[u8] = b"admin";
pub(crate) const PASSWORD: &[u8] = b"correct horse";

pub(crate) fn password(text: &[u8]) -> Password {
    Password::new(text).unwrap()
}

pub(crate) fn users() -> Users {
    Users::permissive(NAME, password(PASSWORD))
}

pub(crate) fn config() -> ConsoleConfig {
    ConsoleConfig::new(NAME, password(PASSWORD)).unwrap()
}

pub(crate) fn suite(number: u8) -> CipherSuite {
    CipherSuite::by_id(CipherSuiteId(number)).unwrap()
}

pub(crate) fn with_suite(number: u8) -> ConsoleConfig {
    let mut config = config();
    config.protocol = Protocol::V2_0(SuiteChoice::Fixed(suite(number)));
    config
}

pub(crate) fn with_type(kind: AuthenticationType) -> ConsoleConfig {
    let mut config = config();
    config.protocol = Protocol::V1_5(TypeChoice::Fixed(kind));
    config
}

/// All protections that there are: every suite, every authentication type of IPMI 1.5.
pub(crate) fn all_protections() -> Vec<Protocol> {
    let suites = CipherSuite::ALL
        .iter()
        .map(|suite| Protocol::V2_0(SuiteChoice::Fixed(*suite)));
    let types = [
        AuthenticationType::NONE,
        AuthenticationType::MD2,
        AuthenticationType::MD5,
        AuthenticationType::PASSWORD,
    ];
    let types = types
        .into_iter()
        .map(|kind| Protocol::V1_5(TypeChoice::Fixed(kind)));
    suites.chain(types).collect()
}

pub(crate) fn with(protocol: Protocol) -> ConsoleConfig {
    let mut config = config();
    config.protocol = protocol;
    config
}

/// A pair that is logged in.
pub(crate) fn connected(protocol: Protocol, seed: u64) -> Pair {
    let mut pair = Pair::new(with(protocol), users(), seed);
    assert_connected(&pair.connect());
    pair
}

pub(crate) fn assert_connected(event: &Event) {
    let Event::Connected { privilege } = event else {
        panic!("not connected: {event:?}");
    };
    assert_eq!(*privilege, Privilege::ADMINISTRATOR);
}

pub(crate) fn failure(event: &Event) -> ConnectFailure {
    let Event::ConnectFailed { reason } = event else {
        panic!("the login did not fail: {event:?}");
    };
    *reason
}

/// The longest answer to a datagram, as a multiple of it: Get Channel Cipher Suites, 23 bytes in the format of
/// IPMI 1.5, is answered with 39. (Inside a session, answers are as long as the console asks for.)
pub(crate) fn most_reply(request: usize) -> usize {
    request * 2 + 8
}

/// All datagrams of a login, some commands and a logout.
pub(crate) fn exchange(protocol: Protocol, seed: u64) -> (Pair, Vec<Captured>) {
    let mut pair = Pair::new(with(protocol), users(), seed);
    pair.captures = true;
    assert_connected(&pair.connect());
    for command in [OEM_COUNT, OEM_ECHO] {
        let _ = pair.call(OEM_NETFN, command, &[1, 2, 3]);
    }
    if matches!(protocol, Protocol::V2_0(_)) {
        pair.console.send_payload(PayloadType::SOL, b"text").unwrap();
    }
    pair.close();
    let captured = core::mem::take(&mut pair.captured);
    (pair, captured)
}
