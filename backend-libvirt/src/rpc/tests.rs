//! The client against a server that does what it is told, faults included. What the bytes look like was recorded from
//! virsh and libvirtd 9.0.0.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hex_literal::hex;
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::calls::{Client, Events, OpenError};
use super::connection::Use;
use super::error::{CloseReason, ErrorCode, RpcError};
use super::event::{Event, Lifecycle};
use super::frame::{self, Header, Kind, Status, program};
use super::transport::Transport;
use super::types::{Domain, DomainState, Uuid};
use super::uri::Uri;
use super::xdr::Encode;

const GET_STATE: u32 = 212;
const OPEN_CONSOLE: u32 = 201;
/// A domain that is running, as `state` answers.
const RUNNING: [u8; 8] = hex!("00000001 00000001");

/// The server's end of a connection.
struct Server(DuplexStream);

impl Server {
    /// Waits for a frame; `None` at the end.
    async fn next(&mut self) -> Option<frame::Frame> {
        frame::read(&mut self.0).await.ok()
    }

    /// Waits for a call; pings do not count.
    async fn call(&mut self) -> Header {
        loop {
            let header = self.next().await.unwrap().header;
            if header.kind == Kind::Call {
                return header;
            }
        }
    }

    async fn send(&mut self, header: Header, body: &[u8]) {
        let frame = header.frame(body).unwrap();
        // An error: the client is gone, which is what the test is about.
        let _ = self.0.write_all(&frame).await;
    }

    async fn reply(&mut self, call: &Header, body: &[u8]) {
        let header = Header {
            kind: Kind::Reply,
            ..*call
        };
        self.send(header, body).await;
    }

    async fn refuse(&mut self, call: &Header, code: i32, message: &str) {
        let mut body = Vec::new();
        (code, 0, Some(message)).encode(&mut body);
        let header = Header {
            kind: Kind::Reply,
            status: Status::Error,
            ..*call
        };
        self.send(header, &body).await;
    }

    async fn event(&mut self, procedure: u32, body: &[u8]) {
        let header = Header {
            kind: Kind::Message,
            ..Header::call(program::REMOTE, procedure, 0)
        };
        self.send(header, body).await;
    }

    /// Lets a client in: no login, keepalive, any URI.
    async fn greet(&mut self) {
        for (procedure, answer) in [
            (66, &hex!("00000001 00000000")[..]),
            (60, &hex!("00000001")),
            (1, &[]),
        ] {
            let call = self.next().await.unwrap().header;
            assert_eq!(call.procedure, procedure);
            self.reply(&call, answer).await;
        }
    }
}

fn uri() -> Uri {
    Uri::parse("test:///default").unwrap()
}

fn domain() -> Domain {
    Domain::new(
        "lab-1",
        Uuid::parse("1ab00000-0000-4000-8000-000000000001").unwrap(),
    )
}

/// Asks for the state of the domain.
async fn ask(client: &Client) -> Result<(DomainState, i32), RpcError> {
    client.state(&domain()).await
}

fn pair() -> (Transport, Server) {
    let (one, two) = tokio::io::duplex(1 << 16);
    (Transport::new(one), Server(two))
}

async fn connected() -> (Client, Events, Server) {
    let (transport, mut server) = pair();
    let uri = uri();
    let (client, ()) = tokio::join!(Client::greet(transport, &uri, Use::Calls), server.greet());
    let (client, events) = client.unwrap();
    (client, events, server)
}

#[tokio::test]
async fn calls_are_the_bytes_of_virsh() {
    let (client, _events, mut server) = connected().await;
    let ask = ask(&client);
    let answer = async {
        let call = server.next().await.unwrap();
        let expected = hex!("00000005 6c61622d31000000 1ab00000000040008000000000000001 ffffffff 00000000");
        assert_eq!(
            (call.header.procedure, &call.body[..]),
            (GET_STATE, &expected[..])
        );
        server.reply(&call.header, &RUNNING).await;
    };
    let (state, ()) = tokio::join!(ask, answer);
    assert_eq!(state.unwrap(), (DomainState::Running, 1));

    let lab = domain();
    let keys = client.send_key(&lab, 1);
    let answer = async {
        let call = server.next().await.unwrap();
        let expected = hex!(
            "00000005 6c61622d31000000 1ab00000000040008000000000000001 ffffffff
             00000000 00000000 00000001 00000001 00000000"
        );
        assert_eq!((call.header.procedure, &call.body[..]), (226, &expected[..]));
        server.reply(&call.header, &[]).await;
    };
    let (sent, ()) = tokio::join!(keys, answer);
    sent.unwrap();
}

