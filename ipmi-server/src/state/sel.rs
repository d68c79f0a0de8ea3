//! The system event log (IPMI 2.0 §31).
//!
//! Records are kept as the 16 bytes that clients see, oldest first; memory grows with their number.

mod journal;

use alloc::vec::Vec;

use ipmi_proto::command::storage::sdr::{AllocationInfo, WHOLE_RECORD};
use ipmi_proto::command::storage::sdr_update::{
    CLEAR_CONFIRMATION, ClearAction, ClearProgress, ClearRequest, ClearResponse, PartialAddProgress,
};
use ipmi_proto::command::storage::sel::{
    AddSelEntry, DeleteSelEntryRequest, GetSelEntryRequest, GetSelEntryResponse, PartialAddSelEntry,
    PartialAddSelEntryRequest, SEL_VERSION, SelInfo, SelSupport,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::RecordId;
use ipmi_proto::record::sel::{RECORD_LENGTH, SelBody, SelRecord, UNSPECIFIED_TIME};
use ipmi_proto::wire::{Bytes, LowBits};

use super::reservation::Reservation;

pub(crate) use journal::Logged;

/// Records that the log holds. The last place is kept for the record that says that it is full.
pub(crate) const CAPACITY: usize = 5_120;
/// So full, in percent, the log says that it will soon be full.
const ALMOST_FULL_PERCENT: usize = 90;
/// The highest number of a record.
const LAST_ID: u16 = 0xfffe;

/// A record as clients see it.
type Record = [u8; RECORD_LENGTH];

/// A record and its place in the order of all that ever were: numbers of records come back, these do not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    sequence: u64,
    record: Record,
}

/// How full the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fill {
    /// Nothing to worry about.
    Room,
    /// Somebody should clear it.
    AlmostFull,
    /// New records are lost.
    Full,
}

/// The log.
#[derive(Debug)]
pub(crate) struct Sel {
    records: Vec<Entry>,
    next_id: u16,
    next_sequence: u64,
    /// All numbers have been used once: the next one may still be in use.
    wrapped: bool,
    /// Where the last record that was read stands: a walk finds the next one without a search.
    hint: usize,
    last_addition: u32,
    last_erase: u32,
    overflow: bool,
    reservation: Reservation,
    partial: Option<Partial>,
    /// What changed, if there is a store.
    journal: Option<Vec<Logged>>,
}

/// A record that comes in pieces.
#[derive(Debug)]
struct Partial {
    id: RecordId,
    bytes: Bytes<RECORD_LENGTH>,
}

impl Sel {
    /// An empty log.
    pub(crate) fn new() -> Self {
        Self {
            records: Vec::new(),
            next_id: 1,
            next_sequence: 0,
            wrapped: false,
            hint: 0,
            last_addition: UNSPECIFIED_TIME,
            last_erase: UNSPECIFIED_TIME,
            overflow: false,
            reservation: Reservation::default(),
            partial: None,
            journal: None,
        }
    }

    /// Get SEL Info.
    pub(crate) fn info(&self) -> SelInfo {
        SelInfo {
            version: SEL_VERSION,
            entries: saturate(self.records.len()),
            free: saturate(self.free() * RECORD_LENGTH),
            last_addition: self.last_addition,
            last_erase: self.last_erase,
            support: SelSupport {
                overflow: self.overflow,
                delete: true,
                partial_add: true,
                reserve: true,
                allocation_info: true,
            },
        }
    }

    /// Get SEL Allocation Info.
    pub(crate) fn allocation(&self) -> AllocationInfo {
        AllocationInfo {
            units: saturate(CAPACITY),
            unit_size: saturate(RECORD_LENGTH),
            free_units: saturate(self.free()),
            largest_free_block: saturate(self.free()),
            largest_record: 1,
        }
    }

    const fn free(&self) -> usize {
        CAPACITY.saturating_sub(self.records.len())
    }

    /// How full the log is.
    pub(crate) const fn fill(&self) -> Fill {
        match self.records.len() {
            length if length + 1 >= CAPACITY => Fill::Full,
            length if length * 100 >= CAPACITY * ALMOST_FULL_PERCENT => Fill::AlmostFull,
            _ => Fill::Room,
        }
    }

    /// How full the log is, in percent.
    pub(crate) fn percent(&self) -> u8 {
        u8::try_from(self.records.len() * 100 / CAPACITY).unwrap_or(100)
    }

    /// When a record was added last.
    pub(crate) const fn last_addition(&self) -> u32 {
        self.last_addition
    }

