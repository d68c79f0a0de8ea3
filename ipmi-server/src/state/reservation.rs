//! Reservations of a repository: a requester notices that somebody else has changed it (IPMI 2.0 §31.4,
//! §33.11).

use ipmi_proto::ipmb::CompletionCode;

/// The reservation that holds at present; zero for none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reservation {
    present: u16,
    last: u16,
}

impl Reservation {
    /// Makes a new reservation; the one before is lost.
    pub(crate) fn reserve(&mut self) -> u16 {
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.present = self.last;
        self.present
    }

    /// The repository changed: the reservation is lost.
    pub(crate) const fn cancel(&mut self) {
        self.present = 0;
    }

    /// Checks the reservation of a request.
    ///
    /// # Errors
    /// C5h if it is not the present one.
    pub(crate) fn check(self, reservation: u16) -> Result<(), CompletionCode> {
        if reservation == 0 || reservation != self.present {
            return Err(CompletionCode::RESERVATION_LOST);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_holds_until_it_is_cancelled() {
        let mut reservation = Reservation::default();
        let lost = Err(CompletionCode::RESERVATION_LOST);
        assert_eq!(reservation.check(0), lost);
        let first = reservation.reserve();
        let second = reservation.reserve();
        assert_eq!(
            (reservation.check(first), reservation.check(second)),
            (lost, Ok(()))
        );
        reservation.cancel();
        assert_eq!((reservation.check(second), reservation.check(0)), (lost, lost));
        reservation.last = u16::MAX;
        assert_eq!(reservation.reserve(), 1);
    }
}
