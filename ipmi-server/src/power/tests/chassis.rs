//! What the chassis does besides obeying: power that returns, and showing which machine it is.

use alloc::sync::Arc;
use std::sync::Mutex;

use super::*;
use crate::bmc::Identify;
use crate::store::MemoryStore;

const QUERY: u8 = 3;

/// A BMC after a power failure: its machine is off, and it knows what the store has.
fn after_failure(store: &Arc<MemoryStore>) -> Bench {
    let store = Arc::clone(store);
    Bench::with(MemoryMachine::builder("node1"), |bmc| bmc.store(store))
}

async fn set_policy(bench: &Bench, policy: u8) -> (u8, Vec<u8>) {
    bench.change(NetFn::CHASSIS, 0x06, &[policy]).await
}

#[tokio::test(start_paused = true)]
async fn power_returns_as_the_policy_says() {
    const ALWAYS_OFF: u8 = 0;
    const PREVIOUS: u8 = 1;
    const ALWAYS_ON: u8 = 2;
    for (policy, was_on, cause) in [
        (ALWAYS_OFF, true, None),
        (PREVIOUS, true, Some(7)),
        (PREVIOUS, false, None),
        (ALWAYS_ON, true, Some(6)),
        (ALWAYS_ON, false, Some(6)),
    ] {
        let store = Arc::new(MemoryStore::default());
        let bench = after_failure(&store);
        bench.drive();
        assert_eq!(set_policy(&bench, policy).await, (0, vec![7]));
        assert_eq!(bench.control(UP).await, 0);
        if !was_on {
            assert_eq!(bench.control(DOWN).await, 0);
        }
        pass(1).await;
        bench.bmc.settle().await.unwrap();

        let bench = after_failure(&store);
        assert_eq!(bench.status()[0] >> 5, policy);
        bench.drive();
        match cause {
            None => {
                pass(600).await;
                assert_eq!(bench.done(), [""; 0], "{policy} {was_on}");
            }
            Some(cause) => {
                bench.until("on again", Bench::is_on).await;
                assert_eq!(bench.done(), ["power on"], "{policy} {was_on}");
                assert_eq!(bench.restart_cause(), [cause, 0]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_override_is_there_before_the_power_returns() {
    let store = Arc::new(MemoryStore::default());
    let bench = after_failure(&store);
    bench.drive();
    set_policy(&bench, 2).await;
    assert_eq!(bench.set_boot_flags([0x80, 0x04, 0, 0, 0]).await, 0);
    bench.bmc.settle().await.unwrap();
    let bench = after_failure(&store);
    bench.drive();
    bench.until("on again", Bench::is_on).await;
    let actions = bench.machine.actions();
    let actions: Vec<_> = actions.iter().map(ToString::to_string).collect();
    assert_eq!(actions, ["power on", "boot pxe"]);
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_machine_that_starts_by_itself_is_recorded() {
    let bench = Bench::with(MemoryMachine::builder("node1").starts_by_itself(), |bmc| bmc);
    let set = |policy| bench.ask(NetFn::CHASSIS, 0x06, &[policy]).at_once();
    for policy in [0, 1, 2, QUERY] {
        assert_eq!(set(policy), (0, vec![7]));
    }
    assert_eq!(bench.status()[0] >> 5, 2);
}

#[tokio::test(start_paused = true)]
async fn the_embedding_program_is_told_what_to_show() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let bench = Bench::with(MemoryMachine::builder("node1"), |bmc| {
        bmc.on_identify(move |name, identify| {
            assert_eq!(name, "node1");
            listener.lock().unwrap().push(identify);
        })
    });
    bench.drive();
    let identify = |data: &[u8]| assert_eq!(bench.ask(NetFn::CHASSIS, 0x04, data).at_once().0, 0);
    let take = || core::mem::take(&mut *told.lock().unwrap());
    let seconds = Duration::from_secs;
    identify(&[0]);
    assert_eq!(take(), []);
    identify(&[]);
    assert_eq!(take(), [Identify::For(seconds(15))]);
    pass(14).await;
    assert_eq!(take(), []);
    identify(&[20]);
    pass(19).await;
    assert_eq!(take(), [Identify::For(seconds(20))]);
    pass(2).await;
    assert_eq!(take(), [Identify::Off]);
    identify(&[5, 1]);
    pass(3_600).await;
    assert_eq!(take(), [Identify::On]);
    identify(&[0, 0]);
    identify(&[0]);
    assert_eq!(take(), [Identify::Off]);
}
