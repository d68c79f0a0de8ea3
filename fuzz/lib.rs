//! What the fuzzer runs: each target is a function over bytes that panics when it finds a fault.
//!
//! `cargo fuzz run TARGET` runs one without an end; `cargo test -p ipmi-fuzz` runs all of them on the committed
//! corpora, with a stable compiler.

mod console_ops;
mod dispatch;
mod input;
mod managed_ops;
mod pair_mutate;
mod parsers;
mod records;
mod sol_ops;

pub use console_ops::console_ops;
pub use dispatch::server_dispatch;
pub use managed_ops::managed_ops;
pub use pair_mutate::pair_mutate;
pub use parsers::{command_request, command_response, datagram, handshake, message};
pub use records::records;
pub use sol_ops::sol_ops;

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("datagram", datagram),
    ("handshake", handshake),
    ("message", message),
    ("command_request", command_request),
    ("command_response", command_response),
    ("records", records),
    ("managed_ops", managed_ops),
    ("console_ops", console_ops),
    ("pair_mutate", pair_mutate),
    ("server_dispatch", server_dispatch),
    ("sol_ops", sol_ops),
];
