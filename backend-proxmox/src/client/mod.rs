//! The client of one cluster's REST API.
//!
//! Any node of a cluster answers for all of it: when one cannot be reached, the next is asked. PVE works on a few
//! requests of a node at a time (three workers in pvedaemon), so at most two of ours are under way for each node, and
//! the web interface always finds a free worker.

mod call;
mod credentials;
mod endpoints;
mod error;
mod ticket;
mod tls;

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::Response;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap};
use rustls::ClientConfig as TlsConfig;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use call::Call;
pub use credentials::{ApiToken, Credentials, CredentialsError, Secret, UserPassword};
pub(crate) use endpoints::Endpoint;
pub use endpoints::EndpointError;
use endpoints::Endpoints;
pub use error::ApiError;
pub(crate) use error::{by_text, one_line};
use ticket::{Ticket, Tickets};
pub use tls::{Fingerprint, TlsError, Trust};

use crate::sync::lock;
use crate::value::{Object, text};

/// Requests under way for one node: its pvedaemon has three workers, one of which is left to others.
const PER_NODE: usize = 2;
/// pveproxy closes idle connections after 5 s.
const IDLE_LIMIT: Duration = Duration::from_secs(4);
/// A node that does not take a connection for so long is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest answer that is read.
const ANSWER_LIMIT: usize = 32 << 20;

/// How a cluster is reached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Addresses of its nodes, `https://HOST:8006`; the first that answers is asked.
    pub endpoints: Vec<String>,
    /// Who asks.
    pub credentials: Credentials,
    /// Which certificates are accepted.
    pub trust: Trust,
}

impl ClientConfig {
    /// A cluster by the addresses of its nodes, with the system's certificate authorities.
    #[must_use]
    pub const fn new(endpoints: Vec<String>, credentials: Credentials) -> Self {
        Self {
            endpoints,
            credentials,
            trust: Trust::System,
        }
    }

    /// With these certificates accepted.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }
}

/// Why a client cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// An address.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP library.
    #[error("cannot set up HTTP")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Asks the API of one cluster.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    tls: Arc<TlsConfig>,
    endpoints: Endpoints,
    credentials: Credentials,
    tickets: Tickets,
    /// One for each node that was asked for; nodes of a cluster are few.
    nodes: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// An answer, and who gave it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What is below `data`.
    pub(crate) data: Value,
    /// The endpoint that was asked.
    pub(crate) endpoint: Endpoint,
}

