//! Declaring in one line what a machine lacks.

/// In an implementation of [`BmcBackend`](crate::backend::BmcBackend): the machine lacks these capabilities.
///
/// Writes the accessors that answer `None`, so that leaving a capability out stays something that is said.
///
/// ```
/// use ipmi_server::backend::{BackendError, BmcBackend, PowerAction, PowerActions, PowerState};
///
/// /// A machine that is always on.
/// #[derive(Debug)]
/// struct Lighthouse;
///
/// #[async_trait::async_trait]
/// impl BmcBackend for Lighthouse {
///     fn known_power_state(&self) -> Option<PowerState> {
///         Some(PowerState::On)
///     }
///     async fn power_state(&self) -> Result<PowerState, BackendError> {
///         Ok(PowerState::On)
///     }
///     fn power_actions(&self) -> PowerActions {
///         PowerActions::ON | PowerActions::OFF
///     }
///     async fn power(&self, _: PowerAction) -> Result<(), BackendError> {
///         Ok(())
///     }
///     ipmi_server::without!(boot, console, sensors, inventory, events);
/// }
/// ```
#[macro_export]
macro_rules! without {
    ($($capability:ident),* $(,)?) => { $( $crate::without!(@accessor $capability); )* };
    (@accessor boot) => { $crate::without!(@none boot BootControl); };
    (@accessor console) => { $crate::without!(@none console SerialConsole); };
    (@accessor sensors) => { $crate::without!(@none sensors SensorSource); };
    (@accessor inventory) => { $crate::without!(@none inventory Inventory); };
    (@accessor events) => { $crate::without!(@none events EventSource); };
    (@none $accessor:ident $capability:ident) => {
        fn $accessor(&self) -> Option<&dyn $crate::backend::$capability> {
            None
        }
    };
}
