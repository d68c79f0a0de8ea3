//! How many changes per second the store on disk acknowledges, for one BMC and for a thousand that share it. Each has
//! one change under way, as a client that waits for its answers.
//!
//! `cargo run --release -p ipmi-server --features store --example store_rate [DIRECTORY]`
#![allow(clippy::print_stdout, reason = "its output is what it is for")]
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot be made has no result"
)]

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ipmi_server::store::{Change, DiskStore, Part, RecordKey, Store, StoreKey, Value};

/// How long each number of BMCs is measured.
const TIME: Duration = Duration::from_secs(3);
/// About the size of a BMC's users.
const SIZE: usize = 300;

fn main() {
    let given = std::env::args().nth(1);
    let directory = tempfile::tempdir_in(Path::new(given.as_deref().unwrap_or("/tmp"))).unwrap();
    for bmcs in [1_usize, 10, 100, 1_000] {
        let path = directory.path().join(format!("{bmcs}.redb"));
        let store = DiskStore::open(path, &StoreKey::random()).unwrap();
        let rate = measure(&store, bmcs);
        println!("{bmcs:>5} BMCs: {rate:>8.0} acknowledged changes per second");
    }
}

fn measure(store: &DiskStore, bmcs: usize) -> f64 {
    let names: Vec<_> = (0..bmcs).map(|number| format!("node{number}")).collect();
    let (done, acknowledged) = mpsc::channel();
    let save = |number: usize| {
        let done = done.clone();
        let key = RecordKey {
            part: Part(1),
            number: 0,
        };
        let changes = vec![Change::Put(key, Value::from(vec![0x5a; SIZE]))];
        let report = move |outcome: Result<(), _>| {
            outcome.unwrap();
            // Nobody listens any more when the time is over.
            let _ = done.send(number);
        };
        store.save(&names[number], changes, Box::new(report));
    };
    (0..bmcs).for_each(&save);
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < TIME {
        let number = acknowledged.recv().unwrap();
        count += 1;
        save(number);
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}
