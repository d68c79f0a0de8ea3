//! `vbmcd`: see the library of this package.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use tracing::error;
use vbmcd::cli::{Cli, LogFormat};
use vbmcd::{logging, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = logging::start(cli.log_format) {
        eprintln!("vbmcd: cannot start logging: {error}");
    }
    match run::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error, cli.log_format);
            ExitCode::FAILURE
        }
    }
}

/// Tells an error and its causes on standard error, whatever RUST_LOG says.
fn report(error: &dyn Error, format: LogFormat) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    if format == LogFormat::Json && tracing::enabled!(tracing::Level::ERROR) {
        error!("{text}");
    } else {
        eprintln!("vbmcd: {text}");
    }
}
