//! What is counted: datagrams, why they got no answer, commands, completion codes, logins.
//!
//! Every thread counts in a part of its own, so that threads do not fight for cache lines; [`Metrics::snapshot`]
//! adds the parts up.

mod prometheus;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ipmi_proto::command::{self, Body, CommandSpec};
use ipmi_proto::ipmb::{CompletionCode, NetFn};
use ipmi_proto::session::DropReason;

/// The row of DCMI's commands, behind those of the 32 network functions of requests.
const DCMI_ROW: usize = 32;

/// Parts; more threads than that share.
const SHARDS: usize = 16;

/// Why the driver dropped a datagram that the BMC did not judge, or lost an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Longer than any IPMI datagram.
    TooLong,
    /// It came from port 0: an answer cannot be sent there.
    NoReturnPort,
    /// No BMC has the address that it was sent to.
    NoSuchAddress,
    /// Too many commands of the BMC wait for its machine.
    Overload,
    /// The kernel did not take the answer.
    SendFailed,
}

impl Loss {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::TooLong,
        Self::NoReturnPort,
        Self::NoSuchAddress,
        Self::Overload,
        Self::SendFailed,
    ];

    /// Name in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NoReturnPort => "no_return_port",
            Self::NoSuchAddress => "no_such_address",
            Self::Overload => "overload",
            Self::SendFailed => "send_failed",
        }
    }
}

/// Datagrams and bytes, counted for a while before they are added to [`Metrics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams that came in.
    pub datagrams_in: u64,
    /// Those of them that were dropped.
    pub dropped: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Datagrams that went out.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
}

impl Traffic {
    /// A datagram of this length came in.
    pub fn received(&mut self, length: usize) {
        self.datagrams_in += 1;
        self.bytes_in += length as u64;
    }

    /// A datagram of this length went out.
    pub fn sent(&mut self, length: usize) {
        self.datagrams_out += 1;
        self.bytes_out += length as u64;
    }
}

/// Counters. One for a whole process; every method is a few relaxed additions.
#[derive(Debug)]
pub struct Metrics {
    commands: CommandNumbers,
    shards: Vec<Shard>,
}

/// Counters of some threads.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    traffic: [AtomicU64; 5],
    logins: [AtomicU64; 2],
    promotions: AtomicU64,
    losses: Vec<AtomicU64>,
    dropped: Vec<AtomicU64>,
    commands: Vec<AtomicU64>,
    completions: Vec<AtomicU64>,
}

/// What counts a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandNumber(u16);

/// Position of each command in the table of all commands.
#[derive(Debug)]
struct CommandNumbers {
    /// By network function and number; a row more for DCMI.
    position: Vec<u16>,
    count: u16,
}

/// All counters at one time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// Datagrams and bytes.
    pub traffic: Traffic,
    /// Successful logins.
    pub logins: u64,
    /// Logins that failed.
    pub login_failures: u64,
    /// Sockets that were opened for logged-in clients during floods.
    pub promotions: u64,
    /// By [`Loss`], in the order of [`Loss::ALL`].
    pub losses: Vec<(Loss, u64)>,
    /// By reason, in the order of [`DropReason::ALL`].
    pub dropped: Vec<(DropReason, u64)>,
    /// By command, in the order of the table; at the end those that are in no table.
    pub commands: Vec<(Option<&'static CommandSpec>, u64)>,
    /// By completion code, those that occurred.
    pub completions: Vec<(CompletionCode, u64)>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Self {
        let commands = CommandNumbers::new();
        let shards = (0..SHARDS)
            .map(|_| Shard::new(usize::from(commands.count) + 1))
            .collect();
        Self { commands, shards }
    }

    /// Datagrams and bytes.
    pub fn traffic(&self, traffic: Traffic) {
        let Some(shard) = self.shard() else { return };
        let Traffic {
            datagrams_in,
            dropped,
            bytes_in,
            datagrams_out,
            bytes_out,
        } = traffic;
        let parts = [datagrams_in, dropped, bytes_in, datagrams_out, bytes_out];
        for (counter, part) in shard.traffic.iter().zip(parts) {
            if part > 0 {
                counter.fetch_add(part, Ordering::Relaxed);
            }
        }
    }

    /// A BMC dropped a datagram.
    pub fn dropped(&self, reason: DropReason) {
        self.count(|shard| shard.dropped.get(reason.index()));
    }

    /// The driver lost a datagram.
    pub fn lost(&self, loss: Loss) {
        self.count(|shard| shard.losses.get(loss as usize));
    }

    /// What counts a command; `body` are the bytes that say whose command it is, if there are any.
    #[must_use]
    pub fn command_number(&self, netfn: NetFn, body: &[u8], number: u8) -> CommandNumber {
        let position = slot(netfn, body, number).and_then(|slot| self.commands.position.get(slot));
        CommandNumber(position.copied().unwrap_or(self.commands.count))
    }

    /// A command was answered. Those that belong to a session's beginning and end are not counted here.
    pub fn command(&self, number: CommandNumber, completion: CompletionCode) {
        self.count(|shard| shard.commands.get(usize::from(number.0)));
        self.count(|shard| shard.completions.get(usize::from(completion.0)));
    }

    /// Somebody logged in, or failed to.
    pub fn login(&self, succeeded: bool) {
        self.count(|shard| shard.logins.get(usize::from(!succeeded)));
    }

    /// A logged-in client got a socket of its own.
    pub fn promoted(&self) {
        self.count(|shard| Some(&shard.promotions));
    }

    /// All counters.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let part = |index| self.sum(|shard| shard.traffic.get(index));
        let commands = command::all().map(Some).chain([None]).enumerate();
        let completions = (0..=u8::MAX).map(|code| (CompletionCode(code), usize::from(code)));
        Snapshot {
            traffic: Traffic {
                datagrams_in: part(0),
                dropped: part(1),
                bytes_in: part(2),
                datagrams_out: part(3),
                bytes_out: part(4),
            },
            logins: self.sum(|shard| shard.logins.first()),
            login_failures: self.sum(|shard| shard.logins.last()),
            promotions: self.sum(|shard| Some(&shard.promotions)),
            losses: self.each(Loss::ALL.iter().copied(), |shard| &shard.losses),
            dropped: self.each(DropReason::ALL.iter().copied(), |shard| &shard.dropped),
            commands: commands
                .map(|(index, spec)| (spec, self.sum(|shard| shard.commands.get(index))))
                .collect(),
            completions: completions
                .map(|(code, index)| (code, self.sum(|shard| shard.completions.get(index))))
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }

    fn each<T>(
        &self,
        keys: impl Iterator<Item = T>,
        counters: impl Fn(&Shard) -> &Vec<AtomicU64>,
    ) -> Vec<(T, u64)> {
        keys.enumerate()
            .map(|(index, key)| (key, self.sum(|shard| counters(shard).get(index))))
            .collect()
    }

    fn sum<'s>(&'s self, counter: impl Fn(&'s Shard) -> Option<&'s AtomicU64>) -> u64 {
        self.shards
            .iter()
            .filter_map(counter)
            .map(|counter| counter.load(Ordering::Relaxed))
            .sum()
    }

    fn count<'s>(&'s self, counter: impl FnOnce(&'s Shard) -> Option<&'s AtomicU64>) {
        if let Some(counter) = self.shard().and_then(counter) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn shard(&self) -> Option<&Shard> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        self.shards.get(MINE.with(|mine| *mine))
    }
}

