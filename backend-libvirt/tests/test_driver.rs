//! The backend against libvirt's test driver, behind a real libvirtd.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod lab;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use backend_libvirt::rpc::{Client, ErrorCode, RpcError, Uri, XmlKind};
use backend_libvirt::{Discovery, Hypervisor, MachineError, Options};
use ipmi_server::backend::{
    BackendErrorKind, BackendEvent, BmcBackend, BootDevice, BootMode, BootOverride, BootPersistence,
    EventListener, PowerAction, PowerState,
};
use ipmi_server::conformance::{Patience, check};
use lab::{DEADLINE, Lab};

const XML: &str = "<domain type='test'>
  <name>NAME</name>
  <uuid>1ab00000-0000-4000-8000-000000000001</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu>2</vcpu>
  <os><type>hvm</type></os>
  <!-- the user's own -->
  <devices>
    <disk type='file' device='disk'><source file='/a.img'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>
    <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><boot order='2'/></disk>
    <interface type='user'><mac address='52:54:00:1a:00:01'/></interface>
  </devices>
</domain>";

/// Connects. The domains of the test driver live as long as somebody is connected: first of all, then.
async fn connect(lab: &Lab) -> Hypervisor {
    let uri = Uri::parse(&lab.test_driver()).unwrap();
    Hypervisor::connect(uri, Options::default()).await.unwrap()
}

fn define(lab: &Lab, name: &str) {
    lab.define("test", &XML.replace("NAME", name));
}

#[tokio::test]
async fn another_host_is_reached_by_ssh() {
    let lab = Lab::start();
    // In the place of ssh and of the other host: runs its last argument here, as sshd would.
    let script = format!(
        "#!/bin/sh\nfor word; do command=$word; done\nexport XDG_RUNTIME_DIR={}\n\
         [ \"$(id -u)\" = 0 ] && exec setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c \"$command\"\n\
         exec sh -c \"$command\"\n",
        lab.path("run").display()
    );
    let program = |text: &str| {
        let path = lab.write("ssh", text);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    };
    let ssh = program(&script);
    let uri = |driver: &str| format!("{driver}+ssh://host.invalid/session?command={}", ssh.display());
    let hypervisor = Hypervisor::connect(Uri::parse(&uri("qemu")).unwrap(), Options::default())
        .await
        .unwrap();
    assert!(hypervisor.is_connected());

    // What ssh says is what the user reads.
    program("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n");
    let error = Hypervisor::connect(Uri::parse(&uri("qemu")).unwrap(), Options::default())
        .await
        .unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text += &error.to_string();
        cause = error.source();
    }
    assert!(text.contains("Host key verification failed"), "{text}");
}

/// Waits until something is so.
async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[derive(Debug, Default)]
struct Log(Mutex<Vec<BackendEvent>>);

