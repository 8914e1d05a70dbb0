use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// A message of every code, with something filled in everywhere.
fn every() -> Vec<Message> {
    let all = Code::ALL.iter().map(|&code| {
        let (english, _) = code.sentences();
        let filled = places(english).into_iter().map(|name| {
            let value = match name.as_str() {
                "count" | "of" | "most" | "bytes" | "rows" | "size" | "packed" | "claimed" | "declared"
                | "packs" | "used" | "refused" | "before" | "after" => Parameter::Number(1_200),
                "hours" => Parameter::Hours(-1.5),
                "what" => Parameter::Text("a token".into()),
                "advice" => Parameter::Text("unpack it and give the folder".into()),
                "said" | "damage" => Message::from(Code::NoDirectory).into(),
                _ => Parameter::Text(format!("<{name}>")),
            };
            (Cow::Owned(name), value)
        });
        Message::of(code, filled.collect())
    });
    all.collect()
}

fn places(sentence: &str) -> BTreeSet<String> {
    let pieces = sentence.split('{').skip(1);
    pieces
        .map(|piece| piece.split(['}', ':']).next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_code_has_both_languages() {
    let mut ids = BTreeSet::new();
    for &code in Code::ALL {
        let (english, french) = code.sentences();
        assert!(ids.insert(code.id()), "{} stands twice", code.id());
        assert_eq!(Code::from_id(code.id()), Some(code));
        assert_eq!(places(english), places(french), "{english}");
        let same_in_both = [Code::Other];
        assert!(english != french || same_in_both.contains(&code), "{english}");
        assert!(!english.ends_with('.') && !french.ends_with('.'), "{english}");
        for wrong in [" :", " ;", " ?", " !", "'", "« "] {
            assert!(!french.contains(wrong), "{french}");
        }
    }
}

#[test]
fn every_message_in_both_languages() {
    let lines = every().into_iter().map(|message| {
        assert!(
            !message.contains('{') && !message.french().contains('{'),
            "{message}"
        );
        format!("{}\n  {}\n  {}\n", message.code().id(), message, message.french())
    });
    insta::assert_snapshot!(lines.collect::<String>());
}

#[test]
fn words_agree_with_their_number() {
    let kept = |count: u64| Message::new(Code::KeptShort, [("count", count.into())]);
    assert_eq!(kept(1), "kept: 1 row with fewer fields than the header");
    assert_eq!(kept(2), "kept: 2 rows with fewer fields than the header");
    assert_eq!(
        kept(1_200).french(),
        "gardé\u{a0}: 1\u{202f}200 lignes avec moins de champs que l’en-tête"
    );
    assert!(kept(0).french().contains("0 ligne "));
}

#[test]
fn what_others_say_stays_as_it_is_and_what_we_say_does_not() {
    let disk = io::Error::other("disk gone");
    let said = Message::new(Code::RestUnread, [("cause", (&disk).into())]);
    assert_eq!(said, "the rest could not be read: disk gone");
    assert_eq!(
        said.french(),
        "le reste n’a pas pu être lu\u{a0}: «\u{a0}disk gone\u{a0}»"
    );
    let ours = io::Error::other(Message::new(Code::PieceTooLong, [("bytes", 64_u64.into())]));
    let said = at(
        "a/b.log",
        Message::new(Code::RestUnread, [("cause", (&ours).into())]),
    );
    assert_eq!(
        said,
        "a/b.log: the rest could not be read: one piece of text is longer than 64 bytes"
    );
    assert_eq!(
        said.french(),
        "a/b.log\u{a0}: le reste n’a pas pu être lu\u{a0}: un morceau de texte dépasse 64 octets"
    );
    let shorter = said.with_texts(&|text| text.replace("a/", ""));
    assert!(shorter.starts_with("b.log: the rest"), "{shorter}");
}

#[test]
fn json_gives_every_message_back() {
    for message in every() {
        let written = serde_json::to_value(&message).unwrap();
        assert_eq!(written["text"], message.as_str());
        let read: Message = serde_json::from_value(written).unwrap();
        assert_eq!((read.french(), &read), (message.french(), &message));
    }
    let read = |value: Value| serde_json::from_value::<Message>(value).unwrap().french();
    assert_eq!(read(json!("as it was said")), "as it was said");
    assert_eq!(
        read(json!({"text": "of tomorrow", "code": "unheard_of", "parameters": {}})),
        "of tomorrow"
    );
    // A sentence that is not that of its code is what was said.
    assert_eq!(
        read(json!({"text": "line", "code": "line_too_long", "parameters": {"bytes": []}})),
        "line"
    );
    assert!(serde_json::from_value::<Message>(json!(7)).is_err());
}

/// Looks through the readers for words of the parameters `what` and `advice` that have no French, and for codes nobody uses.
#[test]
fn the_words_and_codes_of_the_code_are_in_the_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut code = String::new();
    let mut folders = vec![
        root.clone(),
        root.join("../../hunt/src"),
        root.join("../../vigie/src"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("message/catalogue.rs") && !path.ends_with("message/tests.rs") {
                code += &fs::read_to_string(&path).unwrap();
            }
        }
    }
    let unused: Vec<_> = Code::ALL
        .iter()
        .filter(|known| !code.contains(&format!("Code::{known:?}")))
        .collect();
    assert!(unused.is_empty(), "nobody says {unused:?}");

    let records = fs::read_dir(root.join("windows/evtx")).unwrap();
    let calls = ["damage(\"", ".u8(\"", ".u16(\"", ".u32(\"", ".u64(\"", "what: \""];
    let mut seen = 0;
    for entry in records {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for piece in calls.iter().flat_map(|call| text.split(call).skip(1)) {
            let word = piece.split('"').next().unwrap();
            seen += 1;
            assert!(word.is_empty() || words::french(word).is_some(), "{word}");
        }
        for piece in text.split(".take(").skip(1) {
            let Some((_, word)) = piece
                .split(')')
                .next()
                .and_then(|inside| inside.split_once(", \""))
            else {
                continue;
            };
            let word = word.trim_end_matches('"');
            assert!(word.is_empty() || words::french(word).is_some(), "{word}");
        }
    }
    assert!(seen > 20, "{seen}");
    for word in code.split("Container::Other(\"").skip(1) {
        let word = word.split('"').next().unwrap();
        assert!(words::french(word).is_some(), "{word}");
    }
}
