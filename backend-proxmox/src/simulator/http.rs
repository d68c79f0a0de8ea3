//! HTTP as pveproxy speaks it: its limits, its status lines, and the way of a request to its handler.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue,
    PRAGMA, SERVER, TRANSFER_ENCODING,
};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::access::Credentials;
use super::answer::{ApiError, ApiResult, Format, Rendered, render};
use super::api;
use super::call::Call;
use super::cluster::NodeFailure;
use super::console;
use super::fault::Fault;
use super::schema::{Endpoint, Permission};
use super::shared::Shared;

/// Bytes of a body that are read.
const BODY: usize = 512 * 1024;
/// Answers with at least this status end their connection.
const CLOSING: u16 = 400;

/// One connection of a client.
struct Connection {
    shared: Arc<Shared>,
    node: String,
    /// Cuts it, as if the network broke.
    cut: CancellationToken,
    requests: AtomicU32,
    busy: AtomicU32,
    activity: Notify,
}

/// Serves the requests of one connection until it ends or is cut.
pub(super) async fn serve<S>(shared: Arc<Shared>, node: String, stream: S, cut: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = Arc::new(Connection {
        shared,
        node,
        cut: cut.clone(),
        requests: AtomicU32::new(0),
        busy: AtomicU32::new(0),
        activity: Notify::new(),
    });
    let service = service_fn({
        let connection = connection.clone();
        move |request| {
            let connection = connection.clone();
            async move { Ok::<_, Infallible>(connection.answer(request).await) }
        }
    });
    let http = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        result = http => if let Err(error) = result {
            tracing::debug!(%error, "simulated connection ended");
        },
        () = connection.idle() => {}
        () = cut.cancelled() => {}
    }
}

