//! System boot options: what the machine boots from next (IPMI 2.0 §28.12, §28.13).

mod kept;

use core::time::Duration;

use ipmi_proto::command::chassis::boot::{
    BootAcknowledge, BootFlags, BootInitiator, BootMailbox, BootParameter, MAILBOX_BLOCK, PartitionScan,
    ValidBitKept,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::time::Instant;

use super::SetGuard;

/// Blocks of the mailbox.
pub(crate) const MAILBOX_BLOCKS: usize = 5;
/// Without Chassis Control for this long, the boot flags count no more.
const FLAGS_LIFETIME: Duration = Duration::from_secs(60);

/// The boot options.
#[derive(Debug)]
pub(crate) struct BootOptions {
    /// Parameter 0.
    pub(crate) guard: SetGuard,
    /// Parameter 1.
    pub(crate) service_partition: u8,
    /// Parameter 2.
    pub(crate) service_partition_scan: PartitionScan,
    /// Parameter 3. The 60 s timer is off at first: provisioning systems may power the machine on minutes
    /// after they chose the device.
    pub(crate) kept: ValidBitKept,
    /// Parameter 4.
    acknowledge: BootAcknowledge,
    /// Parameter 5.
    flags: BootFlags,
    /// Parameter 6.
    pub(crate) initiator: BootInitiator,
    /// Parameter 7.
    mailbox: Option<Box<[[u8; MAILBOX_BLOCK]; MAILBOX_BLOCKS]>>,
    /// Bit n: parameter n is marked invalid.
    invalid: u8,
    /// When the flags stop counting.
    expires: Option<Instant>,
    /// A boot that happens before the change is done does not consume it.
    changing: bool,
}

impl BootOptions {
    /// What holds before anybody has set anything.
    pub(crate) fn new() -> Self {
        Self {
            guard: SetGuard::default(),
            service_partition: 0,
            service_partition_scan: PartitionScan::default(),
            kept: ValidBitKept {
                on_timeout: true,
                ..ValidBitKept::default()
            },
            acknowledge: BootAcknowledge::default(),
            flags: BootFlags::default(),
            initiator: BootInitiator::default(),
            mailbox: None,
            invalid: 0,
            expires: None,
            changing: false,
        }
    }

    /// The flags, as they were set but for the valid bit.
    pub(crate) const fn flags(&self) -> &BootFlags {
        &self.flags
    }

    /// Sets the flags. They have been given to the machine before.
    pub(crate) fn set_flags(&mut self, now: Instant, flags: BootFlags) {
        self.flags = flags;
        self.restart_timer(now);
    }

    /// Sets or clears the mark of a parameter.
    pub(crate) fn mark(&mut self, parameter: u8, invalid: bool) {
        let bit = 1_u8.checked_shl(u32::from(parameter)).unwrap_or(0);
        if invalid {
            self.invalid |= bit;
        } else {
            self.invalid &= !bit;
        }
    }

    /// Whether a parameter is marked invalid.
    pub(crate) fn is_marked(&self, parameter: u8) -> bool {
        self.invalid & 1_u8.checked_shl(u32::from(parameter)).unwrap_or(0) != 0
    }

    /// Who has taken note.
    pub(crate) const fn acknowledge(&self) -> BootAcknowledge {
        self.acknowledge
    }

    /// Changes the marks that the mask of `written` names; the mask itself is not kept.
    pub(crate) fn set_acknowledge(&mut self, written: BootAcknowledge) {
        let mask = written.mask.to_word();
        let kept = self.acknowledge.handled.to_word() & !mask;
        let handled = kept | written.handled.to_word() & mask;
        self.acknowledge.handled = ipmi_proto::command::chassis::boot::BootReaders::from_word(handled);
    }

    /// A block of the mailbox.
    pub(crate) fn mailbox(&self, block: u8) -> Result<BootMailbox, CompletionCode> {
        let index = usize::from(block);
        if index >= MAILBOX_BLOCKS {
            return Err(CompletionCode::OUT_OF_RANGE);
        }
        let stored = self.mailbox.as_deref().and_then(|blocks| blocks.get(index));
        let bytes = stored.copied().unwrap_or_default();
        let data = ipmi_proto::wire::Bytes::from_slice(&bytes).map_err(|_| CompletionCode::UNSPECIFIED)?;
        Ok(BootMailbox { block, data })
    }

    /// Writes the beginning of a block of the mailbox, or all of it.
    pub(crate) fn set_mailbox(&mut self, written: &BootMailbox) -> Result<(), CompletionCode> {
        let blocks = self.mailbox.get_or_insert_default();
        let block = blocks
            .get_mut(usize::from(written.block))
            .ok_or(CompletionCode::OUT_OF_RANGE)?;
        let part = block
            .get_mut(..written.data.len())
            .ok_or(CompletionCode::LENGTH_INVALID)?;
        part.copy_from_slice(&written.data);
        Ok(())
    }

    /// Starts the 60 s again (Set, or Chassis Control accepted).
    pub(crate) fn restart_timer(&mut self, now: Instant) {
        let runs = self.flags.validity.valid && !self.kept.on_timeout;
        self.expires = runs.then(|| now + FLAGS_LIFETIME);
    }

    /// When the flags stop counting.
    pub(crate) const fn timeout(&self) -> Option<Instant> {
        self.expires
    }

    /// Lets time pass. Answers whether the flags have just stopped counting: then the machine has to be told.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        if self.expires.is_none_or(|end| now < end) {
            return false;
        }
        self.invalidate();
        true
    }

    /// The flags count no more.
    pub(crate) fn invalidate(&mut self) {
        self.flags.validity.valid = false;
        self.expires = None;
    }

    /// Whether the flags count. Those that are marked invalid wait for the mark to go.
    pub(crate) fn has_override(&self) -> bool {
        self.flags.validity.valid && !self.is_marked(BootParameter::BOOT_FLAGS.0)
    }

    /// Whether an override for one boot is waiting.
    pub(crate) fn is_one_time(&self) -> bool {
        self.has_override() && !self.flags.validity.persistent
    }

    /// The machine booted: an override for one boot is used up. Answers whether there was one.
    pub(crate) fn booted(&mut self) -> bool {
        if self.changing || !self.is_one_time() {
            return false;
        }
        self.invalidate();
        self.acknowledge.handled.bios = true;
        true
    }

    /// A change of the flags has begun, or has ended.
    pub(crate) fn set_changing(&mut self, changing: bool) {
        self.changing = changing;
    }

    /// Whether a change of the flags is under way.
    pub(crate) const fn is_changing(&self) -> bool {
        self.changing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipmi_proto::command::chassis::boot::{BootDevice, BootReaders};

    fn pxe(persistent: bool) -> BootFlags {
        let mut flags = BootFlags::default();
        flags.validity.valid = true;
        flags.validity.persistent = persistent;
        flags.device.device = BootDevice::PXE;
        flags
    }

    #[test]
    fn one_time_override_is_used_once_and_a_persistent_one_stays() {
        let mut options = BootOptions::new();
        options.set_flags(Instant::ZERO, pxe(false));
        assert!(options.booted());
        assert!(!options.flags().validity.valid);
        assert_eq!(options.flags().device.device, BootDevice::PXE);
        assert!(options.acknowledge().handled.bios);
        assert!(!options.booted());
        options.set_flags(Instant::ZERO, pxe(false));
        options.mark(BootParameter::BOOT_FLAGS.0, true);
        assert!(!options.booted() && options.flags().validity.valid);
        options.mark(BootParameter::BOOT_FLAGS.0, false);
        assert!(options.booted());
        options.set_flags(Instant::ZERO, pxe(true));
        assert!(!options.booted());
        assert!(options.flags().validity.valid);
    }

    #[test]
    fn timer_is_off_until_parameter_3_says_otherwise() {
        let mut options = BootOptions::new();
        options.set_flags(Instant::ZERO, pxe(false));
        assert_eq!(options.timeout(), None);
        options.kept.on_timeout = false;
        options.set_flags(Instant::ZERO, pxe(false));
        let end = Instant::ZERO + FLAGS_LIFETIME;
        assert_eq!(options.timeout(), Some(end));
        assert!(!options.expire(Instant::ZERO + Duration::from_secs(59)));
        options.restart_timer(Instant::ZERO + Duration::from_secs(30));
        assert!(!options.expire(end));
        assert!(options.expire(end + Duration::from_secs(30)));
        assert!(!options.flags().validity.valid);
        assert!(!options.expire(end + FLAGS_LIFETIME));
    }

    #[test]
    fn acknowledge_changes_masked_bits_alone() {
        let mut options = BootOptions::new();
        let written = |mask, handled| BootAcknowledge {
            mask: BootReaders::from_word(mask),
            handled: BootReaders::from_word(handled),
        };
        options.set_acknowledge(written(0b0_0011, 0b1_1111));
        options.set_acknowledge(written(0b0_0001, 0));
        assert_eq!(options.acknowledge(), written(0, 0b0_0010));
    }

    #[test]
    fn mailbox_keeps_blocks_apart() {
        let mut options = BootOptions::new();
        let data = ipmi_proto::wire::Bytes::from_slice(&[1, 2, 3]).unwrap();
        options.set_mailbox(&BootMailbox { block: 4, data }).unwrap();
        assert_eq!(options.mailbox(4).unwrap().data[..4], [1, 2, 3, 0]);
        assert_eq!(options.mailbox(0).unwrap().data[..], [0; 16]);
        assert_eq!(
            options.set_mailbox(&BootMailbox { block: 5, data }),
            Err(CompletionCode::OUT_OF_RANGE)
        );
        assert_eq!(options.mailbox(5), Err(CompletionCode::OUT_OF_RANGE));
    }

    #[test]
    fn marks_are_kept_for_each_parameter() {
        let mut options = BootOptions::new();
        options.mark(5, true);
        options.mark(200, true);
        assert!(options.is_marked(5) && !options.is_marked(4) && !options.is_marked(200));
        options.mark(5, false);
        assert!(!options.is_marked(5));
    }
}
