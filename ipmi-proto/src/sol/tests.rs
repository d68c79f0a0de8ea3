//! Both ends of the line against each other, over a link that loses, doubles and reorders packets.

use alloc::vec::Vec;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::time::{Duration, Instant};

/// A packet on its way.
struct Flight {
    arrives: Instant,
    /// Ties are broken by this, so that a run depends on nothing but its seed.
    number: u64,
    /// What the session that carries the packets counts, per direction.
    session_number: u64,
    is_to_console: bool,
    payload: Vec<u8>,
}

struct Link {
    now: Instant,
    managed: Managed,
    console: Console,
    flights: Vec<Flight>,
    sent: u64,
    /// By direction: how many datagrams the session has sent, and the last one that arrived.
    session_numbers: [u64; 2],
    session_highest: [u64; 2],
    random: StdRng,
    loss: f64,
    /// What the system wrote and what the console read; the other way round.
    output: Direction,
    input: Direction,
    managed_events: Vec<ManagedEvent>,
    console_events: Vec<ConsoleEvent>,
    /// Largest number of characters that one end read at once.
    appetite: usize,
}

#[derive(Default)]
struct Direction {
    wanted: Vec<u8>,
    written: usize,
    read: Vec<u8>,
}

impl Link {
    fn new(seed: u64, loss: f64, managed: SolSettings, console: SolSettings) -> Self {
        Self {
            now: Instant::from_millis(1_000),
            managed: Managed::new(managed),
            console: Console::new(console),
            flights: Vec::new(),
            sent: 0,
            session_numbers: [0; 2],
            session_highest: [0; 2],
            random: StdRng::seed_from_u64(seed),
            loss,
            output: Direction::default(),
            input: Direction::default(),
            managed_events: Vec::new(),
            console_events: Vec::new(),
            appetite: usize::MAX,
        }
    }

    fn perfect() -> Self {
        Self::new(0, 0.0, SolSettings::default(), SolSettings::console())
    }

    fn write_all(&mut self) {
        let rest = &self.output.wanted[self.output.written..];
        self.output.written += self.managed.write(self.now, rest);
        let rest = &self.input.wanted[self.input.written..];
        self.input.written += self.console.write(self.now, rest);
    }

    fn read_all(&mut self) {
        let appetite = self.appetite.min(4096);
        let mut buffer = [0; 4096];
        let count = self.console.read(&mut buffer[..appetite]);
        self.output.read.extend(&buffer[..count]);
        let count = self.managed.read(&mut buffer[..appetite]);
        self.input.read.extend(&buffer[..count]);
        self.managed_events
            .extend(core::iter::from_fn(|| self.managed.poll_event()));
        self.console_events
            .extend(core::iter::from_fn(|| self.console.poll_event()));
    }

    fn transmit(&mut self) {
        let mut payload = [0; MAX_PACKET_LENGTH];
        while let Some(length) = self.managed.poll_transmit(self.now, &mut payload) {
            self.launch(true, &payload[..length]);
        }
        while let Some(length) = self.console.poll_transmit(self.now, &mut payload) {
            self.launch(false, &payload[..length]);
        }
    }

    fn launch(&mut self, is_to_console: bool, payload: &[u8]) {
        let copies = if self.loss == 0.0 {
            1
        } else if self.random.random_bool(self.loss) {
            0
        } else {
            1 + usize::from(self.random.random_bool(self.loss))
        };
        let session_number = &mut self.session_numbers[usize::from(is_to_console)];
        *session_number += 1;
        let session_number = *session_number;
        for _ in 0..copies {
            // Most arrive soon, some so late that several others have gone by.
            let latest = if self.loss > 0.0 && self.random.random_bool(0.2) {
                400
            } else {
                20
            };
            let delay = if self.loss == 0.0 {
                1
            } else {
                self.random.random_range(1..=latest)
            };
            self.sent += 1;
            self.flights.push(Flight {
                arrives: self.now + Duration::from_millis(delay),
                number: self.sent,
                session_number,
                is_to_console,
                payload: payload.to_vec(),
            });
        }
    }

    /// Goes on to the next thing that happens. `false` if nothing will.
    fn step(&mut self) -> bool {
        self.write_all();
        self.transmit();
        let arrival = self.flights.iter().map(|flight| flight.arrives).min();
        let timeouts = [self.managed.poll_timeout(), self.console.poll_timeout()];
        let Some(next) = timeouts.into_iter().flatten().chain(arrival).min() else {
            return false;
        };
        self.now = self.now.max(next);
        self.flights.sort_by_key(|flight| (flight.arrives, flight.number));
        let count = self.flights.partition_point(|flight| flight.arrives <= self.now);
        for flight in self.flights.drain(..count).collect::<Vec<_>>() {
            self.land(&flight);
        }
        self.managed.handle_timeout(self.now);
        self.console.handle_timeout(self.now);
        true
    }

