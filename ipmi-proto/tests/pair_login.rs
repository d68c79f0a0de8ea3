//! Logins of the console engine at the BMC's engine: every protection, and everything that can be wrong.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not their helpers"
)]

mod support;

use core::time::Duration;

use ipmi_proto::command::Empty;
use ipmi_proto::command::app::device::GetDeviceId;
use ipmi_proto::crypto::v15::AuthenticationType;
use ipmi_proto::crypto::{BmcKey, CipherSuite, CipherSuiteId};
use ipmi_proto::ipmb::{CompletionCode, Privilege};
use ipmi_proto::packet::RmcpPlusStatus;
use ipmi_proto::session::console::{
    ConnectFailure, ConsoleConfig, Event, LoginStep, Protocol, RequestError, SuiteChoice, TypeChoice,
};
use ipmi_proto::session::{AuthTypes, Event as BmcEvent, LoginFailure, UserId};
use ipmi_proto::testing::{Captured, OEM_ECHO, OEM_NETFN, Pair, User, Users};
use support::*;

/// Logs in, has something answered and logs out.
fn round(mut pair: Pair) {
    assert_connected(&pair.connect());
    let data: Vec<u8> = (0..100).collect();
    let Ok(Event::Response { response, .. }) = pair.call(OEM_NETFN, OEM_ECHO, &data) else {
        panic!("no answer: {pair:#?}");
    };
    assert_eq!(response.completion, CompletionCode::OK);
    assert_eq!(&*response.data, &data);
    assert_eq!(pair.bmc.sessions.open_sessions().count(), 1);
    assert_eq!(pair.close(), Event::Closed);
    assert_eq!(pair.bmc.sessions.open_sessions().count(), 0);
    assert!(pair.console.poll_timeout().is_none());
}

#[test]
fn every_protection_logs_in_with_passwords_of_every_length() {
    for protocol in all_protections() {
        for length in 0..=20 {
            if length > 16 && matches!(protocol, Protocol::V1_5(_)) {
                continue;
            }
            let text = vec![b'p'; length];
            let mut config = ConsoleConfig::new(NAME, password(&text)).unwrap();
            config.protocol = protocol;
            round(Pair::new(
                config,
                Users::permissive(NAME, password(&text)),
                length as u64,
            ));
        }
    }
}

#[test]
fn two_key_logins() {
    for suite in CipherSuite::ALL {
        for key in [&b"k"[..], b"a key of twenty byte"] {
            let mut config = with(Protocol::V2_0(SuiteChoice::Fixed(*suite)));
            config.bmc_key = Some(BmcKey::new(key).unwrap());
            let mut users = users();
            users.bmc_key = Some(BmcKey::new(key).unwrap());
            round(Pair::new(config, users, 3));
        }
    }
}

#[test]
fn names_of_every_length_and_both_lookups() {
    for length in 0..=16 {
        for name_only in [false, true] {
            for protocol in [config().protocol, Protocol::V1_5(TypeChoice::Automatic)] {
                let name = vec![b'n'; length];
                let mut config = ConsoleConfig::new(&name, password(PASSWORD)).unwrap();
                config.name_only_lookup = name_only;
                config.protocol = protocol;
                round(Pair::new(config, Users::permissive(&name, password(PASSWORD)), 4));
            }
        }
    }
}

#[test]
fn automatic_choice_takes_17_then_3() {
    let chosen = |suites: &[u8]| {
        let mut users = users();
        users.suites = suites.iter().map(|number| CipherSuiteId(*number)).collect();
        let mut pair = Pair::new(config(), users, 5);
        let event = pair.connect();
        pair.captures = true;
        let _ = pair.call(OEM_NETFN, OEM_ECHO, &[]);
        (event, pair.captured.first().map(|packet| packet.bytes.len()))
    };
    // The authentication code tells them apart: 12 bytes or 16.
    let (event, with_17) = chosen(&[0, 1, 2, 3, 6, 7, 8, 11, 12, 15, 16, 17]);
    assert_connected(&event);
    let (event, with_3) = chosen(&[3, 8, 12]);
    assert_connected(&event);
    assert_eq!(with_17, with_3.map(|length| length + 4));
    let (event, _) = chosen(&[8, 12, 16]);
    assert_eq!(failure(&event), ConnectFailure::NoCommonCipherSuite);
}

