//! Commands of the embedding program: what software on the machine would ask over the system interface.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::future::Future;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipmi_proto::command::{Command, decode_request};
use ipmi_proto::ipmb::{
    BMC_ADDRESS, CONSOLE_SOFTWARE_ID, ChannelNumber, CompletionCode, Lun, RequestHeader, RequestSequence,
};
use ipmi_proto::session::Peer;
use ipmi_proto::wire::{WireError, Writer};

use super::pending::{self, first, go_on};
use super::{Bmc, Unfinished};
use crate::handlers::{self, After, Context, Dispatched, RESPONSE_CAPACITY};
use crate::keep::Origin;

/// Why a command of the embedding program has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The BMC refused it, or the machine failed; its reason is in the log.
    #[error("the BMC answered {0}")]
    Refused(CompletionCode),
    /// The request does not fit, or the answer is not that of the command.
    #[error("request or answer cannot be coded")]
    Coding(#[from] WireError),
}

impl Bmc {
    /// Carries out a command for the embedding program, as for software on the machine's system interface:
    /// without a session, with every privilege, and with the same effects as over the LAN. The BMC has to be
    /// served: what goes on after the answer is left to its driver.
    ///
    /// The machine is waited for until `deadline` is ready ([`Bmc::deadline`] says when that should be); it
    /// may go on working after that.
    ///
    /// Commands of the session engine (sessions, authentication capabilities) are refused with C1h.
    ///
    /// # Errors
    /// [`LocalError::Refused`] with the completion code that a client would have got; C3h after the deadline.
    pub async fn request<C: Command>(
        self: &Arc<Self>,
        request: &C::Request,
        deadline: impl Future<Output = ()> + Send,
    ) -> Result<C::Response, LocalError> {
        let spec = C::SPEC;
        let mut data = vec![0; RESPONSE_CAPACITY];
        let mut writer = Writer::new(&mut data);
        if let Some(code) = spec.body.code() {
            writer.bytes(&[code])?;
        }
        writer.value(request)?;
        let length = writer.len();
        data.truncate(length);
        let header = RequestHeader {
            responder: BMC_ADDRESS,
            netfn: spec.netfn,
            responder_lun: Lun::BMC,
            requester: CONSOLE_SOFTWARE_ID,
            requester_lun: Lun::BMC,
            sequence: RequestSequence::default(),
            command: spec.number,
        };
        let answer = match self.dispatch_local(header, &data) {
            Local::Answer(completion, answer) => (completion, answer),
            Local::Wait(mut job, after) => match first(&mut job, deadline).await {
                Some(outcome) => {
                    if outcome.completion == CompletionCode::OK {
                        self.act_after(after);
                    }
                    if let Some(then) = outcome.then {
                        self.leave_to_driver(then);
                    }
                    (outcome.completion, outcome.data)
                }
                None => {
                    self.leave_to_driver(go_on(Arc::clone(self), job, after));
                    (CompletionCode::TIMEOUT, Vec::new())
                }
            },
        };
        match answer {
            (CompletionCode::OK, data) => {
                decode_request(&data).map_err(|_| LocalError::Coding(WireError::Invalid))
            }
            (completion, _) => Err(LocalError::Refused(completion)),
        }
    }

    /// How long a client is kept waiting for the machine.
    #[must_use]
    pub fn deadline(&self) -> core::time::Duration {
        self.settings().deadline
    }

    fn leave_to_driver(self: &Arc<Self>, work: super::Work) {
        self.with(|inner| inner.start(Unfinished::new(self, work)));
    }

