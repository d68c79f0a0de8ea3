//! Looking at the cluster, once for all its guests: who is where, which nodes are there, who runs.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Instant;

use rand::RngExt;

use super::{Cluster, GuestKind};
use crate::client::{ApiError, Call};
use crate::guest::{Guest, Observation};
use crate::sync::lock;
use crate::value::{Object, objects};

/// Numbers of `/cluster/resources` are renewed every 10 s.
const VIEW_INTERVAL: Duration = Duration::from_secs(10);
/// Between looks when nobody asks for states.
const IDLE_INTERVAL: Duration = Duration::from_secs(10);
/// Refused credentials are not tried all the time: each answer takes 3 s, and somebody may lock us out.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// Until a cluster that cannot be reached is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(3);
/// A list that costs more than this share of the interval is asked for less often.
const LARGEST_SHARE: u32 = 3;
/// Every so many lists, one that shows the emulators' states is asked for: it costs the node more.
const FULL_EVERY: u32 = 15;
/// A list that takes longer is given up: its states would be too old.
const LIST_TIMEOUT: Duration = Duration::from_secs(8);

/// Starts to look. Ends when the cluster is dropped.
pub(super) fn start(cluster: &Arc<Cluster>) {
    cluster.runtime.spawn(views(Arc::downgrade(cluster)));
    cluster.runtime.spawn(states(Arc::downgrade(cluster)));
}

/// Between 90 and 110 percent, so that several daemons do not ask at the same moments.
fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::rng().random_range(0.9..1.1))
}

/// Follows guests that move, and feeds their sensors.
async fn views(cluster: Weak<Cluster>) {
    let mut trouble = Trouble::default();
    loop {
        let Some(strong) = cluster.upgrade() else { return };
        let result = match strong.learn().await {
            Ok(_) => strong.refresh(Instant::now()).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if result.is_err() {
            for guest in strong.watched() {
                guest.knowledge.lost(false);
            }
        }
        let pause = trouble.pause_after(&result, VIEW_INTERVAL);
        drop(strong);
        tokio::time::sleep(jittered(pause)).await;
    }
}

/// Says once what is wrong, and how long to wait.
#[derive(Debug, Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn pause_after(&mut self, result: &Result<(), ApiError>, usual: Duration) -> Duration {
        match result {
            Ok(()) => {
                if self.0.take().is_some() {
                    tracing::info!("the cluster answers again");
                }
                usual
            }
            Err(error) => {
                let text = error.to_string();
                if self.0.as_ref() != Some(&text) {
                    let cause = std::error::Error::source(error).map(tracing::field::display);
                    tracing::error!(cause, "{text}");
                    self.0 = Some(text);
                }
                match error {
                    ApiError::Credentials { .. } | ApiError::Certificate { .. } => REFUSED_PAUSE,
                    _ => RETRY_PAUSE,
                }
            }
        }
    }
}

/// Looks at quorum and run states.
async fn states(cluster: Weak<Cluster>) {
    let mut round = 0_u32;
    let mut sees_quorum = true;
    loop {
        let Some(strong) = cluster.upgrade() else { return };
        round = round.wrapping_add(1);
        if sees_quorum && strong.facts().is_some() {
            let result = strong.look_at_quorum().await;
            sees_quorum = !matches!(result, Err(ApiError::Privilege { .. }));
            if !sees_quorum {
                tracing::warn!(
                    "Sys.Audit on / is missing: a lost quorum is noticed only when a command fails"
                );
            }
        }
        let started = Instant::now();
        if !strong.has_lost_quorum() {
            ask_nodes(&strong, round % FULL_EVERY == 1).await;
        }
        let cost = started.elapsed() * LARGEST_SHARE;
        let usual = strong.config.interval;
        let pause = if strong.is_watched() {
            usual
        } else {
            IDLE_INTERVAL.max(usual)
        };
        let wake = Arc::clone(&strong.wake);
        drop(strong);
        let pause = jittered(pause.max(cost.min(IDLE_INTERVAL)));
        // What the lists took is part of the interval.
        let left = pause.saturating_sub(started.elapsed());
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            () = wake.notified() => {}
        }
    }
}

/// Asks each node that has watched guests for its list. A node that does not answer does not hold up the others.
async fn ask_nodes(cluster: &Arc<Cluster>, full: bool) {
    let mut lists: BTreeMap<(String, GuestKind), Vec<Arc<Guest>>> = BTreeMap::new();
    for guest in cluster.watched() {
        if let Some(place) = guest.place() {
            lists.entry(place).or_default().push(guest);
        }
    }
    let mut asked = Vec::new();
    for (place, guests) in lists {
        if cluster.is_offline(&place.0) {
            for guest in guests {
                guest.knowledge.lost(true);
            }
        } else if lock(&cluster.asking).insert(place.clone()) {
            let cluster = Arc::clone(cluster);
            asked.push(tokio::spawn(async move {
                ask_node(&cluster, &place, &guests, full).await;
                lock(&cluster.asking).remove(&place);
            }));
        }
    }
    // The next round begins without those that are slow; they are not asked again until they have answered.
    let all = async {
        for one in asked {
            // A list that panicked is asked for again in the next round.
            let _ = one.await;
        }
    };
    let _ = tokio::time::timeout(cluster.config.interval, all).await;
}

/// Asks a node for the list of its guests.
async fn ask_node(cluster: &Arc<Cluster>, place: &(String, GuestKind), guests: &[Arc<Guest>], full: bool) {
    let (node, kind) = place;
    let mut call = Call::get(format!("/nodes/{node}/{kind}")).within(LIST_TIMEOUT);
    if full && *kind == GuestKind::Qemu {
        call = call.with("full", 1);
    }
    let asked = Instant::now();
    let answer = match cluster.client.ask(call).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(node, %error, "a node's list of guests cannot be had");
            let certain = !matches!(error, ApiError::Timeout { .. } | ApiError::Refused { .. });
            for guest in guests {
                guest.knowledge.lost(certain);
            }
            return;
        }
    };
    let rows: BTreeMap<u64, Object<'_>> = objects(&answer)
        .filter_map(|row| Some((row.integer("vmid")?, row)))
        .collect();
    let mut missing = BTreeSet::new();
    for guest in guests {
        let seen = rows.get(&u64::from(guest.vmid())).copied();
        match seen.and_then(|row| Observation::read(row, asked)) {
            Some(seen) => guest.observe(seen),
            None => {
                missing.insert(guest.vmid());
            }
        }
    }
    if !missing.is_empty() {
        tracing::debug!(node, ?missing, "guests are not where they were");
        // It tells each guest where it is now, or that it is not there.
        if cluster.refresh(asked).await.is_ok() {
            let here = |guest: &&Arc<Guest>| {
                missing.contains(&guest.vmid()) && guest.place().as_ref() == Some(place)
            };
            for guest in guests.iter().filter(here) {
                guest.knowledge.lost(false);
            }
        }
    }
}