#[test]
fn privileges_up_to_the_users_limit() {
    let levels = [
        Privilege::CALLBACK,
        Privilege::USER,
        Privilege::OPERATOR,
        Privilege::ADMINISTRATOR,
    ];
    for limit in levels {
        for wanted in levels {
            for protocol in [config().protocol, Protocol::V1_5(TypeChoice::Automatic)] {
                let mut users = users();
                users.users[0].limit = limit;
                let mut config = with(protocol);
                config.privilege = wanted;
                let mut pair = Pair::new(config, users, 6);
                let event = pair.connect();
                if wanted <= limit {
                    assert_eq!(event, Event::Connected { privilege: wanted });
                    let session = pair.bmc.sessions.open_sessions().next().unwrap();
                    assert_eq!(session.privilege, wanted);
                } else {
                    let expected = match protocol {
                        Protocol::V1_5(_) => ConnectFailure::Command {
                            step: LoginStep::Activation,
                            completion: CompletionCode(0x86),
                        },
                        _ => ConnectFailure::Refused {
                            step: LoginStep::Rakp1,
                            status: RmcpPlusStatus::UNAUTHORIZED_ROLE,
                        },
                    };
                    assert_eq!(failure(&event), expected, "{wanted} of {limit}, {protocol:?}");
                }
            }
        }
    }
}

#[test]
fn wrong_password_is_noticed_by_the_console() {
    for suite in CipherSuite::ALL.iter().filter(|suite| suite.id.0 != 0) {
        let mut config = ConsoleConfig::new(NAME, password(b"wrong")).unwrap();
        config.protocol = Protocol::V2_0(SuiteChoice::Fixed(*suite));
        let mut pair = Pair::new(config, users(), 7);
        assert_eq!(failure(&pair.connect()), ConnectFailure::WrongPassword);
        pair.run_for(Duration::from_secs(1));
        // The half-open session was given back: that is what the refusing RAKP 3 is for.
        assert_eq!(
            pair.bmc
                .dropped_for(ipmi_proto::session::DropReason::LoginAbandoned),
            1
        );
        assert!(pair.console.poll_timeout().is_none());
    }
}

#[test]
fn wrong_password_of_version_1_5_is_not_answered() {
    for kind in [
        AuthenticationType::MD2,
        AuthenticationType::MD5,
        AuthenticationType::PASSWORD,
    ] {
        let mut config = ConsoleConfig::new(NAME, password(b"wrong")).unwrap();
        config.protocol = Protocol::V1_5(TypeChoice::Fixed(kind));
        let mut pair = Pair::new(config, users(), 8);
        let reason = failure(&pair.connect());
        assert_eq!(reason, ConnectFailure::TimedOut(LoginStep::Activation));
        let failed = pair.bmc.events.iter().any(|event| {
            matches!(
                event,
                BmcEvent::LoginFailed {
                    user: Some(UserId(2)),
                    failure: LoginFailure::WrongPassword,
                    ..
                }
            )
        });
        assert!(failed, "{:?}", pair.bmc.events);
    }
}

#[test]
fn unknown_user() {
    let mut pair = Pair::new(
        ConsoleConfig::new(b"nobody", password(PASSWORD)).unwrap(),
        users(),
        9,
    );
    let expected = ConnectFailure::Refused {
        step: LoginStep::Rakp1,
        status: RmcpPlusStatus::UNAUTHORIZED_NAME,
    };
    assert_eq!(failure(&pair.connect()), expected);

    let mut config = ConsoleConfig::new(b"nobody", password(PASSWORD)).unwrap();
    config.protocol = Protocol::V1_5(TypeChoice::Automatic);
    let mut pair = Pair::new(config, users(), 9);
    let expected = ConnectFailure::Command {
        step: LoginStep::Challenge,
        completion: CompletionCode(0x81),
    };
    assert_eq!(failure(&pair.connect()), expected);
}

