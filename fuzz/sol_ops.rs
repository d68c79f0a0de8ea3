//! Both ends of a Serial over LAN line over a bad link, and hostile packets into either of them.

use std::collections::VecDeque;

use core::time::Duration;

use ipmi_proto::sol::{Console, MAX_PACKET_LENGTH, Managed, SolSettings};
use ipmi_proto::time::Instant;

use crate::input::Input;

const MAX_OPERATIONS: usize = 400;
/// Packets under way in a direction; a link that is fuller loses what comes.
const MAX_FLIGHTS: usize = 64;
/// A session takes no packet that is later than this many others.
const WINDOW: u64 = 13;
/// How long a network keeps a packet. A number out of turn that comes for a second is believed.
const LIFETIME: Duration = Duration::from_millis(900);

/// One direction of the line: the packets under way, and the characters that went in and came out.
#[derive(Default)]
struct Direction {
    flights: VecDeque<Flight>,
    /// Packets of the session so far, and the highest number that arrived.
    sent: u64,
    highest: u64,
    written: usize,
    read: usize,
}

#[derive(Clone)]
struct Flight {
    number: u64,
    sent_at: Instant,
    payload: Vec<u8>,
}

impl Direction {
    /// The character at a place of the text. The period is no divisor of what packets and buffers hold.
    const fn character(place: usize) -> u8 {
        (place * 7 % 251) as u8
    }

    fn text(&self, length: usize) -> Vec<u8> {
        (self.written..self.written + length)
            .map(Self::character)
            .collect()
    }

    /// Checks what was read: it goes on where the last reading ended, and was written before.
    fn check(&mut self, characters: &[u8]) {
        for character in characters {
            assert!(self.read < self.written, "more characters than were written");
            assert_eq!(*character, Self::character(self.read), "at {}", self.read);
            self.read += 1;
        }
    }

    fn launch(&mut self, now: Instant, payload: &[u8]) {
        self.sent += 1;
        if self.flights.len() < MAX_FLIGHTS {
            self.flights.push_back(Flight {
                number: self.sent,
                sent_at: now,
                payload: payload.to_vec(),
            });
        }
    }

    /// Takes a packet from the link, or a copy of it. `None`: it is lost, or too late for the session.
    fn land(&mut self, now: Instant, which: usize, is_copy: bool) -> Option<Vec<u8>> {
        self.flights.retain(|flight| now.since(flight.sent_at) < LIFETIME);
        let which = which.checked_rem(self.flights.len())?;
        let flight = if is_copy {
            self.flights.get(which).cloned()
        } else {
            self.flights.remove(which)
        }?;
        self.highest = self.highest.max(flight.number);
        (flight.number + WINDOW >= self.highest).then_some(flight.payload)
    }
}

struct World {
    now: Instant,
    managed: Managed,
    console: Console,
    capacities: [SolSettings; 2],
    output: Direction,
    input: Direction,
    /// Somebody else speaks, or characters were discarded as somebody wished: they are no text any more.
    is_text: bool,
    is_closed: bool,
}

fn settings(input: &mut Input<'_>) -> SolSettings {
    SolSettings {
        output_capacity: 1 + usize::from(input.byte()) * 2,
        input_capacity: 1 + usize::from(input.byte()) * 2,
        max_characters: input.byte(),
        ..SolSettings::default().with_parameters(
            input.byte() % 32,
            input.byte(),
            input.byte() % 8,
            input.byte(),
        )
    }
}

impl World {
    fn new(input: &mut Input<'_>) -> Self {
        let capacities = [settings(input), settings(input)];
        let [managed, console] = capacities;
        Self {
            now: Instant::from_millis(1_000),
            managed: Managed::new(managed),
            console: Console::new(console),
            capacities,
            output: Direction::default(),
            input: Direction::default(),
            is_text: true,
            is_closed: false,
        }
    }

    /// Writes to the machine's end (`true`) or to the console's.
    fn write(&mut self, to_managed: bool, length: usize) {
        if to_managed {
            let text = self.output.text(length);
            self.output.written += self.managed.write(self.now, &text);
        } else {
            let text = self.input.text(length);
            self.input.written += self.console.write(self.now, &text);
        }
    }

    fn read(&mut self, from_managed: bool, length: usize) {
        let mut buffer = [0; 256];
        let buffer = &mut buffer[..length.min(256)];
        let (count, direction) = if from_managed {
            (self.managed.read(buffer), &mut self.input)
        } else {
            (self.console.read(buffer), &mut self.output)
        };
        if self.is_text {
            direction.check(&buffer[..count]);
        }
    }

    fn land(&mut self, at_managed: bool, which: usize, is_copy: bool) {
        // Why one of our own packets was dropped makes no difference here.
        if at_managed {
            if let Some(payload) = self.input.land(self.now, which, is_copy) {
                let _ = self.managed.handle_packet(self.now, &payload);
            }
        } else if let Some(payload) = self.output.land(self.now, which, is_copy) {
            let _ = self.console.handle_packet(self.now, &payload);
        }
    }

