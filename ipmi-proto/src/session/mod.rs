//! Session engines.
