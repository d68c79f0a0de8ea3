//! Control of the running program by HTTP and JSON over a unix socket.

pub mod api;
mod bmcs;
mod check;
mod events;
mod machine;
mod metrics;
mod problem;
mod records;
mod socket;
mod users;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tracing::{error, warn};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

pub use socket::{Caller, ControlSocket, SocketError, group_number};

use crate::config::{self, ConfigError, Surroundings};
use crate::events::Events;
use crate::registry::{Chain, Registry, RegistryError};
use api::Reloaded;
use problem::Refusal;

/// Name of the socket in its directory.
const SOCKET: &str = "vbmcd.sock";

/// Title of the document.
#[derive(OpenApi)]
#[openapi(info(title = "vbmcd", description = "Control of virtual BMCs."))]
struct Description;

/// What requests work with.
#[derive(Clone, Debug)]
pub struct Control {
    registry: Arc<Registry>,
    events: Arc<Events>,
    config: Option<Arc<Path>>,
    group: Option<u32>,
}

/// Where the socket is if nobody says: in `$RUNTIME_DIRECTORY` (systemd), in /run/vbmcd for root, else in
/// `$XDG_RUNTIME_DIR`. `None`: there is no such directory.
#[must_use]
pub fn default_socket() -> Option<PathBuf> {
    let directory = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(runtime) = directory("RUNTIME_DIRECTORY") {
        return Some(runtime.join(SOCKET));
    }
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/run/vbmcd").join(SOCKET));
    }
    directory("XDG_RUNTIME_DIR").map(|runtime| runtime.join(SOCKET))
}

impl Control {
    /// Control of these BMCs by root, the user of this program, and a group.
    #[must_use]
    pub const fn new(
        registry: Arc<Registry>,
        events: Arc<Events>,
        config: Option<Arc<Path>>,
        group: Option<u32>,
    ) -> Self {
        Self {
            registry,
            events,
            config,
            group,
        }
    }

    /// Reads the configuration file again and goes over to it.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] if there is none, or a mistake in it: then nothing has changed.
    pub async fn reload(&self) -> Result<Reloaded, RegistryError> {
        let path = self.config.as_deref().ok_or_else(|| {
            RegistryError::Invalid("the demo has no configuration to read again".to_owned())
        })?;
        let invalid = |error: ConfigError| RegistryError::Invalid(Chain(&error).to_string());
        let plan = config::load(path).map_err(invalid)?;
        let surroundings = Surroundings::of(path).map_err(invalid)?;
        self.registry.reload(plan, surroundings).await
    }

    /// Answers requests until the future is dropped.
    pub async fn serve(self, socket: ControlSocket) {
        let service = router(self).into_make_service_with_connect_info::<Caller>();
        if let Err(error) = axum::serve(socket, service).await {
            error!(%error, "the control socket ended");
        }
    }
}

/// All paths, and the description of them that is made from the same list.
fn routes() -> (Router<Control>, Document) {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(bmcs::routes())
        .merge(machine::routes())
        .merge(records::routes())
        .merge(users::routes())
        .merge(check::routes())
        .merge(events::routes())
        .split_for_parts()
}

/// The OpenAPI description of the control socket.
#[must_use]
pub fn document() -> Document {
    routes().1
}

fn router(control: Control) -> Router {
    let (routes, document) = routes();
    let document = Arc::new(document);
    let describe = move || {
        let document = Arc::clone(&document);
        async move { Json(&*document).into_response() }
    };
    routes
        .route("/openapi.json", get(describe))
        .fallback(async || Refusal::not_found("there is no such path: /openapi.json has them all"))
        .method_not_allowed_fallback(async || Refusal::method())
        .layer(middleware::from_fn_with_state(control.clone(), events::record))
        .layer(middleware::from_fn_with_state(control.clone(), admit))
        .with_state(control)
}

/// Lets those in who may.
async fn admit(
    State(control): State<Control>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    if caller.may_control(control.group) {
        return next.run(request).await;
    }
    warn!(
        uid = caller.uid,
        gid = caller.gid,
        "somebody who may not called the control socket"
    );
    Refusal::forbidden().into_response()
}
