//! The simulator answers as real servers did: every recorded request again, in order, for all three versions.
//!
//! `recorded.jsonl` has the requests of one scenario that was run against the API daemons of Proxmox VE 7.4, 8.4 and 9.2,
//! with the status lines of the answers and those bodies that are short. Where the whole recording lies beside the
//! repository, in `../shared/pve-samples`, the long bodies are compared, too.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use backend_proxmox::simulator::{GuestSpec, LockFile, NodeFailure, PveVersion, Simulator};
use serde_json::Value;

use crate::client::{Client, DEADLINE, Reply};
use crate::compare::differences;

const RECORDED: &str = include_str!("recorded.jsonl");

/// Samples that are not sent: what they ask for is not simulated.
const LEFT_OUT: [(&str, &str); 5] = [
    ("058", "the cluster's log is not simulated"),
    ("201", "VNC is not simulated"),
    ("271", "containers cannot be checkpointed where this was recorded"),
    ("272", "as 271"),
    ("273", "as 271"),
];

/// Samples whose bodies say more of the machine they were recorded on than of Proxmox VE.
const STATUS_ONLY: [(&str, &str); 16] = [
    ("012", "rights of a user of another scenario"),
    ("017", "the log of tools that make disk images"),
    ("020", "as 017"),
    ("023", "as 017"),
    (
        "029",
        "two nodes here, of which one has failed; recorded alone with the other's directory",
    ),
    ("031", "hardware of the node"),
    ("047", "statistics of the node"),
    ("048", "statistics since before the machine was made"),
    ("053", "disk of the node"),
    ("054", "network of the node"),
    ("055", "tasks of preparations"),
    ("056", "as 055"),
    ("205", "a line about a lock that was waited for, or not"),
    ("259", "statistics of the machine"),
    ("283", "the ends of consoles that the recording left open"),
    ("046", "paths of later versions"),
];

/// One request and what was answered by each version.
struct Sample {
    name: String,
    method: String,
    path: String,
    parameters: BTreeMap<String, String>,
    who: String,
    body: Option<String>,
    status: u64,
    reason: String,
    /// The recorded body, if it is compared.
    json: Option<Value>,
}

impl Sample {
    fn number(&self) -> &str {
        &self.name[..3]
    }
}

fn samples(version: PveVersion) -> Vec<Sample> {
    let digit = match version {
        PveVersion::V7 => '7',
        PveVersion::V8 => '8',
        _ => '9',
    };
    let whole =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../shared/pve-samples/real-api-pve{digit}"));
    RECORDED
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let name = line["name"].as_str().unwrap().to_owned();
            let answers = line.as_object().unwrap();
            let answer = answers
                .iter()
                .find(|(versions, _)| versions.contains(digit))
                .unwrap()
                .1;
            let request = &line["request"];
            let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let parameters = request[2].as_object().unwrap();
            let mut json = answer.get("body").cloned();
            if let Ok(text) = std::fs::read_to_string(whole.join(format!("{name}.json"))) {
                let recorded: Value = serde_json::from_str(&text).unwrap();
                json = recorded["response"].get("json").cloned();
            }
            Sample {
                method: plain(&request[0]),
                path: plain(&request[1]),
                parameters: parameters
                    .iter()
                    .map(|(name, value)| (name.clone(), plain(value)))
                    .collect(),
                who: plain(&request[3]),
                body: request.get(4).map(plain),
                status: answer["status"].as_u64().unwrap(),
                reason: plain(&answer["reason"]),
                json,
                name,
            }
        })
        .collect()
}

/// The cluster as it was when the recording began, and what happens to it beside the requests.
struct Scenario {
    simulator: Simulator,
    version: PveVersion,
    secrets: BTreeMap<String, String>,
    /// What later requests refer to, by the name of the sample that gave it.
    given: BTreeMap<String, Value>,
    held: Option<LockFile>,
}

