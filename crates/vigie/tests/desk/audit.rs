//! The log, taken out and checked with nothing but the files.

use serde_json::{Value, json};

use crate::scene::Scene;

#[test]
fn what_was_tampered_with_shows_without_a_server() {
    let mut scene = Scene::new();
    scene.tenant("Client");
    scene.vigie(&["journal", "say", "the owner called", "--tenant", "Client"]);
    scene.vigie(&["audit", "publish"]);
    scene.vigie(&["journal", "say", "the owner called again", "--tenant", "Client"]);
    scene.vigie(&["audit", "publish"]);
    let roots = scene.json(&["audit", "roots"]);
    scene.write("roots.json", roots.to_string().as_bytes());
    scene.vigie(&["audit", "export", "--tenant", "Client", "-o", "client.jsonl"]);
    scene.vigie(&["audit", "export", "-o", "provider.jsonl"]);
    assert!(
        scene
            .fails(1, &["audit", "export", "-o", "provider.jsonl"])
            .contains("provider.jsonl")
    );
    scene.vigie(&["audit", "publish"]);
    let newest = scene.json(&["audit", "roots"]);

    // From here on there is no server, and no key.
    scene.server.take().unwrap().kill();
    scene.key.clear();
    scene.url.clear();
    let said = scene.vigie(&["audit", "verify", "client.jsonl"]);
    assert!(
        said.contains("as it was written") && said.contains("2 roots, named, not proven"),
        "{said}"
    );
    let both = [
        "audit",
        "verify",
        "client.jsonl",
        "provider.jsonl",
        "--roots",
        "roots.json",
    ];
    let sound = scene.json(&both);
    assert_eq!(
        (&sound["sound"], &sound["exports"][0]["proven_roots"]),
        (&json!(true), &json!(2))
    );
    let said = scene.vigie(&["audit", "verify", "client.jsonl", "--lang", "fr"]);
    assert!(said.contains("telle qu’écrite"), "{said}");
    // A root from after the export is no reproach to whoever knows when it was made; to others it is one, whatever the export
    // says of itself.
    scene.write("newest.json", newest.to_string().as_bytes());
    let newer = ["audit", "verify", "provider.jsonl", "--roots", "newest.json"];
    let said = scene.fails_with_output(3, &newer);
    assert!(said.contains("say when with --exported-at"), "{said}");
    let made = newest[1]["at"].as_str().unwrap();
    let mut known = newer.to_vec();
    known.extend(["--exported-at", made]);
    let said = scene.json(&known);
    assert_eq!(
        (&said["sound"], &said["exports"][0]["newer_roots"]),
        (&json!(true), &json!(1))
    );
    let cut = cut_off(&scene, "provider.jsonl", newest[2]["at"].as_str().unwrap());
    scene.write("cut.jsonl", cut.as_bytes());
    let said = scene.fails_with_output(3, &["audit", "verify", "cut.jsonl", "--roots", "roots.json"]);
    assert!(said.contains("records were cut off"), "{said}");
    assert!(said.contains("proven up to record"), "{said}");
    let forged = format!("{}:{}", roots[0]["seq"], "0".repeat(64));
    let said = scene.fails_with_output(3, &["audit", "verify", "provider.jsonl", "--root", &forged]);
    assert!(said.contains("is not the one that was published"), "{said}");
    let right = format!("{}:{}", roots[0]["seq"], roots[0]["root"].as_str().unwrap());
    scene.vigie(&["audit", "verify", "provider.jsonl", "--root", &right]);

    // A word, a record, the end.
    let text = std::fs::read_to_string(scene.folder.path().join("client.jsonl")).unwrap();
    scene.write(
        "word.jsonl",
        text.replace("the owner called", "nobody called").as_bytes(),
    );
    let said = scene.fails_with_output(3, &["audit", "verify", "word.jsonl"]);
    assert!(
        said.contains("first broken at record 2: it was changed"),
        "{said}"
    );
    let lines: Vec<&str> = text.lines().collect();
    let without: Vec<&str> = lines
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != 2)
        .map(|(_, line)| *line)
        .collect();
    scene.write("record.jsonl", without.join("\n").as_bytes());
    let said = scene.fails_with_output(3, &["audit", "verify", "record.jsonl"]);
    assert!(said.contains("records between are gone"), "{said}");
    scene.write("end.jsonl", lines[..lines.len() - 1].join("\n").as_bytes());
    let said = scene.fails(1, &["audit", "verify", "end.jsonl"]);
    assert!(said.contains("cut off"), "{said}");

    // A chain that was written anew from its first record on is whole in itself; only the provider's roots tell.
    let (rewritten, root) = rewrite(&lines);
    scene.write("rewritten.jsonl", rewritten.as_bytes());
    let said = scene.fails_with_output(3, &["audit", "verify", "rewritten.jsonl", "--root", &root]);
    assert!(
        said.contains("give it too") && said.contains("NOT PROVEN"),
        "{said}"
    );
    // Nor does one prove anything that has none of the roots that were published.
    let none = without_roots(&lines);
    scene.write("none.jsonl", none.as_bytes());
    scene.vigie(&["audit", "verify", "none.jsonl"]);
    let said = scene.fails_with_output(3, &["audit", "verify", "none.jsonl", "--roots", "roots.json"]);
    assert!(
        said.contains("none of the published roots is in the export"),
        "{said}"
    );
    let said = scene.json(&[
        "audit",
        "verify",
        "client.jsonl",
        "provider.jsonl",
        "--root",
        &right,
    ]);
    let client = &said["exports"][0];
    assert_eq!(
        (&client["sound"], &client["proven_records"]),
        (&json!(true), &json!(3))
    );
    let said = scene.fails_with_output(3, &["audit", "verify", "rewritten.jsonl", "provider.jsonl"]);
    assert!(said.contains("does not bind this chain"), "{said}");
    // Nor do leaves that were put under the roots for it: they do not give them.
    let provider = std::fs::read_to_string(scene.folder.path().join("provider.jsonl")).unwrap();
    let forged = with_leaves_of(&provider, &rewritten);
    scene.write("forged.jsonl", forged.as_bytes());
    let said = scene.fails_with_output(
        3,
        &[
            "audit",
            "verify",
            "rewritten.jsonl",
            "forged.jsonl",
            "--roots",
            "roots.json",
            "--format",
            "json",
        ],
    );
    let said: Value = serde_json::from_str(&said).unwrap();
    let [client, provider] = [&said["exports"][0], &said["exports"][1]];
    assert_eq!(
        (&client["sound"], &client["proven_roots"], &provider["sound"]),
        (&json!(false), &json!(0), &json!(false)),
        "{said}"
    );
    // A mistake of whoever asks is told in their language.
    let late = [
        "audit",
        "verify",
        "client.jsonl",
        "--roots",
        "roots.json",
        "--exported-at",
        "hier",
    ];
    let said = scene.fails(1, &[&late[..], &["--lang", "fr"]].concat());
    assert!(said.contains("--exported-at hier: écrivez"), "{said}");
}

