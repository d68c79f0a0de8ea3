//! What the tests of commands share: a BMC for a machine in memory, requests without packets, and a driver
//! that follows tokio's virtual time.

use alloc::sync::Arc;
use core::time::Duration;

use ipmi_proto::crypto::Password;
use ipmi_proto::ipmb::{
    BMC_ADDRESS, CONSOLE_SOFTWARE_ID, ChannelNumber, CompletionCode, Lun, NetFn, Privilege, RequestHeader,
    RequestSequence,
};
use ipmi_proto::session::managed::SessionId;
use ipmi_proto::session::{Peer, UserId};
use ipmi_proto::time::Instant;
use tokio::sync::Notify;

use crate::backend::memory::{MemoryMachine, MemoryMachineBuilder};
use crate::bmc::{Bmc, BmcBuilder, Inner, Outcome};
use crate::handlers::{self, After, Context, Dispatched, RESPONSE_CAPACITY, RequestSession};

/// A BMC and its machine.
pub(crate) struct Bench {
    pub(crate) bmc: Arc<Bmc>,
    pub(crate) machine: Arc<MemoryMachine>,
    start: tokio::time::Instant,
}

/// An answer, or what will give one.
pub(crate) enum Asked {
    Answer(CompletionCode, Vec<u8>),
    Wait(crate::bmc::Job),
}

impl Asked {
    /// The answer of a command that does not wait.
    #[track_caller]
    pub(crate) fn at_once(self) -> (u8, Vec<u8>) {
        match self {
            Self::Answer(completion, data) => (completion.0, data),
            Self::Wait(_) => panic!("the command waits for the machine"),
        }
    }

    /// The answer, whenever it comes. What goes on after it is started.
    pub(crate) async fn answer(self) -> (u8, Vec<u8>) {
        match self {
            Self::Answer(completion, data) => (completion.0, data),
            Self::Wait(job) => {
                let Outcome {
                    completion,
                    data,
                    then,
                } = job.await;
                if let Some(then) = then {
                    tokio::spawn(then);
                }
                (completion.0, data)
            }
        }
    }
}

impl Bench {
    /// A BMC for a machine that is off and takes no time.
    pub(crate) fn new() -> Self {
        Self::with(MemoryMachine::builder("node1"), |bmc| bmc)
    }

    /// The same with this time of day.
    pub(crate) fn with_clock(wall_clock: fn(Instant) -> u64) -> Self {
        Self::with(MemoryMachine::builder("node1"), |bmc| bmc.wall_clock(wall_clock))
    }

    /// A BMC for a machine, both as described.
    pub(crate) fn with(
        machine: MemoryMachineBuilder,
        describe: impl FnOnce(BmcBuilder) -> BmcBuilder,
    ) -> Self {
        let machine = machine.build();
        let password = Password::new(b"secret").unwrap();
        let builder = Bmc::builder(Arc::clone(&machine) as _).administrator("admin", password);
        Self {
            bmc: describe(builder).build().unwrap(),
            machine,
            start: tokio::time::Instant::now(),
        }
    }

    /// A BMC for a machine of another kind, whose own machine has no part in anything.
    pub(crate) fn over(
        backend: Arc<dyn crate::backend::BmcBackend>,
        describe: impl FnOnce(BmcBuilder) -> BmcBuilder,
    ) -> Self {
        let password = Password::new(b"secret").unwrap();
        let builder = Bmc::builder(backend).administrator("admin", password);
        Self {
            bmc: describe(builder).build().unwrap(),
            machine: MemoryMachine::builder("unused").build(),
            start: tokio::time::Instant::now(),
        }
    }

    /// The time that the driver tells.
    pub(crate) fn now(&self) -> Instant {
        now(self.start)
    }

    /// Starts what a driver does: timeouts, and work of the BMC's own.
    pub(crate) fn drive(&self) {
        let changed = Arc::new(Notify::new());
        let waker = Arc::clone(&changed);
        self.bmc.set_waker(Arc::new(move || waker.notify_one()));
        let (bmc, start) = (Arc::clone(&self.bmc), self.start);
        tokio::spawn(async move {
            loop {
                while let Some(work) = bmc.poll_work() {
                    let limit = work.limit();
                    tokio::spawn(work.finish(tokio::time::sleep(limit)));
                }
                let wait = bmc.poll_timeout().map(|due| due.since(now(start)));
                let wait = wait.unwrap_or(Duration::from_secs(3_600));
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = changed.notified() => {}
                }
                bmc.handle_timeout(now(start));
            }
        });
    }

    /// Sends a request with Administrator privilege.
    pub(crate) fn ask(&self, netfn: NetFn, command: u8, data: &[u8]) -> Asked {
        self.ask_as(Some(Privilege::ADMINISTRATOR), Lun::BMC, netfn, command, data)
    }

    /// Sends a request with a privilege, or outside a session.
    pub(crate) fn ask_as(
        &self,
        privilege: Option<Privilege>,
        lun: Lun,
        netfn: NetFn,
        command: u8,
        data: &[u8],
    ) -> Asked {
        self.bmc
            .with(|inner| self.dispatch(inner, privilege, lun, netfn, command, data))
    }

    /// Sends a request with Administrator privilege, as a change that a client waits for.
    pub(crate) async fn change(&self, netfn: NetFn, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
        let mut asked = None;
        let level = Some(Privilege::ADMINISTRATOR);
        let saved = self.bmc.change(|inner| {
            asked = Some(self.dispatch(inner, level, Lun::BMC, netfn, command, data));
        });
        match saved.await {
            Ok(()) => asked.unwrap().answer().await,
            Err(completion) => (completion.0, Vec::new()),
        }
    }

    fn dispatch(
        &self,
        inner: &mut Inner,
        privilege: Option<Privilege>,
        lun: Lun,
        netfn: NetFn,
        command: u8,
        data: &[u8],
    ) -> Asked {
        let session = privilege.map(|privilege| RequestSession {
            id: SessionId(7),
            user: UserId(2),
            privilege,
        });
        let now = self.now();
        inner.tell_time(now);
        let mut context = Context {
            bmc: &self.bmc,
            sessions: &inner.sessions,
            state: &mut inner.state,
            power: &mut inner.power,
            sol: &mut inner.sol,
            now,
            session,
            channel: ChannelNumber::LAN,
            peer: Peer {
                remote: "192.0.2.9:50000".parse().unwrap(),
                local: "192.0.2.1:623".parse().unwrap(),
            },
            header: RequestHeader {
                responder: BMC_ADDRESS,
                netfn,
                responder_lun: lun,
                requester: CONSOLE_SOFTWARE_ID,
                requester_lun: Lun::BMC,
                sequence: RequestSequence::default(),
                command,
            },
            after: After::Nothing,
            wake_driver: false,
        };
        let mut buffer = [0xa5; RESPONSE_CAPACITY];
        let dispatched = handlers::dispatch(&mut context, data, &mut buffer);
        if context.wake_driver {
            inner.wake_driver();
        }
        match dispatched {
            Dispatched::Answer { completion, length } => Asked::Answer(completion, buffer[..length].to_vec()),
            Dispatched::Wait { job, .. } => Asked::Wait(job),
        }
    }
}

fn now(start: tokio::time::Instant) -> Instant {
    let micros = start.elapsed().as_micros();
    Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}
