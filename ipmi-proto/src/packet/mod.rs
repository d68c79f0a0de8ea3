//! Session packets.
