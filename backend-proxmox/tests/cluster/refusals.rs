//! What is refused: certificates, tokens, privileges; and that it is said without a secret.

use backend_proxmox::simulator::{PveVersion, Simulator};
use backend_proxmox::{
    ApiError, ApiToken, ClientConfig, ClusterError, Credentials, Fingerprint, Secret, Trust,
};
use ipmi_server::backend::{BackendErrorKind, BmcBackend, PowerAction, PowerState};

use crate::support::{World, until_power};

#[tokio::test]
async fn only_the_right_certificate_is_trusted() {
    let world = World::of(PveVersion::V9).await;
    let other = World::of(PveVersion::V9).await;
    let with = |trust: Trust| {
        ClientConfig::new(world.simulator.urls(), Credentials::Token(world.token())).trust(trust)
    };
    let fingerprint =
        |world: &World| Fingerprint::parse(&world.simulator.fingerprint("pve1").unwrap()).unwrap();
    let foreign = other.simulator.ca_pem().as_bytes().to_vec();
    for trust in [
        Trust::System,
        Trust::Authorities(foreign),
        Trust::Fingerprints(vec![fingerprint(&other)]),
    ] {
        let refused = world.connect(with(trust.clone())).await;
        let Err(ClusterError::Api(ApiError::Certificate { .. })) = refused else {
            panic!("{trust:?}: {refused:?}");
        };
    }
    for trust in [
        Trust::Fingerprints(vec![fingerprint(&other), fingerprint(&world)]),
        Trust::Insecure,
    ] {
        world.connect(with(trust)).await.unwrap();
    }
}

#[tokio::test]
async fn wrong_token_is_refused_in_every_version_and_never_shown() {
    for version in [PveVersion::V7, PveVersion::V8, PveVersion::V9] {
        let world = World::start(Simulator::builder().version(version).speed(100)).await;
        let wrong = Secret::new("11111111-2222-3333-4444-555555555555");
        let token = ApiToken::new("bmc@pve!power", &wrong).unwrap();
        let refused = world.connect(world.client_as(Credentials::Token(token))).await;
        let Err(ClusterError::Api(error @ ApiError::Credentials { .. })) = refused else {
            panic!("{version:?}: {refused:?}");
        };
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("11111111"), "{shown}");
    }
}

#[tokio::test]
async fn missing_privilege_is_named_before_and_when_it_is_needed() {
    for version in [PveVersion::V7, PveVersion::V8, PveVersion::V9] {
        let world = World::of(version).await;
        for path in ["/", "/vms"] {
            world.simulator.revoke(path, "bmc@pve");
        }
        world.simulator.grant("/vms/100", "bmc@pve", "PVEAuditor");
        let cluster = world.cluster().await;
        let told: Vec<_> = cluster
            .missing_privileges(&[100])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            told.iter().any(|text| text.contains("VM.PowerMgmt on /vms/100")),
            "{told:?}"
        );
        assert!(!told.iter().any(|text| text.contains("VM.Audit")), "{told:?}");
        let guest = cluster.find("100").await.unwrap();
        until_power(&guest, PowerState::Off).await;
        let error = guest.power(PowerAction::On).await.unwrap_err();
        assert_eq!(error.kind(), BackendErrorKind::Denied, "{version:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("VM.PowerMgmt on /vms/100"), "{version:?}: {cause}");
    }
}

#[tokio::test]
async fn ticket_that_ran_out_is_renewed() {
    let world = World::of(PveVersion::V8).await;
    let client = world.client_as(Credentials::User(World::user()));
    let cluster = world.connect(client).await.unwrap();
    let guest = cluster.find("100").await.unwrap();
    world.simulator.expire_tickets();
    guest.power(PowerAction::On).await.unwrap();
    until_power(&guest, PowerState::On).await;
}

#[tokio::test]
async fn guest_is_found_by_its_name() {
    let world = World::of(PveVersion::V9).await;
    let cluster = world.cluster().await;
    assert_eq!(cluster.find("vm100").await.unwrap().vmid(), 100);
    assert!(matches!(
        cluster.find("nobody").await,
        Err(ClusterError::NoGuest { .. })
    ));
}
