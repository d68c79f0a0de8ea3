//! The life of the program: start, tell, wait for a signal, end.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::actions::{ActionLog, ActionLogError};
use crate::announce::{PasswordHint, announce};
use crate::cli::{Cli, Command};
use crate::config::{self, ConfigError};
use crate::connection::Context;
use crate::demo::{self, DemoError};
use crate::lab::{Lab, LabError};
use crate::plan::Plan;
use crate::store::StoreOpenError;

/// Why the program ends with an error.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The arguments of the demo are wrong.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The file of actions cannot be written.
    #[error(transparent)]
    Actions(#[from] ActionLogError),
    /// A BMC cannot be started.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    /// The system gives no signals.
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
    /// Nobody reads what is printed.
    #[error("cannot print the addresses of the BMCs: give standard output a reader")]
    Output(#[source] io::Error),
}

/// Does what the command line says, until a signal ends it.
///
/// # Errors
/// [`RunError`] if the BMCs cannot be started.
pub fn run(cli: &Cli) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(RunError::Signals)?;
    let (plan, hint, actions) = match &cli.command {
        Command::Demo(arguments) => {
            let (plan, hint) = demo::plan(arguments)?;
            (plan, hint, arguments.actions.as_deref())
        }
        Command::Run(arguments) => (
            config::load(&arguments.config)?,
            PasswordHint::PerBmc,
            arguments.actions.as_deref(),
        ),
    };
    runtime.block_on(serve(plan, &hint, actions))
}

async fn serve(plan: Plan, hint: &PasswordHint, actions: Option<&Path>) -> Result<(), RunError> {
    // Before anything is printed: a reader of the output may send a signal at once.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut report = signal(SignalKind::user_defined1()).map_err(RunError::Signals)?;
    let actions = actions.map(ActionLog::open).transpose()?.map(Arc::new);
    let store = plan.store.open()?;
    let lab = Lab::start(&plan, store, &Context { actions }).await?;
    // The plan holds passwords: it is not kept.
    drop(plan);
    info!(bmcs = lab.listening().len(), "ready");
    // One write for all: a line for each of thousands of BMCs.
    let mut output = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    announce(&mut output, lab.listening(), hint).map_err(RunError::Output)?;
    drop(output);
    // Whoever moves log files away says so with SIGHUP. Without log files it ends the program, as everywhere.
    let mut moved = lab.has_log_files().then(|| signal(SignalKind::hangup()));
    let mut moved = moved.take().transpose().map_err(RunError::Signals)?;
    let name = loop {
        tokio::select! {
            _ = interrupt.recv() => break "SIGINT",
            _ = terminate.recv() => break "SIGTERM",
            _ = report.recv() => write_counters(&lab),
            () = hung_up(&mut moved) => info!("log files are opened for each write"),
        }
    };
    info!(signal = name, "ending");
    lab.shutdown().await;
    Ok(())
}

/// Waits for SIGHUP, if it is caught.
async fn hung_up(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Writes the counters to standard error, as Prometheus reads them.
fn write_counters(lab: &Lab) {
    let text = lab.metrics().snapshot().to_string();
    if let Err(error) = io::stderr().lock().write_all(text.as_bytes()) {
        warn!(%error, "cannot write the counters");
    }
}
