//! `/version` and everything under `/access`.

use serde_json::{Map, Value, json};

use crate::simulator::answer::{ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::random;
use crate::simulator::roles;
use crate::simulator::version::PveVersion;

pub(super) fn handle(call: &Call) -> Option<ApiResult> {
    Some(match call.endpoint.key.as_str() {
        "GET /version" | "GET /nodes/{node}/version" => Ok(version(call.shared.version).into()),
        "GET /access/ticket" => Ok(Value::Null.into()),
        "POST /access/ticket" => log_in(call),
        "GET /access/permissions" => permissions(call),
        "GET /access/roles" => Ok(list_roles(call.shared.version).into()),
        "GET /access/users/{userid}/token" => Ok(tokens(call).into()),
        "POST /access/users/{userid}/token/{tokenid}" => create_token(call),
        _ => return None,
    })
}

fn version(version: PveVersion) -> Value {
    let (package, release, commit) = version.release();
    json!({"version": package, "release": release, "repoid": commit})
}

fn log_in(call: &Call) -> ApiResult {
    let user = match call.get("realm") {
        Some(realm) => format!("{}@{realm}", call.text("username")),
        None => call.text("username").to_owned(),
    };
    let now = call.shared.clock.unix();
    let given = call
        .shared
        .cluster()
        .access
        .log_in(&user, call.text("password"), now);
    let Some((ticket, csrf)) = given else {
        return Err(ApiError::Message {
            status: 401,
            text: "authentication failure\n".to_owned(),
        });
    };
    let mut capabilities = Map::new();
    let mut groups = vec!["access", "dc", "nodes", "sdn", "storage", "vms"];
    if call.shared.version >= PveVersion::V8 {
        groups.push("mapping");
    }
    for group in groups {
        let path = if group == "dc" {
            "/".to_owned()
        } else {
            format!("/{group}")
        };
        let caller = crate::simulator::access::Caller {
            user: user.clone(),
            token: None,
        };
        let have = call.shared.cluster().permissions(&caller, &path);
        let have: Map<String, Value> = have.into_keys().map(|name| (name, json!(1))).collect();
        capabilities.insert(group.to_owned(), Value::Object(have));
    }
    Ok(json!({"username": user, "ticket": ticket, "CSRFPreventionToken": csrf, "cap": capabilities}).into())
}

fn permissions(call: &Call) -> ApiResult {
    let cluster = call.shared.cluster();
    if call
        .get("userid")
        .is_some_and(|other| other != call.caller.id() && other != call.caller.user)
    {
        cluster.require(&call.caller, "/access", &["Sys.Audit"])?;
    }
    let on = |path: &str| -> Map<String, Value> {
        let have = cluster.permissions(&call.caller, path);
        have.into_iter()
            .map(|(name, propagate)| (name, json!(u8::from(propagate))))
            .collect()
    };
    let mut found = Map::new();
    if let Some(path) = call.get("path") {
        found.insert(path.to_owned(), Value::Object(on(path)));
        return Ok(Value::Object(found).into());
    }
    let pools = if call.shared.version >= PveVersion::V8 {
        "/pool"
    } else {
        "/pools"
    };
    let always = [
        "/",
        "/access",
        "/access/groups",
        "/nodes",
        pools,
        "/sdn",
        "/storage",
        "/vms",
    ];
    let paths = cluster
        .access
        .paths()
        .into_iter()
        .chain(always.map(str::to_owned));
    for path in paths {
        let have = on(&path);
        if !have.is_empty() {
            found.insert(path, Value::Object(have));
        }
    }
    Ok(Value::Object(found).into())
}

fn list_roles(version: PveVersion) -> Value {
    [
        "Administrator",
        "NoAccess",
        "PVEAdmin",
        "PVEAuditor",
        "PVEVMAdmin",
        "PVEVMUser",
    ]
    .into_iter()
    .map(|role| {
        let all = roles::privileges(version).into_iter();
        let own: Vec<&str> = all
            .filter(|privilege| roles::has(role, privilege, version))
            .collect();
        json!({"roleid": role, "special": 1, "privs": own.join(",")})
    })
    .collect()
}

fn tokens(call: &Call) -> Value {
    let tokens = call.shared.cluster().access.tokens_of(call.text("userid"));
    let row = |(name, separate, expires): (String, bool, u64)| json!({"tokenid": name, "privsep": u8::from(separate), "expire": expires});
    tokens.into_iter().map(row).collect()
}

fn create_token(call: &Call) -> ApiResult {
    let (user, name) = (call.text("userid"), call.text("tokenid"));
    let mut cluster = call.shared.cluster();
    if cluster
        .access
        .tokens_of(user)
        .iter()
        .any(|(known, ..)| known == name)
    {
        return Err(ApiError::parameter("tokenid", "Token already exists."));
    }
    let (separate, expires) = (
        call.get("privsep") != Some("0"),
        call.number("expire").unwrap_or(0),
    );
    let (id, secret) = (format!("{user}!{name}"), random::uuid());
    cluster.access.set_token(&id, &secret, separate, expires);
    let info = json!({"privsep": u8::from(separate), "expire": expires});
    Ok(json!({"full-tokenid": id, "info": info, "value": secret}).into())
}