impl Scenario {
    async fn start(version: PveVersion) -> Self {
        let simulator = Simulator::builder()
            .version(version)
            .nodes(2)
            .console_patience(Duration::from_secs(1_000_000))
            .speed(50);
        let simulator = simulator
            .report_interval(Duration::from_secs(1_000_000))
            .start()
            .await
            .unwrap();
        simulator.fail_node("pve2", NodeFailure::Refused);
        let mut secrets = BTreeMap::new();
        simulator.add_user("bmc@pve", "secret12");
        for (id, separate) in [
            ("root@pam!bmc", false),
            ("bmc@pve!full", false),
            ("bmc@pve!sep", true),
        ] {
            secrets.insert(id.to_owned(), simulator.add_token(id, separate));
        }
        simulator.add_token("bmc@pve!exp", false);
        simulator.expire_token("bmc@pve!exp");
        let mut power = vec!["VM.Audit", "VM.Config.Options", "VM.Console", "VM.PowerMgmt"];
        if version == PveVersion::V8 {
            power.push("Sys.Audit");
        }
        simulator.add_role("Power", &power);
        simulator.add_role("Look", &["VM.Audit"]);
        simulator.grant("/vms/100", "bmc@pve", "Power");
        simulator.grant("/vms/101", "bmc@pve", "Look");
        let container = GuestSpec::lxc(300)
            .unset("net0")
            .unset("cores")
            .set("memory", "128")
            .set("swap", "0");
        simulator.add_guest(
            container
                .set("rootfs", "local:300/vm-300-disk-0.raw,size=1G")
                .set("unprivileged", "1"),
        );
        simulator.add_guest(GuestSpec::qemu(200).node("pve2"));
        Self {
            simulator,
            version,
            secrets,
            given: BTreeMap::new(),
            held: None,
        }
    }

    /// What happened just before a sample was recorded.
    async fn before(&mut self, number: &str) {
        let simulator = &self.simulator;
        match number {
            // The network cards of version 8 came into the files by hand.
            "016" if self.version == PveVersion::V8 => {
                self.created(100).await;
                self.simulator
                    .set_config(100, "net0", Some("virtio=BC:24:11:00:00:01"));
            }
            "019" if self.version == PveVersion::V8 => {
                self.created(101).await;
                self.simulator
                    .set_config(101, "net0", Some("e1000=BC:24:11:00:00:01"));
                self.simulator.set_config(101, "boot", Some("order=virtio0"));
            }
            "026" => simulator.report_now(),
            "135" => simulator.set_shutdown_after(100, None),
            "202" => simulator.report_now(),
            "210" => simulator.set_lock(100, Some("backup")),
            "220" => {
                simulator.set_lock(100, None);
                self.held = simulator.hold_lock_file(100).await;
            }
            "221" => self.held = None,
            "252" | "257" => simulator.report_now(),
            "264" => {
                simulator.set_start_error(300, Some("volume 'local:300/vm-300-disk-0.raw' does not exist"));
            }
            _ => {}
        }
    }

