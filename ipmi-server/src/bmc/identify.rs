//! Showing which machine it is, for an embedding program that can: a light, a window, a line in a file.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

/// What the machine is to show of itself (IPMI 2.0 §28.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identify {
    /// Nothing, or nothing any more: a client said so, or the time is over.
    Off,
    /// Which one it is, for this time from now on. [`Off`](Self::Off) follows at its end.
    For(Duration),
    /// Which one it is, until a client says otherwise.
    On,
}

impl Identify {
    /// Whether the machine shows which one it is.
    #[must_use]
    pub const fn is_on(self) -> bool {
        !matches!(self, Self::Off)
    }
}

type Listener = dyn Fn(&str, Identify) + Send + Sync;

/// Is told the name of the BMC and what it is to show.
#[derive(Clone)]
pub(crate) struct IdentifyListener(Arc<Listener>);

impl IdentifyListener {
    pub(super) fn new(listener: impl Fn(&str, Identify) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn tell(&self, bmc: &str, identify: Identify) {
        (self.0)(bmc, identify);
    }
}

impl fmt::Debug for IdentifyListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentifyListener")
    }
}
