//! The repository of sensor data records (IPMI 2.0 §33): made from the catalogue, never changed, and shared by
//! all BMCs whose machines have the same sensors.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::ops::Range;
use std::sync::{Mutex, PoisonError};

use ipmi_proto::command::app::device::DeviceSupport;
use ipmi_proto::command::storage::sdr::{
    AllocationInfo, GetSdrRequest, GetSdrResponse, SDR_VERSION, SdrRepositoryInfo, SdrRepositorySupport,
};
use ipmi_proto::ipmb::{BMC_ADDRESS, CompletionCode};
use ipmi_proto::record::sdr::{
    ControllerInitialization, ControllerLocator, FruLocator, IdString, MAX_RECORD_LENGTH, SdrBody, SdrRecord,
};
use ipmi_proto::record::sel::UNSPECIFIED_TIME;
use ipmi_proto::record::{Entity, EntityId, RecordId};
use ipmi_proto::wire::{Bytes, Writer};

use super::catalogue::{self, Sensor};
use super::fru::DEVICE;
use super::sel::part;

/// Record of the BMC's locator.
const CONTROLLER_RECORD: RecordId = RecordId(0x0001);
/// Record of the FRU inventory's locator.
const FRU_RECORD: RecordId = RecordId(0x0002);
/// Records of sensors that every machine has are this and their number. Those of the machine's own sensors
/// are their number alone: they come first, because people look for them.
const CATALOGUE: u16 = 0x0100;

/// The record of a sensor.
pub(crate) const fn record_of(number: u8) -> RecordId {
    let number_alone = number as u16;
    if number < catalogue::number::FIRST_OF_MACHINE {
        RecordId(CATALOGUE | number_alone)
    } else {
        RecordId(number_alone)
    }
}

/// The sensors of a machine and the records that describe them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Repository {
    sensors: Box<[Sensor]>,
    records: Box<[(RecordId, Range<usize>)]>,
    bytes: Box<[u8]>,
    stamp: u32,
}

impl Repository {
    /// The repository of a machine with these sensors, whose BMC offers `support`.
    pub(crate) fn shared(sensors: Vec<Sensor>, support: DeviceSupport) -> Arc<Self> {
        share(Self::new(sensors, support))
    }

    fn new(sensors: Vec<Sensor>, support: DeviceSupport) -> Self {
        let controller = SdrBody::ControllerLocator(ControllerLocator {
            address: BMC_ADDRESS,
            initialization: ControllerInitialization {
                is_static: true,
                ..ControllerInitialization::default()
            },
            support,
            entity: Entity::new(EntityId::MANAGEMENT_CONTROLLER, 1),
            name: IdString::from_text("BMC"),
            ..ControllerLocator::default()
        });
        let fru = SdrBody::FruLocator(FruLocator::of_bmc(
            DEVICE,
            Entity::new(EntityId::SYSTEM_BOARD, 1),
            IdString::from_text("System"),
        ));
        let of_sensors = sensors
            .iter()
            .map(|sensor| (record_of(sensor.number), &sensor.body));
        let locators = [(CONTROLLER_RECORD, &controller), (FRU_RECORD, &fru)];
        let mut bodies: Vec<_> = locators.into_iter().chain(of_sensors).collect();
        bodies.sort_by_key(|(id, _)| *id);
        let mut records = Vec::new();
        let mut bytes = Vec::new();
        for (id, body) in bodies {
            let start = bytes.len();
            let mut buffer = [0; MAX_RECORD_LENGTH];
            let mut writer = Writer::new(&mut buffer);
            let written = writer.value(&SdrRecord { id, body: *body });
            debug_assert!(written.is_ok(), "the catalogue's records can be written");
            bytes.extend_from_slice(writer.written());
            records.push((id, start..bytes.len()));
        }
        Self {
            stamp: stamp(&bytes),
            sensors: sensors.into_boxed_slice(),
            records: records.into_boxed_slice(),
            bytes: bytes.into_boxed_slice(),
        }
    }

    /// The sensors, in the order of their numbers.
    pub(crate) fn sensors(&self) -> &[Sensor] {
        &self.sensors
    }

    /// Number of records.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Get SDR Repository Info.
    pub(crate) fn info(&self) -> SdrRepositoryInfo {
        SdrRepositoryInfo {
            version: SDR_VERSION,
            records: u16::try_from(self.len()).unwrap_or(u16::MAX),
            // Nothing can be added.
            free: 0,
            last_addition: self.stamp,
            last_erase: UNSPECIFIED_TIME,
            support: SdrRepositorySupport {
                reserve: true,
                allocation_info: true,
                ..SdrRepositorySupport::default()
            },
        }
    }

    /// Get SDR Repository Allocation Info: there is nothing to allocate.
    pub(crate) const fn allocation() -> AllocationInfo {
        AllocationInfo {
            units: 0,
            unit_size: 0,
            free_units: 0,
            largest_free_block: 0,
            largest_record: 0,
        }
    }