impl EventListener for Log {
    fn event(&self, event: BackendEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Log {
    fn has(&self, event: &BackendEvent) -> bool {
        self.0.lock().unwrap().contains(event)
    }
}

#[tokio::test]
async fn the_contract_of_backends_holds() {
    let lab = Lab::start();
    let hypervisor = connect(&lab).await;
    define(&lab, "node1");
    let machine = hypervisor.machine("node1").await.unwrap();
    check(&*machine, &Patience::of_tokio()).await;
}

#[tokio::test]
async fn a_boot_override_for_one_boot_never_touches_the_definition() {
    let lab = Lab::start();
    let hypervisor = connect(&lab).await;
    define(&lab, "node1");
    let own = lab.virsh("test", &["dumpxml", "--inactive", "node1"]);
    let machine = hypervisor.machine("node1").await.unwrap();
    let boot = machine.boot().unwrap();
    let wish = |device, persistence| BootOverride {
        device,
        mode: BootMode::Legacy,
        persistence,
    };

    boot.set_override(Some(wish(BootDevice::Pxe, BootPersistence::NextBoot)))
        .await
        .unwrap();
    machine.power(PowerAction::On).await.unwrap();
    lab.wait_for_state("test", "node1", "running");
    let live = lab.virsh("test", &["dumpxml", "node1"]);
    let (_, interface) = live.split_once("<interface").unwrap();
    assert!(interface.contains("<boot order='1'/>"), "{live}");
    assert_eq!(lab.virsh("test", &["dumpxml", "--inactive", "node1"]), own);
    machine.power(PowerAction::Off).await.unwrap();
    lab.wait_for_state("test", "node1", "shut off");
    machine.power(PowerAction::On).await.unwrap();
    lab.wait_for_state("test", "node1", "running");
    let live = lab.virsh("test", &["dumpxml", "node1"]);
    let (_, interface) = live.split_once("<interface").unwrap();
    assert!(!interface.contains("<boot order="), "used up: {live}");

    // For every boot: the definition changes, and comes back byte for byte.
    boot.set_override(Some(wish(BootDevice::Cdrom, BootPersistence::EveryBoot)))
        .await
        .unwrap();
    let changed = lab.virsh("test", &["dumpxml", "--inactive", "node1"]);
    let (_, cdrom) = changed.split_once("device='cdrom'").unwrap();
    assert!(cdrom.contains("<boot order='1'/>"), "{changed}");
    boot.set_override(None).await.unwrap();
    assert_eq!(lab.virsh("test", &["dumpxml", "--inactive", "node1"]), own);

    // What the user changes meanwhile stays.
    boot.set_override(Some(wish(BootDevice::Pxe, BootPersistence::EveryBoot)))
        .await
        .unwrap();
    define(&lab, "node1");
    let own = lab.virsh("test", &["dumpxml", "--inactive", "node1"]);
    boot.set_override(None).await.unwrap();
    assert_eq!(lab.virsh("test", &["dumpxml", "--inactive", "node1"]), own);
}

#[tokio::test]
async fn what_others_do_to_a_domain_is_known_at_once() {
    let lab = Lab::start();
    let hypervisor = connect(&lab).await;
    define(&lab, "node1");
    let machine = hypervisor.machine("node1").await.unwrap();
    let log = Arc::new(Log::default());
    let listener: Arc<dyn EventListener> = Arc::clone(&log) as _;
    machine.events().unwrap().subscribe(&listener);
    assert_eq!(machine.known_power_state(), Some(PowerState::Off));
    for (command, power) in [
        ("start", PowerState::On),
        ("suspend", PowerState::Paused),
        ("resume", PowerState::On),
        ("destroy", PowerState::Off),
    ] {
        lab.virsh("test", &[command, "node1"]);
        until(command, async || machine.known_power_state() == Some(power)).await;
        until("told", async || log.has(&BackendEvent::Power(power))).await;
    }
    assert!(log.has(&BackendEvent::Booted));

    // From paused: it goes on.
    lab.virsh("test", &["start", "node1"]);
    lab.virsh("test", &["suspend", "node1"]);
    until("paused", async || {
        machine.known_power_state() == Some(PowerState::Paused)
    })
    .await;
    machine.power(PowerAction::On).await.unwrap();
    lab.wait_for_state("test", "node1", "running");
}

#[tokio::test]
async fn domains_come_are_renamed_and_go() {
    let lab = Lab::start();
    let hypervisor = connect(&lab).await;
    let mut discoveries = hypervisor.discoveries();
    define(&lab, "node1");
    let Ok(Discovery::Defined(domain)) = discoveries.recv().await else {
        panic!("a domain that is defined is discovered");
    };
    assert_eq!(domain.name, "node1");
    let machine = hypervisor.machine(&domain.uuid.to_string()).await.unwrap();
    assert!(hypervisor.domains().iter().any(|known| known.uuid == domain.uuid));

    lab.virsh("test", &["undefine", "node1"]);
    until("gone", async || machine.known_power_state().is_none()).await;
    let kind = machine.power_state().await.map_err(|error| error.kind());
    assert_eq!(kind, Err(BackendErrorKind::NotFound), "gone is not off");
    let kind = machine.power(PowerAction::On).await.map_err(|error| error.kind());
    assert_eq!(kind, Err(BackendErrorKind::NotFound));
    assert!(hypervisor.domains().iter().all(|known| known.uuid != domain.uuid));
    assert!(matches!(
        hypervisor.machine("node1").await,
        Err(MachineError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_daemon_that_dies_makes_states_unknown_until_it_is_back() {
    let mut lab = Lab::start();
    let hypervisor = connect(&lab).await;
    // The driver's own domain runs from the beginning.
    let machine = hypervisor.machine("test").await.unwrap();
    let log = Arc::new(Log::default());
    let listener: Arc<dyn EventListener> = Arc::clone(&log) as _;
    machine.events().unwrap().subscribe(&listener);
    assert_eq!(machine.known_power_state(), Some(PowerState::On));
    lab.virsh("test", &["destroy", "test"]);
    until("off", async || {
        machine.known_power_state() == Some(PowerState::Off)
    })
    .await;

    lab.kill_daemon();
    until("unknown", async || machine.known_power_state().is_none()).await;
    until("told", async || log.has(&BackendEvent::Connected(false))).await;
    let kind = machine.power_state().await.map_err(|error| error.kind());
    assert_eq!(kind, Err(BackendErrorKind::Unavailable), "unknown is not off");
    let kind = machine
        .power(PowerAction::Off)
        .await
        .map_err(|error| error.kind());
    assert_eq!(kind, Err(BackendErrorKind::Unavailable));

    lab.start_daemon();
    // The new daemon's domain runs: what changed while nobody was told is told.
    until("known again", async || {
        machine.known_power_state() == Some(PowerState::On)
    })
    .await;
    until("told", async || log.has(&BackendEvent::Connected(true))).await;
    machine.power(PowerAction::Off).await.unwrap();
    lab.wait_for_state("test", "test", "shut off");
    until("off", async || {
        machine.known_power_state() == Some(PowerState::Off)
    })
    .await;
}

#[tokio::test]
async fn errors_are_those_of_libvirt() {
    let lab = Lab::start();
    let uri = Uri::parse(&lab.test_driver()).unwrap();
    let (client, _events) = Client::open(&uri, DEADLINE).await.unwrap();
    let Err(RpcError::Libvirt(error)) = client.domain_by_name("nobody").await else {
        panic!("there is no such domain");
    };
    assert_eq!(error.code, ErrorCode::NO_DOMAIN);
    let domain = client.domain_by_name("test").await.unwrap();
    assert_eq!(client.domain_by_uuid(domain.uuid).await.unwrap(), domain);
    assert!(client.is_persistent(&domain).await.unwrap());
    assert!(!client.has_managed_save(&domain).await.unwrap());
    assert!(client.open_console(&domain, false).await.is_err());
    assert_eq!(client.driver().await.unwrap(), "TEST");
    let xml = client.xml(&domain, XmlKind::Definition).await.unwrap();
    assert!(xml.starts_with("<domain"), "{xml}");

    let snapshot = client.create_snapshot(&domain, "<domainsnapshot><name>one</name></domainsnapshot>");
    let snapshot = snapshot.await.unwrap();
    let names = client.snapshots(&domain).await.unwrap();
    assert!(names.iter().map(|snapshot| &*snapshot.name).eq(["one"]));
    client.revert_to_snapshot(&snapshot).await.unwrap();
    client.delete_snapshot(&snapshot).await.unwrap();
    assert_eq!(client.snapshots(&domain).await.unwrap(), []);

    // Many calls at once all come to their end.
    let calls = (0..200).map(|_| {
        let (client, domain) = (client.clone(), domain.clone());
        tokio::spawn(async move { client.state(&domain).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
}