#[test]
fn locked_out_looks_like_an_unknown_user() {
    let mut users = users();
    users.locked_out = true;
    let mut pair = Pair::new(config(), users, 10);
    let expected = ConnectFailure::Refused {
        step: LoginStep::Rakp1,
        status: RmcpPlusStatus::UNAUTHORIZED_NAME,
    };
    assert_eq!(failure(&pair.connect()), expected);
}

/// Runs a login whose RAKP 3 does not hold the right proof, and gives the status of RAKP 4.
fn login_with_wrong_proof(name: &[u8], users: Users, lock: bool) -> (u8, Pair) {
    let mut config = ConsoleConfig::new(name, password(PASSWORD)).unwrap();
    config.protocol = Protocol::V2_0(SuiteChoice::Fixed(suite(17)));
    let mut pair = Pair::new(config, users, 11);
    pair.captures = true;
    pair.console.connect(pair.now, &mut pair.random).unwrap();
    let kind = |captured: &Captured| captured.bytes.get(5).copied().unwrap_or_default() & 0x3f;
    // The console of a user who does not exist gives up at RAKP 2: what it would have sent is made here.
    while !pair.captured.iter().any(|captured| kind(captured) == 0x13) {
        assert!(pair.step());
    }
    pair.bmc.users.locked_out = lock;
    let opened = pair.captured.iter().find(|captured| kind(captured) == 0x11);
    let bmc_session = opened.unwrap().bytes[16 + 8..16 + 12].to_vec();
    let mut rakp3 = vec![6, 0, 0xff, 7, 6, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0];
    rakp3.extend([9, 0, 0, 0]);
    rakp3.extend(bmc_session);
    rakp3.extend([0x5a; 32]);
    let mut reply = [0; 256];
    let length = pair
        .bmc
        .handle_datagram(pair.now, pair.peer, &mut rakp3, &mut reply);
    assert_eq!((length, reply[5], reply[16]), (Some(24), 0x15, 9));
    (reply[17], pair)
}

fn failures(pair: &Pair) -> Vec<(Option<UserId>, LoginFailure)> {
    let failures = pair.bmc.events.iter().filter_map(|event| match event {
        BmcEvent::LoginFailed { user, failure, .. } => Some((*user, *failure)),
        _ => None,
    });
    failures.collect()
}

#[test]
fn a_wrong_proof_is_told_from_an_unknown_user_by_nothing_when_users_are_hidden() {
    let hidden = || {
        let mut users = users();
        users.hides_unknown_users = true;
        users
    };
    let (status, pair) = login_with_wrong_proof(NAME, hidden(), false);
    assert_eq!(status, RmcpPlusStatus::INVALID_INTEGRITY_CHECK.0);
    assert_eq!(failures(&pair), [(Some(UserId(2)), LoginFailure::WrongPassword)]);
    let (status, pair) = login_with_wrong_proof(b"nobody", hidden(), false);
    assert_eq!(status, RmcpPlusStatus::INVALID_INTEGRITY_CHECK.0);
    assert_eq!(failures(&pair), [(None, LoginFailure::UnknownUser)]);
    // Whoever is locked out between two steps of a login does not get in by the second one.
    let (status, pair) = login_with_wrong_proof(NAME, hidden(), true);
    assert_eq!(status, RmcpPlusStatus::INVALID_INTEGRITY_CHECK.0);
    assert_eq!(failures(&pair), [(Some(UserId(2)), LoginFailure::LockedOut)]);
    let (status, _) = login_with_wrong_proof(NAME, users(), true);
    assert_eq!(status, RmcpPlusStatus::UNAUTHORIZED_NAME.0);
}

