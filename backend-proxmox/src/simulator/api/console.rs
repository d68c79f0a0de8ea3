//! `termproxy` and `vncwebsocket`: both run on the node that the client is connected to.

use serde_json::json;

use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::cluster::Console;
use crate::simulator::console;
use crate::simulator::devices;
use crate::simulator::guest::GuestKind;
use crate::simulator::random;

/// Ports of consoles: as many as there can be on a node at a time.
const PORTS: std::ops::RangeInclusive<u16> = 5900..=5999;

pub(super) fn handle(call: &Call, kind: GuestKind, rest: &str) -> ApiResult {
    if rest == "/termproxy" {
        open(call, kind)
    } else {
        connect(call)
    }
}

fn open(call: &Call, kind: GuestKind) -> ApiResult {
    let now = call.shared.clock.unix();
    let mut cluster = call.shared.cluster();
    let guest = cluster
        .guest(call.node(), kind, call.vmid())
        .map_err(ApiError::died)?;
    // A machine that runs has the ports it was started with; the call itself looks at the file.
    let wanted = call.get("serial");
    let serial = devices::serial_port(&guest.config, wanted);
    if kind == GuestKind::Qemu && wanted.is_none() && serial.is_none() {
        return Err(ApiError::died("unable to find a serial interface"));
    }
    let node = call.here.clone();
    let Some(port) = PORTS
        .into_iter()
        .find(|port| !cluster.consoles.contains_key(&(node.clone(), *port)))
    else {
        return Err(ApiError::died("unable to find free port"));
    };
    let ticket = format!("PVEVNC:{now:08X}::{}", random::base64(256));
    let pid = cluster.next_pid(&node);
    let upid = cluster
        .tasks
        .start(&node, "vncproxy", call.text("vmid"), &call.caller, pid, now)
        .upid
        .clone();
    let waiting = Console {
        vmid: call.vmid(),
        ticket: ticket.clone(),
        caller: call.caller.clone(),
        upid: upid.clone(),
        port: serial.or_else(|| wanted.map(str::to_owned)),
    };
    cluster.consoles.insert((node.clone(), port), waiting);
    drop(cluster);
    console::expire(&call.shared, node, port, upid.clone());
    let user = call.caller.id();
    Ok(json!({"user": user, "ticket": ticket, "port": port.to_string(), "upid": upid}).into())
}

/// Checks the ticket; the websocket itself is opened when this has worked.
fn connect(call: &Call) -> ApiResult {
    let port = call.text("port");
    let number = port.parse().unwrap_or(0);
    let cluster = call.shared.cluster();
    let known = cluster
        .consoles
        .get(&(call.here.clone(), number))
        .is_some_and(|console| {
            console.ticket == call.text("vncticket")
                && console.vmid == call.vmid()
                && console.caller == call.caller
        });
    if !known {
        let text = "permission denied - invalid PVEVNC ticket\n".to_owned();
        return Err(ApiError::Message { status: 401, text });
    }
    Ok(json!({"port": port}).into())
}
