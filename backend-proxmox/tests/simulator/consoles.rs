//! Consoles through their websockets, with everything that ends them.

use std::time::Duration;

use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::{Client, DEADLINE};

/// So long a console waits, for the clock is fast.
const PATIENCE: Duration = Duration::from_secs(100_000);

struct Console {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    read: Vec<u8>,
}

impl Console {
    /// Asks for a console of guest 100 and connects to it.
    async fn open(client: &Client, kind: &str) -> Self {
        let path = format!("/nodes/pve1/{kind}/100");
        let given = client
            .call("POST", &format!("{path}/termproxy"), &[])
            .await
            .data();
        let mut console = Self::connect(client, &path, &given).await;
        let user = given["user"].as_str().unwrap();
        console
            .send(format!("{user}:{}\n", given["ticket"].as_str().unwrap()).as_bytes())
            .await;
        console
    }

    async fn connect(client: &Client, path: &str, given: &Value) -> Self {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("port", given["port"].as_str().unwrap())
            .append_pair("vncticket", given["ticket"].as_str().unwrap())
            .finish();
        let uri = format!("wss://pve1/api2/json{path}/vncwebsocket?{query}");
        let mut request = uri.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "binary".parse().unwrap());
        for (name, value) in client.headers() {
            headers.insert(*name, value.parse().unwrap());
        }
        let stream = client.connect().await.unwrap();
        let (socket, response) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "binary");
        Self {
            socket,
            read: Vec::new(),
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.socket.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    async fn type_text(&mut self, text: &[u8]) {
        let mut message = format!("0:{}:", text.len()).into_bytes();
        message.extend_from_slice(text);
        self.send(&message).await;
    }

    /// Reads until `end` comes; `false`: the connection ended first.
    async fn until(&mut self, end: &[u8]) -> bool {
        let read = async {
            while !self.read.windows(end.len()).any(|window| window == end) {
                match self.socket.next().await {
                    Some(Ok(message)) => self.read.extend_from_slice(&message.into_data()),
                    Some(Err(_)) | None => return false,
                }
            }
            true
        };
        tokio::time::timeout(DEADLINE, read)
            .await
            .expect("the console says nothing more")
    }

    async fn ends(&mut self) -> bool {
        !self.until(b"\0never printed").await
    }
}

async fn guest(version: PveVersion) -> (Simulator, Client) {
    let simulator = Simulator::builder()
        .version(version)
        .speed(100)
        .console_patience(PATIENCE);
    let simulator = simulator.start().await.unwrap();
    simulator.add_guest(GuestSpec::qemu(100).name("web").running());
    let client = Client::root(&simulator);
    (simulator, client)
}

/// A client with user and password, whom every version lets use consoles.
async fn with_ticket(simulator: &Simulator) -> Client {
    simulator.add_user("op@pve", "secret12");
    simulator.grant("/", "op@pve", "Administrator");
    let nobody = Client::with(simulator, Vec::new());
    let parameters = [("username", "op@pve"), ("password", "secret12")];
    let given = nobody.call("POST", "/access/ticket", &parameters).await.data();
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let cookie = ("cookie", format!("PVEAuthCookie={}", text("ticket")));
    Client::with(
        simulator,
        vec![cookie, ("csrfpreventiontoken", text("CSRFPreventionToken"))],
    )
}

const STARTED: &[u8] = b"starting serial terminal on interface serial0\r\n";

#[tokio::test]
async fn what_is_typed_comes_back() {
    let (simulator, client) = guest(PveVersion::V9).await;
    let mut console = Console::open(&client, "qemu").await;
    assert!(console.until(STARTED).await);
    assert!(console.read.starts_with(b"OK"));
    console.send(b"1:80:24:").await;
    console.send(b"2").await;
    console.type_text(b"hello\r").await;
    assert!(console.until(b"hello\r\nweb:~# ").await);
    let all: Vec<u8> = (0..=255).collect();
    let much: Vec<u8> = all
        .iter()
        .copied()
        .filter(|byte| *byte != b'\r')
        .cycle()
        .take(60_000)
        .collect();
    console.type_text(&much).await;
    assert!(console.until(&much).await);
    simulator.print(100, b"kernel: boo");
    assert!(console.until(b"kernel: boo").await);
    assert_eq!(
        client.run("POST", "/nodes/pve1/qemu/100/status/reset", &[]).await,
        "OK"
    );
    assert!(console.until(b"booted from scsi0\r\n").await);
}

