//! Commands that wait for the machine, and work that goes on after the answer.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;

use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::session::Peer;
use ipmi_proto::session::managed::RequestToken;

use super::keeping::completion;
use super::{Bmc, BodyPrefix};
use crate::audit::Asked;
use crate::handlers::After;
use crate::keep::Commit;
use crate::metrics::CommandNumber;

/// Something that takes its time.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
/// The part of a command that waits for the machine.
pub(crate) type Job = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Largest datagram that a BMC sends.
const DATAGRAM_CAPACITY: usize = 1_280;
/// A machine may be off for 255 s during a power cycle, and needs some time to stop and to start.
const WORK_LIMIT: Duration = Duration::from_secs(255 + 180);

/// How a job ended.
pub(crate) struct Outcome {
    /// Completion code.
    pub(crate) completion: CompletionCode,
    /// Data after the completion code and the body.
    pub(crate) data: Vec<u8>,
    /// What goes on after the answer.
    pub(crate) then: Option<Work>,
}

/// A command that waits for the machine.
///
/// Runs in two parts, because a client is answered at the deadline while the machine may go on working:
/// [`answer`](Self::answer), then [`finish`](Unfinished::finish) on what that leaves.
#[must_use]
pub struct PendingCommand {
    bmc: Arc<Bmc>,
    /// Taken when it is used.
    token: Option<RequestToken>,
    body: BodyPrefix,
    /// Taken when it is run.
    job: Option<Job>,
    number: Option<CommandNumber>,
    asked: Option<Asked>,
    /// What to do when the answer has been sealed, unless the command failed.
    after: After,
}

/// A sealed datagram and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Where from and where to.
    pub peer: Peer,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is left of a command after its answer: work of the machine that is still going on.
#[must_use]
pub struct Unfinished {
    bmc: Arc<Bmc>,
    work: Work,
    limit: Duration,
}

impl PendingCommand {
    pub(crate) const fn new(
        bmc: Arc<Bmc>,
        token: RequestToken,
        body: BodyPrefix,
        job: Job,
        number: Option<CommandNumber>,
        asked: Option<Asked>,
        after: After,
    ) -> Self {
        Self {
            bmc,
            token: Some(token),
            body,
            job: Some(job),
            number,
            asked,
            after,
        }
    }

    /// How long the client is kept waiting, for the argument of [`answer`](Self::answer).
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.bmc.settings().deadline
    }

    /// Waits for the machine, at most until `deadline` is ready. Gives the answer to send, if anybody still
    /// waits for one, and the work that goes on.
    pub async fn answer(
        mut self,
        deadline: impl Future<Output = ()> + Send,
    ) -> (Option<Datagram>, Option<Unfinished>) {
        let Some(mut job) = self.job.take() else {
            return (None, None);
        };
        let (completion, data, then) = match first(&mut job, deadline).await {
            Some(outcome) => (outcome.completion, outcome.data, outcome.then),
            None => {
                let after = core::mem::replace(&mut self.after, After::Nothing);
                let rest = go_on(Arc::clone(&self.bmc), job, after);
                (CompletionCode::TIMEOUT, Vec::new(), Some(rest))
            }
        };
        let datagram = self.seal(completion, &data);
        let bmc = Arc::clone(&self.bmc);
        if completion == CompletionCode::OK {
            bmc.act_after(self.after);
        }
        self.after = After::Nothing;
        (
            datagram,
            then.map(|work| Unfinished {
                bmc,
                work,
                limit: WORK_LIMIT,
            }),
        )
    }

    /// Answers at once that the BMC is busy, without asking the machine for anything: for a driver that has
    /// too many commands under way.
    #[must_use]
    pub fn refuse(mut self) -> Option<Datagram> {
        self.give_up()
    }

    /// A change that waits for the store is made all the same, and so is what follows from it.
    fn give_up(&mut self) -> Option<Datagram> {
        // Outside of the lock, which what it holds may need.
        self.job = None;
        let datagram = self.seal(CompletionCode::BUSY, &[]);
        self.bmc
            .act_after(core::mem::replace(&mut self.after, After::Nothing));
        datagram
    }

    fn seal(&mut self, completion: CompletionCode, data: &[u8]) -> Option<Datagram> {
        let token = self.token.take()?;
        self.bmc.count_command(self.number, completion);
        self.bmc.answered(self.asked.take(), completion);
        self.bmc.seal(token, completion, self.body, data)
    }
}

