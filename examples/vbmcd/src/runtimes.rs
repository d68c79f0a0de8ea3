//! One single-threaded runtime per core: a BMC's packets stay on one core, without locks between cores.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// Runtimes on threads of their own. They end with [`stop`](Self::stop).
#[derive(Debug)]
pub struct Runtimes {
    handles: Vec<Handle>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl Runtimes {
    /// Starts a runtime for each core that this process may use, as affinity and quotas allow.
    ///
    /// # Errors
    /// If the system gives no thread or no event queue.
    pub fn start() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut threads = Vec::new();
        let mut runtimes = Self {
            handles: Vec::new(),
            threads: Mutex::default(),
            stop: watch::Sender::new(false),
        };
        for core in 0..cores {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
            runtimes.handles.push(runtime.handle().clone());
            let mut stop = runtimes.stop.subscribe();
            let thread = std::thread::Builder::new().name(format!("bmc-{core}"));
            threads.push(thread.spawn(move || {
                runtime.block_on(async {
                    // An error says that the sender is gone: then it is time to stop, too.
                    let _ = stop.wait_for(|stop| *stop).await;
                });
            })?);
        }
        runtimes.threads = Mutex::new(threads);
        Ok(runtimes)
    }

    /// The runtimes.
    #[must_use]
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// Ends the runtimes and waits for their threads.
    pub fn stop(&self) {
        self.stop.send_replace(true);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A thread that panicked has told so on standard error.
            let _ = thread.join();
        }
    }
}