#[tokio::test]
async fn tokens_have_consoles_on_late_versions_only() {
    for version in PveVersion::ALL {
        let (simulator, client) = guest(version).await;
        let mut console = Console::open(&client, "qemu").await;
        assert_eq!(
            console.until(STARTED).await,
            version == PveVersion::V9,
            "{version:?}"
        );
        if version != PveVersion::V9 {
            assert!(console.read.is_empty(), "{version:?}: closed without a byte");
        }
        let client = with_ticket(&simulator).await;
        let mut console = Console::open(&client, "qemu").await;
        if version != PveVersion::V9 {
            assert!(console.until(STARTED).await, "{version:?}");
        }
    }
}

#[tokio::test]
async fn a_console_ends_with_its_machine() {
    for version in PveVersion::ALL {
        let (simulator, _) = guest(version).await;
        let client = with_ticket(&simulator).await;
        let mut console = Console::open(&client, "qemu").await;
        assert!(console.until(STARTED).await);
        // The shell answers: the terminal is attached.
        console.type_text(b"x").await;
        assert!(console.until(b"\nx").await);
        simulator.power_off_inside(100);
        if version == PveVersion::V9 {
            // Silent until something is sent.
            let silent = tokio::time::timeout(Duration::from_millis(200), console.ends()).await;
            assert!(silent.is_err());
            console.type_text(b"x").await;
        }
        assert!(console.ends().await, "{version:?}");
        let mut console = Console::open(&client, "qemu").await;
        assert!(console.until(b"VM 100 not running\r\n").await);
        assert!(console.ends().await);
    }
}

#[tokio::test]
async fn one_console_at_a_time_has_the_port() {
    let (_simulator, client) = guest(PveVersion::V9).await;
    let mut first = Console::open(&client, "qemu").await;
    assert!(first.until(STARTED).await);
    first.type_text(b"first").await;
    assert!(first.until(b"first").await);
    let mut second = Console::open(&client, "qemu").await;
    assert!(second.until(STARTED).await);
    second.type_text(b"second").await;
    let nothing = tokio::time::timeout(Duration::from_millis(200), second.until(b"second")).await;
    assert!(nothing.is_err());
    drop(first);
    assert!(second.until(b"second").await);
}

#[tokio::test]
async fn wrong_tickets_and_late_clients_are_refused() {
    let (simulator, client) = guest(PveVersion::V9).await;
    let path = "/nodes/pve1/qemu/100";
    let given = client
        .call("POST", &format!("{path}/termproxy"), &[])
        .await
        .data();
    let port = given["port"].as_str().unwrap();
    let query = [("port", port), ("vncticket", "PVEVNC:0::AAAA")];
    let reply = client.call("GET", &format!("{path}/vncwebsocket"), &query).await;
    assert_eq!(
        (reply.status, reply.reason.as_str()),
        (401, "permission denied - invalid PVEVNC ticket")
    );
    let mut console = Console::connect(&client, path, &given).await;
    console.send(b"root@pam!bmc:wrong\n").await;
    assert!(console.ends().await);
    assert!(console.read.is_empty());
    let given = client
        .call("POST", &format!("{path}/termproxy"), &[])
        .await
        .data();
    simulator.advance(PATIENCE + Duration::from_secs(1));
    assert_eq!(
        client.exit_status(given["upid"].as_str().unwrap()).await,
        "connection timed out"
    );
    simulator.add_guest(GuestSpec::qemu(101).unset("serial0"));
    let reply = client.call("POST", "/nodes/pve1/qemu/101/termproxy", &[]).await;
    assert_eq!(
        (reply.status, reply.reason.as_str()),
        (500, "unable to find a serial interface")
    );
}

#[tokio::test]
async fn a_cut_connection_ends_a_console() {
    let (simulator, client) = guest(PveVersion::V9).await;
    let mut console = Console::open(&client, "qemu").await;
    assert!(console.until(STARTED).await);
    simulator.cut_connections();
    assert!(console.ends().await);
}

#[tokio::test]
async fn a_container_has_a_console_for_several() {
    let simulator = Simulator::builder().speed(100).console_patience(PATIENCE);
    let simulator = simulator.start().await.unwrap();
    simulator.add_guest(GuestSpec::lxc(100).running());
    let client = Client::root(&simulator);
    let mut first = Console::open(&client, "lxc").await;
    let mut second = Console::open(&client, "lxc").await;
    for console in [&mut first, &mut second] {
        assert!(console.until(b"OK").await);
        console.type_text(b"me\r").await;
        assert!(console.until(b"ct100:~# ").await);
    }
}