impl Shard {
    fn new(commands: usize) -> Self {
        let zeros = |count: usize| core::iter::repeat_with(AtomicU64::default).take(count).collect();
        Self {
            traffic: Default::default(),
            logins: Default::default(),
            promotions: AtomicU64::default(),
            losses: zeros(Loss::ALL.len()),
            dropped: zeros(DropReason::ALL.len()),
            commands: zeros(commands),
            completions: zeros(256),
        }
    }
}

impl CommandNumbers {
    fn new() -> Self {
        let mut numbers = Self {
            position: Vec::new(),
            count: 0,
        };
        let count = command::all().count();
        numbers.count = u16::try_from(count).unwrap_or(u16::MAX);
        numbers.position = vec![numbers.count; (DCMI_ROW + 1) << 8];
        for (index, spec) in command::all().enumerate() {
            let index = u16::try_from(index).unwrap_or(numbers.count);
            let slot = slot(spec.netfn, spec.body.code().as_slice(), spec.number);
            if let Some(position) = slot.and_then(|slot| numbers.position.get_mut(slot)) {
                *position = index;
            }
        }
        numbers
    }
}

/// Where the position of a command stands: a row for each network function of requests, and one for DCMI.
fn slot(netfn: NetFn, body: &[u8], number: u8) -> Option<usize> {
    let row = match body {
        [] => usize::from(netfn.0 >> 1),
        [code] if Some(*code) == Body::Dcmi.code() => DCMI_ROW,
        _ => return None,
    };
    Some(row << 8 | usize::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_threads() {
        let metrics = Metrics::new();
        let spec = command::all().next().unwrap();
        let first = metrics.command_number(spec.netfn, &[], spec.number);
        let other = metrics.command_number(NetFn::OEM_GROUP, &[1, 2, 3], 1);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    metrics.command(first, CompletionCode::OK);
                    metrics.command(other, CompletionCode::INVALID_COMMAND);
                    metrics.dropped(DropReason::Replayed);
                    metrics.lost(Loss::Overload);
                    metrics.login(false);
                    let mut traffic = Traffic::default();
                    traffic.received(10);
                    metrics.traffic(traffic);
                });
            }
        });
        let snapshot = metrics.snapshot();
        assert_eq!(snapshot.commands[0].1, 4);
        assert_eq!(snapshot.commands.last().unwrap().1, 4);
        assert_eq!(
            snapshot.completions,
            [(CompletionCode::OK, 4), (CompletionCode::INVALID_COMMAND, 4)]
        );
        assert!(snapshot.dropped.contains(&(DropReason::Replayed, 4)));
        assert!(snapshot.losses.contains(&(Loss::Overload, 4)));
        assert_eq!((snapshot.logins, snapshot.login_failures), (0, 4));
        assert_eq!(
            (snapshot.traffic.datagrams_in, snapshot.traffic.bytes_in),
            (4, 40)
        );
    }

    #[test]
    fn every_command_has_its_own_counter() {
        let metrics = Metrics::new();
        for (index, spec) in command::all().enumerate() {
            let body = spec.body.code();
            let number = metrics.command_number(spec.netfn, body.as_slice(), spec.number);
            assert_eq!(usize::from(number.0), index, "{}", spec.name);
        }
    }

    #[test]
    fn losses_are_numbered_as_listed() {
        for (index, loss) in Loss::ALL.iter().enumerate() {
            assert_eq!(*loss as usize, index);
        }
    }
}
