//! What a call of the API gives: data, or one of the ways in which Proxmox VE refuses.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::version::PveVersion;

/// A call that did not give data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    /// 400 with a text for each parameter that was refused.
    Parameter(BTreeMap<String, String>),
    /// A status with a text, in the reason phrase and, since 8.4, in the body.
    Message { status: u16, text: String },
    /// A status whose text is the reason phrase alone; the body is empty.
    Bare { status: u16, reason: String },
}

impl ApiError {
    /// What a handler that dies gives: 500 with its text.
    pub(super) fn died(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.push('\n');
        Self::Message { status: 500, text }
    }

    /// 400 for one parameter.
    pub(super) fn parameter(name: &str, text: impl Into<String>) -> Self {
        Self::Parameter(BTreeMap::from([(name.to_owned(), text.into())]))
    }

    /// 403: `path` without the privileges `wanted`, which are joined by `|` when one of them is enough.
    pub(super) fn forbidden(path: &str, wanted: &str) -> Self {
        Self::Message {
            status: 403,
            text: format!("Permission check failed ({path}, {wanted})\n"),
        }
    }

    pub(super) fn bare(status: u16, reason: impl Into<String>) -> Self {
        Self::Bare {
            status,
            reason: reason.into(),
        }
    }

    /// The error as the exit status of a task.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Parameter(_) => "Parameter verification failed.".to_owned(),
            Self::Message { text, .. } => text.trim_end().to_owned(),
            Self::Bare { reason, .. } => reason,
        }
    }
}

/// What a call that worked gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) data: Value,
    /// Number of rows there are, where only some of them were asked for.
    pub(super) total: Option<usize>,
}

impl From<Value> for Answer {
    fn from(data: Value) -> Self {
        Self { data, total: None }
    }
}

impl From<String> for Answer {
    fn from(data: String) -> Self {
        Value::String(data).into()
    }
}

pub(super) type ApiResult = Result<Answer, ApiError>;

/// Which of the two envelopes the client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `/api2/json`
    Json,
    /// `/api2/extjs`: errors of handlers come with status 200.
    ExtJs,
}

/// Status, reason phrase and body of an answer.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) body: Option<Vec<u8>>,
}

/// Puts a result into the envelope that `version` uses.
pub(super) fn render(result: ApiResult, format: Format, version: PveVersion) -> Rendered {
    let mut body = Map::new();
    let (status, reason) = match result {
        Ok(answer) => {
            body.insert("data".to_owned(), answer.data);
            if let Some(total) = answer.total {
                body.insert("total".to_owned(), json!(total));
            }
            (200, "OK".to_owned())
        }
        Err(ApiError::Bare { status, reason }) => {
            return Rendered {
                status,
                reason,
                body: None,
            };
        }
        Err(ApiError::Message { status, text }) => {
            let reason = text.split('\n').next().unwrap_or_default().to_owned();
            // The server splits a text at the line feed alone and then refuses to send the carriage return.
            if reason.contains('\r') {
                return Rendered {
                    status: 400,
                    reason: "Bad Request".to_owned(),
                    body: None,
                };
            }
            body.insert("data".to_owned(), Value::Null);
            body.insert("message".to_owned(), Value::String(text));
            (status, reason)
        }
        Err(ApiError::Parameter(errors)) => {
            body.insert("data".to_owned(), Value::Null);
            body.insert("errors".to_owned(), json!(errors));
            body.insert("message".to_owned(), json!("Parameter verification failed.\n"));
            (400, "Parameter verification failed.".to_owned())
        }
    };
    if format == Format::ExtJs {
        body.insert("success".to_owned(), json!(u8::from(status == 200)));
        if status != 200 {
            body.insert("status".to_owned(), json!(status));
        }
        return Rendered {
            status: 200,
            reason: "OK".to_owned(),
            body: Some(Value::Object(body).to_string().into_bytes()),
        };
    }
    if !version.has_message() {
        body.remove("message");
    }
    Rendered {
        status,
        reason,
        body: Some(Value::Object(body).to_string().into_bytes()),
    }
}
