//! Privilege levels (IPMI 2.0 §6.8).

use crate::wire::code_points;

code_points! {
    /// A privilege level, 4 bits (IPMI 2.0 §6.8). Ordered: a higher level includes the lower ones.
    pub struct Privilege(u8) {
        UNSPECIFIED = 0x0, "unspecified";
        CALLBACK = 0x1, "Callback";
        USER = 0x2, "User";
        OPERATOR = 0x3, "Operator";
        ADMINISTRATOR = 0x4, "Administrator";
        OEM = 0x5, "OEM";
        NO_ACCESS = 0xf, "no access";
    }
}

impl Privilege {
    /// Whether this is a level that a session can have: Callback to OEM.
    #[must_use]
    pub const fn is_level(self) -> bool {
        matches!(
            self,
            Self::CALLBACK | Self::USER | Self::OPERATOR | Self::ADMINISTRATOR | Self::OEM
        )
    }
}
