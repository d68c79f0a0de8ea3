//! Status codes of Open Session and RAKP (IPMI 2.0 table 13-15).

use crate::wire::code_points;

code_points! {
    /// The status code of an Open Session Response or a RAKP message (IPMI 2.0 §13.24).
    pub struct RmcpPlusStatus(u8) {
        NO_ERRORS = 0x00, "no errors";
        INSUFFICIENT_RESOURCES = 0x01, "insufficient resources to create a session";
        INVALID_SESSION_ID = 0x02, "invalid session ID";
        INVALID_PAYLOAD_TYPE = 0x03, "invalid payload type";
        INVALID_AUTHENTICATION_ALGORITHM = 0x04, "invalid authentication algorithm";
        INVALID_INTEGRITY_ALGORITHM = 0x05, "invalid integrity algorithm";
        NO_MATCHING_AUTHENTICATION = 0x06, "no matching authentication payload";
        NO_MATCHING_INTEGRITY = 0x07, "no matching integrity payload";
        INACTIVE_SESSION_ID = 0x08, "inactive session ID";
        INVALID_ROLE = 0x09, "invalid role";
        UNAUTHORIZED_ROLE = 0x0a, "unauthorised role or privilege level requested";
        INSUFFICIENT_RESOURCES_AT_ROLE = 0x0b, "insufficient resources to create a session at the requested role";
        INVALID_NAME_LENGTH = 0x0c, "invalid name length";
        UNAUTHORIZED_NAME = 0x0d, "unauthorised name";
        UNAUTHORIZED_GUID = 0x0e, "unauthorised GUID";
        INVALID_INTEGRITY_CHECK = 0x0f, "invalid integrity check value";
        INVALID_CONFIDENTIALITY_ALGORITHM = 0x10, "invalid confidentiality algorithm";
        NO_CIPHER_SUITE_MATCH = 0x11, "no cipher suite match with proposed security algorithms";
        ILLEGAL_PARAMETER = 0x12, "illegal or unrecognised parameter";
    }
}