#[test]
fn hidden_users_log_in_and_hear_of_their_privilege_last() {
    let hidden = |limit| {
        let mut users = users();
        users.hides_unknown_users = true;
        users.users[0].limit = limit;
        users
    };
    for protocol in all_protections() {
        let mut config = config();
        config.protocol = protocol;
        round(Pair::new(config, hidden(Privilege::ADMINISTRATOR), 12));
    }
    let mut pair = Pair::new(with_suite(17), hidden(Privilege::USER), 12);
    let expected = ConnectFailure::Refused {
        step: LoginStep::Rakp3,
        status: RmcpPlusStatus::UNAUTHORIZED_ROLE,
    };
    assert_eq!(failure(&pair.connect()), expected);

    // An unknown user of IPMI 1.5 gets a challenge, too, and no more.
    let mut config = ConsoleConfig::new(b"nobody", password(PASSWORD)).unwrap();
    config.protocol = Protocol::V1_5(TypeChoice::Fixed(AuthenticationType::MD5));
    let mut pair = Pair::new(config, hidden(Privilege::USER), 12);
    let reason = failure(&pair.connect());
    assert_eq!(reason, ConnectFailure::TimedOut(LoginStep::Activation));
    let failed = failures(&pair);
    assert!(
        !failed.is_empty()
            && failed
                .iter()
                .all(|failed| *failed == (None, LoginFailure::UnknownUser))
    );
}

#[test]
fn wrong_and_missing_and_needless_bmc_keys() {
    let key = |text: &[u8]| Some(BmcKey::new(text).unwrap());
    let cases = [
        (key(b"right"), key(b"wrong")),
        (key(b"right"), None),
        (None, key(b"needless")),
    ];
    for (bmc, console) in cases {
        let mut users = users();
        users.bmc_key = bmc;
        let mut config = with_suite(17);
        config.bmc_key = console;
        let mut pair = Pair::new(config, users, 11);
        assert_eq!(failure(&pair.connect()), ConnectFailure::WrongBmcKey);
    }
}

#[test]
fn a_suite_that_is_not_offered() {
    let mut users = users();
    users.suites = vec![CipherSuiteId(3)];
    let mut pair = Pair::new(with_suite(17), users, 12);
    let expected = ConnectFailure::Refused {
        step: LoginStep::OpenSession,
        status: RmcpPlusStatus::NO_CIPHER_SUITE_MATCH,
    };
    assert_eq!(failure(&pair.connect()), expected);
}

#[test]
fn types_of_version_1_5_that_are_not_offered() {
    let mut users = users();
    users.channel.auth_types = [AuthTypes::MD2; 5];
    let mut pair = Pair::new(with_type(AuthenticationType::MD5), users, 13);
    assert_eq!(
        failure(&pair.connect()),
        ConnectFailure::AuthenticationTypeNotOffered
    );

    let mut users = support::users();
    users.channel.auth_types = [AuthTypes::MD2; 5];
    round(Pair::new(with(Protocol::V1_5(TypeChoice::Automatic)), users, 13));

    // The automatic choice never shows the password.
    let mut users = support::users();
    users.channel.auth_types = [AuthTypes::PASSWORD | AuthTypes::NONE; 5];
    let mut pair = Pair::new(with(Protocol::V1_5(TypeChoice::Automatic)), users, 13);
    assert_eq!(
        failure(&pair.connect()),
        ConnectFailure::AuthenticationTypeNotOffered
    );
}

#[test]
fn a_long_password_cannot_be_used_with_version_1_5() {
    let mut config = ConsoleConfig::new(NAME, password(&[b'x'; 17])).unwrap();
    config.protocol = Protocol::V1_5(TypeChoice::Automatic);
    let mut pair = Pair::new(config, users(), 14);
    assert_eq!(failure(&pair.connect()), ConnectFailure::PasswordTooLong);
}

