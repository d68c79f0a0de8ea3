//! `/v1/bmcs`: listing, adding, changing, starting, stopping and deleting BMCs.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Control;
use super::api::{AddBmc, BmcDetails, BmcSummary, ChangeBmc, Problem, Reloaded, Version};
use super::problem::Refusal;
use crate::registry::{Description, Registry, RegistryError};

pub(super) fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new()
        .routes(routes!(version))
        .routes(routes!(list, add))
        .routes(routes!(show, change, delete))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(reload))
}

/// Who answers, and which connections its configuration has.
#[utoipa::path(get, path = "/v1/version", responses((status = 200, body = Version)))]
async fn version(State(control): State<Control>) -> Json<Version> {
    Json(Version {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        connections: control.registry.connections(),
        has_password: control.registry.has_password(),
    })
}

/// All BMCs.
#[utoipa::path(get, path = "/v1/bmcs", responses((status = 200, body = Vec<BmcSummary>)))]
async fn list(State(control): State<Control>) -> Json<Vec<BmcSummary>> {
    Json(control.registry.list())
}

/// Adds a BMC, which is down at first.
#[utoipa::path(
    post, path = "/v1/bmcs", request_body = AddBmc,
    responses((status = 201, body = BmcDetails), (status = 400, body = Problem), (status = 409, body = Problem),
        (status = 502, body = Problem))
)]
async fn add(State(control): State<Control>, body: Bytes) -> Result<(StatusCode, Json<BmcDetails>), Refusal> {
    let AddBmc { bmc, connection } = read(&body)?;
    let description = Description {
        bmc: table(bmc)?,
        connection: connection.map(table).transpose()?,
    };
    let registry = Arc::clone(&control.registry);
    let name = to_its_end(registry, async move |registry| registry.add(description).await).await?;
    Ok((StatusCode::CREATED, Json(control.registry.show(&name)?)))
}

/// A BMC, by its name or that of its machine.
#[utoipa::path(
    get, path = "/v1/bmcs/{name}",
    responses((status = 200, body = BmcDetails), (status = 404, body = Problem))
)]
async fn show(State(control): State<Control>, Path(name): Path<String>) -> Result<Json<BmcDetails>, Refusal> {
    Ok(Json(control.registry.show(&name)?))
}

/// Changes a BMC that was added. One that runs is started anew, and its sessions end.
#[utoipa::path(
    patch, path = "/v1/bmcs/{name}", request_body = ChangeBmc,
    responses((status = 200, body = BmcDetails), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 502, body = Problem))
)]
async fn change(
    State(control): State<Control>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<BmcDetails>, Refusal> {
    let ChangeBmc { bmc } = read(&body)?;
    let keys = bmc.into_iter().map(|(key, value)| match value {
        Value::Null => Ok((key, None)),
        value => Ok((key, Some(toml_value(value)?))),
    });
    let keys = keys.collect::<Result<_, Refusal>>()?;
    let (registry, changed) = (Arc::clone(&control.registry), name.clone());
    to_its_end(registry, async move |registry| {
        registry.change(&changed, keys).await
    })
    .await?;
    Ok(Json(control.registry.show(&name)?))
}

/// Stops and forgets a BMC that was added. Its machine is not touched.
#[utoipa::path(
    delete, path = "/v1/bmcs/{name}",
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
async fn delete(State(control): State<Control>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    to_its_end(control.registry, async move |registry| {
        registry.delete(&name).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts a BMC, now and after every restart of vbmcd. One that runs is left alone.
#[utoipa::path(
    post, path = "/v1/bmcs/{name}/start",
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 502, body = Problem))
)]
async fn start(State(control): State<Control>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    to_its_end(control.registry, async move |registry| {
        registry.start(&name).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops a BMC: it answers no more, also not after a restart of vbmcd. Its machine is not touched.
#[utoipa::path(
    post, path = "/v1/bmcs/{name}/stop",
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
async fn stop(State(control): State<Control>, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    to_its_end(control.registry, async move |registry| registry.stop(&name).await).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the configuration file again. BMCs that are the same in it are not touched.
#[utoipa::path(
    post, path = "/v1/reload",
    responses((status = 200, body = Reloaded), (status = 400, body = Problem))
)]
async fn reload(State(control): State<Control>) -> Result<Json<Reloaded>, Refusal> {
    let reloaded = tokio::spawn(async move { control.reload().await }).await;
    Ok(Json(reloaded.map_err(|_| RegistryError::Broken)??))
}

/// Does something to its end, also if the client goes away meanwhile: a BMC is never left half changed.
async fn to_its_end<T: Send + 'static, F>(
    registry: Arc<Registry>,
    work: impl FnOnce(Arc<Registry>) -> F,
) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, RegistryError>> + Send + 'static,
{
    let done = tokio::spawn(work(registry)).await;
    Ok(done.map_err(|_| RegistryError::Broken)??)
}

/// The JSON of a request.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // The message names keys and places, and quotes no values of ours: these are of any type.
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("cannot read the request: {error}")))
}

fn table(keys: std::collections::BTreeMap<String, Value>) -> Result<toml::Table, Refusal> {
    let keys = keys.into_iter().filter(|(_, value)| !value.is_null());
    keys.map(|(key, value)| Ok((key, toml_value(value)?))).collect()
}

fn toml_value(value: Value) -> Result<toml::Value, Refusal> {
    toml::Value::try_from(value)
        .map_err(|_| Refusal::bad_request("a value has no form that a configuration has"))
}
