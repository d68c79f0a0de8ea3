//! The control socket as programs see it: HTTP, JSON, and the description that it gives of itself.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::daemon::{DEADLINE, Vbmcd};

/// Sends a request: the status, and the JSON of the answer.
pub(crate) fn ask(daemon: &Vbmcd, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(daemon.file("vbmcd.sock")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    // In one piece: an answer that does not wait for the body closes the connection before a second one.
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let is_json = head.contains("application/json");
    let answer = is_json.then(|| serde_json::from_str(body).unwrap());
    (status, answer.unwrap_or(Value::Null))
}

/// The part of a document that `$ref` names.
fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    }
}

/// Checks a value against the part of JSON Schema that the description uses.
#[track_caller]
fn check(document: &Value, schema: &Value, value: &Value) {
    let schema = resolve(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, value);
    }
    let types: Vec<_> = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        single => single.as_str().into_iter().collect(),
    };
    let fits = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("unknown type {other}"),
    };
    assert!(
        types.is_empty() || types.iter().any(fits),
        "{value} is not of {schema}"
    );
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            value.get(name.as_str().unwrap()).is_some(),
            "no {name} in {value}"
        );
    }
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            check(document, part, value);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], item);
    }
    if let Some(known) = schema["enum"].as_array() {
        assert!(known.contains(value), "{value} is not one of {known:?}");
    }
}

#[test]
fn every_path_answers_as_the_description_says() {
    let daemon = Vbmcd::demo(&[]);
    let (status, document) = ask(&daemon, "GET", "/openapi.json", "");
    assert_eq!(status, 200);
    let mut asked = 0;
    // Reading first: the last ones may stop or delete the BMC.
    let order = ["get", "put", "post", "patch", "delete"];
    for method in order {
        for (path, methods) in document["paths"].as_object().unwrap() {
            let Some(operation) = methods.get(method) else {
                continue;
            };
            if operation["responses"].get("101").is_some() {
                continue;
            }
            for name in ["node1", "none"] {
                let path = path.replace("{name}", name).replace("{id}", "2");
                let (status, answer) = ask(&daemon, &method.to_uppercase(), &path, "{}");
                let described = &operation["responses"][status.to_string()];
                assert!(
                    !described.is_null(),
                    "{method} {path} answered {status}: {answer}"
                );
                let schema = &described["content"]["application/json"]["schema"];
                check(&document, schema, &answer);
                assert_eq!(schema.is_null(), answer.is_null(), "{method} {path}: {answer}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 16, "only {asked} requests were described");
}

#[test]
fn what_is_not_described_is_refused_in_json() {
    let daemon = Vbmcd::demo(&[]);
    let (status, problem) = ask(&daemon, "GET", "/v1/nothing", "");
    assert_eq!(status, 404);
    assert!(problem["error"].as_str().unwrap().contains("openapi.json"));
    let (status, problem) = ask(&daemon, "DELETE", "/v1/bmcs", "");
    assert_eq!(status, 405);
    assert!(problem["error"].is_string());
    for body in [
        "",
        "[1]",
        "{\"bmc\": {}, \"colour\": 1}",
        "{\"bmc\": {\"name\": {\"x\": 1}}}",
    ] {
        let (status, problem) = ask(&daemon, "POST", "/v1/bmcs", body);
        assert_eq!(status, 400, "{body}: {problem}");
        assert!(problem["error"].is_string());
    }
}