impl Client {
    /// A client. Nothing is asked yet.
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let endpoints = Endpoints::parse(&config.endpoints)?;
        let tls = tls::client_config(&config.trust)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_LIMIT)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Http(error.into()))?;
        Ok(Self {
            http,
            tls: Arc::new(tls),
            endpoints,
            credentials: config.credentials.clone(),
            tickets: Tickets::new(),
            nodes: Mutex::default(),
        })
    }

    /// Who asks.
    pub(crate) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Settings of TLS, for consoles.
    pub(crate) const fn tls(&self) -> &Arc<TlsConfig> {
        &self.tls
    }

    /// Asks the next endpoint from now on: the present one lies in a part of the cluster without quorum.
    pub(crate) fn leave_endpoint(&self) {
        let (index, _) = self.endpoints.current();
        self.endpoints.leave(index);
    }

    /// Asks, and gives what is below `data`.
    pub(crate) async fn ask(&self, call: Call) -> Result<Value, ApiError> {
        Ok(self.call(call).await?.data)
    }

    /// Asks. A call is sent again only where that does no harm.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, ApiError> {
        let timeout = call.timeout;
        let request = call.name();
        let worked = tokio::time::timeout(timeout, self.with_retries(&call)).await;
        let result = worked.unwrap_or_else(|_| {
            Err(ApiError::Timeout {
                request,
                after: timeout,
            })
        });
        tracing::trace!(request = call.name(), ok = result.is_ok(), "asked");
        result
    }

    async fn with_retries(&self, call: &Call) -> Result<Answer, ApiError> {
        let _permit = self.permit(call.node()).await;
        let mut left = self.endpoints.len().saturating_add(1);
        let mut ticket_renewed = false;
        loop {
            let (index, endpoint) = self.endpoints.current();
            let ticket = self.ticket(call, endpoint).await?;
            let error = match self.attempt(call, endpoint, ticket.as_deref()).await {
                Ok(data) => {
                    let endpoint = endpoint.clone();
                    return Ok(Answer { data, endpoint });
                }
                Err(error) => error,
            };
            left = left.saturating_sub(1);
            match (&error, ticket) {
                // The ticket ran out: PVE checks it before it does anything.
                (ApiError::Credentials { .. }, Some(ticket)) if !ticket_renewed => {
                    ticket_renewed = true;
                    self.tickets.forget(&ticket);
                    left = left.saturating_add(1);
                }
                (ApiError::Unreachable { .. }, _) => {
                    self.endpoints.leave(index);
                    if !(call.is_read() || error.did_nothing()) || left == 0 {
                        return Err(error);
                    }
                    tracing::debug!(request = call.name(), %error, "another endpoint is asked");
                }
                _ => return Err(error),
            }
        }
    }

    /// Whether a request for this node would have to wait for others of ours.
    pub(crate) fn is_busy(&self, node: &str) -> bool {
        let nodes = lock(&self.nodes);
        nodes
            .get(node)
            .is_some_and(|semaphore| semaphore.available_permits() == 0)
    }

    /// Waits for a place among the requests of a node.
    async fn permit(&self, node: &str) -> Option<OwnedSemaphorePermit> {
        if node.is_empty() {
            return None;
        }
        let semaphore = {
            let mut nodes = lock(&self.nodes);
            let entry = nodes.entry(node.to_owned());
            Arc::clone(entry.or_insert_with(|| Arc::new(Semaphore::new(PER_NODE))))
        };
        semaphore.acquire_owned().await.ok()
    }

    /// The ticket that a call needs, if it does.
    async fn ticket(&self, call: &Call, endpoint: &Endpoint) -> Result<Option<Arc<Ticket>>, ApiError> {
        if self.credentials.token().is_some() && !call.as_user {
            return Ok(None);
        }
        let Some(user) = self.credentials.user() else {
            return Err(ApiError::Unsupported {
                what: format!(
                    "{}: a token cannot do this: give a user and password, too",
                    call.name()
                ),
            });
        };
        if let Some(ticket) = self.tickets.current() {
            return Ok(Some(ticket));
        }
        let _one_at_a_time = self.tickets.gate().await;
        if let Some(ticket) = self.tickets.current() {
            return Ok(Some(ticket));
        }
        let login = Call::post("/access/ticket")
            .with("username", user.name())
            .with("password", user.password().expose());
        let data = self.attempt(&login, endpoint, None).await?;
        let ticket = Ticket::read(&login.name(), Object::new(&data))?;
        Ok(Some(self.tickets.keep(ticket)))
    }

    /// The headers that say who asks.
    pub(crate) async fn identity(&self, as_user: bool, endpoint: &Endpoint) -> Result<HeaderMap, ApiError> {
        let mut call = Call::get("/access");
        call.as_user = as_user;
        let ticket = self.ticket(&call, endpoint).await?;
        Ok(self.headers(ticket.as_deref()))
    }

    fn headers(&self, ticket: Option<&Ticket>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match (ticket, self.credentials.token()) {
            (Some(ticket), _) => {
                headers.insert(COOKIE, ticket.cookie.clone());
                headers.insert("CSRFPreventionToken", ticket.csrf.clone());
            }
            (None, Some(token)) => {
                headers.insert(AUTHORIZATION, token.header().clone());
            }
            // The login itself.
            (None, None) => {}
        }
        headers
    }

    /// Asks one endpoint once.
    async fn attempt(
        &self,
        call: &Call,
        endpoint: &Endpoint,
        ticket: Option<&Ticket>,
    ) -> Result<Value, ApiError> {
        let login = call.path == "/access/ticket";
        let mut url = format!("{}/api2/json{}", endpoint.base, call.path);
        let encoded = call.encoded();
        let in_query = matches!(call.method.as_str(), "GET" | "DELETE");
        if in_query && !encoded.is_empty() {
            url = format!("{url}?{encoded}");
        }
        let mut request = self.http.request(call.method.clone(), url);
        if !login {
            request = request.headers(self.headers(ticket));
        }
        if !in_query {
            request = request
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(encoded);
        }
        let started = Instant::now();
        let sent = request.send().await;
        let response = sent.map_err(|error| unreachable(call, endpoint, error))?;
        let result = read(call, endpoint, response).await;
        tracing::trace!(request = call.name(), elapsed = ?started.elapsed(), "answered");
        result
    }
}

/// What a failed connection means.
fn unreachable(call: &Call, endpoint: &Endpoint, error: reqwest::Error) -> ApiError {
    let (request, endpoint) = (call.name(), endpoint.base.clone());
    let unsent = error.is_connect();
    // The URL of a request is said already, and its query may be long.
    let error = error.without_url();
    if tls::is_certificate_error(&error) {
        let source = error.into();
        return ApiError::Certificate {
            request,
            endpoint,
            source,
        };
    }
    ApiError::Unreachable {
        request,
        endpoint,
        source: error.into(),
        unsent,
    }
}

/// Reads an answer: what is below `data`, or what went wrong.
async fn read(call: &Call, endpoint: &Endpoint, mut response: Response) -> Result<Value, ApiError> {
    let status = response.status();
    let phrase = response
        .extensions()
        .get::<hyper::ext::ReasonPhrase>()
        .map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
    let phrase = phrase.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_owned());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_LIMIT => body.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                return Err(ApiError::Malformed {
                    request: call.name(),
                    reason: "it is too long".to_owned(),
                });
            }
            Ok(None) => break,
            Err(error) => return Err(unreachable(call, endpoint, error)),
        }
    }
    let parsed: Result<Value, _> = serde_json::from_slice(&body);
    if status.is_success() {
        let mut value = parsed.map_err(|error| ApiError::Malformed {
            request: call.name(),
            reason: error.to_string(),
        })?;
        let data = value.get_mut("data").map(Value::take);
        return data.ok_or_else(|| ApiError::Malformed {
            request: call.name(),
            reason: "it has no `data`".to_owned(),
        });
    }
    let value = parsed.unwrap_or_default();
    let errors = value.get("errors").and_then(Value::as_object);
    let errors: BTreeMap<_, _> = errors
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
        .collect();
    let message = Object::new(&value).text("message");
    let reason = message
        .filter(|message| !message.trim().is_empty())
        .unwrap_or(phrase);
    Err(error::by_status(&call.name(), status.as_u16(), &reason, errors))
}
