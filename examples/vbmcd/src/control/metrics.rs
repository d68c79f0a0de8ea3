//! Counters and gauges of the whole program as Prometheus reads them.

use std::fmt::Write as _;

use super::api::Status;
use crate::registry::Registry;

/// All of them.
pub(super) fn text(registry: &Registry) -> String {
    let mut text = registry.metrics().snapshot().to_string();
    let bmcs = registry.list();
    text.push_str("# HELP vbmcd_bmcs BMCs by how they are.\n# TYPE vbmcd_bmcs gauge\n");
    for status in [Status::Running, Status::Down, Status::Busy, Status::Error] {
        let count = bmcs.iter().filter(|bmc| bmc.status == status).count();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "vbmcd_bmcs{{status=\"{}\"}} {count}", status.name());
    }
    text
}