    fn land(&mut self, flight: &Flight) {
        let highest = &mut self.session_highest[usize::from(flight.is_to_console)];
        *highest = (*highest).max(flight.session_number);
        // The session drops what is very late. Copies it would drop too, but not here.
        if flight.session_number + 13 < *highest {
            return;
        }
        let _ = if flight.is_to_console {
            self.console.handle_packet(self.now, &flight.payload)
        } else {
            self.managed.handle_packet(self.now, &flight.payload)
        };
    }

    /// Goes on until nothing is under way, so that late copies are met as well.
    fn run(&mut self, most_steps: usize) {
        for _ in 0..most_steps {
            let goes_on = self.step();
            let before = self.output.read.len() + self.input.read.len();
            self.read_all();
            if !goes_on && self.output.read.len() + self.input.read.len() == before {
                break;
            }
        }
    }
}

fn text(length: usize, start: usize) -> Vec<u8> {
    // A period that is no divisor of packet sizes, so that a shifted copy is noticed.
    (start..start + length)
        .map(|index| (index * 7 % 251) as u8)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_reordered(
        seed: u64,
        output in 0_usize..6_000,
        input in 0_usize..2_000,
        output_capacity in 1_usize..2_000,
        input_capacity in 1_usize..600,
        max_characters in 1_u8..=255,
        threshold in 1_u8..=255,
        appetite in 1_usize..300,
    ) {
        let managed = SolSettings {
            output_capacity,
            input_capacity,
            max_characters: max_characters.max(16),
            send_threshold: threshold,
            ..SolSettings::default()
        };
        let console = SolSettings {
            output_capacity: input_capacity,
            input_capacity: output_capacity,
            max_characters: max_characters.max(8),
            retry_interval: Duration::from_millis(150),
            ..SolSettings::console()
        };
        let mut link = Link::new(seed, 0.2, managed, console);
        link.appetite = appetite;
        link.output.wanted = text(output, 0);
        link.input.wanted = text(input, 100);
        link.run(200_000);
        prop_assert!(link.output.read == link.output.wanted, "output: {} of {output}", link.output.read.len());
        prop_assert!(link.input.read == link.input.wanted, "input: {} of {input}", link.input.read.len());
        prop_assert_eq!((link.managed.unacknowledged(), link.console.unacknowledged()), (0, 0));
    }

    #[test]
    fn garbage_does_no_harm(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..60),
        is_slow: bool,
    ) {
        let settings = SolSettings { input_capacity: 64, output_capacity: 64, ..SolSettings::default() };
        let mut managed = Managed::new(settings);
        let mut console = Console::new(settings);
        let mut buffer = [0; MAX_PACKET_LENGTH];
        let mut now = Instant::ZERO;
        for packet in packets {
            now = now + Duration::from_millis(70);
            managed.write(now, &packet);
            console.write(now, &packet);
            let _ = managed.handle_packet(now, &packet);
            let _ = console.handle_packet(now, &packet);
            for _ in 0..4 {
                let _ = managed.poll_transmit(now, &mut buffer);
                let _ = console.poll_transmit(now, &mut buffer);
            }
            prop_assert_eq!(managed.poll_transmit(now, &mut buffer), None);
            prop_assert_eq!(console.poll_transmit(now, &mut buffer), None);
            managed.handle_timeout(now);
            console.handle_timeout(now);
            if !is_slow {
                managed.read(&mut buffer);
                console.read(&mut buffer);
                while managed.poll_event().is_some() {}
                while console.poll_event().is_some() {}
            }
        }
    }
}

#[test]
fn a_quiet_line_is_quiet() {
    let mut link = Link::perfect();
    assert!(!link.step());
    link.output.wanted = b"login: ".to_vec();
    link.run(100);
    assert_eq!(link.output.read, b"login: ");
    // One packet and its acknowledgement, then nothing.
    assert_eq!(link.sent, 2);
    assert_eq!(link.now, Instant::from_millis(1_000 + 60 + 2));
}

