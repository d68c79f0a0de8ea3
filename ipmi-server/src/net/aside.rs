//! Commands that wait for a machine run aside: nobody else waits for them.

use alloc::sync::Arc;
use core::future::Future;

use tokio::time::sleep;

use super::handler::{AsideCommand, AsideWork, DatagramHandler};
use super::station::{Aside, Station};
use crate::metrics::{Loss, Traffic};

/// Runs a command and sends its answer.
pub(crate) fn run_command<H: DatagramHandler>(station: &Arc<Station<H>>, command: H::Command) {
    let config = &station.common.config;
    let Some(aside) = station.aside_begins(config.commands_in_flight) else {
        config.metrics.lost(Loss::Overload);
        tracing::debug!("too many commands wait for the machine");
        if let Some(answer) = command.refuse() {
            let mut traffic = Traffic::default();
            station.send_as_listener(answer.peer, &answer.bytes, &mut traffic);
            config.metrics.traffic(traffic);
        }
        return;
    };
    let station = station.clone();
    tokio::spawn(unless_given_up(aside, async move {
        let deadline = sleep(command.deadline());
        let (answer, work) = command.answer(deadline).await;
        if let Some(answer) = answer {
            station.send_late(answer.peer, &answer.bytes).await;
        }
        if let Some(work) = work {
            let limit = sleep(work.limit());
            work.finish(limit).await;
        }
    }));
}

/// Runs work that the BMC began by itself; nobody can make it begin too much.
pub(crate) fn run_work<H: DatagramHandler>(station: &Arc<Station<H>>, work: H::Work) {
    let Some(aside) = station.aside_begins(usize::MAX) else {
        return;
    };
    tokio::spawn(unless_given_up(aside, async move {
        let limit = sleep(work.limit());
        work.finish(limit).await;
    }));
}

async fn unless_given_up<H: DatagramHandler>(aside: Aside<H>, work: impl Future<Output = ()> + Send) {
    tokio::select! {
        biased;
        () = work => {}
        () = aside.station.common.given_up() => {}
    }
}
