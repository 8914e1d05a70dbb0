//! A field, its modifiers and its values as tests.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use foldhash::fast::RandomState;
use regex::RegexBuilder;
use rsigma_parser::{DetectionItem, Modifier, SigmaString, SigmaValue};

use super::document::Problem;
use super::encode::{Utf16, base64, base64_offsets, dash_forms, utf16};
use super::placeholders::Placeholders;
use crate::sigma::expr::Expr;
use crate::sigma::frame::needed;
use crate::sigma::test::{DatePart, FieldName, Number, Order, Pattern, Relation, Test};
use crate::sigma::text::{Open, Part, Shape, TextTest, parts_of};

/// Memory a compiled regular expression may take.
const PATTERN_BYTES: usize = 4 << 20;
/// Memory its lazily built automaton may take, per thread.
const PATTERN_CACHE_BYTES: usize = 2 << 20;

/// A test of a field.
pub(in crate::sigma) type Leaf = (FieldName, Test);

/// A test of a field with its hash: worked out by the threads that read rules, for the one that puts them together.
#[derive(Debug, Clone)]
pub(in crate::sigma) struct Hashed {
    hash: u64,
    pub(in crate::sigma) leaf: Arc<Leaf>,
}

impl Hashed {
    fn new(leaf: Leaf) -> Hashed {
        static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);
        Hashed {
            hash: STATE.hash_one(&leaf),
            leaf: Arc::new(leaf),
        }
    }
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Hashed) -> bool {
        self.hash == other.hash && self.leaf == other.leaf
    }
}

impl Eq for Hashed {}

impl Hash for Hashed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// What the values of a rule may refer to.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// The rule was not written for Vigie.
    pub(super) public: bool,
    pub(super) placeholders: &'a Placeholders,
}

const TEXT_PLACES: [Modifier; 3] = [Modifier::Contains, Modifier::StartsWith, Modifier::EndsWith];
const ENCODINGS: [Modifier; 6] = [
    Modifier::Base64,
    Modifier::Base64Offset,
    Modifier::Wide,
    Modifier::Utf16,
    Modifier::Utf16be,
    Modifier::WindAsh,
];
const FLAGS: [Modifier; 3] = [Modifier::IgnoreCase, Modifier::Multiline, Modifier::DotAll];

/// The tests of one field of a selection; of all fields when it names none.
pub(super) fn item(item: &DetectionItem, context: Context<'_>) -> Result<Expr<Hashed>, Problem> {
    let spelled = item.field.name.as_deref().unwrap_or_default();
    let field = match &item.field.name {
        None => FieldName::Any,
        Some(name) if context.public && name.eq_ignore_ascii_case("cs-uri-query") => FieldName::WebQuery,
        Some(name) => FieldName::Named(name.replace("\\[", "[").replace("\\]", "]").into()),
    };
    let asked = Asked {
        field: &field,
        modifiers: &item.field.modifiers,
        context,
    };
    let named = |problem: Problem| {
        let why = if spelled.is_empty() {
            problem.why.clone()
        } else {
            format!("{spelled}: {}", problem.why)
        };
        Problem {
            why,
            near: problem.near,
        }
        .near(format!("{spelled}|"))
        .near(format!("{spelled}:"))
    };
    asked.check().map_err(named)?;
    if item.values.is_empty() {
        return Err(named(Problem::new("there is no value")));
    }
    let tests: Vec<Expr<Hashed>> = item
        .values
        .iter()
        .map(|value| {
            asked
                .value(value)
                .map_err(|problem| named(problem.near(value.to_string())))
        })
        .collect::<Result<_, _>>()?;
    if asked.has(Modifier::Neq) {
        let present = Expr::Leaf(Hashed::new((field.clone(), Test::Present)));
        return Ok(Expr::all(vec![present, Expr::any(tests).negated()]));
    }
    Ok(if asked.has(Modifier::All) {
        Expr::all(tests)
    } else {
        Expr::any(tests)
    })
}

/// Words looked for in all fields.
pub(super) fn keywords(values: &[SigmaValue], context: Context<'_>) -> Result<Expr<Hashed>, Problem> {
    let asked = Asked {
        field: &FieldName::Any,
        modifiers: &[],
        context,
    };
    let tests = values.iter().map(|value| asked.value(value));
    Ok(Expr::any(tests.collect::<Result<_, _>>()?))
}

struct Asked<'a> {
    field: &'a FieldName,
    modifiers: &'a [Modifier],
    context: Context<'a>,
}

