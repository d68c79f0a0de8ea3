//! Cryptography of IPMI 1.5 and 2.0.