    fn dispatch_local(self: &Arc<Self>, header: RequestHeader, data: &[u8]) -> Local {
        let nowhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
        self.with(|inner| {
            // What happened before is not the caller's doing.
            inner.observe(Origin::Event);
            let mut context = Context {
                bmc: self,
                sessions: &inner.sessions,
                state: &mut inner.state,
                power: &mut inner.power,
                sol: &mut inner.sol,
                now: inner.now,
                session: None,
                channel: ChannelNumber::SYSTEM_INTERFACE,
                peer: Peer {
                    remote: nowhere,
                    local: nowhere,
                },
                header,
                after: After::Nothing,
                wake_driver: false,
            };
            let mut buffer = [0; RESPONSE_CAPACITY];
            let dispatched = handlers::dispatch(&mut context, data, &mut buffer);
            let after = context.after;
            if context.wake_driver {
                inner.wake_driver();
            }
            let commit = inner.observe(Origin::Client);
            let data = |length| {
                buffer
                    .get(header.netfn.body_length()..length)
                    .unwrap_or_default()
                    .to_vec()
            };
            match (dispatched, commit) {
                (Dispatched::Answer { completion, length }, None) => {
                    inner.act_after(self, after);
                    Local::Answer(completion, data(length))
                }
                (Dispatched::Answer { completion, length }, Some(commit)) => {
                    let data = data(length);
                    let job = pending::when_safe(commit, move || pending::at_once(completion, data));
                    Local::Wait(job, after)
                }
                (Dispatched::Wait { job, .. }, Some(commit)) => {
                    Local::Wait(pending::when_safe(commit, || job), after)
                }
                (Dispatched::Wait { job, .. }, None) => Local::Wait(job, after),
            }
        })
    }
}

/// What came of a command.
enum Local {
    Answer(CompletionCode, Vec<u8>),
    Wait(super::Job, After),
}

#[cfg(test)]
mod tests {
    use core::future::{pending, ready};

    use ipmi_proto::command::Empty;
    use ipmi_proto::command::app::session::GetSystemGuid;
    use ipmi_proto::command::chassis::control::{ChassisControl, ChassisControlRequest, ControlAction};
    use ipmi_proto::command::chassis::status::GetChassisStatus;
    use ipmi_proto::command::dcmi::identification::{GetAssetTag, GetAssetTagRequest};
    use ipmi_proto::wire::LowBits;

    use super::*;
    use crate::backend::PowerAction;
    use crate::backend::memory::{MemoryMachine, Operation, PowerDelays};
    use crate::test_bench::Bench;

    const fn power(action: ControlAction) -> ChassisControlRequest {
        ChassisControlRequest {
            action: LowBits(action),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_without_a_session_does_what_one_over_the_lan_does() {
        let bench = Bench::with(MemoryMachine::builder("node1"), |bmc| bmc);
        bench.drive();
        let on = power(ControlAction::POWER_UP);
        bench.bmc.request::<ChassisControl>(&on, pending()).await.unwrap();
        let status = bench.bmc.request::<GetChassisStatus>(&Empty, pending()).await;
        assert!(status.unwrap().power.on);
        assert_eq!(bench.machine.actions().len(), 2, "power on and its boot");
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_on_after_the_answer_is_done_by_the_driver() {
        let machine = MemoryMachine::builder("node1").delays(PowerDelays::REALISTIC);
        let bench = Bench::with(machine, |bmc| bmc);
        bench.drive();
        let bmc = &bench.bmc;
        let on = power(ControlAction::POWER_UP);
        bmc.request::<ChassisControl>(&on, pending()).await.unwrap();
        tokio::time::sleep(core::time::Duration::from_secs(60)).await;
        let cycle = power(ControlAction::POWER_CYCLE);
        bmc.request::<ChassisControl>(&cycle, pending()).await.unwrap();
        tokio::time::sleep(core::time::Duration::from_secs(60)).await;
        let actions: Vec<_> = bench.machine.actions().iter().map(ToString::to_string).collect();
        let switched = actions.iter().filter(|action| !action.starts_with("boot"));
        assert_eq!(switched.count(), 3, "{actions:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn codes_bodies_and_deadlines() {
        let bench = Bench::new();
        let bmc = &bench.bmc;
        let guid = bmc.request::<GetSystemGuid>(&Empty, pending()).await;
        assert_eq!(
            guid.unwrap_err(),
            LocalError::Refused(CompletionCode::INVALID_COMMAND)
        );
        let part = GetAssetTagRequest { offset: 0, count: 16 };
        bmc.request::<GetAssetTag>(&part, pending()).await.unwrap();
        let on = power(ControlAction::POWER_UP);
        let slow = Operation::Power(PowerAction::On);
        bench
            .machine
            .set_latency(slow, core::time::Duration::from_secs(60));
        let late = bmc.request::<ChassisControl>(&on, ready(())).await;
        assert_eq!(late.unwrap_err(), LocalError::Refused(CompletionCode::TIMEOUT));
    }
}
