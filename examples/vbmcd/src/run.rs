//! The life of the program: start, tell, wait for a signal, end.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::actions::{ActionLog, ActionLogError};
use crate::announce::{Listening, PasswordHint, announce};
use crate::cli::{Cli, Command};
use crate::config::{self, ConfigError, Surroundings};
use crate::connection::Context;
use crate::control::{Control, ControlSocket, SocketError, default_socket, group_number};
use crate::demo::{self, DemoError};
use crate::lab::{Lab, LabError};
use crate::places;
use crate::plan::Plan;
use crate::registry::{Chain, FileError, Registry, RegistryError, RegistryFile};
use crate::service;
use crate::store::{StoreOpenError, StorePlan};

/// How often BMCs are started again that could not be.
const RETRY: Duration = Duration::from_secs(10);

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
    /// No BMC can be started.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    /// A BMC cannot be started.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// BMCs that were added cannot be read.
    #[error("cannot read which BMCs were added")]
    Records(#[from] FileError),
    /// There is no control socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The system gives no signals.
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
    /// Nobody reads what is printed.
    #[error("cannot print the addresses of the BMCs: give standard output a reader")]
    Output(#[source] io::Error),
}

/// What is started, and how.
struct Start {
    plan: Plan,
    hint: PasswordHint,
    actions: Option<PathBuf>,
    surroundings: Surroundings,
    config: Option<PathBuf>,
}

/// Does what the command line says, until a signal ends it.
///
/// # Errors
/// [`RunError`] if the BMCs cannot be started.
pub fn run(cli: &Cli) -> Result<(), RunError> {
    let start = match &cli.command {
        Command::Demo(arguments) => {
            let (plan, hint) = demo::plan(arguments)?;
            Start {
                plan,
                hint,
                actions: arguments.actions.clone(),
                surroundings: Surroundings::with_connection(demo::CONNECTION, "simulated"),
                config: None,
            }
        }
        Command::Run(arguments) => {
            let path = places::config(&arguments.config);
            Start {
                plan: config::load(&path)?,
                hint: PasswordHint::PerBmc,
                actions: arguments.actions.clone(),
                surroundings: Surroundings::of(&path)?,
                config: Some(path),
            }
        }
        Command::CheckConfig(arguments) => return check(&places::config(arguments)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(RunError::Signals)?;
    runtime.block_on(serve(start, cli))
}

/// Checks a configuration file and says what is in it.
fn check(path: &Path) -> Result<(), RunError> {
    let plan = config::load(path)?;
    let (bmcs, connections) = (plan.bmcs.len(), plan.connections.len());
    let text = format!(
        "{}: {bmcs} BMCs, {connections} connections: no mistakes\n",
        path.display()
    );
    io::stdout().write_all(text.as_bytes()).map_err(RunError::Output)
}

/// What is kept of BMCs, beside what clients change. Where nothing can be kept, nothing is.
fn records(store: &StorePlan) -> Result<RegistryFile, FileError> {
    let StorePlan::Disk { directory, .. } = store else {
        return Ok(RegistryFile::none());
    };
    match RegistryFile::open(directory) {
        Err(error) if error.is_no_place() => {
            error!(
                error = %Chain(&error),
                "BMCs that were added are not known, and those that are added will be forgotten"
            );
            Ok(RegistryFile::none())
        }
        opened => opened,
    }
}

/// The control socket. One that nobody asked for is done without where it cannot be.
fn control_socket(cli: &Cli, group: Option<u32>) -> Result<Option<ControlSocket>, RunError> {
    match &cli.socket {
        Some(path) if path.as_os_str() == "none" => Ok(None),
        Some(path) => Ok(Some(ControlSocket::open(path, group)?)),
        None => match default_socket().map(|path| ControlSocket::open(&path, group)) {
            Some(Ok(socket)) => Ok(Some(socket)),
            Some(Err(error)) => {
                warn!(%error, "vbmc cannot reach this program");
                Ok(None)
            }
            None => {
                warn!(
                    "vbmc cannot reach this program: there is no directory for its control socket; give --socket"
                );
                Ok(None)
            }
        },
    }
}

async fn serve(start: Start, cli: &Cli) -> Result<(), RunError> {
    // Before anything is printed: a reader of the output may send a signal at once.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut report = signal(SignalKind::user_defined1()).map_err(RunError::Signals)?;
    // Without a configuration there is nothing to read again: then it ends the program, as everywhere.
    let hangup = start.config.is_some().then(|| signal(SignalKind::hangup()));
    let mut hangup = hangup.transpose().map_err(RunError::Signals)?;
    let group = cli.socket_group.as_deref().map(group_number).transpose()?;
    let socket = control_socket(cli, group)?;
    let actions = start.actions.as_deref().map(ActionLog::open).transpose()?;
    let context = Context {
        actions: actions.map(Arc::new),
    };
    let store = start.plan.store.open()?;
    let file = records(&start.plan.store)?;
    let lab = Lab::new(&start.plan, store, context)?;
    let events = Arc::clone(lab.events());
    let registry = Registry::new(lab, file, start.surroundings);
    let order: Vec<_> = start.plan.bmcs.iter().map(|bmc| bmc.name.clone()).collect();
    registry.begin(start.plan).await?;
    let control = Control::new(Arc::clone(&registry), events, start.config.map(Arc::from), group);
    if let Some(socket) = socket {
        tokio::spawn(control.clone().serve(socket));
    }
    let listening = in_order(registry.listening(), &order);
    info!(bmcs = listening.len(), "ready");
    // One write for all: a line for each of thousands of BMCs.
    let mut output = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    announce(&mut output, &listening, &start.hint).map_err(RunError::Output)?;
    drop(output);
    service::ready();
    let watchdog = service::watchdog_interval();
    let mut watchdog_beat = tokio::time::interval(watchdog.unwrap_or(RETRY));
    let mut retry = tokio::time::interval(RETRY);
    let name = loop {
        tokio::select! {
            _ = interrupt.recv() => break "SIGINT",
            _ = terminate.recv() => break "SIGTERM",
            _ = report.recv() => write_counters(&registry),
            () = hung_up(&mut hangup) => {
                let control = control.clone();
                tokio::spawn(async move {
                    if let Err(error) = control.reload().await {
                        error!(%error, "the configuration stays as it was");
                    }
                });
            }
            _ = watchdog_beat.tick(), if watchdog.is_some() => {
                // A thread that hangs holds up its own beat alone, and nothing of this one.
                let registry = Arc::clone(&registry);
                tokio::spawn(async move { service::alive(registry.runtimes()).await });
            }
            _ = retry.tick() => {
                let registry = Arc::clone(&registry);
                tokio::spawn(async move { registry.try_again().await });
            }
        }
    };
    info!(signal = name, "ending");
    service::stopping();
    registry.shutdown().await;
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

/// BMCs in the order of the plan, those that were added at the end.
fn in_order(mut listening: Vec<Listening>, order: &[String]) -> Vec<Listening> {
    let places: HashMap<_, _> = order
        .iter()
        .enumerate()
        .map(|(i, name)| (name.as_str(), i))
        .collect();
    listening.sort_by_key(|bmc| places.get(bmc.name.as_str()).copied().unwrap_or(usize::MAX));
    listening
}

/// Writes the counters to standard error, as Prometheus reads them.
fn write_counters(registry: &Registry) {
    let text = registry.metrics().snapshot().to_string();
    if let Err(error) = io::stderr().lock().write_all(text.as_bytes()) {
        warn!(%error, "cannot write the counters");
    }
}
