//! A client of the simulator that shows everything: status line, headers, body.

use std::sync::Arc;
use std::time::Duration;

use backend_proxmox::simulator::Simulator;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::ext::ReasonPhrase;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// How long anything may take before a test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) closes: bool,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub(crate) fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["data"].clone()
    }
}

/// A client with the credentials of one user.
#[derive(Clone)]
pub(crate) struct Client {
    simulator: Simulator,
    headers: Vec<(&'static str, String)>,
    node: usize,
}

impl Client {
    /// With an API token of root that may do everything.
    pub(crate) fn root(simulator: &Simulator) -> Self {
        let secret = simulator.add_token("root@pam!bmc", false);
        Self::token(simulator, "root@pam!bmc", &secret)
    }

    pub(crate) fn token(simulator: &Simulator, id: &str, secret: &str) -> Self {
        Self::with(
            simulator,
            vec![("authorization", format!("PVEAPIToken={id}={secret}"))],
        )
    }

    pub(crate) fn with(simulator: &Simulator, headers: Vec<(&'static str, String)>) -> Self {
        Self {
            simulator: simulator.clone(),
            headers,
            node: 0,
        }
    }

    /// Connected to another node, counted from 0.
    pub(crate) fn on(mut self, node: usize) -> Self {
        self.node = node;
        self
    }

    pub(crate) fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    pub(crate) async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.simulator.ca_pem().as_bytes()).unwrap())
            .unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let url = self.simulator.urls().swap_remove(self.node);
        let address: std::net::SocketAddr = url.strip_prefix("https://").unwrap().parse().unwrap();
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::IpAddress(address.ip().into());
        tokio_rustls::TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// A connection that carries several requests.
    pub(crate) async fn open(&self) -> std::io::Result<SendRequest<Full<Bytes>>> {
        let stream = TokioIo::new(self.connect().await?);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream)
            .await
            .map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// A request on a connection of its own, `parameters` in the query or the body.
    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> std::io::Result<Reply> {
        let mut connection = self.open().await?;
        self.send(&mut connection, method, path, parameters).await
    }

    pub(crate) async fn send(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        method: &str,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> std::io::Result<Reply> {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let in_body = matches!(method, "POST" | "PUT");
        let mut uri = format!("/api2/json{path}");
        if !in_body && !form.is_empty() {
            uri = format!("{uri}{}{form}", if uri.contains('?') { "&" } else { "?" });
        }
        let body = if in_body { form } else { String::new() };
        self.send_raw(
            connection,
            method,
            &uri,
            "application/x-www-form-urlencoded",
            body,
        )
        .await
    }

    pub(crate) async fn send_raw(
        &self,
        connection: &mut SendRequest<Full<Bytes>>,
        method: &str,
        uri: &str,
        content_type: &str,
        body: String,
    ) -> std::io::Result<Reply> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(uri);
        request = request.header("host", "pve1");
        if !body.is_empty() {
            request = request.header("content-type", content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let exchange = async {
            connection.ready().await?;
            let response = connection.send_request(request).await?;
            let status = response.status();
            let reason = match response.extensions().get::<ReasonPhrase>() {
                Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
                None => status.canonical_reason().unwrap_or_default().to_owned(),
            };
            let closes = response
                .headers()
                .get("connection")
                .is_some_and(|value| value == "close");
            let content_type = response.headers().get("content-type");
            let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
            let body = response.into_body().collect().await?.to_bytes();
            Ok(Reply {
                status: status.as_u16(),
                reason,
                closes,
                content_type,
                body,
            })
        };
        let reply: Result<Reply, hyper::Error> = tokio::time::timeout(DEADLINE, exchange)
            .await
            .expect("no answer in time");
        reply.map_err(std::io::Error::other)
    }

    pub(crate) async fn call(&self, method: &str, path: &str, parameters: &[(&str, &str)]) -> Reply {
        let reply = self.try_call(method, path, parameters).await;
        reply.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, &[]).await.data()
    }

    /// Starts a task and waits for it: its exit status.
    pub(crate) async fn run(&self, method: &str, path: &str, parameters: &[(&str, &str)]) -> String {
        let upid = self.call(method, path, parameters).await.data();
        self.exit_status(upid.as_str().unwrap()).await
    }

    pub(crate) async fn exit_status(&self, upid: &str) -> String {
        let node = upid.split(':').nth(1).unwrap();
        let path = format!("/nodes/{node}/tasks/{upid}/status");
        let wait = async {
            loop {
                let status = self.get(&path).await;
                if status["status"] == "stopped" {
                    return status["exitstatus"].as_str().unwrap().to_owned();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .expect("the task does not end")
    }
}
