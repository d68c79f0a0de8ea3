//! Changes on their way to the store, for those who wait.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::sync::{Mutex, PoisonError};

use crate::store::StoreError;

/// Changes that are saved together, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Commit(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    outcome: Option<Result<(), StoreError>>,
    waiting: Vec<Waker>,
}

impl Commit {
    /// It ended.
    pub(crate) fn complete(&self, outcome: Result<(), StoreError>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.outcome = Some(outcome);
        let waiting = core::mem::take(&mut inner.waiting);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until the changes are safe.
    ///
    /// # Errors
    /// Why they are not: they are undone.
    pub(crate) async fn wait(self: Arc<Self>) -> Result<(), StoreError> {
        poll_fn(|context| {
            let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(outcome) = &inner.outcome {
                return Poll::Ready(outcome.clone());
            }
            let waker = context.waker();
            if !inner.waiting.iter().any(|other| other.will_wake(waker)) {
                inner.waiting.push(waker.clone());
            }
            Poll::Pending
        })
        .await
    }
}
