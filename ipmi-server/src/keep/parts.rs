//! The parts of the state that are kept, with their numbers in stores.

use ipmi_proto::time::Instant;

use super::{AnyPart, Unreadable};
use crate::state::State;
use crate::store::{Part, RecordKey, Value};

/// Records of the event log, by their sequence numbers.
pub(crate) const EVENT_LOG: Part = Part(32);
/// What the event log knows besides its records.
pub(crate) const EVENT_LOG_STATE: Part = Part(33);
/// What the configuration said last.
pub(crate) const CONFIGURED: Part = Part(34);

/// A part's place: parts that are one record have the number zero.
pub(crate) const fn record(part: Part) -> RecordKey {
    RecordKey { part, number: 0 }
}

macro_rules! parts {
    ($( $number:literal $field:ident; )*) => {
        /// Number of parts.
        pub(crate) const COUNT: usize = [$( $number ),*].len();

        impl State {
            /// Whether something may have changed that is kept.
            pub(crate) const fn is_touched(&self) -> bool {
                $( self.$field.is_touched() || )* self.sel.is_touched()
            }

            /// The parts that are one record each.
            pub(crate) fn kept_parts(&mut self) -> [(Part, &mut dyn AnyPart); COUNT] {
                [$( (Part($number), &mut self.$field) ),*]
            }
        }
    };
}

// Every field of `State` in a `Kept` has a line here. Numbers are never used again for something else.
parts! {
    1 users;
    2 channel;
    3 lan;
    4 sol;
    5 pef;
    6 boot;
    7 chassis;
    8 system_info;
    9 dcmi;
    10 fru;
    11 sensors;
    12 clock;
    13 history;
    14 pef_marks;
}

impl State {
    /// Takes a record over from the store. One that this version does not know is left alone.
    pub(crate) fn restore(&mut self, key: RecordKey, value: &Value, now: Instant) -> Result<(), Unreadable> {
        match key.part {
            EVENT_LOG => return self.sel.restore_record(key.number, value.as_bytes()),
            EVENT_LOG_STATE => return self.sel.restore_state(super::read(value)?),
            _ => {}
        }
        for (part, kept) in self.kept_parts() {
            if record(part) == key {
                return kept.decode(value, now);
            }
        }
        Ok(())
    }
}
