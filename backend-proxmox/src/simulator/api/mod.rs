//! The handlers of the endpoints, one module per part of the API.

mod access;
mod agent;
mod cluster;
mod console;
mod guest_config;
mod guest_power;
mod guest_status;
mod machine;
mod nodes;
mod snapshots;
mod tasks;

use super::answer::{ApiError, ApiResult};
use super::call::Call;
use super::guest::GuestKind;

/// Answers a call whose sender, rights and parameters have been checked.
pub(super) async fn handle(call: &Call) -> ApiResult {
    let path = call.endpoint.key.split_once(' ').map_or("", |(_, path)| path);
    if let Some(rest) = path.strip_prefix("/nodes/{node}/qemu/{vmid}") {
        return guest(call, GuestKind::Qemu, rest).await;
    }
    if let Some(rest) = path.strip_prefix("/nodes/{node}/lxc/{vmid}") {
        return guest(call, GuestKind::Lxc, rest).await;
    }
    let found = access::handle(call)
        .or_else(|| cluster::handle(call))
        .or_else(|| tasks::handle(call));
    match found {
        Some(result) => result,
        None => nodes::handle(call).unwrap_or_else(|| not_simulated(call)),
    }
}

async fn guest(call: &Call, kind: GuestKind, rest: &str) -> ApiResult {
    let method = call.endpoint.key.split(' ').next().unwrap_or_default();
    match (method, rest) {
        ("GET", _) if rest.starts_with("/agent") => agent::handle(call, rest).await,
        ("POST", _) if rest.starts_with("/agent") => agent::handle(call, rest).await,
        (_, "/config") | ("GET", "/pending") => guest_config::handle(call, kind, method, rest).await,
        ("POST", _) if rest.starts_with("/status/") => guest_power::handle(call, kind, rest),
        ("GET", "" | "/status" | "/status/current" | "/rrddata" | "/interfaces") => {
            guest_status::handle(call, kind, rest)
        }
        ("POST", "/termproxy") | ("GET", "/vncwebsocket") => console::handle(call, kind, rest),
        ("PUT", "/sendkey") | ("POST", "/monitor" | "/migrate") | ("DELETE", "") => {
            machine::handle(call, kind, method, rest)
        }
        (_, _) if rest.starts_with("/snapshot") => snapshots::handle(call, kind, method, rest),
        _ => not_simulated(call),
    }
}

fn not_simulated(call: &Call) -> ApiResult {
    let text = format!("the simulator has no '{}'\n", call.endpoint.key);
    Err(ApiError::Message { status: 501, text })
}
