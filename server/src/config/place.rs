use serde_json::Value;

/// The line, from 1 on, on which `path` is set in a TOML text.
pub(super) fn of(text: &str, path: &[String]) -> Option<usize> {
    let wanted =
        path.iter().filter(|part| part.parse::<usize>().is_err()).map(String::as_str).collect::<Vec<_>>();
    let mut table: Vec<&str> = Vec::new();
    let mut found = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            table = names(name.trim_start_matches('[').split(']').next().unwrap_or_default());
            if table == wanted {
                found = Some(index + 1);
            }
        } else if let Some((key, _)) = line.split_once('=') {
            let set: Vec<&str> = table.iter().copied().chain(names(key)).collect();
            if set == wanted {
                return Some(index + 1);
            }
            // An inline table holds the rest of the path.
            if found.is_none() && wanted.starts_with(&set) {
                found = Some(index + 1);
            }
        }
    }
    found
}

fn names(dotted: &str) -> Vec<&str> {
    dotted.split('.').map(|name| name.trim().trim_matches(['"', '\''])).collect()
}

/// A tree of settings as TOML: values first, then tables.
pub(super) fn toml(value: &Value) -> String {
    let mut text = String::new();
    table(&mut text, "", value);
    text
}

fn table(text: &mut String, name: &str, value: &Value) {
    let Value::Object(fields) = value else { return };
    let full = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    for (key, value) in fields {
        match value {
            Value::Null | Value::Object(_) => {}
            Value::Array(items) if items.iter().any(Value::is_object) => {}
            // JSON's strings, numbers, booleans and arrays of them are TOML's.
            value => text.push_str(&format!("{key} = {value}\n")),
        }
    }
    for (key, value) in fields {
        match value {
            Value::Object(_) => {
                text.push_str(&format!("\n[{}]\n", full(key)));
                table(text, &full(key), value);
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for item in items {
                    text.push_str(&format!("\n[[{}]]\n", full(key)));
                    table(text, &full(key), item);
                }
            }
            _ => {}
        }
    }
}
