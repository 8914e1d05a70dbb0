//! What stands for `%name%` in values with the modifier `expand`.

use std::collections::BTreeMap;

use rsigma_parser::SigmaString;

use super::document::Problem;

/// Values one value may become.
const MAX_EXPANDED: usize = 100_000;

/// The values of placeholders, by name.
///
/// ```
/// use vigie_detect::sigma::Placeholders;
///
/// let known = Placeholders::from_yaml("known_cdcs: [dc01, dc02]\nadmins: root\n").expect("a mapping");
/// assert_eq!(known.get("known_cdcs"), Some(&["dc01".to_owned(), "dc02".to_owned()][..]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placeholders(BTreeMap<String, Vec<String>>);

impl Placeholders {
    /// Reads a placeholder file: a YAML mapping of names to a value or a list of values.
    ///
    /// # Errors
    /// When the text is not such a mapping; the message names the line or the placeholder.
    pub fn from_yaml(text: &str) -> Result<Placeholders, String> {
        let value: yaml_serde::Value = yaml_serde::from_str(text).map_err(|error| error.to_string())?;
        let mapping = value
            .as_mapping()
            .ok_or_else(|| "placeholders are a mapping of names to values".to_owned())?;
        let mut placeholders = Placeholders::default();
        for (name, values) in mapping {
            let name = name
                .as_str()
                .ok_or_else(|| "the name of a placeholder is a text".to_owned())?;
            let values: Option<Vec<String>> = match values {
                yaml_serde::Value::Sequence(values) => values.iter().map(scalar).collect(),
                one => scalar(one).map(|one| vec![one]),
            };
            let values =
                values.ok_or_else(|| format!("the placeholder {name} has a value that is not a text"))?;
            placeholders.insert(name, values);
        }
        Ok(placeholders)
    }

    /// Adds values for a name.
    pub fn insert(&mut self, name: &str, values: Vec<String>) {
        self.0.entry(name.to_owned()).or_default().extend(values);
    }

    /// The values of a name.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }

    pub(super) fn expand(&self, text: &SigmaString) -> Result<Vec<SigmaString>, Problem> {
        let mut done = vec![String::new()];
        let mut rest = text.original.as_str();
        while let Some((before, name, after)) = next_placeholder(rest) {
            let values = self.get(name).ok_or_else(|| {
                Problem::new(format!(
                    "the placeholder %{name}% has no values; give them in a placeholder file"
                ))
                .near(format!("%{name}%"))
            })?;
            if done.len() * values.len() > MAX_EXPANDED {
                return Err(Problem::new(format!(
                    "the placeholder %{name}% gives more than {MAX_EXPANDED} values"
                )));
            }
            done = done
                .iter()
                .flat_map(|start| values.iter().map(move |value| format!("{start}{before}{value}")))
                .collect();
            rest = after;
        }
        Ok(done
            .iter()
            .map(|start| SigmaString::new(&format!("{start}{rest}")))
            .collect())
    }
}

fn scalar(value: &yaml_serde::Value) -> Option<String> {
    match value {
        yaml_serde::Value::String(text) => Some(text.clone()),
        yaml_serde::Value::Number(number) => Some(number.to_string()),
        yaml_serde::Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// The text before the next `%name%`, the name, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    for (start, _) in text.match_indices('%') {
        let inside = &text[start + 1..];
        let end = inside.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')));
        if let Some(end) = end
            && end > 0
            && inside[end..].starts_with('%')
        {
            return Some((&text[..start], &inside[..end], &inside[end + 1..]));
        }
    }
    None
}