#[test]
fn several_users() {
    let mut users = users();
    users.users.push(User {
        id: UserId(3),
        name: b"operator".to_vec(),
        password: password(b"other"),
        limit: Privilege::OPERATOR,
        session_limit: None,
    });
    let mut config = ConsoleConfig::new(b"operator", password(b"other")).unwrap();
    config.privilege = Privilege::OPERATOR;
    let mut pair = Pair::new(config, users, 15);
    assert_eq!(
        pair.connect(),
        Event::Connected {
            privilege: Privilege::OPERATOR
        }
    );
    assert_eq!(pair.bmc.sessions.open_sessions().next().unwrap().user, UserId(3));
}

#[test]
fn the_console_says_when_it_cannot_be_used() {
    let mut pair = Pair::new(config(), users(), 16);
    let refused = pair.console.request::<GetDeviceId>(pair.now, &Empty);
    assert_eq!(refused, Err(RequestError::NotConnected));
    assert_connected(&pair.connect());
    assert!(pair.console.connect(pair.now, &mut pair.random).is_err());
    for _ in 0..8 {
        pair.console.request::<GetDeviceId>(pair.now, &Empty).unwrap();
    }
    let refused = pair.console.request::<GetDeviceId>(pair.now, &Empty);
    assert_eq!(refused, Err(RequestError::Busy));
    let refused = pair
        .console
        .request_raw(pair.now, OEM_NETFN, OEM_ECHO, &[0; 1_025]);
    assert_eq!(refused, Err(RequestError::TooLong));
    // Eight requests end with the session, each in its own event.
    pair.console.close(pair.now);
    pair.run_until(|event| *event == Event::Closed);
    let ended = pair
        .events
        .iter()
        .filter(|event| matches!(event, Event::TimedOut { .. }));
    assert_eq!(ended.count(), 8);
    // And the console can be used again.
    assert_connected(&pair.connect());
}

#[test]
fn a_login_can_be_given_up() {
    let mut pair = Pair::new(config(), users(), 17);
    pair.console.connect(pair.now, &mut pair.random).unwrap();
    pair.step();
    assert_eq!(failure(&pair.close()), ConnectFailure::Cancelled);
    assert_connected(&pair.connect());
}

#[test]
fn nobody_there() {
    let mut pair = Pair::new(config(), users(), 18);
    pair.to_bmc.faults.loss = 1_000;
    let begun = pair.now;
    assert_eq!(
        failure(&pair.connect()),
        ConnectFailure::TimedOut(LoginStep::Discovery)
    );
    assert_eq!(pair.now.since(begun), Duration::from_secs(1 + 2 + 2 + 2 + 2));
}

#[test]
fn payloads_go_both_ways() {
    use ipmi_proto::packet::v2_0::PayloadType;
    for suite in CipherSuite::ALL {
        let mut pair = connected(Protocol::V2_0(SuiteChoice::Fixed(*suite)), 19);
        pair.console
            .send_payload(PayloadType::SOL, b"to the machine")
            .unwrap();
        pair.run_for(Duration::from_secs(1));
        let (session, data) = pair.bmc.payloads.pop().unwrap();
        assert_eq!(data, b"to the machine");
        let mut buffer = [0; 256];
        let sealed = pair
            .bmc
            .sessions
            .send_payload(session, b"from it", &mut pair.bmc.random, &mut buffer);
        let (peer, length) = sealed.unwrap();
        assert_eq!(peer, pair.peer);
        pair.send(ipmi_proto::testing::Direction::ToConsole, &buffer[..length]);
        let event = pair.run_until(|event| matches!(event, Event::PayloadReceived { .. }));
        let Event::PayloadReceived { kind, data } = event else {
            unreachable!()
        };
        assert_eq!((kind, &*data), (PayloadType::SOL, &b"from it"[..]));
    }
}
