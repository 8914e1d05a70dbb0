//! Rules of the URL Rewrite module.

use crate::files::xml::Element;

/// How much of a rule's conditions is kept.
const MAX_CONDITIONS: usize = 16 << 10;

/// One rewrite rule with what it matches and does.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) section: String,
    pub(super) line: u64,
    pub(super) offset: u64,
    name: String,
    enabled: String,
    stop_processing: String,
    url: String,
    conditions: String,
    action: String,
    action_url: String,
}

impl Rule {
    pub(super) fn new(section: &str, element: &Element) -> Rule {
        Rule {
            section: section.to_owned(),
            line: element.line,
            offset: element.offset,
            name: element.get("name").to_owned(),
            enabled: element.get("enabled").to_owned(),
            stop_processing: element.get("stopProcessing").to_owned(),
            ..Rule::default()
        }
    }

    /// An element inside the rule.
    pub(super) fn element(&mut self, element: &Element) {
        match element.name.as_str() {
            "match" => element.get("url").clone_into(&mut self.url),
            "add" => {
                let (input, pattern) = (element.get("input"), element.get("pattern"));
                if self.conditions.len() + input.len() + pattern.len() < MAX_CONDITIONS {
                    if !self.conditions.is_empty() {
                        self.conditions.push_str("; ");
                    }
                    let not = if element.get("negate").eq_ignore_ascii_case("true") {
                        "not "
                    } else {
                        ""
                    };
                    self.conditions
                        .push_str(&format!("{input} {not}matches {pattern}"));
                }
            }
            "action" => {
                element.get("type").clone_into(&mut self.action);
                element.get("url").clone_into(&mut self.action_url);
            }
            _ => {}
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_enabled(&self) -> bool {
        !self.enabled.eq_ignore_ascii_case("false")
    }

    /// Whether the rule refuses what it matches.
    pub(super) fn refuses(&self) -> bool {
        ["AbortRequest", "CustomResponse"]
            .iter()
            .any(|action| self.action.eq_ignore_ascii_case(action))
    }

    pub(super) fn conditions(&self) -> &str {
        &self.conditions
    }

    pub(super) fn values(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("name", &self.name),
            ("enabled", &self.enabled),
            ("stopProcessing", &self.stop_processing),
            ("matchUrl", &self.url),
            ("conditions", &self.conditions),
            ("action", &self.action),
            ("actionUrl", &self.action_url),
        ]
    }
}
