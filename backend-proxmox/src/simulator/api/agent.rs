//! What goes to the agent inside of a machine.

use serde_json::{Value, json};

use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::guest::GuestKind;
use crate::simulator::power::AGENT_PATIENCE;

pub(super) async fn handle(call: &Call, rest: &str) -> ApiResult {
    let vmid = call.vmid();
    let command = match (rest.rsplit('/').next(), call.get("command")) {
        (Some("agent"), Some(command)) => command,
        (Some(name), _) => name,
        (None, _) => "",
    };
    let (answers, name) = {
        let cluster = call.shared.cluster();
        let guest = cluster
            .guest(call.node(), GuestKind::Qemu, vmid)
            .map_err(ApiError::died)?;
        if !guest.has_agent() {
            return Err(ApiError::died("No QEMU guest agent configured"));
        }
        let Some(process) = &guest.process else {
            return Err(ApiError::died(format!("VM {vmid} is not running")));
        };
        (
            guest.behaviour.agent && process.status == "running",
            guest.name().to_owned(),
        )
    };
    if !answers {
        call.shared.clock.sleep(AGENT_PATIENCE).await;
        return Err(ApiError::died("QEMU guest agent is not running"));
    }
    let result = match command {
        "ping" | "fsfreeze-thaw" => json!({}),
        "get-host-name" => json!({"host-name": name}),
        "get-osinfo" => json!({
            "id": "debian", "name": "Debian GNU/Linux", "pretty-name": "Debian GNU/Linux 12 (bookworm)",
            "version": "12 (bookworm)", "version-id": "12", "machine": "x86_64",
            "kernel-release": "6.1.0-18-amd64", "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1",
        }),
        "network-get-interfaces" => json!([
            {"name": "lo", "hardware-address": "00:00:00:00:00:00",
                "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}]},
            {"name": "eth0", "ip-addresses": [
                {"ip-address": format!("192.0.2.{}", vmid % 250 + 2), "ip-address-type": "ipv4", "prefix": 24}]},
        ]),
        "get-time" => json!(call.shared.clock.unix().saturating_mul(1_000_000_000)),
        "shutdown" => {
            let now = call.shared.clock.now();
            call.shared.cluster().stop_process(vmid, now);
            return Ok(json!({"result": {}}).into());
        }
        _ => {
            let text = format!("the simulated agent does not know '{command}'\n");
            return Err(ApiError::Message { status: 500, text });
        }
    };
    Ok(Value::from_iter([("result", result)]).into())
}
