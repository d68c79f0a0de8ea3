//! `vbmc`: the command line of vbmcd; see the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    vbmcd::client::main()
}
