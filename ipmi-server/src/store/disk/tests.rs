use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::mpsc;

use redb::{ReadableTable, TableDefinition, WriteTransaction};
use tempfile::TempDir;

use super::super::tests::{keeps_records_apart_and_in_order, key, load, put, save};
use super::*;

struct Place {
    directory: TempDir,
    key: StoreKey,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            key: StoreKey::random(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store.redb")
    }

    fn open(&self) -> DiskStore {
        DiskStore::open(self.path(), &self.key).unwrap()
    }

    fn refusal(&self, key: &StoreKey) -> StoreError {
        DiskStore::open(self.path(), key).unwrap_err()
    }
}

#[test]
fn keeps_records_over_restarts() {
    let place = Place::new();
    keeps_records_apart_and_in_order(&place.open());
    let store = place.open();
    assert_eq!(load(&store, "node"), [(key(1, 0), b"other".to_vec())]);
    assert_eq!(load(&store, "node1").len(), 2);
    let mode = fs::metadata(place.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn values_are_encrypted_and_belong_to_their_place() {
    let place = Place::new();
    let secret = b"a password that nobody may read";
    save(&place.open(), "node1", vec![put(1, 0, secret)]).unwrap();
    let file = fs::read(place.path()).unwrap();
    assert!(!file.windows(secret.len()).any(|window| window == secret));

    // The same sealed bytes under another name are not that BMC's.
    let records: TableDefinition<'_, (&str, u8, u64), &[u8]> = TableDefinition::new("records");
    let database = redb::Database::open(place.path()).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(records).unwrap();
        let sealed = table.get(("node1", 1, 0)).unwrap().unwrap().value().to_vec();
        table.insert(("node2", 1, 0), sealed.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let store = place.open();
    assert_eq!(load(&store, "node1"), [(key(1, 0), secret.to_vec())]);
    let error = store.load("node2").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Damaged);
    assert!(error.to_string().contains("node2"), "{error}");
}

#[test]
fn a_wrong_key_is_told_and_changes_nothing() {
    let place = Place::new();
    save(&place.open(), "node1", vec![put(1, 0, b"one")]).unwrap();
    let error = place.refusal(&StoreKey::random());
    assert_eq!(error.kind, StoreErrorKind::WrongKey);
    assert!(
        error.to_string().contains("the key does not fit the store"),
        "{error}"
    );
    let store = place.open();
    assert_eq!(load(&store, "node1"), [(key(1, 0), b"one".to_vec())]);
}

#[test]
fn a_store_has_one_user_at_a_time() {
    let place = Place::new();
    let store = place.open();
    let error = place.refusal(&place.key);
    assert_eq!(error.kind, StoreErrorKind::InUse);
    assert!(error.to_string().contains("another process has it"), "{error}");
    drop(store);
    place.open();
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let place = Place::new();
    fs::write(place.path(), "some text\n".repeat(1_000)).unwrap();
    let error = place.refusal(&place.key);
    assert_eq!(error.kind, StoreErrorKind::Damaged, "{error}");
    assert!(fs::read_to_string(place.path()).unwrap().starts_with("some text"));
}

const RECORDS: TableDefinition<'_, (&str, u8, u64), &[u8]> = TableDefinition::new("records");

/// Version 2 of these tests has part 40 where version 1 has part 1.
fn move_part(transaction: &WriteTransaction, cipher: &Cipher) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(RECORDS)?;
    let sealed = table.remove(("node1", 1, 0))?.map(|value| value.value().to_vec());
    let old = cipher
        .open(&key::place("node1", key(1, 0)), &sealed.unwrap())
        .unwrap();
    let new = cipher
        .seal(&key::place("node1", key(40, 0)), old.as_bytes())
        .unwrap();
    table.insert(("node1", 40, 0), new.as_slice())?;
    Ok(())
}

const NEXT: Format = Format {
    version: 2,
    migrations: &[(1, move_part)],
};

#[test]
fn an_older_store_is_migrated_and_a_newer_one_refused() {
    let place = Place::new();
    save(&place.open(), "node1", vec![put(1, 0, b"one")]).unwrap();
    for _ in 0..2 {
        let store = DiskStore::with_format(&place.path(), &place.key, NEXT).unwrap();
        assert_eq!(load(&store, "node1"), [(key(40, 0), b"one".to_vec())]);
    }
    let error = place.refusal(&place.key);
    assert_eq!(error.kind, StoreErrorKind::Version);
    assert!(error.to_string().contains("has version 2"), "{error}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    let store = DiskStore::with_format(&place.path(), &place.key, NEXT).unwrap();
    assert_eq!(load(&store, "node1"), [(key(40, 0), b"one".to_vec())]);
}

#[test]
fn waiting_changes_share_a_transaction_and_keep_their_order() {
    let place = Place::new();
    let store = place.open();
    let (sender, receiver) = mpsc::channel();
    // While the file is locked everything that comes waits, but for the first that the thread has taken.
    let locked = store.file.lock();
    for round in 0..100_u64 {
        for bmc in ["node1", "node2"] {
            let sender = sender.clone();
            let done = Box::new(move |outcome: Result<(), StoreError>| {
                sender.send((bmc, round, outcome)).unwrap();
            });
            store.save(bmc, vec![put(1, 0, &round.to_le_bytes())], done);
        }
    }
    drop(locked);
    for _ in 0..200 {
        receiver.recv().unwrap().2.unwrap();
    }
    for bmc in ["node1", "node2"] {
        assert_eq!(load(&store, bmc), [(key(1, 0), 99_u64.to_le_bytes().to_vec())]);
    }
}

#[test]
fn what_waits_is_written_before_the_store_is_closed() {
    let place = Place::new();
    let store = place.open();
    for number in 0..50 {
        store.save("node1", vec![put(1, number, b"x")], Box::new(|_| ()));
    }
    drop(store);
    assert_eq!(load(&place.open(), "node1").len(), 50);
}

#[test]
fn a_directory_that_is_not_there_is_told_with_every_save_until_it_is() {
    let place = Place::new();
    let path = place.directory.path().join("later/store.redb");
    let store = DiskStore::open(&path, &place.key).unwrap();
    assert_eq!(load(&store, "node1"), []);
    let error = save(&store, "node1", vec![put(1, 0, b"one")]).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::ReadOnly);
    assert_eq!(store.health(), Err(error));
    fs::create_dir(path.parent().unwrap()).unwrap();
    until_saved(&store);
    assert_eq!(store.health(), Ok(()));
    assert_eq!(load(&store, "node1"), [(key(1, 0), b"one".to_vec())]);
}

/// Saves until it succeeds.
fn until_saved(store: &DiskStore) {
    let start = Instant::now();
    while let Err(error) = save(store, "node1", vec![put(1, 0, b"one")]) {
        assert!(start.elapsed() < Duration::from_secs(30), "{error}");
        thread::yield_now();
    }
}

/// A file system of its own that is small, or can be made read-only.
struct Mount(TempDir);

impl Mount {
    /// Needs root: the test run is in a container or a machine of its own.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mount = Self(directory);
        mount.run("mount", &["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs"]);
        mount
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = Command::new(program)
            .args(arguments)
            .arg(self.0.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} (needs root): {text}");
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("store.redb")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_refuses_changes_and_recovers() {
    let mount = Mount::new();
    let key_of_store = StoreKey::random();
    let store = DiskStore::open(mount.path(), &key_of_store).unwrap();
    save(&store, "node1", vec![put(1, 0, b"before")]).unwrap();
    let filler = mount.0.path().join("filler");
    let mut full = vec![0; 8 << 20];
    // Writes as much as there is room for.
    let _ = fs::write(&filler, &full);
    full.truncate(1 << 20);
    let mut refused = None;
    for number in 0..64 {
        if let Err(error) = save(&store, "node1", vec![put(2, number, &full)]) {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("the disk is full");
    assert_eq!(refused.kind, StoreErrorKind::NoSpace, "{refused}");
    assert!(refused.to_string().contains("make room"), "{refused}");
    assert_eq!(load(&store, "node1")[0], (key(1, 0), b"before".to_vec()));
    drop(store);

    // The same at a start.
    let store = DiskStore::open(mount.path(), &key_of_store).unwrap();
    assert_eq!(load(&store, "node1")[0], (key(1, 0), b"before".to_vec()));
    assert!(save(&store, "node1", vec![put(2, 99, &full)]).is_err());
    fs::remove_file(filler).unwrap();
    until_saved(&store);
    assert_eq!(load(&store, "node1")[0], (key(1, 0), b"one".to_vec()));
}

#[test]
fn a_read_only_directory_can_be_read() {
    let mount = Mount::new();
    let key_of_store = StoreKey::random();
    let open = || DiskStore::open(mount.path(), &key_of_store).unwrap();
    save(&open(), "node1", vec![put(1, 0, b"before")]).unwrap();
    mount.run("mount", &["-o", "remount,ro"]);
    let store = open();
    assert_eq!(store.health().unwrap_err().kind, StoreErrorKind::ReadOnly);
    assert_eq!(load(&store, "node1"), [(key(1, 0), b"before".to_vec())]);
    let error = save(&store, "node1", vec![put(1, 0, b"after")]).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::ReadOnly);
    mount.run("mount", &["-o", "remount,rw"]);
    until_saved(&store);
    assert_eq!(load(&store, "node1"), [(key(1, 0), b"one".to_vec())]);
    drop(store);

    // None there, and none can be made.
    fs::remove_file(mount.path()).unwrap();
    mount.run("mount", &["-o", "remount,ro"]);
    let store = open();
    assert_eq!(load(&store, "node1"), []);
    assert!(save(&store, "node1", vec![put(1, 0, b"after")]).is_err());
}

#[test]
fn a_key_is_not_shown() {
    let key = StoreKey::from_bytes(&[0x41; 32]).unwrap();
    assert_eq!(format!("{key:?}"), "StoreKey(..)");
    assert!(StoreKey::from_bytes(&[0; 31]).is_none());
}
