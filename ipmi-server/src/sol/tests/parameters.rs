//! The configuration parameters of Serial over LAN decide what is sent, and when.

use core::time::Duration;

use ipmi_proto::ipmb::NetFn;
use ipmi_proto::sol::HEADER_LENGTH;
use ipmi_proto::time::Instant;

use super::world::{DEACTIVATE, World};
use crate::backend::PowerAction;

/// The link and the steps of the test take so long at most.
const SLACK: Duration = Duration::from_millis(8);

async fn set(world: &mut World, client: usize, parameter: u8, value: &[u8]) -> u8 {
    let data = [&[1, parameter][..], value].concat();
    world.ask(client, (NetFn::TRANSPORT, 0x21, &data)).await.0
}

/// The value of a parameter, without its revision.
async fn get(world: &mut World, client: usize, parameter: u8) -> Vec<u8> {
    let (completion, data) = world
        .ask(client, (NetFn::TRANSPORT, 0x22, &[1, parameter, 0, 0]))
        .await;
    assert_eq!((completion, data.first()), (0, Some(&0x11)));
    data[1..].to_vec()
}

/// A client whose line has these parameters 3 and 4 and is quiet.
async fn activated(world: &mut World, accumulate: [u8; 2], retry: [u8; 2]) -> usize {
    world.power(PowerAction::On).await;
    let client = world.login().await;
    assert_eq!(set(world, client, 3, &accumulate).await, 0);
    assert_eq!(set(world, client, 4, &retry).await, 0);
    world.activate(client).await;
    world.until(|world| world.clients[client].shows("# ")).await;
    world.pass(Duration::from_secs(2)).await;
    client
}

/// How long after now each packet with characters comes, with their number, for so long.
async fn output(world: &mut World, client: usize, time: Duration) -> Vec<(Duration, usize)> {
    let start = world.bench.now();
    world.clients[client].arrivals.clear();
    world.pass(time).await;
    let since = |at: &Instant| at.since(start);
    let arrivals = world.clients[client].arrivals.iter();
    arrivals
        .map(|(at, packet)| (since(at), packet.len() - HEADER_LENGTH))
        .filter(|(_, characters)| *characters > 0)
        .collect()
}

#[track_caller]
fn assert_about(time: Duration, expected: Duration) {
    assert!(
        time >= expected && time <= expected + SLACK,
        "{time:?}, not about {expected:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn characters_wait_for_more_as_long_as_parameter_3_says() {
    for (interval, expected) in [(1, 5), (12, 60), (255, 1_275)] {
        let mut world = World::new();
        let client = activated(&mut world, [interval, 200], [7, 10]).await;
        world.type_in(client, b"hello");
        let came = output(&mut world, client, Duration::from_secs(3)).await;
        let [(after, 5)] = came[..] else {
            panic!("five characters in one packet, not {came:?}")
        };
        assert_about(after, Duration::from_millis(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_characters_as_parameter_3_says_do_not_wait() {
    let mut world = World::new();
    let client = activated(&mut world, [200, 10], [7, 10]).await;
    world.type_in(client, b"123456789");
    let came = output(&mut world, client, Duration::from_secs(3)).await;
    let [(after, 9)] = came[..] else {
        panic!("nine characters in one packet, not {came:?}")
    };
    assert_about(after, Duration::from_secs(1));

    world.type_in(client, b"1234567890");
    let came = output(&mut world, client, Duration::from_secs(3)).await;
    let [(after, 10)] = came[..] else {
        panic!("ten characters in one packet, not {came:?}")
    };
    assert_about(after, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn packets_are_repeated_as_parameter_4_says() {
    // After the retries, once a second: nothing is given up while the session lives.
    for (retry, gaps) in [
        ([3, 20], [200, 200, 200, 1_000, 1_000]),
        ([1, 5], [50, 1_000, 1_000, 1_000, 1_000]),
        ([0, 5], [1_000; 5]),
    ] {
        let mut world = World::new();
        let client = activated(&mut world, [1, 1], retry).await;
        world.clients[client].is_deaf = true;
        world.type_in(client, b"x");
        let came = output(&mut world, client, Duration::from_secs(6)).await;
        assert!(
            came.iter().all(|(_, characters)| *characters == 1),
            "always the same packet: {came:?}"
        );
        let times = came.iter().map(|(at, _)| *at);
        let between: Vec<_> = times.clone().skip(1).zip(times).collect();
        assert!(between.len() >= gaps.len(), "{retry:?}: {came:?}");
        for ((later, earlier), gap) in between.into_iter().zip(gaps) {
            assert_about(later - earlier, Duration::from_millis(gap));
        }
        // It was not lost.
        world.clients[client].is_deaf = false;
        world.until(|world| world.clients[client].shows("# x")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_volatile_bit_rate_follows_the_other_at_activation() {
    let mut world = World::new();
    world.power(PowerAction::On).await;
    let client = world.login().await;
    assert_eq!(get(&mut world, client, 5).await, [0x0a]);
    assert_eq!(get(&mut world, client, 6).await, [0x0a]);
    assert_eq!(set(&mut world, client, 5, &[7]).await, 0);
    assert_eq!(get(&mut world, client, 6).await, [0x0a], "not yet");
    world.activate(client).await;
    assert_eq!(get(&mut world, client, 6).await, [7]);

    assert_eq!(set(&mut world, client, 6, &[8]).await, 0);
    assert_eq!(get(&mut world, client, 6).await, [8]);
    assert_eq!(get(&mut world, client, 5).await, [7], "it is the other way round");
    assert_eq!(world.ask(client, DEACTIVATE).await.0, 0);
    assert_eq!(get(&mut world, client, 6).await, [8], "until the next activation");
    world.activate(client).await;
    assert_eq!(get(&mut world, client, 6).await, [7]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written() {
    let mut world = World::new();
    let client = world.login().await;
    for (parameter, value, completion) in [
        (7, &[1][..], 0x82),
        (8, &[0x6f, 0x02], 0x82),
        (9, &[0], 0x80),
        // No interval, bit rates and a privilege that do not exist, and values of a wrong length.
        (3, &[0, 10], 0xcc),
        (5, &[1], 0xcc),
        (6, &[0x0b], 0xcc),
        (2, &[0xc0], 0xcc),
        (3, &[1], 0xc7),
    ] {
        assert_eq!(
            set(&mut world, client, parameter, value).await,
            completion,
            "parameter {parameter}, {value:02x?}"
        );
    }
    assert_eq!(get(&mut world, client, 7).await, [1]);
    // The port that the client talks to, least significant byte first.
    assert_eq!(get(&mut world, client, 8).await, 6_230_u16.to_le_bytes());
    assert_eq!(get(&mut world, client, 3).await, [12, 96]);
    assert_eq!(get(&mut world, client, 5).await, [0x0a]);
}
