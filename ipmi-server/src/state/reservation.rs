//! Reservations of the event log and of the SDR repository: who is in the middle of something.

use ipmi_proto::ipmb::CompletionCode;

/// The reservation that holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reservation {
    current: Option<u16>,
    last: u16,
}

impl Reservation {
    /// A new reservation, never 0; the one before is cancelled.
    pub(crate) fn reserve(&mut self) -> u16 {
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.current = Some(self.last);
        self.last
    }

    /// Cancels it.
    pub(crate) fn cancel(&mut self) {
        self.current = None;
    }

    /// Whether it is this one.
    ///
    /// # Errors
    /// C5h if not.
    pub(crate) fn check(&self, reservation: u16) -> Result<(), CompletionCode> {
        if self.current == Some(reservation) {
            Ok(())
        } else {
            Err(CompletionCode::RESERVATION_LOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_holds_until_cancelled_and_is_never_zero() {
        let mut reservation = Reservation::default();
        assert!(reservation.check(0).is_err());
        let first = reservation.reserve();
        let second = reservation.reserve();
        assert!(reservation.check(first).is_err());
        assert!(reservation.check(second).is_ok());
        reservation.cancel();
        assert!(reservation.check(second).is_err());
        reservation.last = u16::MAX;
        assert_eq!(reservation.reserve(), 1);
    }
}
