//! `product.yaml`: what holds for a product whatever the threat: its lines and how long each is kept up.
//!
//! Products that several packs are about stand once, in `packs/products/<id>/`, with their builds; a pack names one by
//! `product: exchange`. A pack about a product that Vigie does not know carries a `product.yaml` and a `builds.csv` of
//! its own.

use serde::Deserialize;

use crate::{Build, Problem, Remediation, Text, builds, files, parse, remediation};

/// A product and its published builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// `exchange`: lower-case letters, digits and dashes.
    pub id: String,
    /// What people call it.
    pub title: Text,
    /// Where its build of four parts is read for certain, as the object of a verb: `the version of ExSetup.exe`.
    pub build_from: Option<Text>,
    /// What stops when an attacker takes a server of it, in SSVC's words: `mission_failure`; for servers of which the
    /// inventory says nothing.
    pub mission_impact: Option<String>,
    /// Its lines, oldest first.
    pub lines: Vec<Line>,
    /// What the numbers of its builds tell by themselves.
    pub ordered: Ordered,
    /// Every published build, or, where their numbers are `ordered`, those that matter.
    pub builds: Vec<Build>,
    /// How its servers are made safe; `None` where nobody wrote it down.
    pub remediation: Option<Remediation>,
}

/// What the number of a build tells that is not in `builds.csv`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordered {
    /// Nothing: every build is listed.
    #[default]
    No,
    /// Every update raises the fourth part, and holds what lower ones hold.
    Revision,
    /// Every update raises the third or the fourth part, and holds what lower ones of its line hold.
    Build,
}

/// A line of a product: what is updated, and ends, together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// As in the column `product` of `builds.csv`: `2016`, `SE`.
    pub line: String,
    /// Its full name.
    pub title: String,
    /// The day it came out, `2015-10-01`.
    pub released: Option<String>,
    /// The last day of public updates; `None` as long as there is none.
    pub end_of_support: Option<String>,
    /// The last day of updates for those who pay for more.
    pub extended_until: Option<String>,
}

/// `product.yaml` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductYaml {
    id: String,
    title: Text,
    build_from: Option<Text>,
    mission_impact: Option<String>,
    #[serde(default)]
    ordered: Ordered,
    lines: Vec<Line>,
}

impl Product {
    /// The products that are part of the binary, sorted by identifier.
    ///
    /// # Errors
    /// With every problem their files have.
    pub fn embedded() -> Result<Vec<Product>, Vec<Problem>> {
        files::embedded_products()
            .iter()
            .map(|id| Product::load(id))
            .collect()
    }

    /// A product that is part of the binary.
    ///
    /// # Errors
    /// When there is none of this name, or with every problem its files have.
    pub fn load(id: &str) -> Result<Product, Vec<Problem>> {
        let Some(mut files) = files::read_product(id) else {
            let known = files::embedded_products().join(", ");
            let why = format!("there is no product {id:?}; known are: {known}");
            return Err(vec![Problem::new("pack.yaml", why)]);
        };
        let mut problems = std::mem::take(&mut files.problems);
        let text = files.texts.remove("product.yaml").unwrap_or_default();
        let product = parse("product.yaml", &text, &mut problems);
        let mut product = product.unwrap_or_default();
        let text = files.texts.remove("builds.csv").unwrap_or_default();
        product.builds = builds::parse("builds.csv", &text, &mut problems);
        if let Some(text) = files.texts.remove("remediation.yaml") {
            product.remediation = remediation::parse("remediation.yaml", &text, &mut problems);
        }
        if problems.is_empty() {
            Ok(product)
        } else {
            Err(problems)
        }
    }

    /// The line with this identifier.
    pub fn line(&self, line: &str) -> Option<&Line> {
        self.lines.iter().find(|known| known.line == line)
    }
}

/// Reads `product.yaml`; its builds are in a file of their own.
pub(crate) fn parse(file: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Product> {
    let yaml: ProductYaml = parse::yaml(file, text, problems)?;
    for line in &yaml.lines {
        let days = [&line.released, &line.end_of_support, &line.extended_until];
        for day in days.into_iter().flatten() {
            if vigie_event::parse_utc(day).is_none() {
                let why = format!("line {}: {day:?} is not a date such as 2020-10-13", line.line);
                problems.push(Problem::new(file, why));
            }
        }
    }
    Some(Product {
        id: yaml.id,
        title: yaml.title,
        build_from: yaml.build_from,
        mission_impact: yaml.mission_impact,
        lines: yaml.lines,
        ordered: yaml.ordered,
        builds: Vec::new(),
        remediation: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_product_loads_and_every_build_is_of_a_line() {
        let products = Product::embedded().unwrap();
        assert!(products.iter().any(|product| product.id == "exchange"));
        for product in products {
            for build in &product.builds {
                assert!(product.line(&build.product).is_some(), "{build:?}");
            }
        }
    }

    #[test]
    fn an_unknown_product_says_which_there_are() {
        let problems = Product::load("domino").unwrap_err();
        assert!(problems[0].to_string().contains("exchange"), "{problems:?}");
    }

    #[test]
    fn a_day_that_is_none_is_a_problem() {
        let text =
            "id: x\ntitle: { en: X, fr: X }\nlines:\n  - { line: a, title: A, end_of_support: someday }\n";
        let mut problems = Vec::new();
        assert!(parse("product.yaml", text, &mut problems).is_some());
        assert!(problems[0].to_string().contains("someday"), "{problems:?}");
    }
}