#[test]
fn known_packets() {
    let start = Instant::ZERO;
    let mut buffer = [0; MAX_PACKET_LENGTH];
    let mut managed = Managed::new(SolSettings {
        send_threshold: 2,
        ..SolSettings::default()
    });
    assert_eq!(managed.write(start, b"hi"), 2);
    assert_eq!(managed.poll_transmit(start, &mut buffer), Some(6));
    assert_eq!(buffer[..6], [1, 0, 0, 0, b'h', b'i']);
    // Characters with the acknowledgement of our packet, as ipmiconsole sends them.
    managed.handle_packet(start, &[1, 1, 2, 0, b'l', b's']).unwrap();
    assert_eq!(managed.poll_transmit(start, &mut buffer), Some(4));
    assert_eq!(buffer[..4], [0, 1, 2, 0]);
    // The same once more, because our answer got lost: the same answer, nothing twice.
    managed.handle_packet(start, &[1, 1, 2, 0, b'l', b's']).unwrap();
    assert_eq!(managed.poll_transmit(start, &mut buffer), Some(4));
    assert_eq!(buffer[..4], [0, 1, 2, 0]);
    assert_eq!(managed.input(), (&b"ls"[..], &b""[..]));
    // ipmitool's keep-alive: a number without characters. And one without a number, which is not answered.
    managed.handle_packet(start, &[2, 0, 0, 0]).unwrap();
    assert_eq!(managed.poll_transmit(start, &mut buffer), Some(4));
    assert_eq!(buffer[..4], [0, 2, 0, 0]);
    managed.handle_packet(start, &[0, 0, 0, 0]).unwrap();
    assert_eq!(managed.poll_transmit(start, &mut buffer), None);
}

#[test]
fn a_retransmission_is_the_same_packet() {
    let settings = SolSettings {
        send_threshold: 1,
        ..SolSettings::default()
    };
    let mut managed = Managed::new(settings);
    let mut buffer = [0; MAX_PACKET_LENGTH];
    let mut now = Instant::ZERO;
    managed.write(now, b"abc");
    assert_eq!(managed.poll_transmit(now, &mut buffer), Some(7));
    managed.write(now, b"def");
    let mut times = Vec::new();
    for _ in 0..10 {
        assert_eq!(managed.poll_transmit(now, &mut buffer), None);
        now = managed.poll_timeout().unwrap();
        managed.handle_timeout(now);
        assert_eq!(managed.poll_transmit(now, &mut buffer), Some(7));
        assert_eq!(buffer[..7], [1, 0, 0, 0, b'a', b'b', b'c']);
        times.push(now.as_micros() / 1_000);
    }
    assert_eq!(times, [100, 200, 300, 400, 500, 600, 700, 1700, 2700, 3700]);
    assert_eq!(managed.poll_event(), Some(ManagedEvent::Stalled));
    assert_eq!(managed.poll_event(), None);
    // Two of three are accepted: the rest goes in a new packet, together with what waited.
    managed.handle_packet(now, &[0, 1, 2, 0]).unwrap();
    assert_eq!(managed.poll_transmit(now, &mut buffer), Some(8));
    assert_eq!(buffer[..8], [2, 0, 0, 0, b'c', b'd', b'e', b'f']);
    managed.handle_packet(now, &[0, 2, 4, 0]).unwrap();
    assert_eq!(managed.unacknowledged(), 0);
    assert_eq!(managed.poll_timeout(), None);
}

#[test]
fn a_slow_system_slows_the_console_down() {
    let mut link = Link::new(
        0,
        0.0,
        SolSettings {
            input_capacity: 10,
            ..SolSettings::default()
        },
        SolSettings {
            output_capacity: 20,
            ..SolSettings::console()
        },
    );
    link.input.wanted = text(50, 0);
    link.appetite = 0;
    link.run(40);
    // Ten are with the BMC, twenty with the console, the rest with the user.
    assert_eq!(link.input.written, 30);
    assert_eq!(link.console.unacknowledged(), 20);
    // No flood meanwhile: four times a second one packet and its answer.
    assert!(
        link.now.since(Instant::from_millis(1_000)) > Duration::from_secs(3),
        "{:?}",
        link.now
    );
    link.appetite = 4;
    link.run(200);
    assert_eq!(link.input.read, link.input.wanted);
    assert!(link.console_events.contains(&ConsoleEvent::Writable));
    assert!(!link.console_events.contains(&ConsoleEvent::Unavailable));
}

#[test]
fn a_slow_console_slows_the_system_down_or_loses_the_oldest() {
    let mut managed = Managed::new(SolSettings {
        output_capacity: 8,
        send_threshold: 4,
        ..SolSettings::default()
    });
    let mut buffer = [0; MAX_PACKET_LENGTH];
    let now = Instant::ZERO;
    assert_eq!(managed.write(now, b"0123"), 4);
    assert_eq!(managed.poll_transmit(now, &mut buffer), Some(8));
    assert_eq!(managed.write(now, b"456789"), 4);
    assert_eq!(managed.free(), 0);
    // What is in flight stays; of the rest the oldest goes.
    managed.write_dropping_oldest(now, b"ab");
    managed.handle_packet(now, &[0, 1, 4, 0]).unwrap();
    assert_eq!(managed.poll_event(), Some(ManagedEvent::Writable));
    assert_eq!(managed.poll_transmit(now, &mut buffer), Some(8));
    assert_eq!(buffer[..8], [2, 0, 0, 0x08, b'6', b'7', b'a', b'b']);
    managed.write_dropping_oldest(now, b"a text that is longer than all the room there is");
    managed.handle_packet(now, &[0, 2, 4, 0]).unwrap();
    assert_eq!(managed.poll_transmit(now, &mut buffer), Some(8));
    assert_eq!(buffer[3..8], *b"\x08e is");
}