/// The provider's export with the leaves of another chain under its roots, as if they had been over it.
fn with_leaves_of(provider: &str, chain: &str) -> String {
    let read = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let chain = read(chain);
    let name = chain[0]["export"]["chain"].as_str().unwrap();
    let mut provider = read(provider);
    for line in &mut provider {
        let Some(root) = line.get_mut("root") else {
            continue;
        };
        let theirs = chain.iter().find(|line| line["root"]["seq"] == root["seq"]);
        if let Some(theirs) = theirs.map(|line| &line["root"]) {
            let head = (
                theirs["head_seq"].as_i64().unwrap(),
                theirs["head_hash"].as_str().unwrap(),
            );
            let leaf = sha256(format!("{name}:{}:{}", head.0, head.1));
            root["leaves"].as_array_mut().unwrap().push(json!(leaf));
        }
    }
    provider
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn sha256(text: String) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn without_roots(lines: &[&str]) -> String {
    let kept = lines.iter().filter(|line| !line.starts_with("{\"root\""));
    kept.copied().collect::<Vec<&str>>().join("\n")
}

/// An export from which all after its last root but one is gone, as if it had been made by then.
fn cut_off(scene: &Scene, file: &str, made: &str) -> String {
    let text = std::fs::read_to_string(scene.folder.path().join(file)).unwrap();
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let roots: Vec<i64> = lines
        .iter()
        .filter_map(|line| line["root"]["seq"].as_i64())
        .collect();
    let last = roots[roots.len() - 1];
    lines.retain(|line| {
        let is_late = |seq: &Value| seq.as_i64().is_some_and(|seq| seq >= last);
        !is_late(&line["entry"]["seq"]) && !is_late(&line["root"]["seq"])
    });
    lines[0]["export"]["exported_at"] = json!(made);
    let head = lines.iter().rev().find_map(|line| line["entry"]["hash"].as_str());
    let head = head.unwrap().to_owned();
    let end = lines.last_mut().unwrap();
    end["end"] = json!({"entries": last - 1, "head": head});
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// The export with another first word, and every hash worked out anew; and a root it names.
fn rewrite(lines: &[&str]) -> (String, String) {
    let mut previous = "0".repeat(64);
    let mut hashes: Vec<String> = Vec::new();
    let mut out = Vec::new();
    let mut root = String::new();
    for line in lines {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(entry) = line.get_mut("entry") {
            if entry["text"] == "the owner called" {
                entry["text"] = json!("nobody called");
            }
            entry["previous"] = json!(previous);
            let mut words = entry.clone();
            words.as_object_mut().unwrap().remove("hash");
            let at: vigie_desk::Time = serde_json::from_value(entry["at"].clone()).unwrap();
            words["at"] = json!(at.micros());
            previous = sha256(in_order(&words));
            entry["hash"] = json!(previous);
            hashes.push(previous.clone());
        }
        if let Some(named) = line.get_mut("root") {
            let head = named["head_seq"].as_u64().unwrap() as usize;
            named["head_hash"] = json!(hashes[head - 1]);
            root = format!("{}:{}", named["seq"], named["root"].as_str().unwrap());
        }
        if let Some(end) = line.get_mut("end") {
            end["head"] = json!(previous);
        }
        out.push(line.to_string());
    }
    (out.join("\n"), root)
}

/// JSON with its keys in order.
fn in_order(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}:{}", json!(key), in_order(value)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}
