//! What a run has to say of its evidence: a code for programs, what is filled in, and a sentence for people.
//!
//! Whoever comes upon something says it as a [`Message`]. Its sentence is made in the reader's language where it is read; the
//! English one stands beside it from the start, because the JSON outputs have it and the same thing is counted once by it.
//! `catalogue.rs` has both sentences of every code. What libraries and the system say is a parameter called `cause` and stays
//! as it is, in quotes in French.

mod catalogue;
mod places;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Deref;

use serde::de::{Deserializer, Error as _};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use catalogue::Code;
pub use places::french_place;

/// One thing to be said.
#[derive(Clone)]
pub struct Message {
    code: Code,
    parameters: Vec<(Cow<'static, str>, Parameter)>,
    english: String,
}

/// What is filled into a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// A count.
    Number(u64),
    /// Hours, with two decimals and a sign.
    Hours(f64),
    /// A path, a name, or what somebody else said.
    Text(String),
    /// Another thing of ours that was said.
    Message(Box<Message>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
    French,
}

impl Message {
    /// A message with what its sentence needs.
    pub fn new<const N: usize>(code: Code, parameters: [(&'static str, Parameter); N]) -> Message {
        let parameters = parameters.map(|(name, value)| (Cow::Borrowed(name), value));
        Message::of(code, parameters.into())
    }

    /// What somebody else made of it, or an older version wrote down: it has one language.
    pub fn other(text: impl Into<String>) -> Message {
        Message::new(Code::Other, [("text", Parameter::Text(text.into()))])
    }

    fn of(code: Code, parameters: Vec<(Cow<'static, str>, Parameter)>) -> Message {
        let mut message = Message {
            code,
            parameters,
            english: String::new(),
        };
        message.english = message.say(Language::English);
        message
    }

    /// What it is, for programs.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The sentence in English, lower case, without a full stop.
    pub fn as_str(&self) -> &str {
        &self.english
    }

    /// The sentence in French, typeset.
    pub fn french(&self) -> String {
        self.say(Language::French)
    }

    /// The message with every text that is filled in changed, such as a path made shorter.
    #[must_use]
    pub fn with_texts(self, change: &impl Fn(&str) -> String) -> Message {
        let changed = |value| match value {
            Parameter::Text(text) => Parameter::Text(change(&text)),
            Parameter::Message(message) => Parameter::Message(Box::new(message.with_texts(change))),
            other => other,
        };
        let parameters = self.parameters.into_iter();
        Message::of(
            self.code,
            parameters.map(|(name, value)| (name, changed(value))).collect(),
        )
    }

    fn say(&self, language: Language) -> String {
        let (english, french) = self.code.sentences();
        let mut rest = match language {
            Language::English => english,
            Language::French => french,
        };
        let mut said = String::with_capacity(rest.len() + 24);
        while let Some((before, after)) = rest.split_once('{') {
            said.push_str(before);
            let (place, after) = after.split_once('}').unwrap_or((after, ""));
            self.fill(place, language, &mut said);
            rest = after;
        }
        said.push_str(rest);
        said
    }

    /// `name`, or `name:one|many`, which is a word that agrees with the number.
    fn fill(&self, place: &str, language: Language, said: &mut String) {
        let (name, forms) = place.split_once(':').unwrap_or((place, ""));
        let value = self.parameters.iter().find(|(known, _)| known == name);
        let Some((_, value)) = value else {
            return;
        };
        match value {
            Parameter::Number(number) => match forms.split_once('|') {
                Some((one, many)) => {
                    let is_one = *number == 1 || (language == Language::French && *number == 0);
                    said.push_str(if is_one { one } else { many });
                }
                None => push_number(*number, language, said),
            },
            Parameter::Hours(hours) => {
                let text = format!("{hours:+.2}");
                said.push_str(&match language {
                    Language::English => text,
                    Language::French => text.replace('.', ","),
                });
            }
            // A message is no number: it has no plural.
            Parameter::Message(message) if forms.is_empty() => said.push_str(&message.say(language)),
            Parameter::Message(_) => {}
            Parameter::Text(text) if language == Language::English => said.push_str(text),
            Parameter::Text(text) => match name {
                "what" | "advice" => match words::french(text) {
                    Some(french) => said.push_str(french),
                    None => push_quoted(text, said),
                },
                "cause" => push_quoted(text, said),
                // Two clocks: `EventTime against UtcTime`.
                "between" => said.push_str(&text.replace(" against ", " contre ")),
                _ => said.push_str(text),
            },
        }
    }
}

fn push_quoted(text: &str, said: &mut String) {
    said.push_str("«\u{a0}");
    said.push_str(text);
    said.push_str("\u{a0}»");
}

/// French sets digits in threes; English sentences keep them as logs have them, which is what programs matched so far.
fn push_number(number: u64, language: Language, said: &mut String) {
    let digits = number.to_string();
    for (index, digit) in digits.chars().enumerate() {
        let in_threes = index > 0 && (digits.len() - index).is_multiple_of(3);
        if language == Language::French && in_threes {
            said.push('\u{202f}');
        }
        said.push(digit);
    }
}

impl From<Code> for Message {
    /// A message that needs nothing filled in.
    fn from(code: Code) -> Message {
        Message::of(code, Vec::new())
    }
}

impl From<u64> for Parameter {
    fn from(number: u64) -> Parameter {
        Parameter::Number(number)
    }
}

impl From<u32> for Parameter {
    fn from(number: u32) -> Parameter {
        Parameter::Number(u64::from(number))
    }
}

impl From<usize> for Parameter {
    fn from(number: usize) -> Parameter {
        Parameter::Number(number as u64)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Parameter {
        Parameter::Text(text.to_owned())
    }
}

impl From<&String> for Parameter {
    fn from(text: &String) -> Parameter {
        Parameter::Text(text.clone())
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Parameter {
        Parameter::Text(text)
    }
}

impl From<Message> for Parameter {
    fn from(message: Message) -> Parameter {
        Parameter::Message(Box::new(message))
    }
}

impl From<&io::Error> for Parameter {
    /// What is wrong with the input: a message of ours when one travelled as an error, else what the system says.
    fn from(error: &io::Error) -> Parameter {
        let ours = error.get_ref().and_then(|inner| inner.downcast_ref::<Message>());
        match ours {
            Some(message) => Parameter::from(message.clone()),
            None => Parameter::Text(error.to_string()),
        }
    }
}

/// A message may travel as the cause of an [`io::Error`] through readers that know nothing else.
impl std::error::Error for Message {}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.english, f)
    }
}

impl Deref for Message {
    type Target = str;

    fn deref(&self) -> &str {
        &self.english
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Message) -> bool {
        self.code == other.code && self.english == other.english
    }
}

impl Eq for Message {}

impl PartialOrd for Message {
    fn partial_cmp(&self, other: &Message) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Message {
    fn cmp(&self, other: &Message) -> std::cmp::Ordering {
        (&self.english, self.code).cmp(&(&other.english, other.code))
    }
}

impl PartialEq<str> for Message {
    fn eq(&self, text: &str) -> bool {
        self.english == text
    }
}

impl PartialEq<&str> for Message {
    fn eq(&self, text: &&str) -> bool {
        self.english == *text
    }
}

impl PartialEq<Message> for &str {
    fn eq(&self, message: &Message) -> bool {
        *self == message.english
    }
}

/// Something said of a path.
pub(crate) fn at(path: &str, said: impl Into<Message>) -> Message {
    Message::new(Code::At, [("path", path.into()), ("said", said.into().into())])
}

/// What is filled in, as an object.
struct Parameters<'a>(&'a Message);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parameters = &self.0.parameters;
        let mut map = serializer.serialize_map(Some(parameters.len()))?;
        for (name, value) in parameters {
            match value {
                Parameter::Number(number) => map.serialize_entry(name, number)?,
                Parameter::Hours(hours) => map.serialize_entry(name, hours)?,
                Parameter::Text(text) => map.serialize_entry(name, text)?,
                Parameter::Message(message) => map.serialize_entry(name, message)?,
            }
        }
        map.end()
    }
}

impl Serialize for Message {
    /// `{"text": ENGLISH, "code": CODE, "parameters": {...}}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_as("text", self, serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    /// What `Serialize` wrote; a bare text, as older versions wrote, and what a newer one knows are kept in English.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Message, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Message::from_json(&value, "text")
            .ok_or_else(|| D::Error::custom("neither a text nor a message with a text"))
    }
}

