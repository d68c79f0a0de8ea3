//! Errors as HTTP answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::api::Problem;
use crate::registry::RegistryError;

/// An answer that says what is wrong.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path has other methods: /openapi.json has them all",
        )
    }

    pub(super) fn forbidden() -> Self {
        let text = "only root, the user of vbmcd and the group of the control socket may do this: run it as one \
                    of them, or join the group";
        Self::new(StatusCode::FORBIDDEN, text)
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        use RegistryError as E;
        let status = match &error {
            E::Unknown(_) => StatusCode::NOT_FOUND,
            E::Invalid(_) | E::Endpoint { .. } => StatusCode::BAD_REQUEST,
            E::Ambiguous(_)
            | E::NameTaken(_)
            | E::MachineTaken { .. }
            | E::EndpointTaken { .. }
            | E::Busy(_)
            | E::Down(_)
            | E::Configured(_) => StatusCode::CONFLICT,
            E::Lab(_) => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        Self { status, text }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(Problem { error: self.text })).into_response()
    }
}
