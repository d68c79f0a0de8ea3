//! FRU inventory, byte by byte. What the bytes mean: [`record::fru`](crate::record::fru).

use crate::command::commands;
use crate::wire::{Bytes, Counted, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Says how large a FRU's inventory is.
    GetFruAreaInfo = "Get FRU Inventory Area Info", STORAGE 0x10, USER, Monitor, "34.1";
    request GetFruAreaInfoRequest {
        /// The FRU device; FFh is reserved.
        device: u8,
    }
    response FruAreaInfo {
        /// Size of the inventory in bytes.
        size: u16,
        /// How it is addressed.
        access: FruAccess,
    }

    /// Reads a part of a FRU's inventory.
    ReadFru = "Read FRU Data", STORAGE 0x11, USER, Monitor, "34.2";
    request ReadFruRequest {
        /// The FRU device.
        device: u8,
        /// First byte or word.
        offset: u16,
        /// How many bytes or words to read.
        count: u8,
    }
    response FruData {
        /// What was read, perhaps less than asked for. The count before it is of bytes.
        data: Counted<Bytes<255>>,
    }
    => {
        DEVICE_BUSY = 0x81, "the FRU device is busy";
    }

    /// Writes a part of a FRU's inventory.
    WriteFru = "Write FRU Data", STORAGE 0x12, OPERATOR, Monitor, "34.3";
    request WriteFruRequest {
        /// The FRU device.
        device: u8,
        /// First byte or word.
        offset: u16,
        /// What to write.
        data: Bytes<255>,
    }
    response WriteFruResponse {
        /// How many bytes or words were written.
        count: u8,
    }
    => {
        WRITE_PROTECTED = 0x80, "the bytes at this offset cannot be written";
        DEVICE_BUSY = 0x81, "the FRU device is busy";
    }
}

packed! {
    /// How a FRU's inventory is addressed.
    pub struct FruAccess: u8 {
        /// Offsets and counts are of 16-bit words; otherwise of bytes.
        words: bool = 0, 0;
    }
}
