//! The daemon is killed at random moments while clients change things: what was acknowledged is there afterwards, and
//! nothing is half there.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ipmi_proto::ipmb::NetFn;
use rand::RngExt;
use rustix::process::Signal;

use crate::console::Session;
use crate::daemon::{PASSWORD, USER, Vbmcd};

const ROUNDS: u32 = 200;
const BMCS: usize = 3;
/// Longest time between the first change and the end.
const LONGEST: Duration = Duration::from_millis(150);

/// Never set: waits for answers as long as it takes.
static HERE: AtomicBool = AtomicBool::new(false);

type Number = (NetFn, u8);

/// A value that is written whole and read whole.
struct Register {
    write: Number,
    write_start: &'static [u8],
    read: Number,
    read_request: &'static [u8],
    /// What stands before the value in the answer.
    skip: usize,
    length: usize,
    /// As it was acknowledged last.
    acknowledged: Option<Vec<u8>>,
    /// Written, and not acknowledged before the end.
    open: Vec<Vec<u8>>,
}

impl Register {
    const fn new(
        (write, write_start): (Number, &'static [u8]),
        (read, read_request): (Number, &'static [u8]),
        skip: usize,
        length: usize,
    ) -> Self {
        Self {
            write,
            write_start,
            read,
            read_request,
            skip,
            length,
            acknowledged: None,
            open: Vec::new(),
        }
    }

    /// Those of a client.
    fn of_client(client: usize) -> Vec<Self> {
        const FRU: (Number, Number) = ((NetFn::STORAGE, 0x12), (NetFn::STORAGE, 0x11));
        if client == 0 {
            return vec![
                // Name of user 3, the community, a block of the boot mailbox.
                Self::new(((NetFn::APP, 0x45), &[3]), ((NetFn::APP, 0x46), &[3]), 0, 16),
                Self::new(
                    ((NetFn::TRANSPORT, 1), &[1, 16]),
                    ((NetFn::TRANSPORT, 2), &[1, 16, 0, 0]),
                    1,
                    18,
                ),
                Self::new(
                    ((NetFn::CHASSIS, 8), &[7, 1]),
                    ((NetFn::CHASSIS, 9), &[7, 1, 0]),
                    3,
                    16,
                ),
            ];
        }
        vec![
            // Two places of the FRU inventory, a system name.
            Self::new((FRU.0, &[0, 0, 4]), (FRU.1, &[0, 0, 4, 32]), 1, 32),
            Self::new((FRU.0, &[0, 0, 5]), (FRU.1, &[0, 0, 5, 32]), 1, 32),
            Self::new(
                ((NetFn::APP, 0x58), &[2, 1]),
                ((NetFn::APP, 0x59), &[0, 2, 1, 0]),
                2,
                16,
            ),
        ]
    }

    fn check(&mut self, session: &mut Session) {
        let (completion, data) = session.ask(self.read, self.read_request, &HERE).unwrap();
        let value = data.get(self.skip..).map(<[u8]>::to_vec);
        if self.acknowledged.is_none() && completion != 0 {
            // Never written, and without a value until it is.
            self.open.clear();
            return;
        }
        assert_eq!(completion, 0, "{:?}", self.read);
        let value = value.unwrap();
        let is_open = self.open.contains(&value);
        // Without an acknowledged one it is as it was before anybody wrote it.
        if let Some(acknowledged) = &self.acknowledged {
            assert!(
                is_open || value == *acknowledged,
                "{:?}: {value:x?} is neither {acknowledged:x?} nor {:x?}",
                self.read,
                self.open
            );
        }
        // From now on it is what it is.
        self.open.clear();
        self.acknowledged = Some(value);
    }

    /// Writes a value; whether it was acknowledged.
    fn write(&mut self, session: &mut Session, counter: u32, gone: &AtomicBool) -> Option<()> {
        let value = text(counter, self.length);
        let data = [self.write_start, &value].concat();
        self.open.push(value.clone());
        let (completion, _) = session.ask(self.write, &data, gone)?;
        assert_eq!(completion, 0, "{:?}", self.write);
        self.open.clear();
        self.acknowledged = Some(value);
        Some(())
    }
}

/// A text of this length that has the number in all of it: half of one and half of another is seen.
fn text(counter: u32, length: usize) -> Vec<u8> {
    let mut text = String::new();
    while text.len() < length {
        write!(text, "{counter}-").unwrap();
    }
    text.into_bytes()[..length].to_vec()
}

/// The event log as a client knows it.
#[derive(Default)]
struct Log {
    /// Numbers and contents of acknowledged records.
    acknowledged: Vec<([u8; 2], u32)>,
    /// Added, and not acknowledged.
    open: Vec<u32>,
    /// A removal of everything was asked for, and not acknowledged.
    clearing: bool,
}

impl Log {
    fn add(&mut self, session: &mut Session, counter: u32, gone: &AtomicBool) -> Option<()> {
        let mut record = vec![0, 0, 0xe0];
        record.extend(counter.to_le_bytes());
        record.resize(16, 0x5a);
        self.open.push(counter);
        let (completion, id) = session.ask((NetFn::STORAGE, 0x44), &record, gone)?;
        assert_eq!(completion, 0);
        self.open.clear();
        self.acknowledged.push(([id[0], id[1]], counter));
        Some(())
    }

    fn clear(&mut self, session: &mut Session, gone: &AtomicBool) -> Option<()> {
        let (_, reservation) = session.ask((NetFn::STORAGE, 0x42), &[], gone)?;
        let data = [&reservation[..], b"CLR\xaa"].concat();
        self.clearing = true;
        let (completion, _) = session.ask((NetFn::STORAGE, 0x47), &data, gone)?;
        assert_eq!(completion, 0);
        *self = Self::default();
        Some(())
    }

    fn check(&mut self, session: &mut Session) {
        let mut found = Vec::new();
        let mut next = [0, 0];
        while next != [0xff; 2] {
            let request = [0, 0, next[0], next[1], 0, 0xff];
            let (completion, data) = session.ask((NetFn::STORAGE, 0x43), &request, &HERE).unwrap();
            if completion == 0xcb {
                break;
            }
            assert_eq!(completion, 0);
            next = [data[0], data[1]];
            let record = &data[2..];
            // The BMC has records of its own.
            if record[2] == 0xe0 {
                assert_eq!(record[7..], [0x5a; 9], "a torn record");
                let counter = u32::from_le_bytes(record[3..7].try_into().unwrap());
                found.push(([record[0], record[1]], counter));
            }
        }
        if self.clearing && found.is_empty() {
            *self = Self::default();
            return;
        }
        let (kept, new) = found.split_at(self.acknowledged.len().min(found.len()));
        assert_eq!(kept, self.acknowledged, "acknowledged records of the log");
        let open: Vec<_> = new.iter().map(|(_, counter)| *counter).collect();
        assert!(
            open.is_empty() || open == self.open,
            "{open:?} of {:?}",
            self.open
        );
        *self = Self {
            acknowledged: found,
            ..Self::default()
        };
    }
}

/// A client of a BMC, with what it knows.
struct Worker {
    bmc: usize,
    registers: Vec<Register>,
    log: Option<Log>,
    counter: u32,
    changes: u64,
}

impl Worker {
    fn check(&mut self, address: SocketAddr) {
        let mut session = Session::open(address, &HERE).unwrap();
        for register in &mut self.registers {
            register.check(&mut session);
        }
        if let Some(log) = &mut self.log {
            log.check(&mut session);
        }
    }

    /// Changes things until the daemon is gone.
    fn work(&mut self, address: SocketAddr, gone: &AtomicBool) -> Option<()> {
        let mut session = Session::open(address, gone)?;
        loop {
            for register in &mut self.registers {
                self.counter += 1;
                register.write(&mut session, self.counter, gone)?;
                self.changes += 1;
            }
            if let Some(log) = &mut self.log {
                self.counter += 1;
                log.add(&mut session, self.counter, gone)?;
                self.changes += 1;
                if log.acknowledged.len() >= 20 {
                    log.clear(&mut session, gone)?;
                }
            }
        }
    }
}

fn configuration() -> String {
    let mut text = format!(
        "[connection.lab]\ntype = \"simulated\"\n\n[defaults]\nconnection = \"lab\"\nport = 0\n\
         username = \"{USER}\"\npassword = \"{PASSWORD}\"\n"
    );
    for bmc in 0..BMCS {
        write!(text, "\n[[bmc]]\nname = \"node{bmc}\"\nmachine = \"lab-{bmc}\"\n").unwrap();
    }
    text
}

#[test]
fn whatever_was_acknowledged_is_there_after_a_kill() {
    let mut daemon = Vbmcd::run_file(&configuration());
    let mut workers: Vec<_> = (0..2 * BMCS)
        .map(|number| Worker {
            bmc: number / 2,
            registers: Register::of_client(number % 2),
            log: (number % 2 == 0).then(Log::default),
            counter: 0,
            changes: 0,
        })
        .collect();
    let each = |daemon: &Vbmcd, workers: &mut [Worker], work: &(dyn Fn(&mut Worker, SocketAddr) + Sync)| {
        std::thread::scope(|scope| {
            for worker in workers {
                let address = daemon.endpoints()[worker.bmc].1;
                scope.spawn(move || work(worker, address));
            }
        });
    };
    for _ in 0..ROUNDS {
        let gone = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for worker in &mut workers {
                let address = daemon.endpoints()[worker.bmc].1;
                let gone = &gone;
                scope.spawn(move || worker.work(address, gone));
            }
            // A random moment: that is what this test is about.
            std::thread::sleep(rand::rng().random_range(Duration::ZERO..LONGEST));
            daemon.signal(Signal::KILL);
            gone.store(true, Ordering::Relaxed);
        });
        daemon.restart(Signal::KILL);
        each(&daemon, &mut workers, &|worker, address| worker.check(address));
    }
    let changes: u64 = workers.iter().map(|worker| worker.changes).sum();
    println!("{changes} acknowledged changes in {ROUNDS} rounds");
    assert!(
        changes > u64::from(ROUNDS),
        "too little happened: {changes} changes"
    );
}
