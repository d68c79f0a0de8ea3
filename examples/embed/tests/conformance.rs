//! The exported conformance suite, as another crate runs it: over the example's lamp, over a small machine with
//! everything that a machine can have, and over the one in memory.

#[path = "../src/main.rs"]
#[allow(dead_code, reason = "of the program the lamp alone is checked")]
mod embed;
mod kettle;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use ipmi_server::backend::memory::{Action, MemoryMachine, PowerDelays};
use ipmi_server::backend::{BmcBackend, BootDevice, BootDevices, PowerActions};
use ipmi_server::conformance::{Patience, check, check_boots, check_echo};

use self::kettle::{Fault, Kettle};

#[tokio::test(start_paused = true)]
async fn the_lamp_keeps_the_contract() {
    check(&embed::Lamp::default(), &Patience::of_tokio()).await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_of_ones_own_keeps_the_contract() {
    let (kettle, patience) = (Kettle::new(None), Patience::of_tokio());
    check(&*kettle, &patience).await;
    check_boots(&*kettle, &patience, &|| kettle.boots()).await;
    check_echo(&*kettle, &patience).await;
}

#[tokio::test(start_paused = true)]
async fn the_machine_in_memory_keeps_the_contract() {
    for delays in [PowerDelays::NONE, PowerDelays::REALISTIC] {
        let (machine, patience) = (
            MemoryMachine::builder("node1").delays(delays).build(),
            Patience::of_tokio(),
        );
        let boots = || -> Vec<BootDevice> {
            let actions = machine.actions().into_iter();
            let boots = actions.filter_map(|action| match action {
                Action::Boot(device) => Some(device),
                _ => None,
            });
            boots.collect()
        };
        check(&*machine, &patience).await;
        check_boots(&*machine, &patience, &boots).await;
        check_echo(&*machine, &patience).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_in_memory_that_has_little_keeps_the_contract() {
    let bare = MemoryMachine::builder("bare")
        .power_actions(PowerActions::empty())
        .boot_devices(BootDevices::empty())
        .without_console()
        .without_sensors()
        .without_events()
        .build();
    check(&*bare, &Patience::of_tokio()).await;
}

/// The suite is no rubber stamp: each of these machines breaks one sentence of the contract.
#[tokio::test(start_paused = true)]
async fn a_machine_that_breaks_the_contract_is_found() {
    for (fault, sentence) in [
        (Fault::ForgetsTheFirstListener, "every listener is told of"),
        (Fault::KeepsListeners, "keeps a weak reference"),
        (Fault::OpensWhileOff, "console of a machine that is off"),
        (Fault::ConsoleNeverEnds, "a console ends with the power"),
        (Fault::LosesOutput, "stays whole and in order"),
        (Fault::BootsTwiceFromTheChoice, "is for one boot"),
        (Fault::ForgetsTheChoice, "a choice for all boots stays"),
        (Fault::InventsValues, "a sensor that does not exist has no value"),
        (Fault::AgeStandsStill, "grows older"),
        (Fault::ValueOutOfRange, "in its range"),
    ] {
        let kettle = Kettle::new(Some(fault));
        let found = tokio::spawn(check_all(Arc::clone(&kettle))).await;
        let panic = found.expect_err("the suite has to find the fault").into_panic();
        let panic = AssertUnwindSafe(panic);
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or_default();
        assert!(text.contains(sentence), "{fault:?} was found as: {text}");
    }
}

async fn check_all(kettle: Arc<Kettle>) {
    let patience = Patience::of_tokio();
    let backend: &dyn BmcBackend = &*kettle;
    check(backend, &patience).await;
    check_boots(backend, &patience, &|| kettle.boots()).await;
    check_echo(backend, &patience).await;
}
