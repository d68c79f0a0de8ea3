//! When each of many BMCs wants to be called.

use alloc::collections::BTreeSet;
use std::collections::HashMap;

use ipmi_proto::time::Instant;

use super::group::Number;

/// When BMCs are to be called, one entry for each.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    order: BTreeSet<(Instant, Number)>,
    armed: HashMap<Number, Instant>,
}

impl Deadlines {
    pub(crate) fn set(&mut self, number: Number, deadline: Option<Instant>) {
        let before = match deadline {
            Some(deadline) => self.armed.insert(number, deadline),
            None => self.armed.remove(&number),
        };
        if before == deadline {
            return;
        }
        if let Some(before) = before {
            self.order.remove(&(before, number));
        }
        if let Some(deadline) = deadline {
            self.order.insert((deadline, number));
        }
    }

    pub(crate) fn first(&self) -> Option<Instant> {
        self.order.first().map(|(deadline, _)| *deadline)
    }

    /// Takes a BMC out whose time has come.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Number> {
        let (_, number) = *self.order.first().filter(|(deadline, _)| *deadline <= now)?;
        self.set(number, None);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_deadline_of_a_bmc_counts() {
        let at = Instant::from_millis;
        let mut deadlines = Deadlines::default();
        deadlines.set(1, Some(at(30)));
        deadlines.set(2, Some(at(20)));
        deadlines.set(1, Some(at(10)));
        assert_eq!(deadlines.first(), Some(at(10)));
        assert_eq!(deadlines.pop_due(at(9)), None);
        assert_eq!(deadlines.pop_due(at(50)), Some(1));
        deadlines.set(2, None);
        assert_eq!(deadlines.pop_due(at(50)), None);
        assert_eq!(deadlines.first(), None);
    }
}
