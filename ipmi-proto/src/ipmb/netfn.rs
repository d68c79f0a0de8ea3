//! Network functions (IPMI 2.0 §5.1).

use crate::wire::code_points;

code_points! {
    /// A network function, 6 bits; even for requests, odd for responses (IPMI 2.0 §5.1).
    pub struct NetFn(u8) {
        CHASSIS = 0x00, "Chassis";
        BRIDGE = 0x02, "Bridge";
        SENSOR_EVENT = 0x04, "Sensor/Event";
        APP = 0x06, "App";
        FIRMWARE = 0x08, "Firmware";
        STORAGE = 0x0a, "Storage";
        TRANSPORT = 0x0c, "Transport";
        GROUP_EXTENSION = 0x2c, "Group Extension";
        OEM_GROUP = 0x2e, "OEM/Group";
    }
}

impl NetFn {
    /// Whether this is the network function of a request.
    #[must_use]
    pub const fn is_request(self) -> bool {
        self.0 & 1 == 0
    }

    /// The network function of the response to a request with this one.
    #[must_use]
    pub const fn response(self) -> Self {
        Self(self.0 | 1)
    }

    /// The network function of the request to a response with this one.
    #[must_use]
    pub const fn request(self) -> Self {
        Self(self.0 & !1)
    }

    /// How many bytes before a command's own data say whose command it is: the defining body of a group
    /// extension, the enterprise number of an OEM message. They are echoed after the completion code.
    #[must_use]
    pub const fn body_length(self) -> usize {
        match self.request() {
            Self::GROUP_EXTENSION => 1,
            Self::OEM_GROUP => 3,
            _ => 0,
        }
    }
}
