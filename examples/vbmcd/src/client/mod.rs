//! The command line `vbmc`, which asks the running vbmcd over its control socket.

mod bmcs;
pub mod cli;
mod http;
pub mod import;
pub mod machine;
mod output;
mod secrets;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use thiserror::Error;

use crate::control::default_socket;
use crate::secret::SecretError;
use cli::{Cli, Command, Flavour};
use http::Http;

/// Why a command failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens.
    #[error(
        "cannot reach vbmcd at {path}: start it, or say with --socket where its control socket is, and see that \
         you may use that"
    )]
    Unreachable {
        /// The control socket.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no place for a control socket.
    #[error("nobody says where the control socket is: give --socket, or set VBMCD_SOCKET")]
    NoSocket,
    /// The connection broke.
    #[error("the connection to vbmcd broke: its log may say more")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// vbmcd refused.
    #[error("{0}")]
    Refused(String),
    /// vbmcd answered something else than this program knows.
    #[error("vbmcd answered something unknown: use vbmc and vbmcd of one version")]
    Unknown(#[source] serde_json::Error),
    /// Some of several BMCs could not be changed; each has been told.
    #[error("{failed} of {all} failed")]
    Some {
        /// How many failed.
        failed: usize,
        /// How many there are.
        all: usize,
    },
    /// Arguments that make no sense together.
    #[error("{0}")]
    Arguments(String),
    /// A secret cannot be read.
    #[error("cannot use the secret")]
    Secret(#[from] SecretError),
    /// BMCs of another program cannot be read.
    #[error("cannot import")]
    Import(#[from] import::ImportError),
    /// Standard output cannot be written.
    #[error("cannot print")]
    Print(#[source] io::Error),
}

impl ClientError {
    /// The exit code: 3 if vbmcd cannot be reached, 2 for wrong arguments, 1 for all else.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } | Self::NoSocket => 3,
            Self::Arguments(_) => 2,
            _ => 1,
        }
    }
}

/// Does what the arguments of this process say.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let flavour = Flavour::of(arguments.first().map(Path::new));
    let command = flavour.adapt(Cli::command());
    let matches = command.get_matches_from(arguments);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(&cli, flavour));
            // A thread may wait for standard input for ever.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(ClientError::Broken(error.into())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe wants no more, and no complaint.
        Err(ClientError::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            report(flavour, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(cli: &Cli, flavour: Flavour) -> Result<(), ClientError> {
    let socket = cli
        .socket
        .clone()
        .or_else(default_socket)
        .ok_or(ClientError::NoSocket)?;
    let mut http = Http::new(socket);
    match &cli.command {
        Command::Add(arguments) => bmcs::add(&mut http, arguments, flavour).await,
        Command::Delete(names) => bmcs::delete(&mut http, names, flavour).await,
        Command::Start(names) => bmcs::start(&mut http, names, flavour).await,
        Command::Stop(names) => bmcs::stop(&mut http, names, flavour).await,
        Command::List(arguments) => bmcs::list(&mut http, arguments, flavour).await,
        Command::Show(arguments) => bmcs::show(&mut http, arguments, flavour).await,
        Command::Set(arguments) => bmcs::set(&mut http, arguments).await,
        Command::Reload(output) => bmcs::reload(&mut http, output).await,
        Command::Import(arguments) => import::import(&mut http, arguments).await,
        Command::Power(arguments) => machine::power(&mut http, arguments).await,
        Command::Bootdev(arguments) => machine::bootdev(&mut http, arguments).await,
        Command::Sel(arguments) => machine::sel(&mut http, arguments).await,
        Command::Sensors(arguments) => machine::sensors(&mut http, arguments).await,
        Command::Users(arguments) => machine::users(&mut http, arguments).await,
        Command::Check(arguments) => machine::check(&mut http, arguments).await,
        Command::Events(arguments) => machine::events(&mut http, arguments).await,
    }
}

/// Tells an error and its causes on standard error.
fn report(flavour: Flavour, error: &dyn std::error::Error) {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    // Nothing is left to do if nobody reads that either.
    let _ = writeln!(io::stderr(), "{}: {text}", flavour.name());
}