/// A command that is dropped would leave its client without an answer to any of its retries.
impl Drop for PendingCommand {
    fn drop(&mut self) {
        let _ = self.give_up();
    }
}

impl Bmc {
    pub(super) fn act_after(self: &Arc<Self>, after: After) {
        if after != After::Nothing {
            self.with(|inner| inner.act_after(self, after));
        }
    }

    fn seal(
        &self,
        token: RequestToken,
        completion: CompletionCode,
        body: BodyPrefix,
        data: &[u8],
    ) -> Option<Datagram> {
        let data = [body.as_slice(), data].concat();
        let mut output = [0; DATAGRAM_CAPACITY];
        let sealed = self.with(|inner| {
            let now = inner.now;
            inner
                .sessions
                .respond(now, token, completion, &data, &mut rand::rng(), &mut output)
        });
        let (peer, length) = sealed?;
        let bytes = output.get(..length)?.to_vec();
        Some(Datagram { peer, bytes })
    }
}

/// The deadline passed: the client has its answer, the machine goes on.
pub(super) fn go_on(bmc: Arc<Bmc>, job: Job, after: After) -> Work {
    Box::pin(async move {
        let outcome = job.await;
        if outcome.completion == CompletionCode::OK {
            bmc.act_after(after);
        }
        if let Some(then) = outcome.then {
            then.await;
        }
    })
}

/// A job that waits until changes are safe, then goes on as `then` says; if they cannot be saved, it ends with an
/// error.
pub(super) fn when_safe(commit: Arc<Commit>, then: impl FnOnce() -> Job + Send + 'static) -> Job {
    Box::pin(async move {
        match commit.wait().await {
            Ok(()) => then().await,
            Err(error) => Outcome {
                completion: completion(&error),
                data: Vec::new(),
                then: None,
            },
        }
    })
}

/// A job whose outcome is there.
pub(super) fn at_once(completion: CompletionCode, data: Vec<u8>) -> Job {
    Box::pin(core::future::ready(Outcome {
        completion,
        data,
        then: None,
    }))
}

impl Unfinished {
    pub(crate) fn new(bmc: &Arc<Bmc>, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            bmc: Arc::clone(bmc),
            work: Box::pin(work),
            limit: WORK_LIMIT,
        }
    }

    /// Work that ends when the BMC ends it.
    pub(crate) fn lasting(bmc: &Arc<Bmc>, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            limit: Duration::MAX,
            ..Self::new(bmc, work)
        }
    }

    /// How long it may take, for the argument of [`finish`](Self::finish). [`Duration::MAX`] for a serial
    /// console, which lasts until its session ends or [`Bmc::end_serial_over_lan`].
    #[must_use]
    pub const fn limit(&self) -> Duration {
        self.limit
    }

    /// Waits for the machine until `limit` is ready, then gives up; the outcome goes to log and event log.
    pub async fn finish(self, limit: impl Future<Output = ()> + Send) {
        let Self { bmc, mut work, .. } = self;
        if first(&mut work, limit).await.is_none() {
            tracing::warn!(bmc = bmc.name(), "gave up waiting for the machine");
        }
    }
}

/// The output of `work`, or `None` if `limit` is ready before.
pub(super) async fn first<T>(
    work: &mut Pin<Box<dyn Future<Output = T> + Send>>,
    limit: impl Future<Output = ()>,
) -> Option<T> {
    let mut limit = pin!(limit);
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        limit.as_mut().poll(context).map(|()| None)
    })
    .await
}

impl fmt::Debug for PendingCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCommand")
            .field("bmc", &self.bmc.name())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unfinished")
            .field("bmc", &self.bmc.name())
            .finish_non_exhaustive()
    }
}
