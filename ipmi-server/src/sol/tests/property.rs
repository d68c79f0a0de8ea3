//! The property of the whole: between the machine's console and its clients nothing is lost, doubled or reordered,
//! whatever the network, the console's connection, the power and the clients do.

use alloc::sync::Arc;
use core::time::Duration;

use proptest::prelude::*;

use super::ledger::{Ledger, LedgerBackend};
use super::world::{DEACTIVATE, DEADLINE, World};
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
    /// Who has the console.
    client: usize,
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
        let client = world.login().await;
        let mut run = Self {
            world,
            ledger,
            client,
            typed: Vec::new(),
            said: 0,
            opened_at: 0,
        };
        run.open().await;
        run
    }

    /// Opens the console that somebody else, or nobody, has. Late packets of the last time have to be gone:
    /// packets do not say which activation they belong to.
    async fn open(&mut self) {
        for client in &mut self.world.clients {
            client.line = None;
            client.screen.clear();
        }
        self.world.pass(Duration::from_millis(100)).await;
        let client = self.client;
        self.opened_at = self.ledger.account().said.len();
        self.world.activate(client).await;
        self.world.is_lossy = true;
    }

    async fn type_in(&mut self, length: usize) {
        let new = text(self.typed.len(), length);
        let client = self.client;
        let mut written = 0;
        while written < new.len() {
            written += self.world.type_in(client, &new[written..]);
            self.world.step().await;
        }
        self.typed.extend(new);
    }

    /// Until the machine has all that was typed, and the client all that was said.
    async fn settle(&mut self) {
        let deadline = self.world.bench.now() + DEADLINE;
        while !self.is_settled() {
            assert!(self.world.bench.now() < deadline, "{}", self.describe());
            self.world.step().await;
        }
        // Late copies arrive.
        self.world.pass(Duration::from_secs(1)).await;
        let account = self.ledger.account();
        let screen = &self.world.clients[self.client].screen;
        assert!(account.heard == self.typed, "the machine heard something else");
        assert!(
            *screen == account.said[self.first()..],
            "the client saw something else"
        );
    }

    fn is_settled(&self) -> bool {
        let client = &self.world.clients[self.client];
        let account = self.ledger.account();
        client.line.as_ref().unwrap().unacknowledged() == 0
            && account.heard.len() >= self.typed.len()
            && account.said.len() >= self.said
            && client.screen.len() >= account.said.len() - self.first()
    }

    /// The first character that the client is shown: all that is kept, and nothing older.
    fn first(&self) -> usize {
        self.opened_at.saturating_sub(SCROLLBACK)
    }

    fn describe(&self) -> String {
        let client = &self.world.clients[self.client];
        let account = self.ledger.account();
        format!(
            "typed {}, not acknowledged {}, heard {}; to say {}, said {}, shown {} from {} on",
            self.typed.len(),
            client.line.as_ref().unwrap().unacknowledged(),
            account.heard.len(),
            self.said,
            account.said.len(),
            client.screen.len(),
            self.first()
        )
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
                let before = self.ledger.account().opened;
                self.ledger.set_on(true);
                // A machine that does not tell of its power is off until its console opens.
                let ledger = Arc::clone(&self.ledger);
                self.world.until(|_| ledger.account().opened > before).await;
            }
            Step::Reconnect => {
                self.settle().await;
                let client = self.client;
                self.world.is_lossy = false;
                assert_eq!(self.world.ask(client, DEACTIVATE).await.0, 0);
                self.open().await;
            }
            Step::Steal => {
                // The machine need not have heard it yet: it is enough that the BMC has it.
                let client = self.client;
                self.world
                    .until(|world| world.clients[client].line.as_ref().unwrap().unacknowledged() == 0)
                    .await;
                // A session in which nothing happens ends: the thief is new.
                self.world.is_lossy = false;
                self.client = self.world.login().await;
                assert_eq!(self.world.ask(self.client, DEACTIVATE).await.0, 0);
                self.open().await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// A fifth of the datagrams is lost, a tenth comes twice, all overtake each other; but for logins and
    /// commands, which are asked again a few times only.
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