    /// The newest record.
    pub(crate) fn last(&self) -> Option<RecordId> {
        self.records.last().map(id_of)
    }

    /// Whether the log was cleared and nothing has been added since.
    pub(crate) const fn is_cleared(&self) -> bool {
        self.records.is_empty() && self.last_erase != UNSPECIFIED_TIME
    }

    /// Reserve SEL.
    pub(crate) fn reserve(&mut self) -> u16 {
        self.reservation.reserve()
    }

    /// The BMC restarts: reservations and unfinished records are lost, the log stays.
    pub(crate) fn restart(&mut self) {
        self.reservation.cancel();
        self.partial = None;
    }

    /// Adds a record at the time `seconds` of the log's clock. Its number is chosen here.
    ///
    /// # Errors
    /// 80h for a type of record that does not exist, C4h if the log is full.
    pub(crate) fn add(&mut self, seconds: u32, mut body: SelBody) -> Result<RecordId, CompletionCode> {
        if !body.is_known() {
            return Err(AddSelEntry::TYPE_NOT_SUPPORTED);
        }
        if self.fill() == Fill::Full {
            self.overflow = true;
            return Err(CompletionCode::OUT_OF_SPACE);
        }
        body.set_timestamp(seconds);
        Ok(self.push(seconds, body))
    }

    /// Adds the record that says that the log is full, in the place that is kept for it.
    /// Answers its number, if the place was free.
    pub(crate) fn add_last(&mut self, seconds: u32, mut body: SelBody) -> Option<RecordId> {
        let is_free = self.fill() == Fill::Full && self.free() > 0;
        is_free.then(|| {
            body.set_timestamp(seconds);
            self.push(seconds, body)
        })
    }

    /// The records from this one on, or from the one that follows it if it was deleted.
    pub(crate) fn since(&self, first: RecordId) -> impl Iterator<Item = SelRecord> {
        // Numbers begin again after the last one. There are far more numbers than records.
        let is_before = move |id: RecordId| id.0.wrapping_sub(first.0) >= 0x8000;
        let records = self
            .records
            .iter()
            .map(|entry| SelRecord::from_bytes(&entry.record));
        records.skip_while(move |record| is_before(record.id))
    }

    fn push(&mut self, seconds: u32, body: SelBody) -> RecordId {
        let id = self.take_id();
        let (sequence, last_addition) = (self.next_sequence, self.last_addition);
        self.next_sequence += 1;
        let record = SelRecord { id, body }.to_bytes();
        self.records.push(Entry { sequence, record });
        self.last_addition = seconds;
        self.note(|| Logged::Added {
            sequence,
            last_addition,
        });
        id
    }

    /// A number that is not in use. There are far more numbers than places for records.
    fn take_id(&mut self) -> RecordId {
        loop {
            let id = RecordId(self.next_id);
            self.wrapped |= self.next_id == LAST_ID;
            self.next_id = if self.next_id == LAST_ID {
                1
            } else {
                self.next_id + 1
            };
            if !self.wrapped || self.position(id).is_none() {
                return id;
            }
        }
    }

    fn position(&self, id: RecordId) -> Option<usize> {
        let has_id = |entry: &Entry| id_of(entry) == id;
        match id {
            RecordId::FIRST => (!self.records.is_empty()).then_some(0),
            RecordId::LAST => self.records.len().checked_sub(1),
            _ => [self.hint, self.hint + 1]
                .into_iter()
                .find(|index| self.records.get(*index).is_some_and(has_id))
                .or_else(|| self.records.iter().position(has_id)),
        }
    }

    /// Get SEL Entry.
    ///
    /// # Errors
    /// C5h for a part of a record without the present reservation, CBh if there is no such record, C9h and
    /// CAh for bytes beyond its end.
    pub(crate) fn get(
        &mut self,
        request: &GetSelEntryRequest,
    ) -> Result<GetSelEntryResponse, CompletionCode> {
        let offset = usize::from(request.offset);
        let is_whole = offset == 0 && usize::from(request.count) >= RECORD_LENGTH;
        if !is_whole {
            self.reservation.check(request.reservation)?;
        }
        let position = self.position(request.record).ok_or(CompletionCode::NOT_PRESENT)?;
        self.hint = position;
        let record = self.records.get(position).ok_or(CompletionCode::NOT_PRESENT)?;
        let next = self.records.get(position + 1).map_or(RecordId::LAST, id_of);
        let data = part(&record.record, offset, request.count)?;
        Ok(GetSelEntryResponse {
            next,
            data: Bytes::from_slice(data).map_err(|_| CompletionCode::CANNOT_RETURN_BYTES)?,
        })
    }

