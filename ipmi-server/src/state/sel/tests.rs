//! Tests of the event log.

use super::*;
use ipmi_proto::record::{EventMessage, EventType, Generator, SensorType};

const TIME: u32 = 1_700_000_000;

fn event(number: u8) -> SelBody {
    SelBody::System {
        timestamp: 0,
        generator: Generator::BMC,
        event: EventMessage::assertion(SensorType::POWER_UNIT, number, EventType::SENSOR_SPECIFIC, 0),
    }
}

fn get(sel: &mut Sel, record: u16) -> Result<(u16, Vec<u8>), CompletionCode> {
    read(sel, 0, record, 0, WHOLE_RECORD)
}

fn read(
    sel: &mut Sel,
    reservation: u16,
    record: u16,
    offset: u8,
    count: u8,
) -> Result<(u16, Vec<u8>), CompletionCode> {
    let record = RecordId(record);
    let request = GetSelEntryRequest {
        reservation,
        record,
        offset,
        count,
    };
    sel.get(&request)
        .map(|answer| (answer.next.0, answer.data.to_vec()))
}

fn delete(sel: &mut Sel, reservation: u16, record: u16) -> Result<RecordId, CompletionCode> {
    let record = RecordId(record);
    sel.delete(TIME, &DeleteSelEntryRequest { reservation, record })
}

fn clear(sel: &mut Sel, reservation: u16, action: ClearAction) -> Result<ClearResponse, CompletionCode> {
    let request = ClearRequest {
        reservation,
        confirmation: CLEAR_CONFIRMATION,
        action,
    };
    sel.clear(TIME + 9, &request)
}

#[test]
fn a_walk_from_first_to_last() {
    let mut sel = Sel::new();
    assert_eq!(get(&mut sel, 0), Err(CompletionCode::NOT_PRESENT));
    assert_eq!(get(&mut sel, 0xffff), Err(CompletionCode::NOT_PRESENT));
    for number in 1..=3 {
        assert_eq!(sel.add(TIME, event(number)), Ok(RecordId(u16::from(number))));
    }
    let (next, first) = get(&mut sel, 0).unwrap();
    assert_eq!(next, 2);
    assert_eq!(first[..7], [1, 0, 2, 0x00, 0xf1, 0x53, 0x65]);
    assert_eq!(get(&mut sel, 2).unwrap().0, 3);
    assert_eq!(get(&mut sel, 0xffff).unwrap().0, 0xffff);
    assert_eq!(get(&mut sel, 4), Err(CompletionCode::NOT_PRESENT));
    let info = sel.info();
    assert_eq!((info.entries, info.last_addition), (3, TIME));
    assert_eq!(info.last_erase, UNSPECIFIED_TIME);
    assert_eq!(info.support.to_word(), 0x0f);
}

#[test]
fn parts_need_the_reservation_and_stay_within_the_record() {
    let mut sel = Sel::new();
    sel.add(TIME, event(1)).unwrap();
    let lost = Err(CompletionCode::RESERVATION_LOST);
    assert_eq!(read(&mut sel, 0, 1, 4, 4), lost);
    let reservation = sel.reserve();
    assert_eq!(
        read(&mut sel, reservation, 1, 4, 3).unwrap().1,
        [0xf1, 0x53, 0x65]
    );
    assert_eq!(
        read(&mut sel, reservation, 1, 14, WHOLE_RECORD).unwrap().1.len(),
        2
    );
    assert_eq!(
        read(&mut sel, reservation, 1, 16, 1),
        Err(CompletionCode::OUT_OF_RANGE)
    );
    assert_eq!(
        read(&mut sel, reservation, 1, 14, 3),
        Err(CompletionCode::CANNOT_RETURN_BYTES)
    );
    // An added record does not cancel it, another reservation does.
    sel.add(TIME, event(2)).unwrap();
    assert!(read(&mut sel, reservation, 1, 4, 4).is_ok());
    sel.reserve();
    assert_eq!(read(&mut sel, reservation, 1, 4, 4), lost);
}

#[test]
fn deleting_keeps_the_chain_and_cancels_the_reservation() {
    let mut sel = Sel::new();
    for number in 1..=3 {
        sel.add(TIME, event(number)).unwrap();
    }
    assert_eq!(delete(&mut sel, 0, 2), Err(CompletionCode::RESERVATION_LOST));
    let reservation = sel.reserve();
    assert_eq!(delete(&mut sel, reservation, 7), Err(CompletionCode::NOT_PRESENT));
    assert_eq!(delete(&mut sel, reservation, 2), Ok(RecordId(2)));
    assert_eq!(
        delete(&mut sel, reservation, 3),
        Err(CompletionCode::RESERVATION_LOST)
    );
    assert_eq!(get(&mut sel, 1).unwrap().0, 3);
    // Numbers are not used again.
    assert_eq!(sel.add(TIME, event(4)), Ok(RecordId(4)));
    assert_eq!(sel.info().last_erase, TIME);
}

