//! JSON in one form only (after RFC 8785): sorted keys, no spaces, whole numbers. What is hashed must not depend on who
//! wrote it.

use serde_json::Value;

/// The one form of a value.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|one, other| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(&map[key], text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::canonical;

    #[test]
    fn the_form_does_not_depend_on_the_order_of_keys() {
        let value = json!({"b": [1, {"z": null, "a": true}], "a": "é\"\n", "": {}});
        assert_eq!(
            canonical(&value),
            r#"{"":{},"a":"é\"\n","b":[1,{"a":true,"z":null}]}"#
        );
    }
}