    /// Takes a piece of a record in. Answers its number, and the record when it is whole.
    ///
    /// # Errors
    /// C5h without the present reservation, CBh if the pieces before are not there, 80h if the pieces are not
    /// one record, C4h if the log is full.
    pub(crate) fn add_piece(
        &mut self,
        request: &PartialAddSelEntryRequest,
    ) -> Result<(RecordId, Option<SelBody>), CompletionCode> {
        self.reservation.check(request.reservation)?;
        if request.offset == 0 && request.record == RecordId::FIRST {
            if self.fill() == Fill::Full {
                self.overflow = true;
                return Err(CompletionCode::OUT_OF_SPACE);
            }
            let id = RecordId(self.next_id);
            let bytes = Bytes::new();
            self.partial = Some(Partial { id, bytes });
        }
        let partial = self.partial.as_mut();
        let partial = partial.filter(|partial| {
            request.record == partial.id || request.offset == 0 && request.record == RecordId::FIRST
        });
        let partial = partial.ok_or(CompletionCode::NOT_PRESENT)?;
        let id = partial.id;
        if usize::from(request.offset) != partial.bytes.len() || partial.bytes.extend(&request.data).is_err()
        {
            self.partial = None;
            return Err(PartialAddSelEntry::LENGTH_MISMATCH);
        }
        if request.progress.0 != PartialAddProgress::LAST {
            return Ok((id, None));
        }
        let whole = <&Record>::try_from(partial.bytes.as_slice()).map(SelRecord::from_bytes);
        self.partial = None;
        let record = whole.map_err(|_| PartialAddSelEntry::LENGTH_MISMATCH)?;
        Ok((id, Some(record.body)))
    }

    /// Delete SEL Entry.
    ///
    /// # Errors
    /// C5h without the present reservation, CBh if there is no such record.
    pub(crate) fn delete(
        &mut self,
        seconds: u32,
        request: &DeleteSelEntryRequest,
    ) -> Result<RecordId, CompletionCode> {
        self.reservation.check(request.reservation)?;
        let position = self.position(request.record).ok_or(CompletionCode::NOT_PRESENT)?;
        let entry = self.records.remove(position);
        let erased = self.erased();
        self.note(|| Logged::Removed {
            sequence: entry.sequence,
            record: entry.record,
            erased,
        });
        self.reservation.cancel();
        self.overflow = false;
        self.last_erase = seconds;
        Ok(id_of(&entry))
    }

    /// Clear SEL. It is done when this returns; asking how it goes needs no reservation, for the one that the
    /// erasure began with is lost by then.
    ///
    /// # Errors
    /// CCh if the request is not confirmed, C5h without the present reservation.
    pub(crate) fn clear(
        &mut self,
        seconds: u32,
        request: &ClearRequest,
    ) -> Result<ClearResponse, CompletionCode> {
        if request.confirmation != CLEAR_CONFIRMATION {
            return Err(CompletionCode::INVALID_FIELD);
        }
        match request.action {
            ClearAction::STATUS => {}
            ClearAction::BEGIN => {
                self.reservation.check(request.reservation)?;
                let (entries, erased) = (core::mem::take(&mut self.records), self.erased());
                self.note(|| Logged::Cleared { entries, erased });
                self.overflow = false;
                self.last_erase = seconds;
                self.restart();
            }
            _ => return Err(CompletionCode::INVALID_FIELD),
        }
        Ok(ClearResponse {
            progress: LowBits(ClearProgress::COMPLETED),
        })
    }
}

/// The bytes of a record that a request asks for.
///
/// # Errors
/// C9h if it starts after the end, CAh if it goes beyond it.
pub(crate) fn part(record: &[u8], offset: usize, count: u8) -> Result<&[u8], CompletionCode> {
    let rest = record.get(offset..).filter(|rest| !rest.is_empty());
    let rest = rest.ok_or(CompletionCode::OUT_OF_RANGE)?;
    if count == WHOLE_RECORD {
        return Ok(rest);
    }
    rest.get(..usize::from(count))
        .ok_or(CompletionCode::CANNOT_RETURN_BYTES)
}

const fn id_of(entry: &Entry) -> RecordId {
    let [low, high, ..] = entry.record;
    RecordId(u16::from_le_bytes([low, high]))
}

/// A number for a field of 16 bits, in which FFFFh also stands for more.
fn saturate(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