#[test]
fn clearing_needs_confirmation_and_reservation() {
    let mut sel = Sel::new();
    sel.add(TIME, event(1)).unwrap();
    let reservation = sel.reserve();
    let unconfirmed = ClearRequest {
        reservation,
        confirmation: *b"CLS",
        action: ClearAction::BEGIN,
    };
    assert_eq!(sel.clear(TIME, &unconfirmed), Err(CompletionCode::INVALID_FIELD));
    let lost = Err(CompletionCode::RESERVATION_LOST);
    assert_eq!(clear(&mut sel, reservation + 1, ClearAction::BEGIN), lost);
    assert_eq!(
        clear(&mut sel, reservation, ClearAction(1)),
        Err(CompletionCode::INVALID_FIELD)
    );
    let done = clear(&mut sel, reservation, ClearAction::BEGIN).unwrap();
    assert_eq!(done.progress.0, ClearProgress::COMPLETED);
    assert!(clear(&mut sel, reservation, ClearAction::STATUS).is_ok());
    assert_eq!(clear(&mut sel, reservation, ClearAction::BEGIN), lost);
    assert!(sel.is_cleared());
    assert_eq!((sel.info().entries, sel.info().last_erase), (0, TIME + 9));
}

#[test]
fn a_full_log_loses_new_records_and_says_so() {
    let mut sel = Sel::new();
    while sel.fill() != Fill::Full {
        sel.add(TIME, event(1)).unwrap();
    }
    assert!(sel.info().entries > 4_096);
    assert!(!sel.info().support.overflow);
    assert_eq!(sel.add(TIME, event(2)), Err(CompletionCode::OUT_OF_SPACE));
    assert!(sel.info().support.overflow);
    sel.add_last(TIME, event(3));
    sel.add_last(TIME, event(3));
    assert_eq!((usize::from(sel.info().entries), sel.info().free), (CAPACITY, 0));
    let reservation = sel.reserve();
    delete(&mut sel, reservation, 5).unwrap();
    assert_eq!(get(&mut sel, 4).unwrap().0, 6);
    assert!(!sel.info().support.overflow);
}

#[test]
fn numbers_start_again_after_the_last_and_skip_those_in_use() {
    let mut sel = Sel::new();
    sel.add(TIME, event(1)).unwrap();
    sel.add(TIME, event(1)).unwrap();
    sel.next_id = LAST_ID;
    assert_eq!(sel.add(TIME, event(2)), Ok(RecordId(LAST_ID)));
    assert_eq!(sel.add(TIME, event(2)), Ok(RecordId(3)));
    assert_eq!(get(&mut sel, LAST_ID).unwrap().0, 3);
}

#[test]
fn only_known_types_are_added_and_oem_records_keep_their_bytes() {
    let mut sel = Sel::new();
    let body = |record_type| SelBody::Untimed {
        record_type,
        data: [7; 13],
    };
    assert_eq!(sel.add(TIME, body(0x03)), Err(CompletionCode(0x80)));
    sel.add(TIME, body(0xe0)).unwrap();
    assert_eq!(
        get(&mut sel, 1).unwrap().1[2..],
        [[0xe0].as_slice(), &[7; 13]].concat()
    );
}

#[test]
fn a_record_in_pieces() {
    let mut sel = Sel::new();
    let whole = SelRecord {
        id: RecordId(0),
        body: event(5),
    }
    .to_bytes();
    let piece = |sel: &mut Sel, reservation, record, range: core::ops::Range<usize>, last| {
        sel.add_piece(&PartialAddSelEntryRequest {
            reservation,
            record,
            offset: u8::try_from(range.start).unwrap(),
            progress: LowBits(PartialAddProgress(last)),
            data: Bytes::from_slice(&whole[range]).unwrap(),
        })
    };
    let start = RecordId(0);
    assert_eq!(
        piece(&mut sel, 0, start, 0..8, 0),
        Err(CompletionCode::RESERVATION_LOST)
    );
    let reservation = sel.reserve();
    let (id, _) = piece(&mut sel, reservation, start, 0..8, 0).unwrap();
    assert_eq!(
        piece(&mut sel, reservation, RecordId(77), 8..16, 1),
        Err(CompletionCode::NOT_PRESENT)
    );
    let (_, body) = piece(&mut sel, reservation, id, 8..16, 1).unwrap();
    assert_eq!(body, Some(event(5)));
    assert_eq!(sel.add(TIME, body.unwrap()), Ok(id));
    let (id, _) = piece(&mut sel, reservation, start, 0..8, 0).unwrap();
    assert_eq!(
        piece(&mut sel, reservation, id, 9..16, 1),
        Err(CompletionCode(0x80))
    );
    let (id, _) = piece(&mut sel, reservation, start, 0..8, 0).unwrap();
    assert_eq!(
        piece(&mut sel, reservation, id, 8..12, 1),
        Err(CompletionCode(0x80))
    );
}
