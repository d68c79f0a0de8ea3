#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ipmi_fuzz::sol_ops(data));
