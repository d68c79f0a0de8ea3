use alloc::sync::Arc;
use std::sync::mpsc;

use super::*;

pub(super) fn key(part: u8, number: u64) -> RecordKey {
    RecordKey {
        part: Part(part),
        number,
    }
}

pub(super) fn put(part: u8, number: u64, value: &[u8]) -> Change {
    Change::Put(key(part, number), Value::from(value.to_vec()))
}

/// Saves and waits for the outcome.
pub(super) fn save(store: &dyn Store, bmc: &str, changes: Changes) -> Result<(), StoreError> {
    let (sender, receiver) = mpsc::channel();
    store.save(
        bmc,
        changes,
        Box::new(move |outcome| sender.send(outcome).unwrap()),
    );
    receiver.recv().unwrap()
}

pub(super) fn load(store: &dyn Store, bmc: &str) -> Vec<(RecordKey, Vec<u8>)> {
    let records = store.load(bmc).unwrap().into_iter();
    records
        .map(|(key, value)| (key, value.as_bytes().to_vec()))
        .collect()
}

/// What every store does.
pub(super) fn keeps_records_apart_and_in_order(store: &dyn Store) {
    assert_eq!(load(store, "node1"), []);
    save(
        store,
        "node1",
        vec![put(2, 7, b"seven"), put(2, 3, b"three"), put(1, 0, b"one")],
    )
    .unwrap();
    save(store, "node", vec![put(1, 0, b"other")]).unwrap();
    save(store, "node12", vec![put(2, 3, b"another")]).unwrap();
    let first = [
        (key(1, 0), b"one".to_vec()),
        (key(2, 3), b"three".to_vec()),
        (key(2, 7), b"seven".to_vec()),
    ];
    assert_eq!(load(store, "node1"), first);
    save(
        store,
        "node1",
        vec![Change::Remove(key(2, 9)), Change::Remove(key(1, 0))],
    )
    .unwrap();
    assert_eq!(load(store, "node1"), first[1..]);
    let changes = vec![put(3, u64::MAX, b""), Change::Clear(Part(2)), put(2, 1, b"new")];
    save(store, "node1", changes).unwrap();
    assert_eq!(
        load(store, "node1"),
        [(key(2, 1), b"new".to_vec()), (key(3, u64::MAX), Vec::new())]
    );
    assert_eq!(load(store, "node"), [(key(1, 0), b"other".to_vec())]);
    assert_eq!(load(store, "node12"), [(key(2, 3), b"another".to_vec())]);
}

#[test]
fn the_store_in_memory_keeps_records() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    keeps_records_apart_and_in_order(&*store);
    assert_eq!(format!("{store:?}"), "MemoryStore { .. }");
}

#[test]
fn values_are_not_shown() {
    assert_eq!(format!("{:?}", put(1, 2, b"secret")).find("secret"), None);
}