impl Connection {
    /// Returns when nothing has been asked for as long as an idle connection is kept.
    async fn idle(&self) {
        loop {
            let activity = self.activity.notified();
            if self.busy.load(Ordering::Acquire) > 0 {
                activity.await;
                continue;
            }
            tokio::select! {
                () = activity => {}
                () = tokio::time::sleep(self.shared.settings.idle) => return,
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.activity.notify_one();
        let response = self.route(request).await;
        self.busy.fetch_sub(1, Ordering::AcqRel);
        self.activity.notify_one();
        response
    }

    async fn route(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (format, path) = match split_path(request.uri().path()) {
            Some((format, path)) => (format, path.to_owned()),
            None => {
                let reason = format!("no such file '{}'", request.uri().path());
                return self.respond(render(
                    Err(ApiError::bare(404, reason)),
                    Format::Json,
                    self.shared.version,
                ));
            }
        };
        let method = request.method().as_str().to_owned();
        let found = self.shared.schema.find(&method, &path);
        let key = found
            .as_ref()
            .map_or("unknown", |(endpoint, _)| endpoint.key.as_str());
        *self.shared.counters().requests.entry(key.to_owned()).or_default() += 1;
        let fault = self.shared.faults().take(key, &path);
        match fault {
            Some(Fault::Cut) => return self.cut().await,
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Slow(time)) => self.shared.clock.sleep(time).await,
            Some(Fault::Status(status, reason)) => {
                if status == 401 {
                    self.shared
                        .clock
                        .sleep(self.shared.settings.authentication_delay)
                        .await;
                }
                return self.respond(Rendered {
                    status,
                    reason,
                    body: None,
                });
            }
            Some(Fault::Error(text)) => {
                return self.respond(render(Err(ApiError::died(text)), format, self.shared.version));
            }
            Some(Fault::LostAnswer) | None => {}
        }
        let (result, upgrade) = match found {
            _ if !matches!(method.as_str(), "GET" | "POST" | "PUT" | "DELETE") => (
                Err(ApiError::bare(501, format!("method '{method}' not available"))),
                None,
            ),
            Some((endpoint, variables)) => self.call(request, endpoint, variables).await,
            None => (self.unknown(&request, &method, &path), None),
        };
        if let Err(ApiError::Bare { status: 401, .. } | ApiError::Message { status: 401, .. }) = &result {
            self.shared
                .clock
                .sleep(self.shared.settings.authentication_delay)
                .await;
        }
        if fault == Some(Fault::LostAnswer) {
            return self.cut().await;
        }
        if let (Ok(_), Some(upgrade)) = (&result, upgrade) {
            *self.shared.counters().statuses.entry(101).or_default() += 1;
            return upgrade.start(self.cut.clone());
        }
        self.respond(render(result, format, self.shared.version))
    }

    /// A path or method that is none: whoever has no rights does not learn that.
    fn unknown(&self, request: &Request<Incoming>, method: &str, path: &str) -> ApiResult {
        let credentials = credentials(request.headers());
        let now = self.shared.clock.unix();
        self.shared
            .cluster()
            .access
            .authenticate(&credentials, method == "GET", now)?;
        Err(ApiError::Message {
            status: 501,
            text: format!("Method '{method} {path}' not implemented"),
        })
    }

    /// Checks a request and hands it to its handler; a console's websocket comes back beside the result.
    async fn call(
        &self,
        mut request: Request<Incoming>,
        endpoint: &'static Endpoint,
        variables: BTreeMap<String, String>,
    ) -> (ApiResult, Option<console::Upgrade>) {
        let upgrade = console::Upgrade::of(&mut request);
        let credentials = credentials(request.headers());
        let prepared = self.prepare(request, endpoint, variables, &credentials).await;
        let call = match prepared {
            Ok(call) => call,
            Err(error) => return (Err(error), None),
        };
        let node = if endpoint.to_node {
            call.node().to_owned()
        } else {
            self.node.clone()
        };
        let Some(daemon) = self.shared.daemons.get(&node) else {
            return (Err(ApiError::died("no such node")), None);
        };
        // Nothing but calls as root run in the daemon, which has few workers.
        let _permit = match endpoint.protected {
            true => daemon.workers.acquire().await.ok(),
            false => None,
        };
        let _busy = endpoint.protected.then(|| self.shared.count_busy(daemon));
        let result = api::handle(&call).await;
        match (upgrade, &result) {
            (Some(upgrade), Ok(_)) if endpoint.key.ends_with("/vncwebsocket") => {
                (result, Some(upgrade.with(&call)))
            }
            _ => (result, None),
        }
    }

    async fn prepare(
        &self,
        request: Request<Incoming>,
        endpoint: &'static Endpoint,
        variables: BTreeMap<String, String>,
        credentials: &Credentials,
    ) -> Result<Call, ApiError> {
        let now = self.shared.clock.unix();
        let safe = request.method() == "GET";
        let has_any = credentials.token.is_some() || credentials.ticket.is_some();
        let caller = if endpoint.permission == Permission::World && !has_any {
            super::access::Caller {
                user: String::new(),
                token: None,
            }
        } else {
            self.shared
                .cluster()
                .access
                .authenticate(credentials, safe, now)?
        };
        if caller.token.is_some() && !endpoint.tokens {
            let path = endpoint.key.split_once(' ').map_or("", |(_, path)| path);
            let text = format!(
                "Permission check failed (URI '{path}' not available with API token, need proper ticket.\n)\n"
            );
            return Err(ApiError::Message { status: 403, text });
        }
        let mut parameters = read_parameters(request).await?;
        parameters.extend(variables);
        let call = Call {
            shared: self.shared.clone(),
            here: self.node.clone(),
            caller,
            endpoint,
            parameters,
        };
        call.check_permission()?;
        if endpoint.to_node {
            self.reach(call.node()).await?;
        }
        self.shared.schema.check(endpoint, &call.parameters)?;
        Ok(call)
    }

    /// The way to another node.
    async fn reach(&self, node: &str) -> Result<(), ApiError> {
        let failure = match self.shared.cluster().nodes.get(node) {
            None if node == "localhost" => None,
            None => {
                let text = format!(
                    "hostname lookup '{node}' failed - failed to get address info for: {node}: \
                     Name or service not known"
                );
                return Err(ApiError::died(text));
            }
            Some(known) => known.failure,
        };
        match failure {
            None => Ok(()),
            Some(NodeFailure::Refused) => Err(ApiError::bare(595, "Connection refused")),
            Some(NodeFailure::Broken) => Err(ApiError::bare(596, "Broken pipe")),
            Some(NodeFailure::Silent) => {
                self.shared.clock.sleep(std::time::Duration::from_secs(30)).await;
                Err(ApiError::bare(595, "Connection timed out"))
            }
        }
    }

    /// Cuts the connection; there is no answer.
    async fn cut(&self) -> Response<Full<Bytes>> {
        self.cut.cancel();
        std::future::pending().await
    }

    fn respond(&self, rendered: Rendered) -> Response<Full<Bytes>> {
        *self
            .shared
            .counters()
            .statuses
            .entry(rendered.status)
            .or_default() += 1;
        let requests = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let close = rendered.status >= CLOSING || requests >= self.shared.settings.requests_per_connection;
        let has_body = rendered.body.is_some();
        let mut response = Response::new(Full::new(Bytes::from(rendered.body.unwrap_or_default())));
        *response.status_mut() =
            StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Ok(reason) = ReasonPhrase::try_from(rendered.reason.into_bytes()) {
            response.extensions_mut().insert(reason);
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=0"));
        headers.insert(
            CONNECTION,
            HeaderValue::from_static(if close { "close" } else { "Keep-Alive" }),
        );
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(SERVER, HeaderValue::from_static("pve-api-daemon/3.0"));
        if has_body {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/json;charset=UTF-8"),
            );
        }
        response
    }
}

fn split_path(path: &str) -> Option<(Format, &str)> {
    let (format, rest) = match path.strip_prefix("/api2/json") {
        Some(rest) => (Format::Json, rest),
        None => (Format::ExtJs, path.strip_prefix("/api2/extjs")?),
    };
    (rest.is_empty() || rest.starts_with('/')).then_some((format, rest))
}

fn credentials(headers: &HeaderMap) -> Credentials {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let decode = |value: &str| {
        percent_encoding::percent_decode_str(value)
            .decode_utf8_lossy()
            .into_owned()
    };
    let token = text(AUTHORIZATION.as_str())
        .and_then(|value| {
            value
                .strip_prefix("PVEAPIToken")
                .and_then(|rest| rest.strip_prefix(['=', ' ', ':']))
        })
        .map(|value| decode(value.split(';').next().unwrap_or_default()));
    let ticket = text(COOKIE.as_str()).and_then(|value| {
        value
            .split(';')
            .find_map(|cookie| cookie.trim().strip_prefix("PVEAuthCookie="))
            .map(decode)
    });
    Credentials {
        token,
        ticket,
        csrf: text("csrfpreventiontoken").map(str::to_owned),
    }
}

/// The parameters in the query and the body.
async fn read_parameters(request: Request<Incoming>) -> Result<BTreeMap<String, String>, ApiError> {
    let method = request.method().as_str().to_owned();
    let mut parameters = BTreeMap::new();
    parse_form(request.uri().query().unwrap_or_default(), &mut parameters);
    let headers = request.headers();
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(ApiError::bare(501, "chunked transfer encoding not supported"));
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if length == 0 {
        return Ok(parameters);
    }
    if matches!(method.as_str(), "GET" | "DELETE") {
        return Err(ApiError::bare(
            501,
            format!("Unexpected content for method '{method}'"),
        ));
    }
    if length > BODY {
        return Err(ApiError::bare(501, "for data too large"));
    }
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = Limited::new(request.into_body(), BODY).collect().await;
    let body = body.map_err(|_| ApiError::bare(400, "Bad Request"))?.to_bytes();
    if kind.starts_with("application/x-www-form-urlencoded") {
        parse_form(&String::from_utf8_lossy(&body), &mut parameters);
    } else if kind.starts_with("application/json") {
        let Ok(Value::Object(values)) = serde_json::from_slice(&body) else {
            return Err(ApiError::bare(400, "Bad Request"));
        };
        parameters.extend(values.into_iter().map(|(name, value)| (name, plain(&value))));
    } else {
        return Err(ApiError::bare(506, "unsupported content-type"));
    }
    Ok(parameters)
}

/// Pairs are separated by `&` and by `;`.
fn parse_form(text: &str, parameters: &mut BTreeMap<String, String>) {
    for part in text.split(';') {
        let pairs = form_urlencoded::parse(part.as_bytes());
        parameters.extend(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())));
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => u8::from(*value).to_string(),
        other => other.to_string(),
    }
}
