//! What every IPMI message has in common: network functions, completion codes, privilege levels, channels
//! and the framing of a message on the LAN.

mod channel;
mod completion;
mod message;
mod netfn;
mod privilege;

pub use channel::{ChannelMedium, ChannelNumber, ChannelProtocol};
pub use completion::CompletionCode;
pub use message::{
    BMC_ADDRESS, CONSOLE_SOFTWARE_ID, Lun, MAX_MESSAGE_DATA, MESSAGE_OVERHEAD, MessageError, RequestHeader,
    RequestMessage, RequestSequence, ResponseMessage,
};
pub use netfn::NetFn;
pub use privilege::Privilege;
