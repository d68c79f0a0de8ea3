//! A bounded queue of characters.

use alloc::collections::VecDeque;

/// A queue of up to so many characters. What does not fit is not taken.
#[derive(Debug)]
pub(super) struct Ring {
    characters: VecDeque<u8>,
    capacity: usize,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            characters: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.characters.len()
    }

    pub(super) fn free(&self) -> usize {
        self.capacity.saturating_sub(self.len())
    }

    /// Appends as many of `characters` as fit, and says how many that are.
    pub(super) fn push(&mut self, characters: &[u8]) -> usize {
        let taken = characters.get(..self.free()).unwrap_or(characters);
        self.characters.extend(taken);
        taken.len()
    }

    /// Copies characters from the front without taking them away.
    pub(super) fn peek(&self, target: &mut [u8]) -> usize {
        let (front, back) = self.characters.as_slices();
        let (first, rest) = target.split_at_mut(front.len().min(target.len()));
        copy(front, first);
        first.len() + copy(back, rest)
    }

    /// Takes `count` characters away from the front.
    pub(super) fn discard(&mut self, count: usize) {
        self.characters.drain(..count.min(self.len()));
    }

    /// Takes `count` characters away from behind the first `kept`.
    pub(super) fn discard_behind(&mut self, kept: usize, count: usize) {
        let start = kept.min(self.len());
        let end = start.saturating_add(count).min(self.len());
        self.characters.drain(start..end);
    }

    /// The characters, in order.
    pub(super) fn as_slices(&self) -> (&[u8], &[u8]) {
        self.characters.as_slices()
    }
}

/// Copies as much of `source` as fits into `target`.
fn copy(source: &[u8], target: &mut [u8]) -> usize {
    target
        .iter_mut()
        .zip(source)
        .map(|(place, byte)| *place = *byte)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_and_in_order() {
        let mut ring = Ring::new(4);
        assert_eq!(ring.push(b"abc"), 3);
        ring.discard(2);
        assert_eq!(ring.push(b"defg"), 3);
        let mut target = [0; 8];
        assert_eq!(ring.peek(&mut target), 4);
        assert_eq!(&target[..4], b"cdef");
        assert_eq!(ring.peek(&mut target[..1]), 1);
        ring.discard_behind(1, 2);
        assert_eq!(ring.peek(&mut target), 2);
        assert_eq!(&target[..2], b"cf");
        ring.discard(9);
        assert_eq!((ring.len(), ring.free()), (0, 4));
    }
}
