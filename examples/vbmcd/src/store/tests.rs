//! Who may have access to store and key, and where they are.

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn plan(&self) -> StorePlan {
        let config = self.path("lab.toml");
        StorePlan::for_configuration(&config, Some(self.path("lab.state")), Some(self.path("lab.key")))
    }

    fn refusal(&self) -> String {
        self.plan().open().unwrap_err().to_string()
    }
}

#[test]
fn store_and_key_are_made_for_their_owner_alone() {
    let place = Place::new();
    assert!(place.plan().open().unwrap().is_some());
    assert_eq!(mode(&place.path("lab.state")), 0o700);
    assert_eq!(mode(&place.path("lab.state/bmcs.redb")), 0o600);
    assert_eq!(mode(&place.path("lab.key")), 0o600);
    // And found again.
    assert!(place.plan().open().unwrap().is_some());
}

#[test]
fn what_others_can_read_is_refused() {
    let place = Place::new();
    drop(place.plan().open().unwrap());
    for (name, bad, good, says) in [
        ("lab.key", 0o640, 0o600, "chmod 600"),
        ("lab.key", 0o604, 0o600, "chmod 600"),
        ("lab.state/bmcs.redb", 0o644, 0o600, "chmod 600"),
        ("lab.state", 0o770, 0o700, "chmod go-w"),
    ] {
        let path = place.path(name);
        set_mode(&path, bad);
        let refusal = place.refusal();
        assert!(refusal.contains(says) && refusal.contains(name), "{refusal}");
        set_mode(&path, good);
    }
    assert!(place.plan().open().is_ok());
}

#[test]
fn a_store_without_its_key_is_refused_and_left_alone() {
    let place = Place::new();
    drop(place.plan().open().unwrap());
    let key = fs::read(place.path("lab.key")).unwrap();
    fs::remove_file(place.path("lab.key")).unwrap();
    assert!(place.refusal().contains("put the key back"));
    assert!(!place.path("lab.key").exists());
    let other = "00".repeat(32);
    for (text, says) in [
        ("short", "64 hexadecimal digits"),
        (&*other, "the key does not fit"),
    ] {
        fs::write(place.path("lab.key"), text).unwrap();
        set_mode(&place.path("lab.key"), 0o600);
        let refusal = place.refusal();
        assert!(refusal.contains(says), "{refusal}");
        assert!(!refusal.contains(text), "{refusal}");
    }
    fs::write(place.path("lab.key"), key).unwrap();
    assert!(place.plan().open().is_ok());
}

#[test]
fn two_do_not_share_a_store() {
    let place = Place::new();
    let first = place.plan().open().unwrap();
    assert!(place.refusal().contains("another process has it"));
    drop(first);
    assert!(place.plan().open().is_ok());
}

#[test]
fn a_place_where_nothing_can_be_made_does_not_stop_the_start() {
    let place = Place::new();
    fs::write(place.path("file"), "").unwrap();
    let plan = StorePlan::Disk {
        directory: place.path("file/state"),
        key_file: place.path("lab.key"),
    };
    let store = plan.open().unwrap().unwrap();
    assert!(store.load("node1").unwrap().is_empty());
    let (sender, outcome) = std::sync::mpsc::channel();
    store.save(
        "node1",
        Vec::new(),
        Box::new(move |done| sender.send(done).unwrap()),
    );
    let error = outcome.recv().unwrap().unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::ReadOnly);
}

#[test]
fn daemons_with_different_configurations_have_different_stores() {
    let disk = |directory: &str, key_file: &str| StorePlan::Disk {
        directory: directory.into(),
        key_file: key_file.into(),
    };
    let of = |config: &str| StorePlan::for_configuration(Path::new(config), None, None);
    assert_eq!(
        of("/home/me/lab.toml"),
        disk("/home/me/lab.state", "/home/me/lab.key")
    );
    assert_eq!(of("other.toml"), disk("other.state", "other.key"));
    assert_eq!(of("/etc/vbmcd/vbmcd.toml"), disk(SYSTEM_STATE, SYSTEM_KEY));
}
