//! Faults on demand: what happens to requests instead of, or around, their answers.

use std::time::Duration;

/// What goes wrong with a request: see [`Simulator::inject`](super::Simulator::inject).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The request is not carried out; the status and its reason phrase are the answer, with an empty body.
    Status(u16, String),
    /// The request is not carried out; it dies with status 500 and this text, as a handler does.
    Error(String),
    /// The answer comes later, by so much of the simulator's time.
    Slow(Duration),
    /// The connection is cut before the request is carried out.
    Cut,
    /// The request is carried out, and the connection is cut before its answer.
    LostAnswer,
    /// The request is not carried out and no answer ever comes.
    Hang,
}

/// A fault that waits for its requests: hand it to [`Simulator::inject`](super::Simulator::inject).
#[derive(Clone, Debug)]
pub struct FaultRule {
    pub(super) fault: Fault,
    /// Begins the endpoint's `METHOD PATH`; empty: every request.
    pub(super) prefix: String,
    /// Stands somewhere in the path.
    pub(super) path: String,
    /// So many matching requests are spared first.
    pub(super) skip: u32,
    /// So many more requests; `None`: until the faults are cleared.
    pub(super) times: Option<u32>,
}

impl FaultRule {
    /// The fault hits every request until it is cleared.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            prefix: String::new(),
            path: String::new(),
            skip: 0,
            times: None,
        }
    }

    /// Only requests of this endpoint, as in `POST /nodes/{node}/qemu/{vmid}/status/start`, or whose
    /// `METHOD PATH` with variables begins so.
    #[must_use]
    pub fn on(mut self, endpoint: &str) -> Self {
        self.prefix = endpoint.to_owned();
        self
    }

    /// Only requests whose real path has this in it, as in `/qemu/100/`.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = part.to_owned();
        self
    }

    /// Only so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Not the first so many matching requests.
    #[must_use]
    pub fn after(mut self, spared: u32) -> Self {
        self.skip = spared;
        self
    }
}

/// The faults that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
}

impl Faults {
    pub(super) fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault for a request; it is used up by one.
    pub(super) fn take(&mut self, endpoint: &str, path: &str) -> Option<Fault> {
        let mut found = None;
        for rule in &mut self.rules {
            if rule.times == Some(0) || !endpoint.starts_with(&rule.prefix) || !path.contains(&rule.path) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            found = Some(rule.fault.clone());
            break;
        }
        self.rules.retain(|rule| rule.times != Some(0));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_pick_their_requests_and_are_used_up() {
        let mut faults = Faults::default();
        let start = "POST /nodes/{node}/qemu/{vmid}/status/start";
        faults.add(
            FaultRule::new(Fault::Cut)
                .on(start)
                .path("/qemu/100/")
                .after(1)
                .times(1),
        );
        assert_eq!(faults.take("GET /version", "/version"), None);
        assert_eq!(faults.take(start, "/nodes/pve1/qemu/101/status/start"), None);
        assert_eq!(faults.take(start, "/nodes/pve1/qemu/100/status/start"), None);
        assert_eq!(
            faults.take(start, "/nodes/pve1/qemu/100/status/start"),
            Some(Fault::Cut)
        );
        assert_eq!(faults.take(start, "/nodes/pve1/qemu/100/status/start"), None);
    }
}
