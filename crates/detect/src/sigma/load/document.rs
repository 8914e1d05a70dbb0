//! The documents of a YAML file, and on which line of the file something stands.

/// Bytes of a file of rules; a longer one is refused.
pub const MAX_RULE_FILE_BYTES: usize = 16 << 20;

/// A part of a rule that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) why: String,
    /// What stands on the line that is to blame, the most telling first.
    pub(super) near: Vec<String>,
}

impl Problem {
    pub(super) fn new(why: impl Into<String>) -> Problem {
        Problem {
            why: why.into(),
            near: Vec::new(),
        }
    }

    pub(super) fn near(mut self, what: impl Into<String>) -> Problem {
        self.near.push(what.into());
        self
    }
}

/// One YAML document of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    /// 1-based line of the file on which it begins.
    pub(super) line: usize,
}

/// The documents of a file. Documents tied together by `action: global` or `repeat` stay together.
pub(super) fn documents(text: &str) -> Vec<Document<'_>> {
    let whole = Document { text, line: 1 };
    let mut found = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("action:") {
            return vec![whole];
        }
        let is_mark = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([' ', '\t']));
        if is_mark && index > 0 {
            found.push(Document {
                text: &text[start..at],
                line: start_line,
            });
            (start, start_line) = (at, index + 1);
        }
        at += line.len();
    }
    found.push(Document {
        text: &text[start..],
        line: start_line,
    });
    found.retain(|document| document.says_something());
    found
}

impl Document<'_> {
    fn says_something(&self) -> bool {
        self.text.lines().any(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && line != "---" && line != "..."
        })
    }

    /// The line of the file on which a problem is.
    pub(super) fn line_of(&self, problem: &Problem) -> usize {
        problem
            .near
            .iter()
            .find_map(|what| self.line_with(what))
            .unwrap_or_else(|| self.first_line())
    }

    /// The line on which the document's text begins.
    pub(super) fn first_line(&self) -> usize {
        let before = self.text.lines().take_while(|line| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "---"
        });
        self.line + before.count()
    }

    fn line_with(&self, what: &str) -> Option<usize> {
        let what = what.lines().next().filter(|what| !what.trim().is_empty())?;
        let index = self
            .text
            .lines()
            .position(|line| !line.trim_start().starts_with('#') && line.contains(what))?;
        Some(self.line + index)
    }

    /// The parser's message as a problem. It names the unknown modifier, or the line in its document.
    pub(super) fn parser_problem(&self, message: &str) -> Refusal {
        let after = |prefix: &str| message.split(prefix).nth(1);
        let problem = Problem::new(message);
        let problem =
            if let Some(modifier) = after("Unknown modifier '").and_then(|rest| rest.split('\'').next()) {
                Problem::new(format!("unknown modifier {modifier}")).near(format!("|{modifier}"))
            } else if message.contains("is not a value modifier") {
                problem.near("|not")
            } else if message.starts_with("Condition") {
                problem.near("condition:")
            } else if let Some(field) = after("invalid ").and_then(|rest| rest.split(':').next()) {
                let field = field.to_owned();
                problem.near(format!("{field}:"))
            } else if let Some(span) = after("Invalid timespan '").and_then(|rest| rest.split('\'').next()) {
                let span = span.to_owned();
                problem.near(span)
            } else {
                problem
            };
        let in_yaml = after(" at line ")
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
            .and_then(|number| number.parse::<usize>().ok())
            .filter(|_| message.starts_with("YAML"));
        let line = match in_yaml {
            Some(line) => self.line + line.saturating_sub(1),
            None => self.line_of(&problem),
        };
        Refusal {
            line,
            why: problem.why,
        }
    }
}

/// A problem with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) line: usize,
    pub(super) why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_know_their_lines() {
        let text = "---\ntitle: a\n---\n# nothing\n---\ntitle: b\nx: |bad\n";
        let found = documents(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].first_line(), found[1].first_line()), (2, 6));
        assert_eq!(found[1].line_of(&Problem::new("").near("|bad")), 7);
        assert_eq!(documents("a: 1\n---\naction: global\n").len(), 1);
    }
}
