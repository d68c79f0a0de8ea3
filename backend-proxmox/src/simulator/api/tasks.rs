//! Lists of tasks, their status and their logs.

use serde_json::{Value, json};

use crate::simulator::answer::{Answer, ApiError, ApiResult};
use crate::simulator::call::Call;
use crate::simulator::cluster::Cluster;
use crate::simulator::task::Task;

/// Rows of a list when nobody says how many.
const LIMIT: usize = 50;
/// Tasks in the list of the whole cluster, per node.
const CLUSTER: usize = 25;

pub(super) fn handle(call: &Call) -> Option<ApiResult> {
    let cluster = call.shared.cluster();
    Some(match call.endpoint.key.as_str() {
        "GET /cluster/tasks" => {
            let mine = |task: &&Task| visible(call, &cluster, task);
            let rows = cluster
                .tasks
                .newest()
                .filter(mine)
                .take(CLUSTER * cluster.nodes.len());
            Ok(rows.map(Task::listed_in_cluster).collect::<Value>().into())
        }
        "GET /nodes/{node}/tasks" => Ok(list(call, &cluster)),
        "GET /nodes/{node}/tasks/{upid}" => Ok(json!([{"name": "log"}, {"name": "status"}]).into()),
        "GET /nodes/{node}/tasks/{upid}/status" => {
            find(call, &cluster, "Sys.Audit").map(|task| task.status().into())
        }
        "GET /nodes/{node}/tasks/{upid}/log" => find(call, &cluster, "Sys.Audit").map(|task| {
            let (start, limit) = (number(call, "start", 0), number(call, "limit", LIMIT));
            let (data, total) = task.lines(start, limit);
            Answer {
                data,
                total: Some(total),
            }
        }),
        "DELETE /nodes/{node}/tasks/{upid}" => find(call, &cluster, "Sys.Modify").map(|task| {
            task.stop.cancel();
            Value::Null.into()
        }),
        _ => return None,
    })
}

fn number(call: &Call, name: &str, default: usize) -> usize {
    call.number(name)
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(default)
}

fn visible(call: &Call, cluster: &Cluster, task: &Task) -> bool {
    task.belongs_to(&call.caller) || cluster.may(&call.caller, &format!("/nodes/{}", task.node), "Sys.Audit")
}

/// The task that the path names, if the caller may see it.
fn find<'a>(call: &Call, cluster: &'a Cluster, privilege: &str) -> Result<&'a Task, ApiError> {
    let task = cluster.tasks.find(call.text("upid"))?;
    if !task.belongs_to(&call.caller) {
        cluster.require(&call.caller, &format!("/nodes/{}", task.node), &[privilege])?;
    }
    Ok(task)
}

fn list(call: &Call, cluster: &Cluster) -> Answer {
    let source = call.get("source").unwrap_or("archive");
    let wanted = |task: &&Task| {
        task.node == call.node()
            && call.get("vmid").is_none_or(|vmid| task.id == vmid)
            && call.get("typefilter").is_none_or(|kind| task.kind == kind)
            && call
                .get("userfilter")
                .is_none_or(|user| task.caller.id().contains(user))
            && (source == "all" || task.is_running() == (source == "active"))
            && (!call.flag("errors") || task.exit.as_deref().is_some_and(|exit| exit != "OK"))
            && visible(call, cluster, task)
    };
    let all: Vec<&Task> = cluster.tasks.newest().filter(wanted).collect();
    let rows = all
        .iter()
        .skip(number(call, "start", 0))
        .take(number(call, "limit", LIMIT));
    Answer {
        data: rows.map(|task| task.listed()).collect(),
        total: Some(all.len()),
    }
}
