//! Channels (IPMI 2.0 §6.3 to §6.5).

use crate::wire::code_points;

code_points! {
    /// A channel number, 4 bits (IPMI 2.0 §6.3).
    pub struct ChannelNumber(u8) {
        IPMB = 0x0, "primary IPMB";
        LAN = 0x1, "LAN";
        PRESENT = 0xe, "the channel that the request came from";
        SYSTEM_INTERFACE = 0xf, "system interface";
    }
}

code_points! {
    /// What carries a channel, 7 bits (IPMI 2.0 §6.5).
    pub struct ChannelMedium(u8) {
        IPMB = 0x01, "IPMB (I2C)";
        LAN_802_3 = 0x04, "802.3 LAN";
        SERIAL = 0x05, "asynchronous serial/modem";
        SYSTEM_INTERFACE = 0x0c, "system interface";
    }
}

code_points! {
    /// How messages are framed on a channel, 5 bits (IPMI 2.0 §6.4).
    pub struct ChannelProtocol(u8) {
        IPMB = 0x01, "IPMB-1.0";
        KCS = 0x05, "KCS";
        BT = 0x08, "BT-10/15";
    }
}
