use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use std::sync::Mutex;

use ipmi_proto::crypto::{BmcKey, Password};
use ipmi_proto::ipmb::{NetFn, Privilege};
use ipmi_proto::record::offset::SystemEventOffset;
use ipmi_proto::record::{EventMessage, EventType, Generator, SensorType};
use proptest::prelude::*;

use super::parts::{CONFIGURED, COUNT, EVENT_LOG};
use super::written;
use crate::backend::memory::MemoryMachine;
use crate::backend::{PowerAction, PowerState};
use crate::bmc::{BmcBuilder, BuildError};
use crate::state::catalogue::number;
use crate::store::{Change, Changes, Done, MemoryStore, RecordKey, Store, StoreError, StoreErrorKind, Value};
use crate::test_bench::Bench;

/// A store whose answers the test chooses.
#[derive(Debug, Default)]
struct Moody {
    store: MemoryStore,
    mood: Mutex<Mood>,
}

#[derive(Default)]
enum Mood {
    #[default]
    Good,
    /// Fails all saves.
    Bad(StoreErrorKind),
    /// Keeps them until it is told.
    Slow(Vec<(String, Changes, Done)>),
}

impl core::fmt::Debug for Mood {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Mood")
    }
}

impl Moody {
    fn set(&self, mood: Mood) -> Mood {
        core::mem::replace(&mut *self.mood.lock().unwrap(), mood)
    }

    /// Ends what it kept, and is `mood` from now on.
    fn release(&self, outcome: Result<(), StoreErrorKind>, mood: Mood) -> usize {
        let Mood::Slow(kept) = self.set(mood) else {
            panic!("the store is not slow");
        };
        let count = kept.len();
        for (bmc, changes, done) in kept {
            match outcome {
                Ok(()) => self.store.save(&bmc, changes, done),
                Err(kind) => done(Err(StoreError::new(kind, "the store was told to fail"))),
            }
        }
        count
    }

    fn parts(&self) -> BTreeSet<u8> {
        let records = self.store.load("node1").unwrap();
        records.iter().map(|(key, _)| key.part.0).collect()
    }
}

impl Store for Moody {
    fn load(&self, bmc: &str) -> Result<Vec<(RecordKey, Value)>, StoreError> {
        self.store.load(bmc)
    }

    fn save(&self, bmc: &str, changes: Changes, done: Done) {
        let mut mood = self.mood.lock().unwrap();
        match &mut *mood {
            Mood::Good => {
                drop(mood);
                self.store.save(bmc, changes, done);
            }
            Mood::Bad(kind) => {
                let kind = *kind;
                drop(mood);
                done(Err(StoreError::new(kind, "the store was told to fail")));
            }
            Mood::Slow(kept) => kept.push((bmc.to_owned(), changes, done)),
        }
    }
}

fn bench(store: &Arc<Moody>) -> Bench {
    bench_with(store, |bmc| bmc)
}

fn bench_with(store: &Arc<Moody>, describe: impl FnOnce(BmcBuilder) -> BmcBuilder) -> Bench {
    let store = Arc::clone(store) as Arc<dyn Store>;
    Bench::with(MemoryMachine::builder("node1"), |bmc| {
        describe(bmc.store(store).wall_clock(|_| 1_700_000_000))
    })
}

/// All that is kept, as bytes.
fn everything(bench: &Bench) -> Vec<Vec<u8>> {
    bench.bmc.with(|inner| {
        let parts = inner.state.kept_parts();
        let mut all: Vec<_> = parts
            .iter()
            .map(|(_, part)| part.encode().unwrap().as_bytes().to_vec())
            .collect();
        let log = &inner.state.sel;
        all.push(written(&log.saved_state()).unwrap().as_bytes().to_vec());
        for sequence in log.sequences() {
            all.push(log.by_sequence(sequence).unwrap().to_vec());
        }
        all
    })
}

type Request = (NetFn, u8, Vec<u8>);