#[test]
fn events_are_those_of_libvirtd() {
    let decode = |procedure, body: &[u8]| Event::decode(procedure, body).unwrap().unwrap();
    let named = hex!("00000000 00000005 6c61622d31000000 1ab00000000040008000000000000001 00000002");
    let stopped = [&named[..], &hex!("00000005 00000001")].concat();
    let mut running = domain();
    running.id = 2;
    assert_eq!(
        decode(318, &stopped),
        Event::Lifecycle {
            domain: running.clone(),
            event: Lifecycle::Stopped,
            detail: 1
        }
    );
    assert_eq!(decode(319, &named), Event::Reboot(running));
    assert_eq!(decode(362, &hex!("00000003")), Event::ConnectionClosed);
    assert_eq!(Event::decode(331, &named).unwrap(), None);
}

#[tokio::test]
async fn refused_logins_say_what_to_do() {
    let uri = uri();
    let (transport, mut server) = pair();
    let sasl = async {
        let call = server.next().await.unwrap().header;
        server.reply(&call, &hex!("00000001 00000001")).await;
    };
    let (result, ()) = tokio::join!(Client::greet(transport, &uri, Use::Calls), sasl);
    assert!(matches!(result, Err(OpenError::Sasl)));

    let (transport, mut server) = pair();
    let polkit = async {
        let call = server.next().await.unwrap().header;
        server.reply(&call, &hex!("00000001 00000002")).await;
        let call = server.next().await.unwrap().header;
        assert_eq!(call.procedure, 70);
        server
            .refuse(&call, 45, "authentication unavailable: no polkit agent")
            .await;
    };
    let (result, ()) = tokio::join!(Client::greet(transport, &uri, Use::Calls), polkit);
    let error = result.unwrap_err();
    assert!(error.to_string().contains("group `libvirt`"), "{error}");
    assert!(
        matches!(error, OpenError::Refused(RpcError::Libvirt(error)) if error.code == ErrorCode::AUTH_FAILED)
    );
}

#[tokio::test]
async fn a_cut_connection_fails_everything_at_once() {
    let (client, mut events, mut server) = connected().await;
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { ask(&client).await })
        })
        .collect();
    server.next().await.unwrap();
    drop(server);
    for call in calls {
        assert!(matches!(call.await.unwrap(), Err(RpcError::Closed(_))));
    }
    assert_eq!(events.next().await, None);
    assert!(matches!(ask(&client).await, Err(RpcError::Closed(_))));
    client.closed().await;
}

