//! Known answers from outside: logins that were recorded between programs that are not ours are computed again.
//!
//! Each file of `captures/` is one run of a real client against a server, as the datagrams between them. Its
//! head says which programs, versions and command; then come the suite and the secrets in hex (`-` is none),
//! and one line per datagram, `>` from the client, `<` from the server. The client checked the server's codes
//! and went on, so both sides agreed on every byte.
//!
//! They were made with a relay on loopback that copies datagrams and notes them. Of the servers, `ipmi_sim` has
//! suites 0 to 3 and 6 (it ends itself at 7 and above, and has no SHA256) and IPMI 1.5; pyghmi's has suite 3. For
//! the other suites pyghmi's server was run with its hash, the lengths of its codes and, for 11 and 12, the
//! function of its AuthCode replaced, which the file says in a note: there the client alone is the witness.
//! ipmitool has no MD5-128, so suites 11 and 12 rest on FreeIPMI.
//!
//! The headers are taken apart here by hand, so that this test does not depend on the crate's packet codec.
#![allow(clippy::unwrap_used, reason = "a test")]

mod capture;
mod v15;
mod v20;

use capture::Capture;
use ipmi_proto::crypto::CipherSuite;

#[test]
fn recorded_rmcp_plus_sessions_are_computed_again() {
    let captures = Capture::all();
    for capture in captures.iter().filter(|capture| capture.suite().is_some()) {
        v20::check(capture);
    }
}

#[test]
fn recorded_ipmi_1_5_sessions_are_computed_again() {
    let captures = Capture::all();
    for capture in captures.iter().filter(|capture| capture.suite().is_none()) {
        v15::check(capture);
    }
}

/// The files are what makes the other tests mean something: none may get lost.
#[test]
fn every_suite_and_kind_of_login_is_recorded() {
    let captures = Capture::all();
    for suite in CipherSuite::ALL {
        assert!(
            captures.iter().any(|capture| capture.suite() == Some(*suite)),
            "{}",
            suite.id
        );
    }
    for suite in [3, 17] {
        let of_suite = || {
            captures
                .iter()
                .filter(|capture| capture.suite().is_some_and(|found| found.id.0 == suite))
        };
        for client in ["ipmitool", "FreeIPMI"] {
            let of_client = || of_suite().filter(|capture| capture.client().starts_with(client));
            assert!(of_client().any(|capture| capture.bmc_key().is_some()));
            assert!(of_client().any(|capture| capture.bmc_key().is_none()));
            assert!(of_client().any(|capture| capture.field("password").len() == 20));
        }
    }
    for kind in ["none", "md2", "md5", "password"] {
        let has = |capture: &Capture| capture.suite().is_none() && capture.text("authentication") == kind;
        assert!(captures.iter().any(has), "{kind}");
    }
}
