//! `type = "simulated"`: machines in memory, one for every BMC that asks.

use std::sync::Arc;

use async_trait::async_trait;
use ipmi_server::backend::BmcBackend;
use ipmi_server::backend::memory::{MemoryMachine, PowerDelays};
use tracing::info;

use super::{Connection, ConnectionError, ConnectionPlan, Context, KeyError, Keys, Wanted};
use crate::actions;

/// Machines in memory.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SimulatedPlan;

pub(super) fn read(_: &mut Keys<'_>) -> Result<Box<dyn ConnectionPlan>, KeyError> {
    Ok(Box::new(SimulatedPlan))
}

#[async_trait]
impl ConnectionPlan for SimulatedPlan {
    async fn connect(&self, context: &Context) -> Result<Box<dyn Connection>, ConnectionError> {
        Ok(Box::new(Simulated(context.clone())))
    }
}

#[derive(Debug)]
struct Simulated(Context);

#[async_trait]
impl Connection for Simulated {
    async fn machine(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn BmcBackend>, ConnectionError> {
        let actions = self.0.actions.clone();
        let machine = MemoryMachine::builder(wanted.bmc).delays(PowerDelays::REALISTIC);
        let machine = machine.on_action(move |machine, action| {
            info!(machine, action = actions::name(action), "action");
            if let Some(actions) = &actions {
                actions.append(machine, action);
            }
        });
        Ok(machine.build())
    }
}
