//! Serial over LAN of one BMC: packets in and out, start and end of the payload.

use alloc::sync::Arc;

use ipmi_proto::session::Peer;
use ipmi_proto::session::managed::SessionId;
use ipmi_proto::sol::{HEADER_LENGTH, MAX_PACKET_LENGTH, ManagedStatus, SolHeader};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::Writer;
use rand::CryptoRng;

use super::{Bmc, Datagram, Inner, Reaction, Settings, Unfinished};
use crate::audit::{AuditEvent, AuditRecord};
use crate::sol::{self, Owner, SolEnd};

/// Room for a sealed notice: headers, initialisation vector, a block, authentication code.
const NOTICE_CAPACITY: usize = 128;

impl Bmc {
    /// The next datagram that the BMC sends by itself (Serial over LAN, alerts), written to `output`: where it goes
    /// and its length. To be called until it answers `None`, after a timeout and when the waker was called;
    /// [`poll_timeout`](Self::poll_timeout) may have changed after it.
    #[must_use]
    pub fn poll_transmit(
        &self,
        now: Instant,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<(Peer, usize)> {
        self.with(|inner| {
            if let Some(notice) = inner.sol.poll_notice() {
                let length = notice.bytes.len();
                output.get_mut(..length)?.copy_from_slice(&notice.bytes);
                return Some((notice.peer, length));
            }
            let mut packet = [0; MAX_PACKET_LENGTH];
            let Some((session, length)) = inner.sol.poll_transmit(now, &mut packet) else {
                return inner.state.poll_alert(now, output);
            };
            inner
                .sessions
                .send_payload(session, packet.get(..length)?, random, output)
        })
    }

    /// Ends Serial over LAN, because nobody serves the BMC any more. What is to be sent comes by
    /// [`poll_transmit`](Self::poll_transmit); the work that served the console ends.
    pub fn end_serial_over_lan(&self) {
        self.with(|inner| inner.sol.set_served(false));
        self.end_sol(SolEnd::Unserved);
    }

    pub(crate) fn end_sol(&self, reason: SolEnd) {
        self.with(|inner| {
            inner.end_sol(self.settings(), reason);
            inner.wake_driver();
        });
    }
}

impl Inner {
    /// Takes a packet of a session's payload in.
    pub(super) fn handle_payload(&mut self, session: SessionId, packet: &[u8]) -> Reaction {
        match self.sol.handle_packet(self.now, session, packet) {
            Ok(()) => {
                self.wake_driver();
                Reaction::Taken
            }
            Err(reason) => Reaction::Dropped(reason),
        }
    }

    /// The payload was activated: characters begin to move.
    pub(super) fn start_sol(&mut self, bmc: &Arc<Bmc>) {
        if let Some(owner) = self.sol.owner() {
            tell(bmc.settings(), owner, AuditEvent::ConsoleOpened);
        }
        self.start_pump(bmc);
    }

    /// Starts what moves characters, if it is needed and does not run.
    pub(super) fn start_pump(&mut self, bmc: &Arc<Bmc>) {
        if self.sol.start_pump() {
            self.start(Unfinished::lasting(bmc, sol::pump(Arc::clone(bmc))));
        }
    }

    /// Ends the payload, if it is active. A console that does not know is told while it has a session.
    pub(super) fn end_sol(&mut self, settings: &Settings, reason: SolEnd) {
        let Some(owner) = self.sol.end() else {
            return;
        };
        tell(settings, owner, AuditEvent::ConsoleClosed { reason });
        if reason.is_news()
            && let Some(notice) = self.seal_notice(owner.session)
        {
            self.sol.notify(notice);
        }
    }

    fn seal_notice(&mut self, session: SessionId) -> Option<Datagram> {
        let mut packet = [0; HEADER_LENGTH];
        let header = SolHeader {
            flags: ManagedStatus {
                deactivating: true,
                ..ManagedStatus::default()
            },
            ..SolHeader::default()
        };
        Writer::new(&mut packet).value(&header).ok()?;
        let mut output = [0; NOTICE_CAPACITY];
        let (peer, length) = self
            .sessions
            .send_payload(session, &packet, &mut rand::rng(), &mut output)?;
        let bytes = output.get(..length)?.to_vec();
        Some(Datagram { peer, bytes })
    }
}

fn tell(settings: &Settings, owner: Owner, event: AuditEvent) {
    settings.audit.record(&AuditRecord {
        bmc: &settings.name,
        actor: Some(owner.actor),
        source: Some(owner.source),
        event,
        completion: None,
    });
}
