//! What `/openapi.json` says, held against what is answered.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use apogee_testkit::example;
use serde_json::{Value, json};

use crate::attempts::probing;
use crate::served::Served;

/// The address of an operation with every example filled in.
fn address(path: &str, operation: &Value, with_query: bool) -> String {
    let mut address = path.to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().unwrap() {
        let (name, example) = (parameter["name"].as_str().unwrap(), parameter["example"].as_str().unwrap());
        match parameter["in"].as_str().unwrap() {
            "path" => address = address.replace(&format!("{{{name}}}"), example),
            _ => query.push(format!("{name}={example}")),
        }
    }
    if with_query && !query.is_empty() { format!("{address}?{}", query.join("&")) } else { address }
}

/// Nothing may be answered that is not described. `parts` are schemas that others are composed of: the whole is closed there.
fn closed(schema: &mut Value, parts: &[String]) {
    match schema {
        Value::Object(fields) if fields.contains_key("allOf") => {
            fields.insert("unevaluatedProperties".into(), false.into());
        }
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.insert("additionalProperties".into(), false.into());
            }
            for (name, field) in fields {
                if !parts.contains(name) {
                    closed(field, parts);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| closed(item, parts)),
        _ => {}
    }
}

/// The names of schemas that others are composed of.
fn parts(schemas: &Value) -> Vec<String> {
    let composed = schemas.as_object().unwrap().values().filter_map(|schema| schema["allOf"].as_array());
    let names = composed.flatten().filter_map(|part| part["$ref"].as_str()?.rsplit('/').next());
    names.map(Into::into).collect()
}

pub(crate) fn validate(document: &Value, schema: &Value, answer: &Value, what: &str) {
    let mut whole = json!({ "components": document["components"], "allOf": [schema] });
    closed(&mut whole["components"], &parts(&document["components"]["schemas"]));
    let validator = jsonschema::validator_for(&whole).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}\n{answer:#}");
}

/// A network of Spacemesh beside the others, and a recount of it.
fn counted(folder: &Path) {
    let apogee = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
        let output = command.current_dir(folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    let file = |name: &str| example("spacemesh-devnet").join(name).display().to_string();
    let (copy, described) = (file("state_a.sql"), file("network.toml"));
    let of = ["--described", &described, "--network", "devnet-208", "--store", "sqlite:copy.sqlite"];
    apogee(&[&["spacemesh", "import", &copy], &of[..]].concat());
    apogee(&["spacemesh", "recount", "run", &copy, "--described", &described, "--out", "report.json"]);
    apogee(&[&["spacemesh", "recount", "keep", "report.json"], &of[..]].concat());
}

#[test]
fn every_documented_address_answers_as_it_is_described() {
    let (served, _probed, folder) = probing();
    counted(folder.path());
    // The server looks every second whether there is another network.
    let listed = || {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            served.get("/n/devnet-208/recounts.json").status == 200
        })
    };
    assert!(listed());
    let document = served.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 10);
    let problem = &document["paths"]["/index.json"]["get"]["responses"]["default"]["content"]["application/problem+json"];
    // Those of faucets need one, and are looked at where there is one (`chat.rs`).
    for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("/faucet/")) {
        let operation = &item["get"];
        for with_query in [false, true] {
            let address = address(path, operation, with_query || path == "/find");
            let answer = served.get(&address);
            let (status, described) = operation["responses"].as_object().unwrap().iter().next().unwrap();
            assert_eq!(answer.status.to_string(), *status, "{address}: {answer:?}");
            for (media, content) in described["content"].as_object().into_iter().flatten() {
                assert_eq!(answer.header("content-type"), Some(media.as_str()), "{address}");
                if media == "application/json" {
                    validate(&document, &content["schema"], &answer.json(), &address);
                }
            }
        }
        if path.contains("/n/") || path.contains("/c/") || path == "/find" {
            let refused = served.get(&format!("{}?unheard-of=1", address(path, operation, false)));
            assert_eq!(refused.status, 400, "{path} takes what is not described");
            validate(&document, &problem["schema"], &refused.json(), path);
        }
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let document = Served::new().get("/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().values();
    let mut names: Vec<&str> = paths.map(|item| item["get"]["operationId"].as_str().unwrap()).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
