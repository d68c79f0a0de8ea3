//! The counters in Prometheus' text format.

use core::fmt::{self, Display};

use super::Snapshot;

/// The text that a Prometheus server reads.
impl Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let traffic = &self.traffic;
        one(
            f,
            "ipmi_datagrams_received_total",
            "Datagrams that came in.",
            traffic.datagrams_in,
        )?;
        one(
            f,
            "ipmi_received_bytes_total",
            "Bytes of datagrams that came in.",
            traffic.bytes_in,
        )?;
        one(
            f,
            "ipmi_datagrams_sent_total",
            "Datagrams that went out.",
            traffic.datagrams_out,
        )?;
        one(
            f,
            "ipmi_sent_bytes_total",
            "Bytes of datagrams that went out.",
            traffic.bytes_out,
        )?;
        one(f, "ipmi_logins_total", "Successful logins.", self.logins)?;
        one(
            f,
            "ipmi_login_failures_total",
            "Logins that failed.",
            self.login_failures,
        )?;
        let about = "Sockets that were opened for logged-in clients during floods.";
        one(f, "ipmi_promoted_sockets_total", about, self.promotions)?;

        head(
            f,
            "ipmi_dropped_datagrams_total",
            "Datagrams that got no answer, by reason.",
        )?;
        let dropped = self
            .dropped
            .iter()
            .map(|(reason, count)| (reason.label(), *count));
        let lost = self.losses.iter().map(|(loss, count)| (loss.label(), *count));
        for (reason, count) in dropped.chain(lost) {
            writeln!(f, "ipmi_dropped_datagrams_total{{reason=\"{reason}\"}} {count}")?;
        }
        head(f, "ipmi_commands_total", "Commands that were answered.")?;
        for (spec, count) in self.commands.iter().filter(|(_, count)| *count > 0) {
            let name = spec.map_or("other", |spec| spec.name);
            writeln!(f, "ipmi_commands_total{{command=\"{name}\"}} {count}")?;
        }
        head(f, "ipmi_completions_total", "Answers, by completion code.")?;
        for (code, count) in &self.completions {
            writeln!(f, "ipmi_completions_total{{code=\"0x{:02x}\"}} {count}", code.0)?;
        }
        Ok(())
    }
}

fn head(f: &mut fmt::Formatter<'_>, name: &str, about: &str) -> fmt::Result {
    writeln!(f, "# HELP {name} {about}\n# TYPE {name} counter")
}

fn one(f: &mut fmt::Formatter<'_>, name: &str, about: &str, count: u64) -> fmt::Result {
    head(f, name, about)?;
    writeln!(f, "{name} {count}")
}

#[cfg(test)]
mod tests {
    use ipmi_proto::ipmb::{CompletionCode, NetFn};
    use ipmi_proto::session::DropReason;

    use crate::metrics::Metrics;

    #[test]
    fn every_line_is_a_comment_or_a_sample() {
        let metrics = Metrics::new();
        let other = metrics.command_number(NetFn::OEM_GROUP, &[1, 2, 3], 1);
        metrics.command(other, CompletionCode::OK);
        metrics.dropped(DropReason::Replayed);
        let text = metrics.snapshot().to_string();
        for line in text.lines() {
            let sample = line
                .rsplit_once(' ')
                .is_some_and(|(_, value)| value.parse::<u64>().is_ok());
            assert!(line.starts_with("# ") || sample, "{line}");
        }
        assert!(text.contains("ipmi_commands_total{command=\"other\"} 1\n"));
        assert!(text.contains("ipmi_completions_total{code=\"0x00\"} 1\n"));
        assert!(text.contains("ipmi_dropped_datagrams_total{reason=\"replayed\"} 1\n"));
    }
}
