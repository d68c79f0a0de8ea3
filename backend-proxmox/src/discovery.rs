//! Finding guests: which of a cluster's guests are to get a BMC.

use crate::cluster::{GuestKind, GuestSummary};

/// Which guests are wanted; what is not said does not matter. Templates are never wanted: they cannot be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestFilter {
    /// In this pool.
    pub pool: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// On this node.
    pub node: Option<String>,
    /// With this name; `*` stands for anything.
    pub name: Option<String>,
    /// Virtual machines, or containers.
    pub kind: Option<GuestKind>,
}

impl GuestFilter {
    /// Whether a guest is wanted.
    #[must_use]
    pub fn matches(&self, guest: &GuestSummary) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
        };
        !guest.is_template
            && is(&self.pool, guest.pool.as_deref())
            && is(&self.node, Some(&guest.node))
            && self.kind.is_none_or(|kind| kind == guest.kind)
            && self.tag.as_ref().is_none_or(|tag| guest.tags.contains(tag))
            && self.name.as_deref().is_none_or(|pattern| {
                let name = guest.name.as_deref().unwrap_or_default();
                fits(pattern.as_bytes(), name.as_bytes())
            })
    }
}

/// Whether a text fits a pattern in which `*` stands for anything. Takes time in proportion to both lengths at most.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let found = match part {
            [] => Some(0),
            _ => rest.windows(part.len()).position(|window| window == part),
        };
        match found.and_then(|start| rest.get(start + part.len()..)) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::View;
    use serde_json::json;

    #[test]
    fn patterns_fit_as_people_mean_them() {
        for (pattern, text, expected) in [
            ("web", "web", true),
            ("web", "web1", false),
            ("web*", "web1", true),
            ("*1", "web1", true),
            ("w*b*1", "web-b-1", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("*x*", "web", false),
        ] {
            assert_eq!(
                fits(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn every_part_of_a_filter_counts() {
        let rows = json!([
            { "type": "qemu", "vmid": 100, "node": "pve1", "name": "web1", "tags": "lab;bmc", "pool": "p" },
            { "type": "lxc", "vmid": 101, "node": "pve2", "name": "web2" },
            { "type": "qemu", "vmid": 102, "node": "pve1", "name": "base", "template": 1 },
        ]);
        let view = View::read(&rows, std::time::Instant::now());
        let found = |filter: GuestFilter| {
            let guests = view.guests.values().filter(|guest| filter.matches(guest));
            guests.map(|guest| guest.vmid).collect::<Vec<_>>()
        };
        let none = GuestFilter::default;
        assert_eq!(found(none()), [100, 101]);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            found(GuestFilter {
                tag: text("bmc"),
                ..none()
            }),
            [100]
        );
        assert_eq!(
            found(GuestFilter {
                pool: text("p"),
                ..none()
            }),
            [100]
        );
        assert_eq!(
            found(GuestFilter {
                node: text("pve2"),
                ..none()
            }),
            [101]
        );
        assert_eq!(
            found(GuestFilter {
                name: text("web*"),
                ..none()
            }),
            [100, 101]
        );
        assert_eq!(
            found(GuestFilter {
                kind: Some(GuestKind::Lxc),
                ..none()
            }),
            [101]
        );
    }
}
