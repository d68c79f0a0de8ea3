//! System boot options: which device the machine boots from next, and what goes with it.

use crate::command::{
    ChannelField, Empty, GET_PARAMETER_CODES, ParameterData, SET_PARAMETER_CODES, SetInProgress, commands,
    message, parameters,
};
use crate::wire::{Bytes, LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Writes a boot option, or only marks it valid or invalid when there is no data.
    SetSystemBootOptions = "Set System Boot Options", CHASSIS 0x08, OPERATOR, Core, "28.12";
    request SetSystemBootOptionsRequest {
        /// The parameter and its mark.
        parameter: MarkedParameter,
        /// The value; see [`BootOption`]. Empty: only the mark changes.
        data: ParameterData,
    }
    response Empty;
    => use SET_PARAMETER_CODES;

    /// Reads a boot option.
    GetSystemBootOptions = "Get System Boot Options", CHASSIS 0x09, OPERATOR, Core, "28.13";
    request GetSystemBootOptionsRequest {
        /// The parameter.
        parameter: LowBits<BootParameter, 7>,
        /// Which set of the parameter; 0 if it has none.
        set: u8,
        /// Which block of the parameter; 0 if it has none.
        block: u8,
    }
    response SystemBootOptions {
        /// Version of the parameters: [`BOOT_OPTIONS_VERSION`].
        version: LowBits<u8, 4>,
        /// The parameter and its mark.
        parameter: MarkedParameter,
        /// The value; see [`BootOption`].
        data: ParameterData,
    }
    => use GET_PARAMETER_CODES;
}

/// Version of the boot options in all responses.
pub const BOOT_OPTIONS_VERSION: LowBits<u8, 4> = LowBits(1);

packed! {
    /// A boot option's number and whether its value counts.
    pub struct MarkedParameter: u8 {
        /// The value is marked invalid; in a request: and locked.
        invalid: bool = 7, 7;
        /// The parameter.
        parameter: BootParameter = 6, 0;
    }
}

parameters! {
    /// Number of a boot option, 7 bits; 60h to 7Fh are the manufacturer's.
    pub struct BootParameter;
    /// The boot options of IPMI 2.0 table 28-14.
    pub const BOOT_PARAMETERS;
    /// Value of a boot option.
    pub enum BootOption;

    /// Whether somebody is changing boot options.
    SET_IN_PROGRESS = 0, "Set In Progress", ReadWrite, 1, SetInProgress(LowBits<SetInProgress, 2>);
    /// Service partition to boot from; 0 is not specified.
    SERVICE_PARTITION_SELECTOR = 1, "Service Partition Selector", ReadWrite, 1, ServicePartition(u8);
    /// Whether to look for the service partition.
    SERVICE_PARTITION_SCAN = 2, "Service Partition Scan", ReadWrite, 1, ServicePartitionScan(PartitionScan);
    /// When the valid bit of the boot flags is kept.
    VALID_BIT_CLEARING = 3, "BMC Boot Flag Valid Bit Clearing", ReadWrite, 1, ValidBitClearing(ValidBitKept);
    /// Who has taken note of the boot options.
    BOOT_INFO_ACKNOWLEDGE = 4, "Boot Info Acknowledge", ReadWrite, 2, Acknowledge(BootAcknowledge);
    /// Device to boot from and how.
    BOOT_FLAGS = 5, "Boot Flags", ReadWrite, 5, Flags(BootFlags);
    /// Who has asked for the boot.
    BOOT_INITIATOR_INFO = 6, "Boot Initiator Info", ReadWrite, 9, Initiator(BootInitiator);
    /// A block of the message to whoever boots.
    BOOT_INITIATOR_MAILBOX = 7, "Boot Initiator Mailbox", ReadWrite, 1 to 17, Mailbox(BootMailbox);
}

packed! {
    /// Value of [`BootParameter::SERVICE_PARTITION_SCAN`].
    pub struct PartitionScan: u8 {
        /// The firmware shall look for the service partition.
        requested: bool = 1, 1;
        /// The firmware has found it.
        discovered: bool = 0, 0;
    }
}

packed! {
    /// Value of [`BootParameter::VALID_BIT_CLEARING`]: where the valid bit of the boot flags survives.
    pub struct ValidBitKept: u8 {
        /// A reset or power cycle by PEF.
        on_pef: bool = 4, 4;
        /// 60 seconds without Chassis Control.
        on_timeout: bool = 3, 3;
        /// A reset or power cycle by the watchdog timer.
        on_watchdog: bool = 2, 2;
        /// The reset button or a soft reset.
        on_reset: bool = 1, 1;
        /// The power button or a wake-up.
        on_power_up: bool = 0, 0;
    }
}

packed! {
    /// Those who can take note of the boot options.
    pub struct BootReaders: u8 {
        /// OEM.
        oem: bool = 4, 4;
        /// System management software.
        management_software: bool = 3, 3;
        /// Operating system or service partition.
        operating_system: bool = 2, 2;
        /// Loader of the operating system.
        loader: bool = 1, 1;
        /// BIOS/POST.
        bios: bool = 0, 0;
    }
}

