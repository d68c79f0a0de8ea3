//! How far the event log has been processed (IPMI 2.0 §30.5, §30.6). Apart from the configuration: events move the
//! marks, not only clients.

use ipmi_proto::record::RecordId;
use ipmi_proto::time::Instant;
use serde::{Deserialize, Serialize};

use crate::keep::{Keep, Unreadable};

/// How far the event log has been processed. FFFFh: nothing of it; 0: the last event is not in the log.
#[derive(Debug)]
pub(crate) struct PefMarks {
    /// The record that software processed last.
    pub(crate) by_software: RecordId,
    /// The record that the BMC processed last.
    pub(crate) by_bmc: RecordId,
}

impl Default for PefMarks {
    fn default() -> Self {
        Self {
            by_software: RecordId::LAST,
            by_bmc: RecordId::LAST,
        }
    }
}

impl PefMarks {
    /// Whether software has said that it has processed a record.
    pub(crate) const fn is_done_by_software(&self, record: RecordId) -> bool {
        let last = self.by_software;
        // Numbers begin again after the last one, long after such a record is gone.
        !matches!(last, RecordId::FIRST | RecordId::LAST) && last.0.wrapping_sub(record.0) < 0x8000
    }
}

/// Both marks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedMarks {
    by_software: u16,
    by_bmc: u16,
}

impl Keep for PefMarks {
    type Saved = SavedMarks;

    fn saved(&self) -> SavedMarks {
        SavedMarks {
            by_software: self.by_software.0,
            by_bmc: self.by_bmc.0,
        }
    }

    fn restore(&mut self, saved: SavedMarks, _: Instant) -> Result<(), Unreadable> {
        self.by_software = RecordId(saved.by_software);
        self.by_bmc = RecordId(saved.by_bmc);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_software_has_done_is_known_also_when_numbers_begin_again() {
        let mut marks = PefMarks::default();
        assert!(!marks.is_done_by_software(RecordId(1)));
        marks.by_software = RecordId(5);
        let done = [0xfff0, 1, 5, 6, 200].map(|id| marks.is_done_by_software(RecordId(id)));
        assert_eq!(done, [true, true, true, false, false]);
    }
}
