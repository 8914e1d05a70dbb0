//! Where in a file something is, in French. In English it is a few words and numbers made where the file is read.

/// The words places are made of, the longer before those they begin with.
const WORDS: &[(&str, &str)] = &[
    ("somewhere in the file", "quelque part dans le fichier"),
    ("its beginning", "son début"),
    ("its content", "son contenu"),
    ("a whole batch", "un lot entier"),
    ("a full batch", "un lot entier"),
    ("batch", "un lot"),
    ("start", "début"),
    ("after", "après"),
    ("records", "enregistrements"),
    ("record", "enregistrement"),
    ("values", "valeurs"),
    ("chunk", "bloc"),
    ("bytes", "octets"),
    ("byte", "octet"),
    ("line", "ligne"),
    ("end", "fin"),
];

/// `record 12 (chunk 3, byte 4096)` as `enregistrement 12 (bloc 3, octet 4096)`; what is no place of ours stays as it is.
pub fn french_place(place: &str) -> String {
    let mut said = String::with_capacity(place.len() + 8);
    let mut rest = place;
    while let Some(first) = rest.chars().next() {
        let word = WORDS.iter().find_map(|(english, french)| {
            let after = rest.strip_prefix(english)?;
            (!after.starts_with(char::is_alphanumeric)).then_some((french, after))
        });
        let whole = !said.ends_with(char::is_alphanumeric);
        match word.filter(|_| whole) {
            Some((french, after)) => {
                said.push_str(french);
                rest = after;
            }
            None => {
                said.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::french_place;

    #[test]
    fn places_are_told_in_french() {
        for (english, french) in [
            ("line 17", "ligne 17"),
            (
                "record 12 (chunk 3, byte 4096)",
                "enregistrement 12 (bloc 3, octet 4096)",
            ),
            ("after 7 records", "après 7 enregistrements"),
            ("somewhere in the file", "quelque part dans le fichier"),
            ("sheet 2, line 4", "sheet 2, ligne 4"),
            ("endline", "endline"),
        ] {
            assert_eq!(french_place(english), french);
        }
    }
}
