//! What the machine said last: for the console that is there, and for the next one.

use alloc::collections::VecDeque;

/// So much may wait for a console that is slower than the machine. After that the machine waits.
pub(super) const WAITING: usize = 16 * 1024;

/// The last output of a machine. Its end may not have been passed to the console yet.
#[derive(Debug)]
pub(super) struct Scrollback {
    /// How much is kept for the next console.
    capacity: usize,
    output: VecDeque<u8>,
    /// How many characters at the end wait to be passed on.
    waiting: usize,
}

impl Scrollback {
    /// Keeps so many characters; memory is taken when there are some.
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            output: VecDeque::new(),
            waiting: 0,
        }
    }

    /// Whether more output can be taken.
    pub(super) const fn has_room(&self) -> bool {
        self.waiting < WAITING
    }

    /// Takes output of the machine.
    pub(super) fn push(&mut self, output: &[u8]) {
        // First what is forgotten, so that no more memory is taken than what is kept needs.
        let kept = self.capacity.max(self.waiting + output.len());
        let excess = (self.output.len() + output.len()).saturating_sub(kept);
        self.output.drain(..excess.min(self.output.len()));
        self.output.extend(output);
        self.waiting += output.len();
    }

    /// What waits to be passed on, in order.
    pub(super) fn waiting(&self) -> (&[u8], &[u8]) {
        let (front, back) = self.output.as_slices();
        let passed = self.output.len().saturating_sub(self.waiting);
        (
            front.get(passed..).unwrap_or_default(),
            back.get(passed.saturating_sub(front.len())..).unwrap_or_default(),
        )
    }

    /// The first `count` of what waits have been passed on.
    pub(super) fn passed(&mut self, count: usize) {
        self.waiting = self.waiting.saturating_sub(count);
        self.forget();
    }

    /// Nothing is to be passed on that came until now.
    pub(super) fn skip(&mut self) {
        self.passed(self.waiting);
    }

    /// All that is kept is to be passed on, to a new console.
    pub(super) fn replay(&mut self) {
        self.waiting = self.output.len();
    }

    /// The console is gone.
    pub(super) fn settle(&mut self) {
        self.skip();
        self.output.shrink_to_fit();
    }

    /// Bytes of memory that the output takes.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        self.output.capacity()
    }

    fn forget(&mut self) {
        let kept = self.capacity.max(self.waiting);
        let excess = self.output.len().saturating_sub(kept);
        self.output.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(scrollback: &Scrollback) -> Vec<u8> {
        let (front, back) = scrollback.waiting();
        [front, back].concat()
    }

    #[test]
    fn the_last_output_is_replayed() {
        let mut scrollback = Scrollback::new(4);
        scrollback.push(b"abcdef");
        assert_eq!(waiting(&scrollback), b"abcdef");
        scrollback.passed(1);
        assert_eq!(waiting(&scrollback), b"bcdef");
        scrollback.passed(5);
        scrollback.push(b"gh");
        assert_eq!(waiting(&scrollback), b"gh");
        scrollback.replay();
        assert_eq!(waiting(&scrollback), b"efgh");
        scrollback.settle();
        assert_eq!(waiting(&scrollback), b"");
        scrollback.replay();
        assert_eq!(waiting(&scrollback), b"efgh");
    }

    #[test]
    fn what_waits_is_bounded_by_the_machine_waiting() {
        let mut scrollback = Scrollback::new(0);
        scrollback.push(&[b'x'; WAITING]);
        assert!(!scrollback.has_room());
        scrollback.passed(1);
        assert!(scrollback.has_room());
        scrollback.skip();
        scrollback.replay();
        assert_eq!(waiting(&scrollback), b"");
    }
}
