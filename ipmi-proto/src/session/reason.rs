//! Why a datagram was dropped.

macro_rules! drop_reasons {
    ( $( $(#[doc = $doc:literal])* $variant:ident = $label:literal, )* ) => {
        /// Why a datagram got no answer. Counted and traced, never an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum DropReason { $( $(#[doc = $doc])* $variant, )* }

        impl DropReason {
            /// All reasons, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Name in metrics and logs.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $( Self::$variant => $label, )* }
            }

            /// Position in [`ALL`](Self::ALL).
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

drop_reasons! {
    /// The RMCP header is cut or of another version.
    NotRmcp = "not_rmcp",
    /// An RMCP class that is neither ASF nor IPMI.
    OtherClass = "other_class",
    /// An RMCP acknowledge, or an ASF message that wants no answer.
    NoAnswerWanted = "no_answer_wanted",
    /// The session header is cut or its lengths do not fit.
    MalformedHeader = "malformed_header",
    /// A payload type that we do not have.
    UnknownPayload = "unknown_payload",
    /// A handshake message that is cut, or comes in a phase that does not expect it.
    MalformedHandshake = "malformed_handshake",
    /// No session has this number.
    UnknownSession = "unknown_session",
    /// The session expects the next handshake step and nothing else.
    SessionNotOpen = "session_not_open",
    /// The packet is not protected as the session negotiated.
    NotProtected = "not_protected",
    /// The authentication or integrity code is wrong.
    BadAuthCode = "bad_auth_code",
    /// The session sequence number is outside the window.
    OutOfWindow = "out_of_window",
    /// The session sequence number was received before, and no answer is kept for the packet.
    Replayed = "replayed",
    /// The payload cannot be decrypted or its padding is wrong.
    BadEncryption = "bad_encryption",
    /// The message is cut, its checksum is wrong, it is a response, or it is for another address.
    MalformedMessage = "malformed_message",
    /// A command that may not be sent outside a session.
    NotSessionless = "not_sessionless",
    /// The same request is still being worked on.
    InProgress = "in_progress",
    /// The console gave up its login.
    LoginAbandoned = "login_abandoned",
    /// Too many handshake messages without effect.
    RateLimited = "rate_limited",
    /// An answer that nobody waits for any more.
    NotAwaited = "not_awaited",
    /// The answer does not fit into the buffer.
    AnswerTooLong = "answer_too_long",
}
