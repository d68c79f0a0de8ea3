//! A guest's way from one node to another.

use std::time::Duration;

use super::shared::Shared;

/// Moves a guest to `target` within `time`; meanwhile it is locked, and it is on the old node until the end.
///
/// # Errors
/// There is no such guest any more, or one of the nodes has failed.
pub(super) async fn migrate(shared: &Shared, vmid: u32, target: &str, time: Duration) -> Result<(), String> {
    let gone = || format!("no such guest: {vmid}");
    let source = {
        let mut cluster = shared.cluster();
        cluster.check_quorum()?;
        let guest = cluster.guests.get_mut(&vmid).ok_or_else(gone)?;
        guest.check_lock()?;
        guest.config.insert("lock".to_owned(), "migrate".to_owned());
        guest.node.clone()
    };
    shared.clock.sleep(time).await;
    let mut cluster = shared.cluster();
    let reachable = cluster.is_online(&source) && cluster.is_online(target);
    let pid = cluster.next_pid(target);
    let guest = cluster.guests.get_mut(&vmid).ok_or_else(gone)?;
    if guest.lock() == Some("migrate") {
        guest.config.remove("lock");
    }
    if !reachable {
        return Err("migration aborted".to_owned());
    }
    target.clone_into(&mut guest.node);
    if let Some(process) = &mut guest.process {
        process.pid = pid;
    }
    // Consoles end with the process on the old node.
    _ = guest.console.send(super::console::GuestEvent::Stopped);
    guest.port = std::sync::Arc::default();
    guest.record(format!("migrated to {target}"));
    Ok(())
}
