//! The client's engine under a list of operations.

use std::collections::BTreeSet;

use core::time::Duration;

use ipmi_proto::ipmb::NetFn;
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::packet::v2_0::PayloadType;
use ipmi_proto::session::console::{Console, Event, RequestId};
use ipmi_proto::session::managed::Limits;
use ipmi_proto::testing::{Bmc, Pair, PredictableRandom};
use ipmi_proto::time::Instant;

use crate::input::Input;
use crate::managed_ops::{config, users};

const MAX_OPERATIONS: usize = 200;

struct World {
    now: Instant,
    console: Console,
    bmc: Bmc,
    random: PredictableRandom,
    /// What the BMC sent and the console has not got yet.
    replies: Vec<Vec<u8>>,
    outstanding: BTreeSet<RequestId>,
    logins: i32,
}

impl World {
    fn send(&mut self) {
        let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
        // More than this at a time would be a console that floods its BMC.
        let mut left = 40;
        while let Some(length) = self
            .console
            .poll_transmit(self.now, &mut self.random, &mut request)
        {
            left -= 1;
            assert!(left > 0, "the console does not stop sending");
            let request = &mut request[..length];
            let length = self
                .bmc
                .handle_datagram(self.now, Pair::peer(1), request, &mut reply);
            if let Some(length) = length
                && self.replies.len() < 16
            {
                self.replies.push(reply[..length].to_vec());
            }
        }
    }

    fn receive(&mut self, mut datagram: Vec<u8>) {
        let _ = self
            .console
            .handle_datagram(self.now, &mut datagram, &mut self.random);
    }

    fn events(&mut self) {
        while let Some(event) = self.console.poll_event() {
            match event {
                Event::Connected { .. } | Event::ConnectFailed { .. } => self.logins -= 1,
                Event::Response { id, .. } | Event::TimedOut { id } => {
                    assert!(self.outstanding.remove(&id), "a request ends once");
                }
                _ => {}
            }
            assert!(self.logins >= 0, "a login ends once");
        }
    }

    fn operate(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 => {
                let datagram = input.string().to_vec();
                self.receive(datagram);
            }
            1 => {
                self.now = self.now + Duration::from_millis(u64::from(input.byte()) * 50);
                self.send();
                self.console.handle_timeout(self.now);
                self.bmc.handle_timeout(self.now);
            }
            2 => {
                if self.console.connect(self.now, &mut self.random).is_ok() {
                    self.logins += 1;
                }
            }
            3 => {
                if !self.replies.is_empty() {
                    let reply = self.replies.remove(0);
                    self.receive(reply);
                }
            }
            4 => {
                let (which, offset, value) = (input.byte(), usize::from(input.byte()), input.byte());
                if let Some(mut reply) = self.replies.get(usize::from(which) % 16).cloned() {
                    if let Some(byte) = reply.get_mut(offset) {
                        *byte ^= value;
                    } else {
                        reply.truncate(usize::from(value));
                    }
                    self.receive(reply);
                }
            }
            5 => {
                let (netfn, command) = (input.byte(), input.byte());
                let data = input.string();
                if let Ok(id) = self
                    .console
                    .request_raw(self.now, NetFn(netfn & 0x3f), command, data)
                {
                    assert!(self.outstanding.insert(id));
                }
                assert!(self.outstanding.len() <= 8 + 16);
            }
            6 => {
                if input.byte() < 64 {
                    self.console.close(self.now);
                } else {
                    let _ = self.console.send_payload(PayloadType::SOL, input.string());
                }
            }
            _ => {
                // The usual course of things, so that the fuzzer gets into a session.
                for _ in 0..input.byte() % 16 {
                    self.send();
                    match self.replies.pop() {
                        Some(reply) => self.receive(reply),
                        None => break,
                    }
                }
            }
        }
        self.send();
        self.events();
    }
}

/// Datagrams true and false, requests, time, logins and logouts in any order.
pub fn console_ops(data: &[u8]) {
    let mut input = Input::new(data);
    let (Some(config), Some(users)) = (config(input.byte()), users()) else {
        return;
    };
    let mut world = World {
        now: Instant::from_millis(1),
        console: Console::new(config),
        bmc: Bmc::new(users, Limits::default(), 1),
        random: PredictableRandom::new(2),
        replies: Vec::new(),
        outstanding: BTreeSet::new(),
        logins: 0,
    };
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        world.operate(&mut input);
    }
    // Whatever happened: after some time, everything has ended.
    for _ in 0..200 {
        world.now = world.now + Duration::from_secs(1);
        world.send();
        world.console.handle_timeout(world.now);
        world.events();
        world.replies.clear();
    }
    assert!(world.outstanding.is_empty(), "a request has not ended");
    assert_eq!(world.logins, 0, "a login has not ended");
}