/// A change of every part that clients can change.
fn one_of_each() -> Vec<Request> {
    let text = |text: &[u8], length: usize| {
        let mut text = text.to_vec();
        text.resize(length, 0);
        text
    };
    let with = |start: &[u8], rest: Vec<u8>| [start, &rest].concat();
    vec![
        (NetFn::APP, 0x45, with(&[3], text(b"bob", 16))),
        (NetFn::APP, 0x47, with(&[3, 2], text(b"a secret", 16))),
        (NetFn::APP, 0x43, vec![0x91, 3, 3]),
        (NetFn::APP, 0x40, vec![1, 0x42, 0x44]),
        (NetFn::APP, 0x56, with(&[1, 1, 1], text(b"K_G", 20))),
        (NetFn::TRANSPORT, 0x01, with(&[1, 16], text(b"private", 18))),
        (NetFn::TRANSPORT, 0x21, vec![1, 4, 3, 20]),
        (NetFn::SENSOR_EVENT, 0x12, vec![1, 3]),
        (NetFn::CHASSIS, 0x08, vec![5, 0xe0, 4, 0, 0, 0]),
        (NetFn::CHASSIS, 0x06, vec![2]),
        (
            NetFn::APP,
            0x58,
            with(&[2, 0], text(&[0, 4, b'h', b'o', b's', b't'], 16)),
        ),
        (NetFn::GROUP_EXTENSION, 0x08, vec![0xdc, 0, 3, b'T', b'A', b'G']),
        (NetFn::STORAGE, 0x12, vec![0, 0x80, 0x02, 1, 2, 3]),
        (
            NetFn::SENSOR_EVENT,
            0x24,
            vec![number::FIRST_OF_MACHINE, 0xff, 3, 4],
        ),
        (NetFn::STORAGE, 0x49, vec![0, 0, 0, 0x70]),
        (NetFn::SENSOR_EVENT, 0x14, vec![0, 3, 0]),
        (
            NetFn::STORAGE,
            0x44,
            text(&[0, 0, 2, 0, 0, 0, 0, 0x41, 0, 4, 1, 0x30, 0x6f, 1, 2, 3], 16),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_change_of_each_part_is_there_after_a_restart() {
    let store = Arc::new(Moody::default());
    let first = bench(&store);
    let before = everything(&first);
    assert_eq!(
        store.parts(),
        BTreeSet::from([CONFIGURED.0]),
        "what the configuration says"
    );
    for (netfn, command, data) in one_of_each() {
        let (completion, _) = first.change(netfn, command, &data).await;
        assert_eq!(completion, 0, "{netfn} {command:#x}");
    }
    first.bmc.with(|inner| {
        let now = inner.now;
        inner.state.power_observed(now, PowerState::On);
        inner.state.history.asked(now, PowerAction::SoftOff);
        inner.state.power_observed(now, PowerState::Off);
    });
    // Everything but what the log knows besides its records is a part of its own.
    let parts = store.parts();
    assert!(
        (1..=u8::try_from(COUNT).unwrap()).all(|part| parts.contains(&part)),
        "{parts:?}"
    );
    let after = everything(&first);
    let changed = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after);
    assert_eq!(changed.count(), COUNT + 1);
    drop(first);
    assert_eq!(everything(&bench(&store)), after);
}

fn event(offset: SystemEventOffset) -> EventMessage {
    EventMessage::assertion(
        SensorType::SYSTEM_EVENT,
        number::SYSTEM_EVENT,
        EventType::SENSOR_SPECIFIC,
        offset.0,
    )
}

fn log_event(bench: &Bench) {
    bench.bmc.with(|inner| {
        let now = inner.now;
        let event = event(SystemEventOffset::OEM_BOOT);
        inner.state.receive(now, Generator::BMC, event).unwrap();
    });
}

/// Commands that change what is kept, most of them with values that make sense.
fn requests() -> impl Strategy<Value = Request> {
    let bytes = |length| proptest::collection::vec(any::<u8>(), length);
    let request = |netfn: NetFn, command: u8| move |data: Vec<u8>| (netfn, command, data);
    let led = |netfn: NetFn, command: u8, start: &'static [u8]| {
        move |data: Vec<u8>| (netfn, command, [start, &data].concat())
    };
    let user = 1..=16_u8;
    let name = "[a-z]{0,16}";
    prop_oneof![
        3 => (user.clone(), name).prop_map(|(user, name)| {
            let mut data = vec![user];
            data.extend(name.bytes());
            data.resize(17, 0);
            (NetFn::APP, 0x45, data)
        }),
        3 => (user.clone(), 0..=2_u8, bytes(20), any::<bool>()).prop_map(|(user, operation, password, long)| {
            let length = if long { 20 } else { 16 };
            let flag = if long { 0x80 } else { 0 };
            let password = if operation == 2 { &password[..length] } else { &[] };
            (NetFn::APP, 0x47, [&[user | flag, operation], password].concat())
        }),
        2 => (any::<u8>(), user, 1..=4_u8).prop_map(|(flags, user, limit)| {
            (NetFn::APP, 0x43, vec![flags & 0xf0 | 1, user, limit])
        }),
        1 => bytes(2).prop_map(led(NetFn::APP, 0x40, &[1])),
        1 => bytes(20).prop_map(led(NetFn::APP, 0x56, &[1, 1, 1])),
        2 => (prop_oneof![Just((12_u8, 4_usize)), Just((13, 6)), Just((16, 18)), Just((20, 2)), Just((26, 6))],
            bytes(18)).prop_map(|((parameter, length), data)| {
            (NetFn::TRANSPORT, 0x01, [&[1, parameter], &data[..length]].concat())
        }),
        1 => (1..=6_u8, bytes(2)).prop_map(|(parameter, data)| {
            let data = if matches!(parameter, 3 | 4) { &data[..] } else { &data[..1] };
            (NetFn::TRANSPORT, 0x21, [&[1, parameter], data].concat())
        }),
        1 => (1..=4_u8, any::<u8>()).prop_map(|(parameter, byte)| (NetFn::SENSOR_EVENT, 0x12, vec![parameter, byte])),
        1 => (0..=1_u8, bytes(16)).prop_map(|(block, data)| (NetFn::CHASSIS, 0x08, [&[7, block], &data[..]].concat())),
        1 => (prop_oneof![Just(0xc0_u8), Just(0xe0)], prop_oneof![Just(0_u8), Just(4), Just(8)])
            .prop_map(|(valid, device)| (NetFn::CHASSIS, 0x08, vec![5, valid, device, 0, 0, 0])),
        1 => (0..=2_u8).prop_map(|policy| (NetFn::CHASSIS, 0x06, vec![policy])),
        1 => bytes(1).prop_map(request(NetFn::CHASSIS, 0x0b)),
        1 => bytes(16).prop_map(led(NetFn::APP, 0x58, &[2, 1])),
        1 => bytes(3).prop_map(led(NetFn::GROUP_EXTENSION, 0x08, &[0xdc, 0, 3])),
        1 => (bytes(8)).prop_map(led(NetFn::STORAGE, 0x12, &[0, 0x10, 0x03])),
        1 => bytes(2).prop_map(led(NetFn::SENSOR_EVENT, 0x24, &[number::FIRST_OF_MACHINE, 0xff])),
        1 => (0..0x70_u8).prop_map(|high| (NetFn::STORAGE, 0x49, vec![0, 0, 0, high])),
        4 => bytes(13).prop_map(|data| (NetFn::STORAGE, 0x44, [&[0, 0, 0xe0], &data[..]].concat())),
        // Placeholders: they need a reservation.
        2 => any::<u8>().prop_map(|record| (NetFn::STORAGE, 0x46, vec![record])),
        1 => Just((NetFn::STORAGE, 0x47, vec![])),
    ]
}

/// Sends a request; those of the event log get their reservation. Answers whether it did something.
async fn send(bench: &Bench, (netfn, command, data): Request) -> bool {
    let mut whole = data.clone();
    if netfn == NetFn::STORAGE && matches!(command, 0x46 | 0x47) {
        let (_, reservation) = bench.ask(NetFn::STORAGE, 0x42, &[]).at_once();
        whole = reservation;
        match (command, data.first()) {
            (0x46, Some(record)) => whole.extend([*record % 8, 0]),
            _ => whole.extend([b'C', b'L', b'R', 0xaa]),
        }
    }
    let (completion, _) = bench.change(netfn, command, &whole).await;
    completion == 0
}

fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test);
}

