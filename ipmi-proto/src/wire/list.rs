//! Bounded sequences: of elements until the message ends, and with a count in front.

use core::fmt;
use core::ops::Deref;

use super::{Bytes, CapacityError, Decode, Encode, Reader, WireError, Writer};

/// Up to `N` elements, stored in place. On the wire: all that are left, without a count.
#[derive(Clone, Copy)]
pub struct List<T, const N: usize> {
    length: u16,
    items: [T; N],
}

impl<T: Copy + Default, const N: usize> List<T, N> {
    /// A copy of `items`.
    ///
    /// # Errors
    /// [`CapacityError`] if there are more than `N`.
    pub fn from_slice(items: &[T]) -> Result<Self, CapacityError> {
        let mut new = Self::default();
        for item in items {
            new.push(*item)?;
        }
        Ok(new)
    }

    /// Appends an element.
    ///
    /// # Errors
    /// [`CapacityError`] if there are `N` already.
    pub fn push(&mut self, item: T) -> Result<(), CapacityError> {
        let full = CapacityError {
            length: N + 1,
            capacity: N,
        };
        *self.items.get_mut(usize::from(self.length)).ok_or(full)? = item;
        self.length = self.length.checked_add(1).ok_or(full)?;
        Ok(())
    }
}

impl<T: Copy + Default, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self {
            length: 0,
            items: [T::default(); N],
        }
    }
}

impl<T, const N: usize> Deref for List<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.items.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl<T: PartialEq, const N: usize> PartialEq for List<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for List<T, N> {}

impl<T: fmt::Debug, const N: usize> fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Decode + Copy + Default, const N: usize> Decode for List<T, N> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut list = Self::default();
        // More than the capacity is for the caller's length check: it is left in the reader.
        while !reader.is_empty() && list.len() < N {
            list.push(reader.value()?).map_err(|_| WireError::Trailing)?;
        }
        Ok(list)
    }
}

impl<T: Encode, const N: usize> Encode for List<T, N> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        self.iter().try_for_each(|item| writer.value(item))
    }
}

/// A sequence whose number of elements can stand in front of it.
pub trait Sequence: Sized {
    /// Reads exactly `count` elements.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if there are fewer, [`WireError::Invalid`] if the capacity is smaller.
    fn decode_count(reader: &mut Reader<'_>, count: usize) -> Result<Self, WireError>;
    /// Number of elements.
    fn count(&self) -> usize;
}

impl<const N: usize> Sequence for Bytes<N> {
    fn decode_count(reader: &mut Reader<'_>, count: usize) -> Result<Self, WireError> {
        Self::from_slice(reader.slice(count)?).map_err(|_| WireError::Invalid)
    }

    fn count(&self) -> usize {
        self.len()
    }
}

impl<T: Decode + Copy + Default, const N: usize> Sequence for List<T, N> {
    fn decode_count(reader: &mut Reader<'_>, count: usize) -> Result<Self, WireError> {
        let mut list = Self::default();
        for _ in 0..count {
            list.push(reader.value()?).map_err(|_| WireError::Invalid)?;
        }
        Ok(list)
    }

    fn count(&self) -> usize {
        self.len()
    }
}

/// A sequence with a byte before it that says how many elements follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted<S>(pub S);

impl<S: Sequence> Decode for Counted<S> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = usize::from(reader.u8()?);
        S::decode_count(reader, count).map(Self)
    }
}

impl<S: Sequence + Encode> Encode for Counted<S> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        writer.u8(u8::try_from(self.0.count()).map_err(|_| WireError::Invalid)?)?;
        self.0.encode(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_checked_against_bytes_and_capacity() {
        let read = |bytes: &[u8]| Reader::new(bytes).value::<Counted<List<u16, 2>>>();
        assert_eq!(*read(&[2, 1, 0, 2, 0]).unwrap().0, [1, 2]);
        assert_eq!(read(&[2, 1, 0, 2]), Err(WireError::Truncated));
        assert_eq!(read(&[3, 1, 0, 2, 0, 3, 0]), Err(WireError::Invalid));
        assert_eq!(
            Reader::new(&[3, 1, 2]).value::<Counted<Bytes<2>>>(),
            Err(WireError::Truncated)
        );
    }

    #[test]
    fn a_list_takes_whole_elements_up_to_its_capacity() {
        let mut reader = Reader::new(&[1, 0, 2, 0, 3]);
        assert_eq!(*reader.value::<List<u16, 2>>().unwrap(), [1, 2]);
        assert_eq!(reader.finish(), Err(WireError::Trailing));
        assert_eq!(
            Reader::new(&[1, 0, 2]).value::<List<u16, 2>>(),
            Err(WireError::Truncated)
        );
    }
}
