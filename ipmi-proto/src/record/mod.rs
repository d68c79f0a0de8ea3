//! Record formats: SDR, SEL and FRU.