    /// Get SDR, and Get Device SDR. The reservation has been checked.
    ///
    /// # Errors
    /// CBh if there is no such record, C9h and CAh for bytes beyond its end.
    pub(crate) fn get(&self, request: &GetSdrRequest) -> Result<GetSdrResponse, CompletionCode> {
        let position = match request.record {
            RecordId::FIRST => Some(0),
            RecordId::LAST => self.records.len().checked_sub(1),
            id => self.records.binary_search_by_key(&id, |(id, _)| *id).ok(),
        };
        let position = position.ok_or(CompletionCode::NOT_PRESENT)?;
        let (_, range) = self.records.get(position).ok_or(CompletionCode::NOT_PRESENT)?;
        let record = self.bytes.get(range.clone()).unwrap_or_default();
        let data = part(record, usize::from(request.offset), request.count)?;
        let next = self.records.get(position + 1);
        Ok(GetSdrResponse {
            next: next.map_or(RecordId::LAST, |(id, _)| *id),
            data: Bytes::from_slice(data).map_err(|_| CompletionCode::CANNOT_RETURN_BYTES)?,
        })
    }
}

/// The repositories that are in use.
static IN_USE: Mutex<BTreeMap<u64, Weak<Repository>>> = Mutex::new(BTreeMap::new());

/// The same repository, if another BMC has it already.
fn share(new: Repository) -> Arc<Repository> {
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let key = digest(&new.bytes);
    if let Some(same) = in_use.get(&key).and_then(Weak::upgrade)
        && *same == new
    {
        return same;
    }
    let new = Arc::new(new);
    // Thrown out now and then, so that the table does not grow with those that were.
    if in_use.len().is_power_of_two() {
        in_use.retain(|_, repository| repository.strong_count() > 0);
    }
    in_use.insert(key, Arc::downgrade(&new));
    new
}

/// FNV-1a.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// 2020-01-01, before any of these records was made.
const FIRST_STAMP: u32 = 1_577_836_800;

/// When the records were added, as clients see it: they keep copies on disk, and drop them when this changes.
/// It follows from the records, so that it is the same after a restart, and another one after a change.
fn stamp(bytes: &[u8]) -> u32 {
    let [a, b, c, ..] = digest(bytes).to_le_bytes();
    FIRST_STAMP + u32::from_le_bytes([a, b, c, 0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{PowerActions, SensorDescription, SensorKind};
    use crate::state::Capabilities;
    use ipmi_proto::wire::Reader;

    fn repository(name: &str) -> Arc<Repository> {
        let capabilities = Capabilities {
            power: PowerActions::all(),
            ..Capabilities::default()
        };
        let fan = SensorDescription::new(3, name, SensorKind::FanSpeed, (0.0, 9_000.0));
        let sensors = catalogue::sensors(&capabilities, &[fan]);
        Repository::shared(sensors, DeviceSupport::default())
    }

    fn get(
        repository: &Repository,
        record: u16,
        offset: u8,
        count: u8,
    ) -> Result<GetSdrResponse, CompletionCode> {
        repository.get(&GetSdrRequest {
            reservation: 0,
            record: RecordId(record),
            offset,
            count,
        })
    }

    #[test]
    fn a_walk_meets_every_record_once_and_each_can_be_read() {
        let repository = repository("Fan walk");
        let (mut id, mut seen, mut bytes) = (0, 0, 0);
        while id != 0xffff {
            let answer = get(&repository, id, 0, 0xff).unwrap();
            let record: SdrRecord = Reader::new(&answer.data).value().unwrap();
            assert!(id == 0 || record.id.0 == id);
            assert!(record.body.name().is_some_and(|name| !name.as_bytes().is_empty()));
            assert_eq!(answer.data.len(), usize::from(answer.data[4]) + 5);
            (seen, bytes, id) = (seen + 1, bytes + answer.data.len(), answer.next.0);
        }
        assert_eq!((seen, bytes), (repository.len(), repository.bytes.len()));
        assert_eq!(usize::from(repository.info().records), seen);
        assert_eq!(repository.info().support.to_word(), 0x03);
    }

    #[test]
    fn parts_of_records() {
        let repository = repository("Fan parts");
        let whole = get(&repository, 0x101, 0, 0xff).unwrap();
        assert_eq!(get(&repository, 0x101, 0, 5).unwrap().data[..], whole.data[..5]);
        assert_eq!(
            get(&repository, 0x101, 5, 0xff).unwrap().data[..],
            whole.data[5..]
        );
        let length = u8::try_from(whole.data.len()).unwrap();
        assert_eq!(get(&repository, 0x101, length - 1, 1).unwrap().data.len(), 1);
        assert_eq!(
            get(&repository, 0x101, length - 1, 2),
            Err(CompletionCode::CANNOT_RETURN_BYTES)
        );
        assert_eq!(
            get(&repository, 0x101, length, 1),
            Err(CompletionCode::OUT_OF_RANGE)
        );
        assert_eq!(get(&repository, 0x77, 0, 5), Err(CompletionCode::NOT_PRESENT));
        assert_eq!(get(&repository, 0xffff, 0, 5).unwrap().next, RecordId::LAST);
    }

    #[test]
    fn equal_machines_share_one_and_others_differ_in_the_stamp() {
        let one = repository("Fan 1");
        assert!(Arc::ptr_eq(&one, &repository("Fan 1")));
        let other = repository("Fan 2");
        assert!(!Arc::ptr_eq(&one, &other));
        assert_ne!(one.stamp, other.stamp);
    }
}
