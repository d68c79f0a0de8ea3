//! The whole BMC with a machine in memory: requests of an administrator who means no good.

use std::sync::Arc;

use core::time::Duration;

use ipmi_proto::crypto::{CipherSuite, CipherSuiteId, Password};
use ipmi_proto::ipmb::NetFn;
use ipmi_proto::packet::MAX_DATAGRAM;
use ipmi_proto::session::Peer;
use ipmi_proto::session::console::{Console, ConsoleConfig, Protocol, SuiteChoice};
use ipmi_proto::testing::{Pair, PredictableRandom};
use ipmi_proto::time::Instant;
use ipmi_server::backend::memory::MemoryMachine;
use ipmi_server::bmc::{Bmc, Reaction};

use crate::input::Input;
use crate::managed_ops::{NAME, PASSWORD};

const MAX_OPERATIONS: usize = 64;

struct World {
    now: Instant,
    bmc: Arc<Bmc>,
    console: Console,
    peer: Peer,
    random: PredictableRandom,
}

impl World {
    /// Gives the BMC what the console has to say, and the console the answers.
    async fn run(&mut self) {
        let (mut request, mut reply) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
        while let Some(length) = self
            .console
            .poll_transmit(self.now, &mut self.random, &mut request)
        {
            let datagram = &mut request[..length];
            let reaction =
                self.bmc
                    .handle_datagram(self.now, self.peer, datagram, &mut self.random, &mut reply);
            let answer = match reaction {
                Reaction::Reply { length } => Some(reply[..length].to_vec()),
                Reaction::Run(command) => {
                    let deadline = tokio::time::sleep(command.deadline());
                    let (datagram, unfinished) = command.answer(deadline).await;
                    if let Some(work) = unfinished {
                        work.finish(tokio::time::sleep(Duration::from_secs(500))).await;
                    }
                    datagram.map(|datagram| datagram.bytes)
                }
                _ => None,
            };
            if let Some(mut answer) = answer {
                let _ = self
                    .console
                    .handle_datagram(self.now, &mut answer, &mut self.random);
            }
            while self.console.poll_event().is_some() {}
        }
    }

    async fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.bmc.handle_timeout(self.now);
        while let Some(work) = self.bmc.poll_work() {
            work.finish(tokio::time::sleep(Duration::from_secs(500))).await;
        }
        self.console.handle_timeout(self.now);
    }
}

async fn dispatch(input: &mut Input<'_>) -> Option<()> {
    let machine = MemoryMachine::builder("fuzz").build();
    let user = Password::new(PASSWORD).ok()?;
    let bmc = Bmc::builder(machine)
        .administrator(NAME, user)
        .all_authenticated_cipher_suites()
        .build()
        .ok()?;
    let mut config = ConsoleConfig::new(NAME, Password::new(PASSWORD).ok()?).ok()?;
    // Without integrity and encryption: it is the commands that are looked for.
    config.protocol = Protocol::V2_0(SuiteChoice::Fixed(CipherSuite::by_id(CipherSuiteId::SUITE_1)?));
    let mut world = World {
        now: Instant::from_millis(1_000),
        bmc,
        console: Console::new(config),
        peer: Pair::peer(1),
        random: PredictableRandom::new(1),
    };
    world.console.connect(world.now, &mut world.random).ok()?;
    world.run().await;
    assert!(world.console.is_connected(), "the login failed");
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        let netfn = input.byte();
        if netfn & 1 != 0 {
            world
                .pass(Duration::from_millis(u64::from(input.word()) * 10))
                .await;
            continue;
        }
        let command = input.byte();
        let data = input.string();
        let _ = world
            .console
            .request_raw(world.now, NetFn(netfn & 0x3f), command, data);
        world.run().await;
        // Requests without an answer end.
        if !world.console.is_connected() {
            world.pass(Duration::from_secs(20)).await;
            let _ = world.console.connect(world.now, &mut world.random);
            world.run().await;
        }
    }
    Some(())
}

/// Requests of an administrator, and time.
pub fn server_dispatch(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    if let Ok(runtime) = runtime {
        let _ = runtime.block_on(dispatch(&mut Input::new(data)));
    }
}
