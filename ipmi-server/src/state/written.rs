//! Configuration parameters that somebody has written. The others have their defaults and take no memory:
//! there may be thousands of BMCs.

mod kept;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

pub(crate) use kept::SavedParameters;

/// Written parameters of one group, by parameter and set.
#[derive(Debug, Default)]
pub(crate) struct Written {
    values: BTreeMap<(u8, u8), Box<[u8]>>,
}

impl Written {
    /// The data of a parameter, if it was written.
    pub(crate) fn get(&self, parameter: u8, set: u8) -> Option<&[u8]> {
        self.values.get(&(parameter, set)).map(|data| &**data)
    }

    /// Keeps the data of a parameter.
    pub(crate) fn set(&mut self, parameter: u8, set: u8, data: &[u8]) {
        self.values.insert((parameter, set), data.into());
    }

    /// Forgets a parameter with all its sets.
    pub(crate) fn forget(&mut self, parameter: u8) {
        self.values.retain(|(other, _), _| *other != parameter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_sets_apart_and_forgets_all_of_a_parameter() {
        let mut written = Written::default();
        written.set(4, 0, b"one");
        written.set(4, 1, b"two");
        written.set(5, 0, b"three");
        written.set(4, 1, b"new");
        assert_eq!(written.get(4, 1), Some(&b"new"[..]));
        assert_eq!(written.get(4, 2), None);
        written.forget(4);
        assert_eq!(written.get(4, 0), None);
        assert_eq!(written.get(5, 0), Some(&b"three"[..]));
    }
}
