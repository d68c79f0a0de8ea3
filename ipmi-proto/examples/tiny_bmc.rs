//! A BMC on one blocking socket that knows one command, to show the run loop of the engine:
//! `cargo run -p ipmi-proto --example tiny_bmc`, then
//! `ipmitool -I lanplus -H 127.0.0.1 -p 9623 -U admin -P secret raw 6 1`.

#![allow(clippy::print_stdout, reason = "it shows what happens")]

use std::net::UdpSocket;
use std::time::Instant as StdInstant;

use ipmi_proto::crypto::{BmcKey, CipherSuiteId, Password};
use ipmi_proto::ipmb::{ChannelNumber, CompletionCode, Privilege};
use ipmi_proto::session::managed::{Handled, Limits, Sessions};
use ipmi_proto::session::{
    AuthTypes, ChannelPolicy, Directory, LoginKinds, Peer, UserId, UserLookup, UserRecord,
};
use ipmi_proto::time::Instant;

/// One administrator.
struct OneUser(Password);

impl OneUser {
    fn record(&self) -> UserRecord<'_> {
        let (id, privilege_limit) = (UserId(2), Privilege::ADMINISTRATOR);
        UserRecord {
            id,
            password: &self.0,
            privilege_limit,
            session_limit: None,
        }
    }
}

impl Directory for OneUser {
    fn system_guid(&self) -> &[u8; 16] {
        &[0x42; 16]
    }

    fn bmc_key(&self) -> Option<&BmcKey> {
        None
    }

    fn channel(&self) -> ChannelPolicy {
        ChannelPolicy {
            number: ChannelNumber::LAN,
            privilege_limit: Privilege::ADMINISTRATOR,
            auth_types: [AuthTypes::MD5; 5],
            per_message_authentication_disabled: false,
            user_level_authentication_disabled: false,
        }
    }

    fn user(&self, lookup: UserLookup<'_>) -> Option<UserRecord<'_>> {
        (lookup.name == b"admin").then(|| self.record())
    }

    fn user_by_id(&self, id: UserId) -> Option<UserRecord<'_>> {
        (id == UserId(2)).then(|| self.record())
    }

    fn login_kinds(&self) -> LoginKinds {
        LoginKinds::NAMED
    }

    fn suite_privilege(&self, suite: CipherSuiteId) -> Option<Privilege> {
        (suite.0 != 0).then_some(Privilege::ADMINISTRATOR)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let socket = UdpSocket::bind("127.0.0.1:9623")?;
    let local = socket.local_addr()?;
    let directory = OneUser(Password::new(b"secret")?);
    let mut sessions = Sessions::new(Limits::default());
    let (mut input, mut output) = ([0; 2_048], [0; 2_048]);
    let mut random = rand::rng();
    let start = StdInstant::now();
    loop {
        let (length, remote) = socket.recv_from(&mut input)?;
        let now = Instant::from_micros(u64::try_from(start.elapsed().as_micros())?);
        let peer = Peer { remote, local };
        sessions.handle_timeout(now);
        let datagram = &mut input[..length];
        match sessions.handle_datagram(now, peer, datagram, &directory, &mut random, &mut output) {
            Handled::Reply { length, .. } => {
                socket.send_to(&output[..length], remote)?;
            }
            Handled::Request(request) => {
                let (completion, data): (_, &[u8]) = match request.message.header.command {
                    0x01 => (CompletionCode::OK, &[0x20, 1, 1, 0, 2, 0, 0, 0, 0, 0, 0]),
                    _ => (CompletionCode::INVALID_COMMAND, &[]),
                };
                let answer = sessions.respond(now, request.token, completion, data, &mut random, &mut output);
                if let Some((peer, length)) = answer {
                    socket.send_to(&output[..length], peer.remote)?;
                }
            }
            other => println!("{other:?}"),
        }
        while let Some(event) = sessions.poll_event() {
            println!("{event:?}");
        }
    }
}