#[test]
fn a_break_stands_between_characters() {
    let mut link = Link::perfect();
    assert_eq!(link.console.write(link.now, b"before"), 6);
    link.console.send_break();
    assert_eq!(link.console.write(link.now, b"after"), 5);
    let mut seen = Vec::new();
    for _ in 0..50 {
        link.step();
        let mut buffer = [0; 64];
        // Even if the events are looked at late.
        let count = link.managed.read(&mut buffer);
        seen.extend(&buffer[..count]);
        if link.managed.poll_event() == Some(ManagedEvent::Break) {
            seen.push(b'|');
        }
    }
    assert_eq!(seen, b"before|after");
}

#[test]
fn pause_flush_and_hang_up() {
    let mut link = Link::perfect();
    link.console.set_paused(true);
    link.console.set_hung_up(true);
    link.run(10);
    assert_eq!(
        link.managed_events,
        [ManagedEvent::Pause(true), ManagedEvent::HungUp(true)]
    );
    assert_eq!(link.managed.write(link.now, b"x"), 0);
    link.console.set_paused(false);
    link.run(10);
    assert_eq!(link.managed_events.last(), Some(&ManagedEvent::Pause(false)));
    link.managed_events.clear();

    link.appetite = 0;
    assert_eq!(link.managed.write(link.now, b"old"), 3);
    assert_eq!(link.console.write(link.now, b"wrong"), 5);
    link.run(30);
    assert_eq!(link.managed.input().0, b"wrong");
    assert_eq!(link.managed.write(link.now, b"unsent"), 6);
    link.console.flush_input();
    link.console.flush_output();
    link.run(3);
    assert_eq!(link.managed.input().0, b"");
    link.appetite = 100;
    link.run(50);
    assert_eq!(link.output.read, b"old");
    assert!(link.managed_events.contains(&ManagedEvent::InputDiscarded));
    assert!(link.managed_events.contains(&ManagedEvent::OutputDiscarded));
}

#[test]
fn input_is_refused_while_the_system_is_not_there() {
    let mut link = Link::perfect();
    link.managed.set_available(false);
    link.input.wanted = b"reboot\n".to_vec();
    link.run(60);
    assert_eq!(link.input.read, b"");
    assert!(link.console_events.contains(&ConsoleEvent::Unavailable));
    link.managed.set_available(true);
    let before = link.now;
    link.run(20);
    assert_eq!(link.input.read, b"reboot\n");
    assert!(link.now.since(before) < Duration::from_secs(2));
}

#[test]
fn status_reaches_the_console() {
    let mut link = Link::perfect();
    link.managed.report_break();
    link.managed.report_overrun();
    link.run(10);
    assert_eq!(link.console_events, [ConsoleEvent::Break, ConsoleEvent::Overrun]);
}

#[test]
fn the_end() {
    let mut link = Link::perfect();
    link.managed.close();
    link.run(10);
    assert_eq!(link.console_events, [ConsoleEvent::Deactivated]);
    assert_eq!(link.console.write(link.now, b"x"), 0);
    assert_eq!(link.managed.write(link.now, b"x"), 0);
    assert_eq!(
        link.managed.handle_packet(link.now, &[1, 0, 0, 0]),
        Err(SolDrop::Closed)
    );
    assert_eq!(
        link.console.handle_packet(link.now, &[1, 0, 0, 0]),
        Err(SolDrop::Closed)
    );
    assert!(!link.step());
}

#[test]
fn late_copies_are_dropped() {
    let mut managed = Managed::new(SolSettings::default());
    let now = Instant::ZERO;
    for sequence in [14, 15, 1] {
        managed.handle_packet(now, &[sequence, 0, 0, 0, b'x']).unwrap();
    }
    assert_eq!(
        managed.handle_packet(now, &[15, 0, 0, 0, b'x']),
        Err(SolDrop::Stale)
    );
    assert_eq!(
        managed.handle_packet(now, &[10, 0, 0, 0, b'x']),
        Err(SolDrop::Stale)
    );
    assert_eq!(managed.input().0, b"xxx");
    assert_eq!(managed.handle_packet(now, &[1, 0, 0]), Err(SolDrop::Malformed));
}
