//! The system event log (IPMI 2.0 §31, §32).

use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::offset::EventLoggingOffset;
use ipmi_proto::record::sel::{RECORD_LENGTH, SelBody, SelRecord};
use ipmi_proto::record::{EventMessage, EventType, Generator, RecordId, SensorType};

use super::Reservation;

/// Records that the log holds.
pub(crate) const CAPACITY: usize = 4_096;
/// From here on it is almost full.
const ALMOST_FULL: usize = CAPACITY / 10 * 9;
/// The time that says "never".
const NEVER: u32 = 0xffff_ffff;
/// Record IDs go from 1 to this one.
const LAST_ID: u16 = 0xfffe;
/// Partial Add SEL Entry: the record is not complete with its last piece.
const PARTIAL_LENGTH_MISMATCH: CompletionCode = CompletionCode(0x80);
/// Number of the sensor that watches the log.
const LOG_SENSOR: u8 = 0x0d;

/// The event log.
#[derive(Debug)]
pub(crate) struct EventLog {
    records: Vec<[u8; RECORD_LENGTH]>,
    last_id: u16,
    /// When a record was added last.
    pub(crate) last_addition: u32,
    /// When records were deleted last.
    pub(crate) last_erase: u32,
    /// Events were lost.
    pub(crate) has_overflowed: bool,
    /// Who is changing it.
    pub(crate) reservation: Reservation,
    partial: Option<Partial>,
}

/// A record that comes in pieces.
#[derive(Debug)]
struct Partial {
    reservation: u16,
    bytes: [u8; RECORD_LENGTH],
    length: usize,
}

impl EventLog {
    /// An empty log.
    pub(crate) fn new() -> Self {
        Self {
            records: Vec::new(),
            last_id: 0,
            last_addition: NEVER,
            last_erase: NEVER,
            has_overflowed: false,
            reservation: Reservation::default(),
            partial: None,
        }
    }

    /// Number of records.
    pub(crate) fn len(&self) -> u16 {
        u16::try_from(self.records.len()).unwrap_or(u16::MAX)
    }

    /// Free bytes; FFFFh for that many or more.
    pub(crate) fn free(&self) -> u16 {
        u16::try_from(CAPACITY.saturating_sub(self.records.len()) * RECORD_LENGTH).unwrap_or(u16::MAX)
    }

    /// Adds a record at the time `now`.
    ///
    /// # Errors
    /// 80h for a type that does not exist, C4h if the log is full.
    pub(crate) fn add(&mut self, mut body: SelBody, now: u32) -> Result<RecordId, CompletionCode> {
        // The last slot is for the record that says so.
        if self.records.len() + 1 >= CAPACITY {
            if self.records.len() < CAPACITY {
                self.push(log_event(EventLoggingOffset::FULL.0, now), now);
            }
            self.has_overflowed = true;
            return Err(CompletionCode::OUT_OF_SPACE);
        }
        body.set_timestamp(now);
        let id = self.push(body, now);
        if self.records.len() == ALMOST_FULL {
            self.push(log_event(EventLoggingOffset::ALMOST_FULL.0, now), now);
        }
        Ok(id)
    }

    fn push(&mut self, body: SelBody, now: u32) -> RecordId {
        let id = self.free_id();
        self.records.push(SelRecord { id, body }.to_bytes());
        self.last_addition = now;
        id
    }

    /// The next ID. After the last one it starts again, and leaves out those in use.
    fn free_id(&mut self) -> RecordId {
        loop {
            self.last_id = if self.last_id >= LAST_ID {
                1
            } else {
                self.last_id + 1
            };
            let id = RecordId(self.last_id);
            if self.position(id).is_none() {
                return id;
            }
        }
    }

    fn position(&self, id: RecordId) -> Option<usize> {
        let has_id = |record: &[u8; RECORD_LENGTH]| id_of(record) == id;
        // As long as nothing is deleted, the place follows from the number.
        let first = self.records.first().map(id_of)?;
        let guess = usize::from(id.0.wrapping_sub(first.0));
        if self.records.get(guess).is_some_and(has_id) {
            return Some(guess);
        }
        self.records.iter().position(has_id)
    }

    /// The place of a record that a request names.
    fn resolve(&self, id: RecordId) -> Result<usize, CompletionCode> {
        let position = match id {
            RecordId::FIRST => (!self.records.is_empty()).then_some(0),
            RecordId::LAST => self.records.len().checked_sub(1),
            id => self.position(id),
        };
        position.ok_or(CompletionCode::NOT_PRESENT)
    }

    /// A record, and the ID of the next one.
    ///
    /// # Errors
    /// CBh if there is no such record.
    pub(crate) fn get(&self, id: RecordId) -> Result<(&[u8; RECORD_LENGTH], RecordId), CompletionCode> {
        let position = self.resolve(id)?;
        let record = self.records.get(position).ok_or(CompletionCode::NOT_PRESENT)?;
        let next = self.records.get(position + 1).map_or(RecordId::LAST, id_of);
        Ok((record, next))
    }

    /// The newest record.
    pub(crate) fn last(&self) -> Option<RecordId> {
        self.records.last().map(id_of)
    }

    /// Deletes a record and gives its ID.
    ///
    /// # Errors
    /// C5h or CBh.
    pub(crate) fn delete(
        &mut self,
        reservation: u16,
        id: RecordId,
        now: u32,
    ) -> Result<RecordId, CompletionCode> {
        self.reservation.check(reservation)?;
        let position = self.resolve(id)?;
        let record = self.records.remove(position);
        self.reservation.cancel();
        self.last_erase = now;
        Ok(id_of(&record))
    }