/// Lets other tasks do what they can.
async fn turn() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_changes_are_there_after_a_restart(requests in proptest::collection::vec(requests(), 1..60)) {
        run(async {
            let store = Arc::new(Moody::default());
            let first = bench(&store);
            for request in requests {
                send(&first, request).await;
            }
            let after = everything(&first);
            drop(first);
            assert_eq!(everything(&bench(&store)), after);
        });
    }

    /// While the store is slow, clients change things and events happen; then all of it fails. Nothing of the
    /// clients' is left, all events are, and they are saved when the store works again.
    #[test]
    fn random_changes_that_fail_are_undone(
        before in proptest::collection::vec(requests(), 0..30),
        failing in proptest::collection::vec((requests(), any::<bool>()), 1..30),
    ) {
        run(async {
            let store = Arc::new(Moody::default());
            let bench = Arc::new(bench(&store));
            for request in before {
                send(&bench, request).await;
            }
            let good = everything(&bench);
            store.set(Mood::Slow(Vec::new()));
            let mut events = 0;
            let mut tasks = Vec::new();
            for (request, with_event) in failing {
                let client = Arc::clone(&bench);
                tasks.push(tokio::spawn(async move { send(&client, request).await }));
                turn().await;
                if with_event && events < 10 {
                    events += 1;
                    log_event(&bench);
                }
            }
            store.release(Err(StoreErrorKind::NoSpace), Mood::Bad(StoreErrorKind::NoSpace));
            for task in tasks {
                // Some changed nothing, so that there was nothing to save.
                task.await.unwrap();
            }
            let after = everything(&bench);
            let log = good.len() - COUNT - 1;
            // The chassis and others, part for part. Events move the marks of the event filters, the last part.
            assert_eq!(after[..COUNT - 1], good[..COUNT - 1]);
            assert_eq!(after[COUNT + 1..][..log], good[COUNT + 1..]);
            assert_eq!(after.len(), good.len() + events);
            store.set(Mood::Good);
            bench.bmc.settle().await.unwrap();
            assert_eq!(everything(&self::bench(&store)), everything(&bench));
        });
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_its_commit_and_changes_meanwhile_go_with_the_next() {
    let store = Arc::new(Moody::default());
    let bench = bench(&store);
    store.set(Mood::Slow(Vec::new()));
    let mut first = Box::pin(bench.change(NetFn::CHASSIS, 0x06, &[1]));
    let mut second = Box::pin(bench.change(NetFn::CHASSIS, 0x0b, &[9]));
    let mut third = Box::pin(bench.change(NetFn::TRANSPORT, 0x21, &[1, 4, 3, 20]));
    poll_fn(|context| {
        assert!(first.as_mut().poll(context).is_pending());
        assert!(second.as_mut().poll(context).is_pending());
        assert!(third.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    // Who asks for what is not safe yet waits for it, too; reads see the newest.
    let mut same_as_first = Box::pin(bench.change(NetFn::CHASSIS, 0x06, &[1]));
    let mut same_as_third = Box::pin(bench.change(NetFn::TRANSPORT, 0x21, &[1, 4, 3, 20]));
    poll_fn(|context| {
        assert!(same_as_first.as_mut().poll(context).is_pending());
        assert!(same_as_third.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    assert_eq!(bench.ask(NetFn::CHASSIS, 0x01, &[]).at_once().0, 0);
    assert_eq!(store.release(Ok(()), Mood::Slow(Vec::new())), 1);
    assert_eq!(first.await.0, 0);
    poll_fn(|context| {
        assert!(second.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    assert_eq!(store.release(Ok(()), Mood::Good), 1);
    assert_eq!(second.await.0, 0);
    assert_eq!(third.await.0, 0);
    assert_eq!(same_as_first.await.0, 0);
    assert_eq!(same_as_third.await.0, 0);
    // What is safe and stays as it is waits for nothing.
    store.set(Mood::Slow(Vec::new()));
    assert_eq!(bench.change(NetFn::CHASSIS, 0x06, &[1]).await.0, 0);
}

#[tokio::test(start_paused = true)]
async fn the_code_says_whether_there_is_no_room() {
    let store = Arc::new(Moody::default());
    let bench = bench(&store);
    store.set(Mood::Bad(StoreErrorKind::NoSpace));
    assert_eq!(bench.change(NetFn::CHASSIS, 0x06, &[1]).await.0, 0xc4);
    store.set(Mood::Bad(StoreErrorKind::ReadOnly));
    assert_eq!(bench.change(NetFn::CHASSIS, 0x06, &[1]).await.0, 0xff);
    // Reads go on, and show what was before.
    let (completion, status) = bench.ask(NetFn::CHASSIS, 0x01, &[]).at_once();
    assert_eq!((completion, status[0] >> 5 & 3), (0, 0));
    store.set(Mood::Good);
    assert_eq!(bench.change(NetFn::CHASSIS, 0x06, &[1]).await.0, 0);
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_store_fails_is_saved_when_it_works_again() {
    let store = Arc::new(Moody::default());
    let bench = bench(&store);
    bench.drive();
    store.set(Mood::Bad(StoreErrorKind::Other));
    log_event(&bench);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(!store.parts().contains(&EVENT_LOG.0));
    store.set(Mood::Good);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(store.parts().contains(&EVENT_LOG.0));
}

#[tokio::test(start_paused = true)]
async fn power_on_hours_go_on_after_a_restart() {
    let store = Arc::new(Moody::default());
    let machine = || MemoryMachine::builder("node1").power(PowerState::On);
    let describe = |bmc: BmcBuilder| bmc.store(Arc::clone(&store) as Arc<dyn Store>);
    let counter = |bench: &Bench| bench.ask(NetFn::CHASSIS, 0x0f, &[]).at_once().1[1];
    let first = Bench::with(machine(), describe);
    first.drive();
    tokio::time::sleep(Duration::from_secs(3_600 + 650)).await;
    // Killed: what was counted within the last ten minutes is lost.
    let second = Bench::with(machine(), describe);
    assert_eq!(counter(&second), 1);
    tokio::time::sleep(Duration::from_secs(3_600 - 590)).await;
    assert_eq!(counter(&second), 2);
    second.bmc.settle().await.unwrap();
    assert_eq!(counter(&Bench::with(machine(), describe)), 2);
}

#[tokio::test(start_paused = true)]
async fn the_configuration_counts_when_it_says_something_new() {
    let store = Arc::new(Moody::default());
    let password = |text: &[u8]| Password::new(text).unwrap();
    let build = |admin: &'static [u8], operator: Option<&'static [u8]>, key: &'static [u8]| {
        let store = Arc::clone(&store) as Arc<dyn Store>;
        // The bench has an administrator of its own, user 2.
        Bench::with(MemoryMachine::builder("node1"), |bmc| {
            let bmc = bmc.user("second", password(admin), Privilege::ADMINISTRATOR);
            let bmc = match operator {
                Some(operator) => bmc.user("third", password(operator), Privilege::OPERATOR),
                None => bmc,
            };
            bmc.bmc_key(BmcKey::new(key).unwrap()).store(store)
        })
    };
    let matches = |bench: &Bench, id: u8, text: &[u8]| {
        let mut data = vec![id, 3];
        data.extend(text);
        data.resize(18, 0);
        bench.ask(NetFn::APP, 0x47, &data).at_once().0 == 0
    };
    let set = async |bench: &Bench, id: u8, text: &[u8]| {
        let mut data = vec![id, 2];
        data.extend(text);
        data.resize(18, 0);
        assert_eq!(bench.change(NetFn::APP, 0x47, &data).await.0, 0);
    };
    let bench = build(b"one", Some(b"op"), b"");
    set(&bench, 3, b"by a client").await;
    set(&bench, 4, b"by a client").await;
    drop(bench);

    // Nothing new: what the client set stands.
    let bench = build(b"one", Some(b"op"), b"");
    assert!(matches(&bench, 3, b"by a client") && matches(&bench, 4, b"by a client"));
    drop(bench);

    // A new password for one user: the other stays.
    let bench = build(b"two", Some(b"op"), b"");
    assert!(matches(&bench, 3, b"two") && matches(&bench, 4, b"by a client"));
    set(&bench, 3, b"by a client again").await;
    drop(bench);

    // A user who is not in the configuration any more is gone, once; K_G is new.
    let bench = build(b"two", None, b"key");
    assert!(matches(&bench, 3, b"by a client again"));
    assert!(matches(&bench, 4, b""));
    let has_key = |bench: &Bench| bench.bmc.with(|inner| inner.state.channel.bmc_key.is_set());
    assert!(has_key(&bench));
    set(&bench, 4, b"made by a client").await;
    drop(bench);
    let bench = build(b"two", None, b"key");
    assert!(matches(&bench, 4, b"made by a client") && has_key(&bench));
}

#[test]
fn no_plain_hash_of_a_password_is_kept() {
    use sha2::{Digest, Sha256};
    let store = Arc::new(Moody::default());
    let configured = |store: &Arc<Moody>| {
        drop(bench(store));
        let records = store.load("node1").unwrap();
        let record = records.iter().find(|(key, _)| key.part == CONFIGURED);
        record.unwrap().1.as_bytes().to_vec()
    };
    let record = configured(&store);
    let hash = Sha256::digest(b"secret");
    assert!(
        !record
            .windows(6)
            .any(|window| window == b"secret" || *window == hash[..6])
    );
    // Another BMC with the same password has other fingerprints.
    let other = configured(&Arc::new(Moody::default()));
    assert_eq!(record.len(), other.len());
    assert_ne!(record[record.len() - 32..], other[other.len() - 32..]);
}

#[tokio::test(start_paused = true)]
async fn a_cold_reset_loses_what_is_volatile_alone() {
    let store = Arc::new(Moody::default());
    let bench = bench(&store);
    for (netfn, command, data) in one_of_each() {
        assert_eq!(bench.change(netfn, command, &data).await.0, 0);
    }
    // Volatile channel access: no alerts.
    assert_eq!(bench.change(NetFn::APP, 0x40, &[1, 0xa2, 0x84]).await.0, 0);
    let before = everything(&bench);
    bench.bmc.with(|inner| {
        let now = inner.now;
        inner.state.restart(now, crate::state::Restart::Cold);
    });
    assert_eq!(everything(&bench), before);
    let present = bench
        .bmc
        .with(|inner| inner.state.channel.present == inner.state.channel.kept);
    assert!(present);
}

#[test]
fn a_record_that_means_nothing_is_told() {
    let store = Arc::new(Moody::default());
    let key = super::parts::record(crate::store::Part(1));
    let changes = vec![Change::Put(key, Value::from(b"nonsense".to_vec()))];
    store.store.save("node1", changes, Box::new(|_| ()));
    let machine = MemoryMachine::builder("node1").build();
    let built = crate::Bmc::builder(machine).store(store).build();
    assert_eq!(
        built.unwrap_err(),
        BuildError::Unreadable {
            bmc: "node1".to_owned()
        }
    );
}
