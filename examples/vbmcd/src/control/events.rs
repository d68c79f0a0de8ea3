//! `/v1/events`, `/metrics`, and the record of what came over the control socket.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Caller, Control};
use crate::events::Event;

/// The media type of lines of JSON.
const LINES: &str = "application/x-ndjson";
/// The media type of Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4";

pub(super) fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new()
        .routes(routes!(events))
        .routes(routes!(metrics))
}

/// How events are wanted.
#[derive(Debug, Deserialize)]
struct Wanted {
    /// Go on with new events as they happen.
    #[serde(default)]
    follow: bool,
}

/// What happened lately, oldest first, an event per line of JSON.
#[utoipa::path(
    get, path = "/v1/events", params(("follow" = Option<bool>, Query, description = "Go on with new events as they happen.")),
    responses((status = 200, body = Event, content_type = "application/x-ndjson"))
)]
async fn events(State(control): State<Control>, Query(wanted): Query<Wanted>) -> Response {
    let (kept, next) = control.events.follow();
    let kept = stream::iter(kept.into_iter().map(|event| line(&event)));
    let body = if wanted.follow {
        Body::from_stream(kept.chain(later(next)))
    } else {
        Body::from_stream(kept)
    };
    ([(header::CONTENT_TYPE, LINES)], body).into_response()
}

/// Events as they happen. Who is too slow is told how many were left out.
fn later(
    next: tokio::sync::broadcast::Receiver<Arc<Event>>,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(next, |mut next| async move {
        let event = match next.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => {
                let detail = format!("{count} events were left out: you read too slowly");
                Arc::new(Event::now("lost", detail))
            }
            Err(RecvError::Closed) => return None,
        };
        Some((line(&event), next))
    })
}

fn line(event: &Event) -> Result<Bytes, Infallible> {
    Ok(event.line().into())
}

/// All counters, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(control): State<Control>) -> Response {
    let text = super::metrics::text(&control.registry);
    ([(header::CONTENT_TYPE, METRICS)], text).into_response()
}

/// Records who changed what over the control socket, and how that was answered. Bodies, which may hold secrets,
/// are not looked at.
pub(super) async fn record(
    State(control): State<Control>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if !matches!(method, Method::GET | Method::HEAD) {
        let segment = path
            .strip_prefix("/v1/bmcs/")
            .and_then(|rest| rest.split('/').next());
        control.events.tell(Event {
            bmc: segment.map(str::to_owned),
            user: caller.uid.map(|uid| format!("uid {uid}")),
            source: caller.pid.map(|pid| format!("pid {pid}")),
            succeeded: response.status().is_success(),
            ..Event::now("control", format!("{method} {path}: {}", response.status()))
        });
    }
    response
}