    fn events(&mut self) {
        // Each kind of event waits at most once.
        let managed = core::iter::from_fn(|| self.managed.poll_event());
        assert!(managed.take(20).count() < 20, "the BMC's events do not end");
        let console = core::iter::from_fn(|| self.console.poll_event());
        assert!(console.take(20).count() < 20, "the console's events do not end");
    }

    fn transmit(&mut self) {
        let mut payload = [0; MAX_PACKET_LENGTH];
        for turn in 0.. {
            let Some(length) = self.managed.poll_transmit(self.now, &mut payload) else {
                break;
            };
            assert!(turn < 3, "the BMC does not stop sending");
            self.output.launch(self.now, &payload[..length]);
        }
        for turn in 0.. {
            let Some(length) = self.console.poll_transmit(self.now, &mut payload) else {
                break;
            };
            assert!(turn < 3, "the console does not stop sending");
            self.input.launch(self.now, &payload[..length]);
        }
    }

    /// Nothing holds more than it may.
    fn check_bounds(&self) {
        let [managed, console] = &self.capacities;
        let held = |(front, back): (&[u8], &[u8])| front.len() + back.len();
        assert!(self.managed.unacknowledged() <= managed.output_capacity);
        assert!(self.console.unacknowledged() <= console.output_capacity);
        assert!(held(self.managed.input()) <= managed.input_capacity);
        assert!(held(self.console.output()) <= console.input_capacity);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.managed.handle_timeout(self.now);
        self.console.handle_timeout(self.now);
    }

    fn operate(&mut self, input: &mut Input<'_>, is_hostile: bool) {
        let (operation, value) = (input.byte(), input.byte());
        let (is_odd, rest) = (value & 1 == 1, usize::from(value >> 1));
        match operation % 16 {
            0 | 1 => self.write(is_odd, rest * 3),
            2 | 3 => self.read(is_odd, rest * 2),
            4 | 5 => self.land(is_odd, rest, false),
            6 => self.land(is_odd, rest, true),
            7 if is_odd => drop(self.input.land(self.now, rest, false)),
            7 => drop(self.output.land(self.now, rest, false)),
            8 => self.pass(Duration::from_millis(u64::from(value) * 10)),
            9 => self.events(),
            10 => self.console.send_break(),
            11 => self.console.set_paused(is_odd),
            12 => self.managed.set_available(is_odd),
            13 => match value % 8 {
                0 => self.managed.report_break(),
                1 => self.managed.report_overrun(),
                2 => self.console.ring(),
                3 | 4 => self.console.set_hung_up(is_odd),
                5 => {
                    self.managed.close();
                    self.is_closed = true;
                }
                _ => {}
            },
            14 if is_hostile => self.attack(value, input),
            // The usual course of things, so that the fuzzer gets far.
            _ => {
                for _ in 0..rest % 16 {
                    self.transmit();
                    self.land(true, 0, false);
                    self.land(false, 0, false);
                    self.read(is_odd, 256);
                    self.read(!is_odd, 256);
                }
            }
        }
        self.transmit();
        self.check_bounds();
    }

    /// What our own peer would not do.
    fn attack(&mut self, value: u8, input: &mut Input<'_>) {
        self.is_text = false;
        match value % 6 {
            0 => self.console.flush_input(),
            1 => self.console.flush_output(),
            2 => self.managed.write_dropping_oldest(self.now, input.string()),
            3 => {
                self.is_closed = true;
                let _ = self.console.handle_packet(self.now, input.string());
            }
            _ => {
                // Anything may be refused, but nothing of it may do harm.
                let _ = self.managed.handle_packet(self.now, input.string());
            }
        }
    }

    /// Whatever happened: on a good link, all that was written arrives.
    fn finish(&mut self) {
        self.console.set_paused(false);
        self.managed.set_available(true);
        for _ in 0..4_000 {
            self.transmit();
            while !self.input.flights.is_empty() || !self.output.flights.is_empty() {
                self.land(true, 0, false);
                self.land(false, 0, false);
            }
            self.events();
            self.read(true, 256);
            self.read(false, 256);
            self.transmit();
            if !self.input.flights.is_empty() || !self.output.flights.is_empty() {
                continue;
            }
            let timeouts = [self.managed.poll_timeout(), self.console.poll_timeout()];
            let Some(next) = timeouts.into_iter().flatten().min() else {
                break;
            };
            self.pass(next.since(self.now));
        }
        if self.is_text && !self.is_closed {
            assert_eq!(self.input.read, self.input.written, "input is lost");
            assert_eq!(self.output.read, self.output.written, "output is lost");
            assert_eq!(self.managed.unacknowledged() + self.console.unacknowledged(), 0);
        }
    }
}

/// Characters both ways over a link that loses, doubles and reorders packets, and, where the first byte is odd,
/// packets of somebody else.
///
/// As long as only the two ends speak, what is read is what was written, in order and without gaps, and in the end
/// all of it. Whoever speaks, nothing holds more than it may, and nobody sends without an end.
pub fn sol_ops(data: &[u8]) {
    let mut input = Input::new(data);
    let is_hostile = input.byte() & 1 == 1;
    let mut world = World::new(&mut input);
    for _ in 0..MAX_OPERATIONS {
        if input.is_empty() {
            break;
        }
        world.operate(&mut input, is_hostile);
    }
    world.finish();
}