    /// Deletes all records.
    ///
    /// # Errors
    /// C5h.
    pub(crate) fn clear(&mut self, reservation: u16, now: u32) -> Result<(), CompletionCode> {
        self.reservation.check(reservation)?;
        self.records = Vec::new();
        self.reservation.cancel();
        self.has_overflowed = false;
        self.last_erase = now;
        Ok(())
    }

    /// Takes a piece of a record; gives the whole record with the last one.
    ///
    /// # Errors
    /// C5h, or C9h for a piece that does not follow the one before.
    pub(crate) fn add_piece(
        &mut self,
        reservation: u16,
        offset: u8,
        piece: &[u8],
        is_last: bool,
    ) -> Result<Option<SelRecord>, CompletionCode> {
        self.reservation.check(reservation)?;
        if offset == 0 {
            self.partial = Some(Partial {
                reservation,
                bytes: [0; RECORD_LENGTH],
                length: 0,
            });
        }
        let partial = self
            .partial
            .as_mut()
            .filter(|partial| partial.reservation == reservation);
        let partial = partial.ok_or(CompletionCode::OUT_OF_RANGE)?;
        let start = usize::from(offset);
        let end = start + piece.len();
        if start != partial.length {
            return Err(CompletionCode::OUT_OF_RANGE);
        }
        let place = partial
            .bytes
            .get_mut(start..end)
            .ok_or(CompletionCode::OUT_OF_RANGE)?;
        place.copy_from_slice(piece);
        partial.length = end;
        if !is_last {
            return Ok(None);
        }
        let whole = self
            .partial
            .take()
            .filter(|partial| partial.length == RECORD_LENGTH);
        let whole = whole.ok_or(PARTIAL_LENGTH_MISMATCH)?;
        Ok(Some(SelRecord::from_bytes(&whole.bytes)))
    }
}

const fn id_of(record: &[u8; RECORD_LENGTH]) -> RecordId {
    let [low, high, ..] = *record;
    RecordId(u16::from_le_bytes([low, high]))
}

/// An event of the log itself.
const fn log_event(offset: u8, timestamp: u32) -> SelBody {
    let sensor_type = SensorType::EVENT_LOGGING_DISABLED;
    SelBody::System {
        timestamp,
        generator: Generator::BMC,
        event: EventMessage::assertion(sensor_type, LOG_SENSOR, EventType::SENSOR_SPECIFIC, offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(number: u8) -> SelBody {
        SelBody::System {
            timestamp: 0,
            generator: Generator::BMC,
            event: EventMessage::assertion(SensorType::PROCESSOR, number, EventType::SENSOR_SPECIFIC, 1),
        }
    }

    #[test]
    fn records_are_chained_and_ids_are_not_used_again() {
        let mut log = EventLog::new();
        assert_eq!(log.get(RecordId::FIRST), Err(CompletionCode::NOT_PRESENT));
        let ids: Vec<_> = (1..=3).map(|number| log.add(body(number), 9).unwrap()).collect();
        assert_eq!(ids, [RecordId(1), RecordId(2), RecordId(3)]);
        let reservation = log.reservation.reserve();
        assert_eq!(log.delete(reservation, RecordId(2), 10), Ok(RecordId(2)));
        assert_eq!(
            log.delete(reservation, RecordId(1), 10),
            Err(CompletionCode::RESERVATION_LOST)
        );
        assert_eq!(log.get(RecordId(1)).unwrap().1, RecordId(3));
        assert_eq!(log.get(RecordId::LAST).unwrap().1, RecordId::LAST);
        assert_eq!(log.add(body(4), 11), Ok(RecordId(4)));
        let reservation = log.reservation.reserve();
        assert_eq!(log.clear(reservation, 12), Ok(()));
        assert_eq!((log.len(), log.last_erase), (0, 12));
        assert_eq!(log.add(body(5), 13), Ok(RecordId(5)));
    }

    #[test]
    fn full_log_says_so_in_its_last_record() {
        let mut log = EventLog::new();
        let mut added = 0;
        while log.add(body(1), 1).is_ok() {
            added += 1;
        }
        assert_eq!(usize::from(log.len()), CAPACITY);
        assert_eq!(added, CAPACITY - 2, "one record says almost full, one full");
        assert!(log.has_overflowed);
        let (last, _) = log.get(RecordId::LAST).unwrap();
        assert_eq!((last[10], last[13] & 0x0f), (0x10, 0x04));
        assert_eq!(log.free(), 0);
    }

    #[test]
    fn pieces_make_a_record() {
        let mut log = EventLog::new();
        let reservation = log.reservation.reserve();
        let bytes = SelRecord {
            id: RecordId(0),
            body: body(7),
        }
        .to_bytes();
        assert_eq!(log.add_piece(reservation, 0, &bytes[..10], false), Ok(None));
        let whole = log
            .add_piece(reservation, 10, &bytes[10..], true)
            .unwrap()
            .unwrap();
        assert_eq!(whole.body, body(7));
        assert_eq!(
            log.add_piece(reservation, 10, &bytes[10..], true),
            Err(CompletionCode::OUT_OF_RANGE)
        );
        log.add_piece(reservation, 0, &bytes[..10], false).unwrap();
        assert!(log.add_piece(reservation, 10, &bytes[10..12], true).is_err());
    }
}