message! {
    /// Value of [`BootParameter::BOOT_INFO_ACKNOWLEDGE`].
    #[derive(Default)]
    pub struct BootAcknowledge {
        /// Whose marks are to be changed; zero when read.
        mask: BootReaders,
        /// Who has taken note.
        handled: BootReaders,
    }
}

message! {
    /// Value of [`BootParameter::BOOT_FLAGS`].
    #[derive(Default)]
    pub struct BootFlags {
        /// Whether the flags count and for how long.
        validity: BootValidity,
        /// Device and switches.
        device: BootDeviceFlags,
        /// Locks and messages of the firmware.
        firmware: BootFirmwareFlags,
        /// Overrides of the serial port's use.
        overrides: BootOverrides,
        /// Which of several devices of the kind: [`BootInstance`].
        instance: BootInstance,
    }
}

packed! {
    /// First byte of [`BootFlags`].
    pub struct BootValidity: u8 {
        /// The flags count.
        valid: bool = 7, 7;
        /// They count for all boots, not for the next one alone.
        persistent: bool = 6, 6;
        /// Boot by EFI, not by the legacy BIOS.
        efi: bool = 5, 5;
        /// Reserved bits, kept because the value is read back as it was written.
        reserved: u8 = 4, 0;
    }
}

code_points! {
    /// Boot device, 4 bits.
    pub struct BootDevice(u8) {
        NONE = 0x0, "no override";
        PXE = 0x1, "PXE";
        DISK = 0x2, "default hard disk";
        DISK_SAFE_MODE = 0x3, "default hard disk, safe mode";
        DIAGNOSTIC_PARTITION = 0x4, "diagnostic partition";
        CD_DVD = 0x5, "CD/DVD";
        FIRMWARE_SETUP = 0x6, "firmware setup";
        REMOTE_FLOPPY = 0x7, "remote floppy or primary removable media";
        REMOTE_CD_DVD = 0x8, "remote CD/DVD";
        REMOTE_PRIMARY_MEDIA = 0x9, "remote primary media";
        REMOTE_DISK = 0xb, "remote hard disk";
        FLOPPY = 0xf, "floppy or primary removable media";
    }
}

packed! {
    /// Second byte of [`BootFlags`].
    pub struct BootDeviceFlags: u8 {
        /// Clear the firmware's settings (CMOS).
        clear_cmos: bool = 7, 7;
        /// Lock the keyboard.
        lock_keyboard: bool = 6, 6;
        /// The device to boot from.
        device: BootDevice = 5, 2;
        /// Blank the screen.
        screen_blank: bool = 1, 1;
        /// Lock the reset button.
        lock_reset_button: bool = 0, 0;
    }
}

code_points! {
    /// How much the firmware shows, 2 bits.
    pub struct FirmwareVerbosity(u8) {
        DEFAULT = 0, "default";
        QUIET = 1, "quiet";
        VERBOSE = 2, "verbose";
    }
}

code_points! {
    /// Console redirection by the firmware, 2 bits.
    pub struct ConsoleRedirection(u8) {
        DEFAULT = 0, "as the firmware is configured";
        SKIP = 1, "no redirection";
        REQUEST = 2, "redirection";
    }
}

packed! {
    /// Third byte of [`BootFlags`].
    pub struct BootFirmwareFlags: u8 {
        /// Lock the power button.
        lock_power_button: bool = 7, 7;
        /// How much the firmware shows.
        verbosity: FirmwareVerbosity = 6, 5;
        /// The firmware reports its progress by PET.
        progress_traps: bool = 4, 4;
        /// The firmware asks for no password.
        bypass_password: bool = 3, 3;
        /// Lock the sleep button.
        lock_sleep_button: bool = 2, 2;
        /// Console redirection.
        console_redirection: ConsoleRedirection = 1, 0;
    }
}

packed! {
    /// Fourth byte of [`BootFlags`].
    pub struct BootOverrides: u8 {
        /// Reserved bits, kept because the value is read back as it was written.
        reserved: u8 = 7, 4;
        /// The channel shall be in shared mode after the boot.
        shared_mode: bool = 3, 3;
        /// Setting of the serial port's multiplexer.
        multiplexer: u8 = 2, 0;
    }
}

packed! {
    /// Fifth byte of [`BootFlags`].
    pub struct BootInstance: u8 {
        /// Reserved bits, kept because the value is read back as it was written.
        reserved: u8 = 7, 5;
        /// Number of the device of its kind; 0 is none in particular.
        instance: u8 = 4, 0;
    }
}

message! {
    /// Value of [`BootParameter::BOOT_INITIATOR_INFO`].
    #[derive(Default)]
    pub struct BootInitiator {
        /// Channel of the one who asks.
        channel: ChannelField,
        /// Session ID of the one who asks.
        session: u32,
        /// When, in seconds since 1970.
        timestamp: u32,
    }
}

/// Bytes of a block of the mailbox.
pub const MAILBOX_BLOCK: usize = 16;

message! {
    /// Value of [`BootParameter::BOOT_INITIATOR_MAILBOX`].
    #[derive(Default)]
    pub struct BootMailbox {
        /// Number of the block, from 0. Block 0 begins with an enterprise number.
        block: u8,
        /// The block, or the beginning of it.
        data: Bytes<MAILBOX_BLOCK>,
    }
}