impl Asked<'_> {
    fn has(&self, modifier: Modifier) -> bool {
        self.modifiers.contains(&modifier)
    }

    fn one_of(&self, modifiers: &[Modifier]) -> Option<Modifier> {
        self.modifiers
            .iter()
            .copied()
            .find(|modifier| modifiers.contains(modifier))
    }

    /// Refuses modifiers that say nothing together.
    fn check(&self) -> Result<(), Problem> {
        let places = self
            .modifiers
            .iter()
            .filter(|modifier| TEXT_PLACES.contains(modifier))
            .count();
        if places > 1 {
            return Err(Problem::new(
                "only one of contains, startswith and endswith can be used",
            ));
        }
        if let Some(flag) = self.one_of(&FLAGS).filter(|_| !self.has(Modifier::Re)) {
            return Err(Problem::new(format!("the modifier {} needs re", name_of(flag))));
        }
        let kinds = [
            Modifier::Re,
            Modifier::Cidr,
            Modifier::Exists,
            Modifier::Lt,
            Modifier::Lte,
            Modifier::Gt,
            Modifier::Gte,
        ];
        if let Some(kind) = self.one_of(&kinds) {
            let rest = self.one_of(&TEXT_PLACES).or_else(|| self.one_of(&ENCODINGS));
            let other = rest.or_else(|| {
                self.modifiers
                    .iter()
                    .copied()
                    .find(|other| kinds.contains(other) && *other != kind)
            });
            if let Some(other) = other {
                return Err(Problem::new(format!(
                    "the modifiers {} and {} cannot be combined",
                    name_of(kind),
                    name_of(other)
                )));
            }
        }
        Ok(())
    }

    fn value(&self, value: &SigmaValue) -> Result<Expr<Hashed>, Problem> {
        if self.has(Modifier::Exists) {
            let there = Expr::Leaf(Hashed::new((self.field.clone(), Test::Present)));
            return match as_bool(value) {
                Some(true) => Ok(there),
                Some(false) => Ok(there.negated()),
                None => Err(Problem::new("exists takes true or false")),
            };
        }
        if matches!(value, SigmaValue::Null) {
            return Ok(self.leaf(Test::Absent));
        }
        if let Some(part) = self.date_part() {
            let number = number(value)?;
            if number.fract() != 0.0 {
                return Err(Problem::new("a part of a date is a whole number"));
            }
            let order = self.order().unwrap_or(Order::Equal);
            return Ok(self.leaf(Test::Date(part, order, number as i64)));
        }
        if let Some(order) = self.order() {
            return Ok(self.leaf(Test::Compare(order, Number(number(value)?))));
        }
        let text = text_of(value);
        if self.has(Modifier::FieldRef) {
            let relation = match self.one_of(&TEXT_PLACES) {
                Some(Modifier::StartsWith) => Relation::StartsWith,
                Some(Modifier::EndsWith) => Relation::EndsWith,
                Some(_) => Relation::Contains,
                None => Relation::Same,
            };
            let other = FieldName::Named(text.original.as_str().into());
            return Ok(self.leaf(Test::Field(other, relation, self.has(Modifier::Cased))));
        }
        let texts = if self.has(Modifier::Expand) {
            self.context.placeholders.expand(&text)?
        } else {
            vec![text]
        };
        let tests: Vec<Expr<Hashed>> = texts
            .into_iter()
            .map(|text| self.text(text))
            .collect::<Result<_, _>>()?;
        Ok(Expr::any(tests))
    }

    fn text(&self, text: SigmaString) -> Result<Expr<Hashed>, Problem> {
        if self.has(Modifier::Cidr) {
            return Ok(self.leaf(network(&text.original)?));
        }
        if self.has(Modifier::Re) {
            return Ok(self.leaf(Test::Regex(self.pattern(&text.original)?)));
        }
        let tests = self.encoded(&text)?.into_iter().map(|parts| {
            let test = TextTest::new(parts, self.open(), self.has(Modifier::Cased));
            self.leaf(match test.shape() {
                Shape::Equals("") => Test::Empty,
                Shape::Anything => Test::Present,
                _ => Test::Text(test),
            })
        });
        Ok(Expr::any(tests.collect()))
    }

    fn leaf(&self, test: Test) -> Expr<Hashed> {
        Expr::Leaf(Hashed::new((self.field.clone(), test)))
    }

    fn open(&self) -> Open {
        let anywhere = *self.field == FieldName::Any || self.has(Modifier::Contains);
        Open {
            start: anywhere || self.has(Modifier::EndsWith),
            end: anywhere || self.has(Modifier::StartsWith),
        }
    }

    fn order(&self) -> Option<Order> {
        [
            (Modifier::Lt, Order::Less),
            (Modifier::Lte, Order::LessOrEqual),
            (Modifier::Gt, Order::Greater),
            (Modifier::Gte, Order::GreaterOrEqual),
        ]
        .into_iter()
        .find_map(|(modifier, order)| self.has(modifier).then_some(order))
    }

    fn date_part(&self) -> Option<DatePart> {
        [
            (Modifier::Minute, DatePart::Minute),
            (Modifier::Hour, DatePart::Hour),
            (Modifier::Day, DatePart::Day),
            (Modifier::Week, DatePart::Week),
            (Modifier::Month, DatePart::Month),
            (Modifier::Year, DatePart::Year),
        ]
        .into_iter()
        .find_map(|(modifier, part)| self.has(modifier).then_some(part))
    }

    /// In Sigma a regular expression minds case unless `i` is given.
    fn pattern(&self, text: &str) -> Result<Pattern, Problem> {
        let flags: String = [
            (Modifier::IgnoreCase, 'i'),
            (Modifier::Multiline, 'm'),
            (Modifier::DotAll, 's'),
        ]
        .into_iter()
        .filter_map(|(modifier, flag)| self.has(modifier).then_some(flag))
        .collect();
        let text = if flags.is_empty() {
            text.to_owned()
        } else {
            format!("(?{flags}){text}")
        };
        let regex = RegexBuilder::new(&text)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_CACHE_BYTES)
            .build()
            .map_err(|error| Problem::new(format!("the regular expression does not work: {error}")))?;
        Ok(Pattern {
            needed: needed(&text).into(),
            text: text.into(),
            regex,
        })
    }

    /// The value in the forms the encoding modifiers give it, applied in the order written.
    fn encoded(&self, text: &SigmaString) -> Result<Vec<Vec<Part>>, Problem> {
        let mut forms = vec![parts_of(text)];
        let mut bytes: Option<Vec<Vec<u8>>> = None;
        for modifier in self.modifiers {
            let form = match modifier {
                Modifier::Wide => Utf16::Little,
                Modifier::Utf16be => Utf16::Big,
                Modifier::Utf16 => Utf16::Marked,
                Modifier::WindAsh => {
                    forms = forms.iter().flat_map(|parts| dash_forms(parts)).collect();
                    continue;
                }
                Modifier::Base64 | Modifier::Base64Offset => {
                    let plain = bytes.take().map_or_else(|| plain_bytes(&forms), Ok)?;
                    let codes = plain.iter().flat_map(|plain| match modifier {
                        Modifier::Base64 => vec![base64(plain)],
                        _ => base64_offsets(plain),
                    });
                    forms = codes.map(|code| vec![Part::Literal(code.into())]).collect();
                    if forms.is_empty() {
                        return Err(Problem::new("the value is too short to be found in base64"));
                    }
                    continue;
                }
                _ => continue,
            };
            let plain = bytes.take().map_or_else(|| plain_bytes(&forms), Ok)?;
            bytes = Some(plain.iter().map(|plain| utf16(plain, form)).collect());
        }
        Ok(match bytes {
            None => forms,
            Some(bytes) => bytes
                .iter()
                .map(|bytes| vec![Part::Literal(String::from_utf8_lossy(bytes).into())])
                .collect(),
        })
    }
}