    async fn created(&self, vmid: u32) {
        let wait = async {
            while self.simulator.guest(vmid).is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .expect("the machine is not made");
    }

    /// A text with what `{SAMPLE}` stands for.
    fn fill(&self, text: &str, part: &str) -> String {
        let Some((before, rest)) = text.split_once('{') else {
            return text.to_owned();
        };
        let (name, after) = rest.split_once('}').unwrap();
        let given = &self.given[name];
        let value = if given.is_string() { given } else { &given[part] };
        format!(
            "{before}{}{after}",
            value.as_str().unwrap_or_else(|| panic!("{name} gave {given}"))
        )
    }

    fn client(&self, sample: &Sample) -> Client {
        let bearer = |text: String| Client::with(&self.simulator, vec![("authorization", text)]);
        let ticket = || {
            let ticket = self.given["012-ticket-login"]["ticket"].as_str().unwrap();
            Client::with(
                &self.simulator,
                vec![("cookie", format!("PVEAuthCookie={ticket}"))],
            )
        };
        let root = &self.secrets["root@pam!bmc"];
        match (sample.number(), sample.who.as_str()) {
            ("003", id) => Client::token(&self.simulator, id, "00000000-0000-0000-0000-000000000000"),
            ("007", _) => bearer("PVEAPIToken=nonsense".to_owned()),
            ("008", _) => bearer(format!("Bearer {root}")),
            ("009", _) => bearer(format!("PVEAPIToken=root@pam!bmc:{root}")),
            ("013" | "014", _) => ticket(),
            (_, "none") => Client::with(&self.simulator, Vec::new()),
            (_, id) => Client::token(&self.simulator, id, self.secrets.get(id).unwrap_or(root)),
        }
    }

    async fn send(&self, sample: &Sample) -> Reply {
        let client = self.client(sample);
        let path = self.fill(&sample.path, "");
        let parameters: Vec<(String, String)> = sample
            .parameters
            .iter()
            .map(|(name, value)| {
                // The port of another sample's console comes with its ticket.
                let value = match (sample.number(), name.as_str()) {
                    ("199", "port") => self.fill("{197-termproxy}", "port"),
                    _ => self.fill(value, name.trim_start_matches("vnc")),
                };
                (name.clone(), value)
            })
            .collect();
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        match &sample.body {
            None => client.call(&sample.method, &path, &parameters).await,
            Some(body) => {
                let mut connection = client.open().await.unwrap();
                let uri = format!("/api2/json{path}");
                let reply = client.send_raw(
                    &mut connection,
                    &sample.method,
                    &uri,
                    "application/json",
                    body.clone(),
                );
                reply.await.unwrap()
            }
        }
    }

    /// Sends a sample; gives what differs from the recording.
    async fn replay(&mut self, sample: &Sample) -> Vec<String> {
        self.before(sample.number()).await;
        if sample.path.contains("/tasks/{") && sample.path.ends_with("/status") {
            // It was recorded when the task was over.
            let upid = self.fill(sample.path.split('/').nth(4).unwrap(), "");
            Client::token(&self.simulator, "root@pam!bmc", &self.secrets["root@pam!bmc"])
                .exit_status(&upid)
                .await;
        }
        let reply = self.send(sample).await;
        if reply.status == 200 {
            self.given
                .insert(sample.name.clone(), reply.json()["data"].clone());
        }
        let mut found = Vec::new();
        if (u64::from(reply.status), &reply.reason) != (sample.status, &sample.reason) {
            found.push(format!(
                "{} {} instead of {} {}",
                reply.status, reply.reason, sample.status, sample.reason
            ));
        }
        // Recorded of all: errors, and nothing else, end their connection.
        if reply.closes != (sample.status >= 400) {
            found.push(format!("the connection ends: {}", reply.closes));
        }
        let kind = (!reply.body.is_empty()).then_some("application/json;charset=UTF-8");
        if reply.content_type.as_deref() != kind {
            found.push(format!("content type {:?}", reply.content_type));
        }
        let skipped = STATUS_ONLY.iter().any(|(number, _)| *number == sample.number());
        if let Some(expected) = sample.json.as_ref().filter(|_| !skipped) {
            if reply.body.is_empty() {
                found.push("no body".to_owned());
            } else {
                found.extend(differences(expected, &reply.json()));
            }
        }
        found
            .into_iter()
            .map(|difference| format!("{}: {difference}", sample.name))
            .collect()
    }
}

async fn replay_all(version: PveVersion) {
    let mut scenario = Scenario::start(version).await;
    let mut found = Vec::new();
    let samples = samples(version);
    assert_eq!(samples.len(), 284);
    for sample in samples {
        if LEFT_OUT.iter().all(|(number, _)| *number != sample.number()) {
            found.extend(scenario.replay(&sample).await);
        }
    }
    assert!(
        found.is_empty(),
        "{} differences:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[tokio::test]
async fn version_7_answers_as_recorded() {
    replay_all(PveVersion::V7).await;
}

#[tokio::test]
async fn version_8_answers_as_recorded() {
    replay_all(PveVersion::V8).await;
}

#[tokio::test]
async fn version_9_answers_as_recorded() {
    replay_all(PveVersion::V9).await;
}