impl Message {
    /// A message out of an object whose English sentence is the member `sentence` (`text`, `why`), or out of a bare text.
    pub fn from_json(value: &Value, sentence: &str) -> Option<Message> {
        if let Some(text) = value.as_str() {
            return Some(Message::other(text));
        }
        let text = value.get(sentence)?.as_str()?;
        let known = value.get("code").and_then(Value::as_str).and_then(Code::from_id);
        let parameters = value.get("parameters").and_then(Value::as_object);
        let (Some(code), Some(parameters)) = (known, parameters) else {
            return Some(Message::other(text));
        };
        let read = |(name, value): (&String, &Value)| {
            let value = match value {
                Value::Number(number) => match number.as_u64() {
                    Some(number) if name != "hours" => Parameter::Number(number),
                    _ => Parameter::Hours(number.as_f64()?),
                },
                Value::String(text) => Parameter::Text(text.clone()),
                Value::Object(_) => Parameter::Message(Box::new(Message::from_json(value, "text")?)),
                _ => return None,
            };
            Some((Cow::Owned(name.clone()), value))
        };
        let parameters: Option<Vec<_>> = parameters.iter().map(read).collect();
        // Whatever of it is not understood, what was said stays said.
        let message = parameters.map(|parameters| Message::of(code, parameters));
        Some(match message {
            Some(message) if message.english == text => message,
            _ => Message::other(text),
        })
    }
}

fn serialize_as<S: Serializer>(
    name: &'static str,
    message: &Message,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(3))?;
    map.serialize_entry(name, message.as_str())?;
    map.serialize_entry("code", message.code.id())?;
    map.serialize_entry("parameters", &Parameters(message))?;
    map.end()
}

/// For a member that is flattened: `why`, `code` and `parameters`.
///
/// # Errors
/// Only the serializer's own.
pub fn why<S: Serializer>(message: &Message, serializer: S) -> Result<S::Ok, S::Error> {
    serialize_as("why", message, serializer)
}

/// For a member that is flattened: `warnings`, the sentences, and `warning_codes`, the same by code and parameters, each at the
/// same position.
///
/// # Errors
/// Only the serializer's own.
pub fn warnings<S: Serializer>(messages: &[Message], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Coded<'a> {
        code: &'static str,
        parameters: Parameters<'a>,
    }
    let sentences: Vec<&str> = messages.iter().map(Message::as_str).collect();
    let codes = messages.iter().map(|message| Coded {
        code: message.code.id(),
        parameters: Parameters(message),
    });
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("warnings", &sentences)?;
    map.serialize_entry("warning_codes", &codes.collect::<Vec<_>>())?;
    map.end()
}

#[cfg(test)]
mod tests;