#[tokio::test]
async fn a_frame_cut_in_the_middle_is_the_end() {
    let (client, _events, mut server) = connected().await;
    let ask = ask(&client);
    let cut = async {
        server.next().await.unwrap();
        server.0.write_all(&hex!("00000024 20008086 0000")).await.unwrap();
        drop(server);
    };
    let (state, ()) = tokio::join!(ask, cut);
    assert!(matches!(state, Err(RpcError::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn late_replies_disturb_nobody_and_hold_their_places() {
    let (client, _events, mut server) = connected().await;
    let mut calls = Vec::new();
    let mut late = Vec::new();
    // Four places: all are taken by calls that nobody answers in time.
    for _ in 0..4 {
        let client = client.clone();
        calls.push(tokio::spawn(async move { ask(&client).await }));
        late.push(server.call().await);
    }
    for call in calls {
        assert!(matches!(call.await.unwrap(), Err(RpcError::Timeout(_))));
    }
    // libvirt is still at them: one more would not be read.
    assert!(matches!(ask(&client).await, Err(RpcError::Timeout(_))));
    for header in &late {
        server.reply(header, &hex!("00000005 00000001")).await;
    }
    let answer = async {
        let call = server.call().await;
        assert!(late.iter().all(|late| late.serial != call.serial));
        server.reply(&call, &RUNNING).await;
    };
    let (state, ()) = tokio::join!(ask(&client), answer);
    assert_eq!(state.unwrap().0, DomainState::Running);
}

#[tokio::test]
async fn dropped_calls_keep_their_places_until_they_are_answered() {
    let (client, _events, mut server) = connected().await;
    let most = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let client = client.clone();
            let call = tokio::spawn(async move { ask(&client).await });
            if number % 2 == 0 {
                call.abort();
            }
            call
        })
        .collect();
    let serve = tokio::spawn({
        let most = Arc::clone(&most);
        async move {
            let mut waiting = Vec::new();
            loop {
                // What does not come while nothing is answered will not come.
                match tokio::time::timeout(Duration::from_millis(50), server.next()).await {
                    Ok(Some(call)) => {
                        waiting.push(call.header);
                        most.fetch_max(waiting.len(), Ordering::Relaxed);
                    }
                    Ok(None) => return,
                    Err(_) => {
                        for header in waiting.drain(..) {
                            server.reply(&header, &RUNNING).await;
                        }
                    }
                }
            }
        }
    });
    for (number, call) in calls.into_iter().enumerate() {
        if number % 2 == 1 {
            call.await.unwrap().unwrap();
        }
    }
    assert!((1..=4).contains(&most.load(Ordering::Relaxed)));
    drop(client);
    serve.await.unwrap();
}

#[tokio::test]
async fn events_come_between_a_call_and_its_answer() {
    let (client, mut events, mut server) = connected().await;
    let reboot = hex!("00000001 00000005 6c61622d31000000 1ab00000000040008000000000000001 00000002");
    let answer = async {
        let call = server.next().await.unwrap().header;
        for _ in 0..5_000 {
            server.event(319, &reboot).await;
        }
        server.event(318, b"\0\0").await;
        server.reply(&call, &RUNNING).await;
    };
    let (state, ()) = tokio::join!(ask(&client), answer);
    assert_eq!(
        state.unwrap().0,
        DomainState::Running,
        "events that nobody takes hold up no call"
    );
    assert!(matches!(events.next().await, Some(Event::Reboot(_))));
    assert!(events.were_lost(), "that some were lost is known");
    assert!(!events.were_lost());
}

#[tokio::test(start_paused = true)]
async fn both_sides_look_whether_the_other_is_there() {
    let (client, _events, mut server) = connected().await;
    let ping = Header {
        kind: Kind::Message,
        ..Header::call(program::KEEPALIVE, 1, 0)
    };
    server.send(ping, &[]).await;
    let pong = server.next().await.unwrap().header;
    assert_eq!((pong.program, pong.procedure), (program::KEEPALIVE, 2));
    // A server that says nothing is asked, and then given up.
    let own = server.next().await.unwrap().header;
    assert_eq!((own.program, own.procedure), (program::KEEPALIVE, 1));
    let reason = client.closed().await;
    assert!(matches!(*reason, CloseReason::Silent(_)), "{reason}");
}

#[tokio::test]
async fn streams_bring_bytes_in_order_and_say_how_they_ended() {
    for ending in [Status::Ok, Status::Continue, Status::Error] {
        let (client, _events, mut server) = connected().await;
        let serve = async {
            let call = server.next().await.unwrap().header;
            assert_eq!(call.procedure, OPEN_CONSOLE);
            let chunk = |status| Header {
                kind: Kind::Stream,
                status,
                ..call
            };
            // The first bytes come before the reply, as a console of a busy guest has them.
            server.send(chunk(Status::Continue), b"one ").await;
            server.reply(&call, &[]).await;
            server.send(chunk(Status::Continue), b"two").await;
            let typed = server.next().await.unwrap();
            assert_eq!(
                (typed.header, &typed.body[..]),
                (chunk(Status::Continue), &b"hi\r"[..])
            );
            server
                .send(
                    chunk(ending),
                    if ending == Status::Error { &[0; 12] } else { &[] },
                )
                .await;
            server
        };
        let domain = domain();
        let use_it = async {
            let mut stream = client.open_console(&domain, false).await.unwrap();
            assert_eq!(stream.next().await.unwrap().unwrap(), "one ");
            assert_eq!(stream.next().await.unwrap().unwrap(), "two");
            assert_eq!(stream.send(b"hi\r").await.unwrap(), 3);
            stream.next().await
        };
        let (end, _server) = tokio::join!(use_it, serve);
        match ending {
            Status::Error => assert!(matches!(end, Err(RpcError::Libvirt(_)))),
            _ => assert_eq!(end.unwrap(), None),
        }
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_not_stored_without_end() {
    let (transport, mut server) = pair();
    let uri = uri();
    let greet = async {
        for answer in [&hex!("00000001 00000000")[..], &[]] {
            let call = server.next().await.unwrap().header;
            server.reply(&call, answer).await;
        }
    };
    let (client, ()) = tokio::join!(Client::greet(transport, &uri, Use::Console), greet);
    let (client, _) = client.unwrap();
    let domain = domain();
    let open = client.open_console(&domain, false);
    let accept = async {
        let call = server.next().await.unwrap().header;
        server.reply(&call, &[]).await;
        call
    };
    let (stream, call) = tokio::join!(open, accept);
    let mut stream = stream.unwrap();
    let chunk = Header {
        kind: Kind::Stream,
        status: Status::Continue,
        ..call
    };
    let frame = chunk.frame(&[b'x'; 4_000]).unwrap();
    let mut taken = 0;
    // The wire fills: the server cannot send more, and nothing is lost.
    while tokio::time::timeout(Duration::from_millis(200), server.0.write_all(&frame))
        .await
        .is_ok()
    {
        taken += 1;
        assert!(taken < 1_000, "four megabytes wait in memory");
    }
    let mut read = 0;
    while read < taken * 4_000 {
        read += stream.next().await.unwrap().unwrap().len();
    }
}

proptest! {
    #[test]
    fn no_bytes_make_an_event_panic(procedure in 300_u32..450, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::decode(procedure, &body);
    }

    #[test]
    fn no_bytes_make_a_connection_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, mut events, mut server) = connected().await;
            server.0.write_all(&bytes).await.unwrap();
            drop(server);
            client.closed().await;
            while events.next().await.is_some() {}
        });
    }
}
