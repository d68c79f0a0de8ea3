//! Machines that exist in this process only, and behave like machines: they take their time to start and to
//! shut down, and boot from where they are told.

mod actions;
mod machine;

pub use actions::{ActionLog, ActionLogError};
pub use machine::SimulatedMachine;