fn plain_bytes(forms: &[Vec<Part>]) -> Result<Vec<Vec<u8>>, Problem> {
    forms
        .iter()
        .map(|parts| {
            let texts = parts.iter().map(|part| match part {
                Part::Literal(text) => Ok(&**text),
                _ => Err(Problem::new("a value with wildcards cannot be encoded")),
            });
            Ok(texts.collect::<Result<String, _>>()?.into_bytes())
        })
        .collect()
}

fn name_of(modifier: Modifier) -> String {
    match modifier {
        Modifier::IgnoreCase => "i".to_owned(),
        Modifier::Multiline => "m".to_owned(),
        Modifier::DotAll => "s".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn as_bool(value: &SigmaValue) -> Option<bool> {
    match value {
        SigmaValue::Bool(value) => Some(*value),
        SigmaValue::String(text) => match text.original.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn text_of(value: &SigmaValue) -> SigmaString {
    match value {
        SigmaValue::String(text) => text.clone(),
        SigmaValue::Integer(number) => SigmaString::from_raw(&number.to_string()),
        SigmaValue::Float(number) => SigmaString::from_raw(&number.to_string()),
        SigmaValue::Bool(value) => SigmaString::from_raw(if *value { "true" } else { "false" }),
        SigmaValue::Null => SigmaString::from_raw(""),
    }
}

fn number(value: &SigmaValue) -> Result<f64, Problem> {
    let number = match value {
        SigmaValue::Integer(number) => Some(*number as f64),
        SigmaValue::Float(number) => Some(*number),
        SigmaValue::String(text) => text.original.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| Problem::new(format!("{value} is not a number")))
}

fn network(text: &str) -> Result<Test, Problem> {
    let broken = || Problem::new(format!("{text} is not a network in CIDR notation"));
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text.trim(), None),
    };
    let address: IpAddr = address.parse().map_err(|_| broken())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u8 = bits.map_or(Ok(most), str::parse).map_err(|_| broken())?;
    if bits > most {
        return Err(broken());
    }
    Ok(Test::Cidr(address, bits))
}
