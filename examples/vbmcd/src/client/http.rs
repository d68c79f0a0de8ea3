//! Requests to the control socket.

use std::path::PathBuf;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::ClientError;
use crate::control::api::Problem;

/// A connection to the control socket, made with the first request.
pub(super) struct Http {
    path: PathBuf,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Http {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, sender: None }
    }

    pub(super) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, ClientError> {
        let bytes = self.send(Method::GET, path, Bytes::new()).await?;
        serde_json::from_slice(&bytes).map_err(ClientError::Unknown)
    }

    /// Sends a request whose answer says no more than that it is done.
    pub(super) async fn tell(&mut self, method: Method, path: &str) -> Result<(), ClientError> {
        self.send(method, path, Bytes::new()).await.map(drop)
    }

    /// The same with a body.
    pub(super) async fn order(
        &mut self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), ClientError> {
        let body = serde_json::to_vec(body).map_err(ClientError::Unknown)?;
        self.send(method, path, body.into()).await.map(drop)
    }

    /// Gets lines as they come, each without its end.
    pub(super) async fn lines(
        &mut self,
        path: &str,
        mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), ClientError> {
        let mut response = self.request(Method::GET, path, Bytes::new()).await?;
        let mut rest = Vec::new();
        while let Some(frame) = response.frame().await {
            let frame = frame.map_err(|error| ClientError::Broken(error.into()))?;
            rest.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                each(line.strip_suffix(b"\n").unwrap_or(&line)).map_err(ClientError::Print)?;
            }
        }
        Ok(())
    }

    pub(super) async fn ask<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(ClientError::Unknown)?;
        let bytes = self.send(method, path, body.into()).await?;
        serde_json::from_slice(&bytes).map_err(ClientError::Unknown)
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        let body = self.request(method, path, body).await?;
        collect(body).await
    }

    /// The body of an answer that says that all is well.
    async fn request(&mut self, method: Method, path: &str, body: Bytes) -> Result<Incoming, ClientError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "vbmcd")
            .header("content-type", "application/json")
            .body(Full::new(body));
        let request = request.map_err(|error| ClientError::Broken(error.into()))?;
        let sender = self.sender().await?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| ClientError::Broken(error.into()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body());
        }
        let bytes = collect(response.into_body()).await?;
        let text = match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => problem.error,
            Err(_) => format!("vbmcd answered {status}"),
        };
        Err(ClientError::Refused(text))
    }

    /// A new connection.
    pub(super) async fn stream(&self) -> Result<UnixStream, ClientError> {
        let stream = UnixStream::connect(&self.path).await;
        stream.map_err(|source| ClientError::Unreachable {
            path: self.path.clone(),
            source,
        })
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, ClientError> {
        // A server that closes the connection between two requests is asked on a new one.
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.sender = None;
        }
        if self.sender.is_none() {
            let stream = self.stream().await?;
            let connected = handshake(TokioIo::new(stream)).await;
            let (sender, connection) = connected.map_err(|error| ClientError::Broken(error.into()))?;
            // What goes wrong there is told to whoever waits for an answer.
            tokio::spawn(async move { drop(connection.await) });
            self.sender = Some(sender);
        }
        self.sender.as_mut().ok_or(ClientError::NoSocket)
    }
}

async fn collect(body: Incoming) -> Result<Bytes, ClientError> {
    let collected = body.collect().await;
    let collected = collected.map_err(|error| ClientError::Broken(error.into()))?;
    Ok(collected.to_bytes())
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_kind_are_one_segment() {
        assert_eq!(segment("node-1.lab_x~"), "node-1.lab_x~");
        assert_eq!(segment("a/b c?ü"), "a%2Fb%20c%3F%C3%BC");
    }
}
