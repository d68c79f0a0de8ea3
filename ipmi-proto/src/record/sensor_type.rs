//! Sensor types: what a sensor watches (IPMI 2.0 §42.2, table 42-3).

use crate::wire::code_points;

code_points! {
    /// What a sensor watches (IPMI 2.0 §42.2). C0h and above are OEM types.
    pub struct SensorType(u8) {
        RESERVED = 0x00, "reserved";
        TEMPERATURE = 0x01, "temperature";
        VOLTAGE = 0x02, "voltage";
        CURRENT = 0x03, "current";
        FAN = 0x04, "fan";
        PHYSICAL_SECURITY = 0x05, "physical security";
        PLATFORM_SECURITY = 0x06, "platform security violation";
        PROCESSOR = 0x07, "processor";
        POWER_SUPPLY = 0x08, "power supply";
        POWER_UNIT = 0x09, "power unit";
        COOLING_DEVICE = 0x0a, "cooling device";
        OTHER_UNITS = 0x0b, "other units-based sensor";
        MEMORY = 0x0c, "memory";
        DRIVE_SLOT = 0x0d, "drive slot";
        POST_MEMORY_RESIZE = 0x0e, "POST memory resize";
        SYSTEM_FIRMWARE_PROGRESS = 0x0f, "system firmware progress";
        EVENT_LOGGING_DISABLED = 0x10, "event logging disabled";
        WATCHDOG_1 = 0x11, "watchdog 1";
        SYSTEM_EVENT = 0x12, "system event";
        CRITICAL_INTERRUPT = 0x13, "critical interrupt";
        BUTTON = 0x14, "button or switch";
        MODULE_BOARD = 0x15, "module or board";
        MICROCONTROLLER = 0x16, "microcontroller or coprocessor";
        ADD_IN_CARD = 0x17, "add-in card";
        CHASSIS = 0x18, "chassis";
        CHIP_SET = 0x19, "chip set";
        OTHER_FRU = 0x1a, "other FRU";
        CABLE = 0x1b, "cable or interconnect";
        TERMINATOR = 0x1c, "terminator";
        SYSTEM_BOOT = 0x1d, "system boot or restart initiated";
        BOOT_ERROR = 0x1e, "boot error";
        OS_BOOT = 0x1f, "operating system boot";
        OS_STOP = 0x20, "operating system stop or shutdown";
        SLOT = 0x21, "slot or connector";
        ACPI_POWER_STATE = 0x22, "system ACPI power state";
        WATCHDOG_2 = 0x23, "watchdog 2";
        PLATFORM_ALERT = 0x24, "platform alert";
        ENTITY_PRESENCE = 0x25, "entity presence";
        MONITOR = 0x26, "monitor ASIC or IC";
        LAN = 0x27, "LAN";
        MANAGEMENT_HEALTH = 0x28, "management subsystem health";
        BATTERY = 0x29, "battery";
        SESSION_AUDIT = 0x2a, "session audit";
        VERSION_CHANGE = 0x2b, "version change";
        FRU_STATE = 0x2c, "FRU state";
    }
}
