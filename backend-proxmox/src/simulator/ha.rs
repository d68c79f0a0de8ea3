//! The high availability manager: it carries out later what it was asked for.

use std::sync::Arc;
use std::time::Duration;

use super::access::Caller;
use super::guest::GuestKind;
use super::power::{self, Target};
use super::shared::Shared;

/// A round of the manager.
const ROUND: Duration = Duration::from_secs(10);

/// Brings a guest to `state` in the manager's next round, if it is still wanted then.
pub(super) fn carry_out(shared: &Arc<Shared>, kind: GuestKind, vmid: u32, state: &'static str, force: bool) {
    let shared = shared.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = shared.clock.sleep(ROUND) => {}
            () = shared.end.cancelled() => return,
        }
        let (node, running) = {
            let cluster = shared.cluster();
            let Some(guest) = cluster.guests.get(&vmid) else {
                return;
            };
            if guest.ha.as_deref() != Some(state) || !cluster.quorate || !cluster.is_online(&guest.node) {
                return;
            }
            (guest.node.clone(), guest.process.is_some())
        };
        if running == (state == "started") {
            return;
        }
        let root = Caller {
            user: "root@pam".to_owned(),
            token: None,
        };
        let target = Target {
            node: node.clone(),
            kind,
            vmid,
            skip_lock: false,
        };
        let (prefix, id) = (kind.task_prefix(), vmid.to_string());
        match (state, force) {
            ("started", _) => shared.start_task(&node, &format!("{prefix}start"), &id, &root, |task| {
                power::start(task, target)
            }),
            (_, true) => shared.start_task(&node, &format!("{prefix}stop"), &id, &root, |task| {
                power::stop(task, target)
            }),
            _ => {
                shared.start_task(
                    &node,
                    &format!("{prefix}shutdown"),
                    &id,
                    &root,
                    move |task| async move {
                        power::shut_down(&task, &target, Duration::from_secs(60), true).await
                    },
                )
            }
        };
    });
}
