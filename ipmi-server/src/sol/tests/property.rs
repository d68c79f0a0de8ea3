//! The property of the whole: between the machine's console and its clients nothing is lost, doubled or reordered,
//! whatever the network, the console's connection, the power and the clients do.

use alloc::sync::Arc;
use core::time::Duration;

use proptest::prelude::*;

use super::ledger::{Ledger, LedgerBackend};
use super::world::{DEACTIVATE, World};
use crate::test_bench::Bench;

/// What is kept for the next client.
const SCROLLBACK: usize = 1_500;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A client types so much.
    Type(usize),
    /// The machine says so much.
    Say(usize),
    /// Time passes.
    Pass(u64),
    /// The connection to the console breaks, and fails so often.
    Disconnect(u32),
    /// The machine is off for a time.
    PowerCycle(u64),
    /// The client ends its console and opens it again.
    Reconnect,
    /// Another client takes the console.
    Steal,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..1_200_usize).prop_map(Step::Type),
        4 => (1..4_000_usize).prop_map(Step::Say),
        3 => (1..300_u64).prop_map(Step::Pass),
        1 => (0..3_u32).prop_map(Step::Disconnect),
        1 => (1..400_u64).prop_map(Step::PowerCycle),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Steal),
    ];
    prop::collection::vec(step, 1..14)
}

/// Characters that tell their place.
fn text(from: usize, length: usize) -> Vec<u8> {
    let place = |index: usize| u8::try_from(index.wrapping_mul(31) / 7 % 251).unwrap();
    (from..from + length).map(place).collect()
}

struct Run {
    world: World,
    ledger: Arc<Ledger>,
    clients: [usize; 2],
    /// Who has the console.
    current: usize,
    typed: Vec<u8>,
    said: usize,
    /// How much the machine had said when the console was opened: what is shown first, and the least.
    opened_at: usize,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let ledger = Ledger::new(seed);
        let backend = Arc::new(LedgerBackend(Arc::clone(&ledger)));
        let bench = Bench::over(backend, |bmc| bmc.console_scrollback(SCROLLBACK));
        let mut world = World::with(bench);
        world.reseed(seed);
        let clients = [world.login().await, world.login().await];
        world.is_lossy = true;
        let mut run = Self {
            world,
            ledger,
            clients,
            current: 0,
            typed: Vec::new(),
            said: 0,
            opened_at: 0,
        };
        run.open().await;
        run
    }

    fn client(&self) -> usize {
        self.clients[self.current]
    }

    async fn open(&mut self) {
        let client = self.client();
        self.world.clients[client].screen.clear();
        self.opened_at = self.ledger.account().said.len();
        self.world.activate(client).await;
    }

    async fn type_in(&mut self, length: usize) {
        let new = text(self.typed.len(), length);
        let client = self.client();
        let mut written = 0;
        while written < new.len() {
            written += self.world.type_in(client, &new[written..]);
            self.world.step().await;
        }
        self.typed.extend(new);
    }

    /// Until the BMC has all that was typed, and the client all that was said.
    async fn settle(&mut self) {
        let (client, ledger) = (self.client(), Arc::clone(&self.ledger));
        let (typed, said) = (self.typed.len(), self.said);
        self.world
            .until(|world| {
                let line = world.clients[client].line.as_ref().unwrap();
                let account = ledger.account();
                line.unacknowledged() == 0 && account.heard.len() >= typed && account.said.len() >= said
            })
            .await;
        // Late copies arrive, and what is on its way to the screen.
        let said = self.ledger.account().said.clone();
        self.world
            .until(|world| world.clients[client].screen.last() == said.last() || said.is_empty())
            .await;
        self.world.pass(Duration::from_secs(3)).await;
        self.check();
    }

    fn check(&self) {
        let account = self.ledger.account();
        assert!(
            account.heard == self.typed,
            "the machine heard something else than was typed"
        );
        let first = self.opened_at.saturating_sub(SCROLLBACK);
        let screen = &self.world.clients[self.client()].screen;
        assert!(
            *screen == account.said[first..],
            "the client saw {} characters, the machine said {} from {first} on",
            screen.len(),
            account.said.len() - first
        );
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Type(length) => self.type_in(length).await,
            Step::Say(length) => {
                self.ledger.say(&text(self.said, length));
                self.said += length;
            }
            Step::Pass(time) => self.world.pass(Duration::from_millis(time)).await,
            Step::Disconnect(failures) => self.ledger.disconnect(failures),
            Step::PowerCycle(time) => {
                // A machine that is off hears nothing: what was typed has to be heard before.
                self.settle().await;
                self.ledger.set_on(false);
                self.world.pass(Duration::from_millis(time)).await;
                self.ledger.set_on(true);
            }
            Step::Reconnect => {
                self.settle().await;
                let client = self.client();
                assert_eq!(self.world.ask(client, DEACTIVATE).await.0, 0);
                self.open().await;
            }
            Step::Steal => {
                // The machine need not have heard it yet: it is enough that the BMC has it.
                let client = self.client();
                self.world
                    .until(|world| world.clients[client].line.as_ref().unwrap().unacknowledged() == 0)
                    .await;
                self.current = 1 - self.current;
                let thief = self.client();
                assert_eq!(self.world.ask(thief, DEACTIVATE).await.0, 0);
                self.open().await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// A fifth of the datagrams is lost, a tenth comes twice, all overtake each other.
    #[test]
    fn nothing_is_lost_doubled_or_reordered(seed in any::<u64>(), steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut run = Run::new(seed).await;
            for step in steps {
                run.step(step).await;
            }
            run.settle().await;
        });
    }
}
