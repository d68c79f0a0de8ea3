//! The BMC's engine with a small machine behind it.

use alloc::vec::Vec;
use core::time::Duration;

use super::{PredictableRandom, Users};
use crate::ipmb::{CompletionCode, NetFn, RequestMessage};
use crate::packet::MAX_DATAGRAM;
use crate::session::managed::{Handled, Limits, RequestToken, SessionId, Sessions};
use crate::session::{DropReason, Event, Peer};
use crate::time::Instant;

/// Network function of the machine's own commands.
pub const OEM_NETFN: NetFn = NetFn(0x30);
/// Counts up and answers with the count: whoever sees it rise twice for one request has found a fault.
pub const OEM_COUNT: u8 = 0x01;
/// Answers with the data of the request.
pub const OEM_ECHO: u8 = 0x02;
/// Chassis Control.
const CHASSIS_CONTROL: u8 = 0x02;

/// A request that the machine was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The session it came in.
    pub session: Option<SessionId>,
    /// Network function.
    pub netfn: NetFn,
    /// Command.
    pub command: u8,
    /// Data.
    pub data: Vec<u8>,
}

/// What stands behind the engine.
#[derive(Debug, Default)]
pub struct Machine {
    /// How often [`OEM_COUNT`] ran.
    pub count: u32,
    /// The states that Chassis Control was asked for.
    pub power_actions: Vec<u8>,
    /// How long a command takes.
    pub latency: Duration,
    /// What was carried out, while [`Bmc::keeps_log`].
    pub log: Vec<Executed>,
}

impl Machine {
    /// Carries a command out. Writes the data of the answer.
    fn execute(&mut self, message: &RequestMessage<'_>, answer: &mut Vec<u8>) -> CompletionCode {
        answer.clear();
        match (message.header.netfn, message.header.command) {
            (OEM_NETFN, OEM_COUNT) => {
                self.count += 1;
                answer.extend_from_slice(&self.count.to_le_bytes());
            }
            (OEM_NETFN, OEM_ECHO) => answer.extend_from_slice(message.data),
            (NetFn::CHASSIS, CHASSIS_CONTROL) => self.power_actions.extend_from_slice(message.data),
            _ => return CompletionCode::INVALID_COMMAND,
        }
        CompletionCode::OK
    }
}

/// The BMC's engine, its users and its machine.
#[derive(Debug)]
pub struct Bmc {
    /// The engine.
    pub sessions: Sessions,
    /// Who there is.
    pub users: Users,
    /// What it manages.
    pub machine: Machine,
    /// Payloads that are not messages.
    pub payloads: Vec<(SessionId, Vec<u8>)>,
    /// What happened.
    pub events: Vec<Event>,
    /// How many datagrams were dropped for each reason, in the order of [`DropReason::ALL`].
    pub dropped: Vec<u32>,
    /// Whether requests, payloads and events are kept. Without it, a datagram takes no memory here.
    pub keeps_log: bool,
    /// Random numbers of the engine.
    pub random: PredictableRandom,
    waiting: Vec<(Instant, RequestToken, CompletionCode, Vec<u8>)>,
    answer: Vec<u8>,
}

impl Bmc {
    /// A BMC without sessions.
    #[must_use]
    pub fn new(users: Users, limits: Limits, seed: u64) -> Self {
        Self {
            sessions: Sessions::new(limits),
            users,
            machine: Machine::default(),
            payloads: Vec::new(),
            events: Vec::new(),
            dropped: Vec::from_iter(DropReason::ALL.iter().map(|_| 0)),
            keeps_log: true,
            random: PredictableRandom::new(seed),
            waiting: Vec::new(),
            answer: Vec::with_capacity(MAX_DATAGRAM),
        }
    }

    /// Takes a datagram in. Gives the length of the reply in `output`.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        output: &mut [u8],
    ) -> Option<usize> {
        let (users, random) = (&self.users, &mut self.random);
        let length = match self
            .sessions
            .handle_datagram(now, peer, datagram, users, random, output)
        {
            Handled::Dropped(reason) => {
                self.dropped
                    .iter_mut()
                    .skip(reason.index())
                    .take(1)
                    .for_each(|count| *count += 1);
                None
            }
            Handled::Reply { length, .. } => Some(length),
            Handled::Payload { session, data } => {
                if self.keeps_log {
                    self.payloads.push((session, data.to_vec()));
                }
                None
            }
            Handled::Request(request) => {
                if self.keeps_log {
                    self.machine.log.push(Executed {
                        session: request.session.map(|session| session.id),
                        netfn: request.message.header.netfn,
                        command: request.message.header.command,
                        data: request.message.data.to_vec(),
                    });
                }
                let completion = self.machine.execute(&request.message, &mut self.answer);
                if self.machine.latency.is_zero() {
                    let answer = &self.answer;
                    self.sessions
                        .respond(now, request.token, completion, answer, random, output)
                        .map(|(_, length)| length)
                } else {
                    let due = now + self.machine.latency;
                    self.waiting
                        .push((due, request.token, completion, self.answer.clone()));
                    None
                }
            }
        };
        self.take_events();
        length
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.sessions.handle_timeout(now);
        self.take_events();
    }

    /// An answer that has become ready: where it goes, and its length in `output`.
    pub fn poll_transmit(&mut self, now: Instant, output: &mut [u8]) -> Option<(Peer, usize)> {
        loop {
            let index = self.waiting.iter().position(|(due, ..)| *due <= now)?;
            let (_, token, completion, answer) = self.waiting.remove(index);
            let sealed = self
                .sessions
                .respond(now, token, completion, &answer, &mut self.random, output);
            if sealed.is_some() {
                return sealed;
            }
        }
    }

    /// When something is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let answer = self.waiting.iter().map(|(due, ..)| *due).min();
        [answer, self.sessions.poll_timeout()].into_iter().flatten().min()
    }

    /// How many datagrams were dropped for a reason.
    #[must_use]
    pub fn dropped_for(&self, reason: DropReason) -> u32 {
        self.dropped.get(reason.index()).copied().unwrap_or_default()
    }

    fn take_events(&mut self) {
        while let Some(event) = self.sessions.poll_event() {
            if self.keeps_log {
                self.events.push(event);
            }
        }
    }
}
