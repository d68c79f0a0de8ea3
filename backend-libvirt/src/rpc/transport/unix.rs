//! The local socket.

use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::{Transport, TransportError};
use crate::rpc::uri::Uri;

/// Connects to the given socket, or to the first of the usual ones that answers.
pub(super) async fn connect(uri: &Uri, socket: Option<&Path>) -> Result<Transport, TransportError> {
    let candidates = socket.map_or_else(|| usual(uri), |socket| vec![socket.to_owned()]);
    let mut failure = None;
    for path in candidates {
        match UnixStream::connect(&path).await {
            Ok(stream) => return Ok(Transport::new(stream)),
            Err(source) => {
                // A socket that is there but refuses says more than one that is not there.
                let is_worse = source.kind() == std::io::ErrorKind::NotFound && failure.is_some();
                if !is_worse {
                    let path = path.display().to_string();
                    failure = Some(TransportError::Unix { path, source });
                }
            }
        }
    }
    Err(failure.unwrap_or_else(|| TransportError::Unix {
        path: "$XDG_RUNTIME_DIR/libvirt".to_owned(),
        source: std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "neither XDG_RUNTIME_DIR nor HOME is set",
        ),
    }))
}

/// The sockets of the driver's own daemon and of libvirtd, in the order in which libvirt tries them.
fn usual(uri: &Uri) -> Vec<PathBuf> {
    let driver = uri.driver();
    let directory = if uri.is_session() {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let cache = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        match runtime.or_else(cache) {
            Some(directory) => directory.join("libvirt"),
            None => return Vec::new(),
        }
    } else {
        PathBuf::from("/run/libvirt")
    };
    vec![
        directory.join(format!("virt{driver}d-sock")),
        directory.join("libvirt-sock"),
    ]
}
