//! A static library without std that logs in to itself: both sides of RAKP, and a sealed and opened message.

#![no_std]

#[cfg(feature = "alloc")]
mod arena;
mod login;

use core::panic::PanicInfo;

use ipmi_proto::crypto::CipherSuite;

/// Runs a login with each cipher suite. Returns 0, or the number of a suite that failed plus 1.
#[unsafe(no_mangle)]
pub extern "C" fn ipmi_bare_check() -> i32 {
    let failed = CipherSuite::ALL
        .iter()
        .find(|suite| login::run(**suite).is_none());
    failed.map_or(0, |suite| i32::from(suite.id.0) + 1)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
