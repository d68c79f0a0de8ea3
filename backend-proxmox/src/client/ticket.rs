//! Tickets: what a login with user and password gives, for two hours.

use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::header::HeaderValue;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::ApiError;
use crate::sync::lock;
use crate::value::Object;

/// A ticket is good for two hours; it is renewed long before.
const LIFETIME: Duration = Duration::from_secs(3600);

/// A ticket.
pub(super) struct Ticket {
    /// The cookie.
    pub(super) cookie: HeaderValue,
    /// What calls that change something must show beside it.
    pub(super) csrf: HeaderValue,
    since: Instant,
}

impl core::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl Ticket {
    /// Reads the answer to a login.
    pub(super) fn read(request: &str, answer: Object<'_>) -> Result<Self, ApiError> {
        let malformed = |reason: &str| ApiError::Malformed {
            request: request.to_owned(),
            reason: reason.to_owned(),
        };
        let ticket = answer
            .text("ticket")
            .ok_or_else(|| malformed("it has no ticket"))?;
        if answer.flag("NeedTFA") || ticket.starts_with("PVE:!tfa!") {
            return Err(ApiError::Credentials {
                request: request.to_owned(),
                reason: "the user needs a second factor: take a user without, or a token".to_owned(),
            });
        }
        let csrf = answer.text("CSRFPreventionToken").unwrap_or_default();
        let header = |text: &str| {
            let mut value =
                HeaderValue::from_str(text).map_err(|_| malformed("the ticket cannot be sent"))?;
            value.set_sensitive(true);
            Ok::<_, ApiError>(value)
        };
        Ok(Self {
            cookie: header(&format!("PVEAuthCookie={ticket}"))?,
            csrf: header(&csrf)?,
            since: Instant::now(),
        })
    }
}

/// The present ticket.
#[derive(Debug)]
pub(super) struct Tickets {
    current: Mutex<Option<Arc<Ticket>>>,
    gate: Semaphore,
}

impl Tickets {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            current: Mutex::default(),
            gate: Semaphore::new(1),
        }
    }

    /// The ticket, if there is one that is good.
    pub(super) fn current(&self) -> Option<Arc<Ticket>> {
        let current = lock(&self.current);
        current.clone().filter(|ticket| ticket.since.elapsed() < LIFETIME)
    }

    /// Waits for the turn to log in.
    pub(super) async fn gate(&self) -> Option<SemaphorePermit<'_>> {
        self.gate.acquire().await.ok()
    }

    /// Keeps a new ticket.
    pub(super) fn keep(&self, ticket: Ticket) -> Arc<Ticket> {
        let ticket = Arc::new(ticket);
        *lock(&self.current) = Some(Arc::clone(&ticket));
        ticket
    }

    /// Forgets a ticket that was refused.
    pub(super) fn forget(&self, refused: &Arc<Ticket>) {
        let mut current = lock(&self.current);
        if current
            .as_ref()
            .is_some_and(|ticket| Arc::ptr_eq(ticket, refused))
        {
            *current = None;
        }
    }
}
