//! Offsets: the states that a sensor of each type can be in and report as events.
//!
//! One type of numbers per family of states: the generic ones of an [`EventType`] (IPMI 2.0 §42.1) and those of
//! a [`SensorType`] (§42.2). [`label`] finds the words for any of them.

use super::{EventType, SensorType};
use crate::wire::code_points;

/// Declares the offsets of event/reading types or of sensor types, and the look-up of their labels.
macro_rules! offsets {
    (
        $(#[$lookup_meta:meta])*
        fn $lookup:ident($family:ident);
        $(
            $(#[$meta:meta])*
            $name:ident = $key:ident { $( $(#[$item:meta])* $constant:ident = $value:literal, $label:literal; )* }
        )*
    ) => {
        $( code_points! {
            $(#[$meta])*
            pub struct $name(u8) { $( $(#[$item])* $constant = $value, $label; )* }
        } )*

        $(#[$lookup_meta])*
        const fn $lookup(family: $family, offset: u8) -> Option<&'static str> {
            match family {
                $( $family::$key => $name(offset).label(), )*
                _ => None,
            }
        }
    };
}

/// What it means that a sensor is in the state `offset`, in words of the specification's tables.
#[must_use]
pub const fn label(event_type: EventType, sensor_type: SensorType, offset: u8) -> Option<&'static str> {
    match event_type {
        EventType::SENSOR_SPECIFIC => sensor_specific(sensor_type, offset),
        generic_type => generic(generic_type, offset),
    }
}

offsets! {
    /// Offsets that mean the same for every sensor type.
    fn generic(EventType);

    /// A threshold was crossed.
    ThresholdOffset = THRESHOLD {
        LOWER_NON_CRITICAL_LOW = 0x0, "lower non-critical, going low";
        LOWER_NON_CRITICAL_HIGH = 0x1, "lower non-critical, going high";
        LOWER_CRITICAL_LOW = 0x2, "lower critical, going low";
        LOWER_CRITICAL_HIGH = 0x3, "lower critical, going high";
        LOWER_NON_RECOVERABLE_LOW = 0x4, "lower non-recoverable, going low";
        LOWER_NON_RECOVERABLE_HIGH = 0x5, "lower non-recoverable, going high";
        UPPER_NON_CRITICAL_LOW = 0x6, "upper non-critical, going low";
        UPPER_NON_CRITICAL_HIGH = 0x7, "upper non-critical, going high";
        UPPER_CRITICAL_LOW = 0x8, "upper critical, going low";
        UPPER_CRITICAL_HIGH = 0x9, "upper critical, going high";
        UPPER_NON_RECOVERABLE_LOW = 0xa, "upper non-recoverable, going low";
        UPPER_NON_RECOVERABLE_HIGH = 0xb, "upper non-recoverable, going high";
    }

    /// How much something is used.
    UsageOffset = USAGE {
        IDLE = 0, "idle";
        ACTIVE = 1, "active";
        BUSY = 2, "busy";
    }

    /// A state is there or not.
    StateOffset = STATE {
        DEASSERTED = 0, "state deasserted";
        ASSERTED = 1, "state asserted";
    }

    /// A failure is foreseen.
    PredictiveFailureOffset = PREDICTIVE_FAILURE {
        DEASSERTED = 0, "no predictive failure";
        ASSERTED = 1, "predictive failure";
    }

    /// A limit is exceeded.
    LimitOffset = LIMIT {
        NOT_EXCEEDED = 0, "limit not exceeded";
        EXCEEDED = 1, "limit exceeded";
    }

    /// Whether performance is as it should be.
    PerformanceOffset = PERFORMANCE {
        MET = 0, "performance met";
        LAGS = 1, "performance lags";
    }

    /// How bad a state is.
    SeverityOffset = SEVERITY {
        TO_OK = 0, "transition to OK";
        TO_NON_CRITICAL_FROM_OK = 1, "transition to non-critical from OK";
        TO_CRITICAL_FROM_LESS = 2, "transition to critical from less severe";
        TO_NON_RECOVERABLE_FROM_LESS = 3, "transition to non-recoverable from less severe";
        TO_NON_CRITICAL_FROM_MORE = 4, "transition to non-critical from more severe";
        TO_CRITICAL_FROM_NON_RECOVERABLE = 5, "transition to critical from non-recoverable";
        TO_NON_RECOVERABLE = 6, "transition to non-recoverable";
        MONITOR = 7, "monitor";
        INFORMATIONAL = 8, "informational";
    }

    /// Whether a device is there.
    PresenceOffset = PRESENCE {
        ABSENT = 0, "device absent";
        PRESENT = 1, "device present";
    }

    /// Whether a device is enabled.
    EnabledOffset = ENABLED {
        DISABLED = 0, "device disabled";
        ENABLED = 1, "device enabled";
    }

    /// Whether a device can be used.
    AvailabilityOffset = AVAILABILITY {
        RUNNING = 0, "running";
        IN_TEST = 1, "in test";
        POWER_OFF = 2, "power off";
        ON_LINE = 3, "on-line";
        OFF_LINE = 4, "off-line";
        OFF_DUTY = 5, "off-duty";
        DEGRADED = 6, "degraded";
        POWER_SAVE = 7, "power save";
        INSTALL_ERROR = 8, "install error";
    }

    /// How redundant a group is.
    RedundancyOffset = REDUNDANCY {
        FULL = 0, "fully redundant";
        LOST = 1, "redundancy lost";
        DEGRADED = 2, "redundancy degraded";
        SUFFICIENT_FROM_REDUNDANT = 3, "non-redundant, sufficient resources, from redundant";
        SUFFICIENT_FROM_INSUFFICIENT = 4, "non-redundant, sufficient resources, from insufficient";
        INSUFFICIENT = 5, "non-redundant, insufficient resources";
        DEGRADED_FROM_FULL = 6, "redundancy degraded from fully redundant";
        DEGRADED_FROM_NONE = 7, "redundancy degraded from non-redundant";
    }

    /// ACPI power state of a device.
    AcpiDevicePowerOffset = ACPI_DEVICE_POWER {
        D0 = 0, "D0";
        D1 = 1, "D1";
        D2 = 2, "D2";
        D3 = 3, "D3";
    }
}

offsets! {
    /// Offsets that belong to one sensor type.
    fn sensor_specific(SensorType);

    /// Processor.
    ProcessorOffset = PROCESSOR {
        INTERNAL_ERROR = 0x0, "internal error";
        THERMAL_TRIP = 0x1, "thermal trip";
        FRB1 = 0x2, "FRB1/BIST failure";
        FRB2 = 0x3, "FRB2/hang in POST failure";
        FRB3 = 0x4, "FRB3/processor start-up failure";
        CONFIGURATION_ERROR = 0x5, "configuration error";
        UNCORRECTABLE_SMBIOS_ERROR = 0x6, "uncorrectable processor complex error";
        PRESENCE = 0x7, "presence detected";
        DISABLED = 0x8, "disabled";
        TERMINATOR_PRESENCE = 0x9, "terminator presence detected";
        THROTTLED = 0xa, "automatically throttled";
        MACHINE_CHECK = 0xb, "machine check exception";
        CORRECTABLE_MACHINE_CHECK = 0xc, "correctable machine check error";
    }

    /// Power supply.
    PowerSupplyOffset = POWER_SUPPLY {
        PRESENCE = 0x0, "presence detected";
        FAILURE = 0x1, "failure detected";
        PREDICTIVE_FAILURE = 0x2, "predictive failure";
        INPUT_LOST = 0x3, "input lost";
        INPUT_LOST_OR_OUT_OF_RANGE = 0x4, "input lost or out of range";
        INPUT_OUT_OF_RANGE = 0x5, "input out of range but present";
        CONFIGURATION_ERROR = 0x6, "configuration error";
        INACTIVE = 0x7, "inactive";
    }

    /// Power unit.
    PowerUnitOffset = POWER_UNIT {
        POWER_OFF = 0x0, "power off or down";
        POWER_CYCLE = 0x1, "power cycle";
        INTERLOCK = 0x3, "interlock power down";
        AC_LOST = 0x4, "AC lost";
        SOFT_CONTROL_FAILURE = 0x5, "soft power control failure";
        FAILURE = 0x6, "failure detected";
        PREDICTIVE_FAILURE = 0x7, "predictive failure";
    }

    /// Memory.
    MemoryOffset = MEMORY {
        CORRECTABLE_ERROR = 0x0, "correctable error";
        UNCORRECTABLE_ERROR = 0x1, "uncorrectable error";
        PARITY = 0x2, "parity";
        SCRUB_FAILED = 0x3, "scrub failed";
        DEVICE_DISABLED = 0x4, "device disabled";
        LOG_LIMIT = 0x5, "correctable error logging limit reached";
        PRESENCE = 0x6, "presence detected";
        CONFIGURATION_ERROR = 0x7, "configuration error";
        SPARE = 0x8, "spare";
        THROTTLED = 0x9, "automatically throttled";
        CRITICAL_OVERTEMPERATURE = 0xa, "critical overtemperature";
    }

    /// Drive slot.
    DriveSlotOffset = DRIVE_SLOT {
        PRESENCE = 0x0, "drive present";
        FAULT = 0x1, "drive fault";
        PREDICTIVE_FAILURE = 0x2, "predictive failure";
        HOT_SPARE = 0x3, "hot spare";
        CONSISTENCY_CHECK = 0x4, "consistency or parity check in progress";
        CRITICAL_ARRAY = 0x5, "in critical array";
        FAILED_ARRAY = 0x6, "in failed array";
        REBUILD = 0x7, "rebuild or remap in progress";
        REBUILD_ABORTED = 0x8, "rebuild or remap aborted";
    }

    /// System firmware progress, formerly POST error.
    FirmwareProgressOffset = SYSTEM_FIRMWARE_PROGRESS {
        ERROR = 0x0, "system firmware error";
        HANG = 0x1, "system firmware hang";
        PROGRESS = 0x2, "system firmware progress";
    }

    /// Event logging disabled.
    EventLoggingOffset = EVENT_LOGGING_DISABLED {
        MEMORY_ERRORS_DISABLED = 0x0, "correctable memory error logging disabled";
        EVENT_TYPE_DISABLED = 0x1, "logging of an event type disabled";
        CLEARED = 0x2, "log area reset or cleared";
        ALL_DISABLED = 0x3, "all event logging disabled";
        FULL = 0x4, "log full";
        /// Event data 3 holds how full in percent.
        ALMOST_FULL = 0x5, "log almost full";
        MACHINE_CHECKS_DISABLED = 0x6, "correctable machine check error logging disabled";
    }

    /// System event.
    SystemEventOffset = SYSTEM_EVENT {
        RECONFIGURED = 0x0, "system reconfigured";
        OEM_BOOT = 0x1, "OEM system boot event";
        HARDWARE_FAILURE = 0x2, "undetermined system hardware failure";
        AUXILIARY_LOG_ENTRY = 0x3, "entry added to auxiliary log";
        /// Event data 2 holds the actions: 5 diagnostic interrupt, 4 OEM, 3 cycle, 2 reset, 1 off, 0 alert.
        PEF_ACTION = 0x4, "PEF action";
        /// Event data 2 holds: 7 second of the pair, 3:0 clock (0 event log, 1 SDR repository).
        CLOCK_SYNCHRONISATION = 0x5, "timestamp clock synchronisation";
    }

    /// Critical interrupt.
    CriticalInterruptOffset = CRITICAL_INTERRUPT {
        FRONT_PANEL_NMI = 0x0, "front panel NMI or diagnostic interrupt";
        BUS_TIMEOUT = 0x1, "bus timeout";
        IO_CHANNEL_CHECK = 0x2, "I/O channel check NMI";
        SOFTWARE_NMI = 0x3, "software NMI";
        PCI_PERR = 0x4, "PCI PERR";
        PCI_SERR = 0x5, "PCI SERR";
        EISA_TIMEOUT = 0x6, "EISA fail safe timeout";
        BUS_CORRECTABLE = 0x7, "bus correctable error";
        BUS_UNCORRECTABLE = 0x8, "bus uncorrectable error";
        FATAL_NMI = 0x9, "fatal NMI";
        BUS_FATAL = 0xa, "bus fatal error";
        BUS_DEGRADED = 0xb, "bus degraded";
    }

    /// Button or switch.
    ButtonOffset = BUTTON {
        POWER = 0x0, "power button pressed";
        SLEEP = 0x1, "sleep button pressed";
        RESET = 0x2, "reset button pressed";
        FRU_LATCH = 0x3, "FRU latch open";
        FRU_SERVICE = 0x4, "FRU service request button";
    }

    /// System boot or restart initiated.
    SystemBootOffset = SYSTEM_BOOT {
        POWER_UP = 0x0, "initiated by power up";
        HARD_RESET = 0x1, "initiated by hard reset";
        WARM_RESET = 0x2, "initiated by warm reset";
        USER_PXE = 0x3, "user requested PXE boot";
        DIAGNOSTIC = 0x4, "automatic boot to diagnostic";
        OS_HARD_RESET = 0x5, "software initiated hard reset";
        OS_WARM_RESET = 0x6, "software initiated warm reset";
        /// Event data 2 holds the cause (3:0), event data 3 the channel.
        RESTART = 0x7, "system restart";
    }

    /// Boot error.
    BootErrorOffset = BOOT_ERROR {
        NO_MEDIA = 0x0, "no bootable media";
        NON_BOOTABLE_DISKETTE = 0x1, "non-bootable diskette left in drive";
        PXE_SERVER_NOT_FOUND = 0x2, "PXE server not found";
        INVALID_BOOT_SECTOR = 0x3, "invalid boot sector";
        SELECTION_TIMEOUT = 0x4, "timeout waiting for selection";
    }

    /// Operating system boot.
    OsBootOffset = OS_BOOT {
        A_COMPLETED = 0x0, "A: boot completed";
        C_COMPLETED = 0x1, "C: boot completed";
        PXE_COMPLETED = 0x2, "PXE boot completed";
        DIAGNOSTIC_COMPLETED = 0x3, "diagnostic boot completed";
        CD_COMPLETED = 0x4, "CD-ROM boot completed";
        ROM_COMPLETED = 0x5, "ROM boot completed";
        COMPLETED = 0x6, "boot completed, device not specified";
    }

    /// Operating system stop or shutdown.
    OsStopOffset = OS_STOP {
        AT_LOAD = 0x0, "stop during load or initialisation";
        RUN_TIME = 0x1, "run-time stop";
        GRACEFUL_STOP = 0x2, "graceful stop";
        GRACEFUL_SHUTDOWN = 0x3, "graceful shutdown";
        PEF_SOFT_SHUTDOWN = 0x4, "soft shutdown initiated by PEF";
        AGENT_NOT_RESPONDING = 0x5, "agent not responding";
    }

    /// System ACPI power state.
    AcpiPowerStateOffset = ACPI_POWER_STATE {
        S0 = 0x0, "S0/G0 working";
        S1 = 0x1, "S1 sleeping, context maintained";
        S2 = 0x2, "S2 sleeping, processor context lost";
        S3 = 0x3, "S3 sleeping, memory retained";
        S4 = 0x4, "S4 non-volatile sleep";
        S5 = 0x5, "S5/G2 soft-off";
        S4_S5 = 0x6, "S4/S5 soft-off, not further known";
        G3 = 0x7, "G3 mechanical off";
        SLEEPING = 0x8, "sleeping in S1, S2 or S3";
        G1 = 0x9, "G1 sleeping";
        S5_OVERRIDE = 0xa, "S5 entered by override";
        LEGACY_ON = 0xb, "legacy on";
        LEGACY_OFF = 0xc, "legacy off";
        UNKNOWN = 0xe, "unknown";
    }

    /// Watchdog 2.
    Watchdog2Offset = WATCHDOG_2 {
        EXPIRED = 0x0, "timer expired";
        HARD_RESET = 0x1, "hard reset";
        POWER_DOWN = 0x2, "power down";
        POWER_CYCLE = 0x3, "power cycle";
        PRE_TIMEOUT = 0x8, "timer interrupt";
    }

    /// Platform alert.
    PlatformAlertOffset = PLATFORM_ALERT {
        PAGE = 0x0, "page generated";
        LAN_ALERT = 0x1, "LAN alert generated";
        TRAP = 0x2, "platform event trap generated";
        OEM_TRAP = 0x3, "OEM format trap generated";
    }

    /// Entity presence.
    EntityPresenceOffset = ENTITY_PRESENCE {
        PRESENT = 0x0, "entity present";
        ABSENT = 0x1, "entity absent";
        DISABLED = 0x2, "entity disabled";
    }

    /// LAN.
    LanOffset = LAN {
        HEARTBEAT_LOST = 0x0, "heartbeat lost";
        HEARTBEAT = 0x1, "heartbeat";
    }

    /// Management subsystem health.
    ManagementHealthOffset = MANAGEMENT_HEALTH {
        SENSOR_DEGRADED = 0x0, "sensor access degraded or unavailable";
        CONTROLLER_DEGRADED = 0x1, "controller access degraded or unavailable";
        CONTROLLER_OFF_LINE = 0x2, "management controller off-line";
        CONTROLLER_UNAVAILABLE = 0x3, "management controller unavailable";
        SENSOR_FAILURE = 0x4, "sensor failure";
        FRU_FAILURE = 0x5, "FRU failure";
    }

    /// Session audit.
    SessionAuditOffset = SESSION_AUDIT {
        ACTIVATED = 0x0, "session activated";
        DEACTIVATED = 0x1, "session deactivated";
        INVALID_CREDENTIALS = 0x2, "invalid user name or password";
        /// Event data 2 holds the user (5:0), event data 3 the cause (5:4) and the channel (3:0).
        USER_LOCKED = 0x3, "user disabled by invalid passwords";
    }

    /// Version change.
    VersionChangeOffset = VERSION_CHANGE {
        HARDWARE = 0x0, "hardware change detected";
        SOFTWARE = 0x1, "firmware or software change detected";
        HARDWARE_INCOMPATIBLE = 0x2, "hardware incompatibility detected";
        SOFTWARE_INCOMPATIBLE = 0x3, "firmware or software incompatibility detected";
        HARDWARE_INVALID = 0x4, "invalid or unsupported hardware";
        SOFTWARE_INVALID = 0x5, "invalid or unsupported firmware or software";
        HARDWARE_SUCCESS = 0x6, "hardware change was successful";
        SOFTWARE_SUCCESS = 0x7, "firmware or software change was successful";
    }

    /// FRU state.
    FruStateOffset = FRU_STATE {
        NOT_INSTALLED = 0x0, "FRU not installed";
        INACTIVE = 0x1, "FRU inactive";
        ACTIVATION_REQUESTED = 0x2, "FRU activation requested";
        ACTIVATING = 0x3, "FRU activation in progress";
        ACTIVE = 0x4, "FRU active";
        DEACTIVATION_REQUESTED = 0x5, "FRU deactivation requested";
        DEACTIVATING = 0x6, "FRU deactivation in progress";
        COMMUNICATION_LOST = 0x7, "FRU communication lost";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_by_both_types() {
        let off = label(EventType::SENSOR_SPECIFIC, SensorType::POWER_UNIT, 0);
        assert_eq!(off, Some("power off or down"));
        let threshold = label(EventType::THRESHOLD, SensorType::PROCESSOR, 0xb);
        assert_eq!(threshold, Some("upper non-recoverable, going high"));
        assert_eq!(label(EventType::SENSOR_SPECIFIC, SensorType::FAN, 0), None);
        assert_eq!(label(EventType(0x70), SensorType::FAN, 0), None);
    }
}
