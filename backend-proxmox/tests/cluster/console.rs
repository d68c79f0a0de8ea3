//! Serial consoles: with a token where it can, with a user where it must.

use backend_proxmox::Credentials;
use backend_proxmox::simulator::{GuestSpec, PveVersion};
use ipmi_server::backend::{BackendErrorKind, BmcBackend, ConsoleEvent, ConsoleStream, PowerAction};

use crate::support::World;

/// Reads until this text has come.
async fn read_until(stream: &mut dyn ConsoleStream, wanted: &str) {
    let mut text = String::new();
    while !text.contains(wanted) {
        let event = tokio::time::timeout(std::time::Duration::from_secs(30), stream.next()).await;
        match event
            .unwrap_or_else(|_| panic!("{wanted:?} did not come, only {text:?}"))
            .unwrap()
        {
            ConsoleEvent::Output(output) => text.push_str(&String::from_utf8_lossy(&output)),
            other => panic!("{other:?} after {text:?}"),
        }
    }
    assert!(!text.contains("starting serial terminal"), "{text:?}");
}

#[tokio::test]
async fn console_echoes_and_ends_with_the_power() {
    for (version, needs_user) in [
        (PveVersion::V7, true),
        (PveVersion::V8, true),
        (PveVersion::V9, false),
    ] {
        let world = World::of(version).await;
        world.simulator.add_guest(GuestSpec::qemu(101).running());
        let credentials = if needs_user {
            Credentials::Both(world.token(), World::user())
        } else {
            Credentials::Token(world.token())
        };
        let cluster = world.connect(world.client_as(credentials)).await.unwrap();
        let guest = cluster.find("101").await.unwrap();
        let mut stream = guest.console().unwrap().open().await.unwrap();
        let busy = guest
            .console()
            .unwrap()
            .open()
            .await
            .err()
            .map(|error| error.kind());
        assert_eq!(busy, Some(BackendErrorKind::Busy), "{version:?}");
        stream.send(b"hello\r").await.unwrap();
        read_until(&mut *stream, "hello").await;
        guest.power(PowerAction::Off).await.unwrap();
        loop {
            match stream.next().await.unwrap() {
                ConsoleEvent::Output(_) => {}
                ConsoleEvent::Ended => break,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn token_that_cannot_open_consoles_says_what_to_do() {
    let world = World::of(PveVersion::V8).await;
    world.simulator.add_guest(GuestSpec::qemu(101).running());
    let guest = world.guest(101).await;
    let error = guest.console().unwrap().open().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("password_file"), "{cause}");
}

#[tokio::test]
async fn guest_without_a_serial_port_has_no_console() {
    let world = World::of(PveVersion::V9).await;
    world.simulator.add_guest(GuestSpec::qemu(101).unset("serial0"));
    assert!(world.guest(101).await.console().is_none());
}
