//! `/v1/bmcs/{name}/check`: whether a BMC and what is behind it work.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use ipmi_server::backend::PowerState;
use tokio::net::UdpSocket;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Control;
use super::api::{Check, Problem};
use super::problem::Refusal;

/// An RMCP presence ping (ASF 2.0 §3.2.4.2).
const PING: [u8; 12] = [
    0x06, 0x00, 0xff, 0x06, 0x00, 0x00, 0x11, 0xbe, 0x80, 0x00, 0x00, 0x00,
];
/// Where the type of an ASF message stands, and that of a pong.
const TYPE_AT: usize = 8;
const PONG: u8 = 0x40;
/// How long an answer is waited for, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: u32 = 3;

pub(super) fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new().routes(routes!(check))
}

/// Looks whether the BMC runs, whether its machine can be reached through its connection, and whether the BMC
/// answers through its own UDP port.
#[utoipa::path(
    post, path = "/v1/bmcs/{name}/check",
    responses((status = 200, body = Vec<Check>), (status = 404, body = Problem), (status = 409, body = Problem))
)]
async fn check(
    State(control): State<Control>,
    Path(name): Path<String>,
) -> Result<Json<Vec<Check>>, Refusal> {
    let details = control.registry.show(&name)?;
    let bmc = match control.registry.bmc(&name) {
        Ok(bmc) => bmc,
        Err(error) => {
            let reason = details.summary.error.unwrap_or_else(|| error.to_string());
            return Ok(Json(vec![Check::of("running", Err(reason))]));
        }
    };
    let state = tokio::time::timeout(bmc.deadline(), bmc.backend().power_state()).await;
    let machine = match state {
        Ok(Ok(PowerState::Off)) => Ok("its machine is off".to_owned()),
        Ok(Ok(_)) => Ok("its machine is on".to_owned()),
        Ok(Err(error)) => Err(with_causes(&error)),
        Err(_) => Err("the hypervisor does not answer in time".to_owned()),
    };
    let endpoint = SocketAddr::new(details.summary.address, details.summary.port);
    Ok(Json(vec![
        Check::of("running", Ok("it runs".to_owned())),
        Check::of("machine", machine),
        Check::of("port", ping(endpoint).await),
    ]))
}

/// Pings a BMC through its UDP port.
async fn ping(endpoint: SocketAddr) -> Result<String, String> {
    let target = match endpoint.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    let target = SocketAddr::new(target, endpoint.port());
    let from: IpAddr = if target.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let failed = |error: std::io::Error| format!("cannot ask {target}: {error}");
    let socket = UdpSocket::bind((from, 0)).await.map_err(failed)?;
    socket.connect(target).await.map_err(failed)?;
    let mut answer = [0; 64];
    for _ in 0..TRIES {
        socket.send(&PING).await.map_err(failed)?;
        match tokio::time::timeout(PATIENCE, socket.recv(&mut answer)).await {
            Ok(Ok(length)) if length > TYPE_AT && answer[TYPE_AT] == PONG => {
                return Ok(format!("{target} answers"));
            }
            Ok(Err(error)) => return Err(failed(error)),
            // Something else, or nothing: once more.
            Ok(Ok(_)) | Err(_) => {}
        }
    }
    Err(format!("{target} does not answer: look for a packet filter"))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
