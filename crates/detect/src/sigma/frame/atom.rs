//! Literals looked for in all values of a field at once, and which of them a rule cannot match without.

use crate::sigma::expr::Expr;
use crate::sigma::program::TestId;
use crate::sigma::test::Test;
use crate::sigma::text::Shape;

/// Where in the value a literal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    Whole,
    Start,
    End,
    Anywhere,
    /// No literal: any character beyond ASCII.
    BeyondAscii,
}

/// A literal in a field's value, ASCII case aside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Atom {
    /// Position among the binding's fields.
    pub(super) field: u32,
    pub(super) place: Place,
    /// Lower case.
    pub(super) text: Box<str>,
}

/// How a test follows from literals in the value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sigma) struct Literals {
    /// The test can hold only where one of these is; none when there is no such set.
    pub(super) any_of: Box<[(Place, Box<str>)]>,
    /// It holds wherever one is.
    pub(super) exact: bool,
    /// Roughly, the share of values that have one.
    frequency: f64,
}

/// What [`Literals`] follow from a test.
pub(in crate::sigma) fn literals(test: &Test) -> Literals {
    type Found = Vec<(Place, Box<str>)>;
    let anywhere = |text: &str| -> Found { vec![(Place::Anywhere, text.to_ascii_lowercase().into())] };
    let (any_of, exact): (Found, bool) = match test {
        Test::Text(test) => match test.shape() {
            Shape::Equals(text) if test.is_bytewise() => (vec![(Place::Whole, text.into())], true),
            Shape::StartsWith(text) if test.is_bytewise() => (vec![(Place::Start, text.into())], true),
            Shape::EndsWith(text) if test.is_bytewise() => (vec![(Place::End, text.into())], true),
            Shape::Contains(text) if test.is_bytewise() => (vec![(Place::Anywhere, text.into())], true),
            Shape::Anything => (Vec::new(), false),
            _ => match test.longest_literal() {
                Some(text) if text.len() > 1 => (anywhere(text), false),
                _ if test.folds() => (vec![(Place::BeyondAscii, "".into())], false),
                _ => (Vec::new(), false),
            },
        },
        Test::Regex(pattern) => {
            let needed = pattern.needed.iter().flat_map(|text| anywhere(text));
            (needed.collect(), false)
        }
        _ => (Vec::new(), false),
    };
    Literals {
        frequency: any_of.iter().map(|(place, text)| frequency(*place, text)).sum(),
        any_of: any_of.into(),
        exact,
    }
}

/// Tests one of which holds in every event an expression matches, and whose literals can be looked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trigger {
    pub(super) tests: Vec<TestId>,
    /// Roughly, the share of events that have one.
    frequency: f64,
}

/// The rarest such set; `None` when an event can match without any literal.
pub(super) fn trigger<'a>(
    expr: &Expr<TestId>,
    literals_of: &dyn Fn(TestId) -> Option<&'a Literals>,
) -> Option<Trigger> {
    let of = |part: &Expr<TestId>| trigger(part, literals_of);
    match expr {
        Expr::Const(_) | Expr::Not(_) => None,
        Expr::Leaf(test) => {
            let literals = literals_of(*test)?;
            (!literals.any_of.is_empty()).then(|| Trigger {
                tests: vec![*test],
                frequency: literals.frequency,
            })
        }
        Expr::All(parts) => parts
            .iter()
            .filter_map(of)
            .min_by(|a, b| a.frequency.total_cmp(&b.frequency)),
        Expr::Any(parts) => {
            let parts: Option<Vec<Trigger>> = parts.iter().map(of).collect();
            Some(union(parts?))
        }
        Expr::AtLeast(wanted, parts) => {
            // Of any so many parts, one holds.
            let enough = (parts.len() + 1).checked_sub(*wanted)?;
            let mut known: Vec<Trigger> = parts.iter().filter_map(of).collect();
            known.sort_by(|a, b| a.frequency.total_cmp(&b.frequency));
            known.truncate(enough);
            (known.len() == enough && enough > 0).then(|| union(known))
        }
    }
}

fn union(parts: Vec<Trigger>) -> Trigger {
    Trigger {
        frequency: parts.iter().map(|part| part.frequency).sum(),
        tests: parts.into_iter().flat_map(|part| part.tests).collect(),
    }
}

/// What events of all kinds are full of, a line each.
const COMMON: &str = "c:\\windows\\system32\\
c:\\windows\\syswow64\\
c:\\program files (x86)\\microsoft
c:\\program files\\microsoft
c:\\programdata\\microsoft\\windows
c:\\users\\administrator\\appdata\\local\\temp\\
\\appdata\\roaming\\microsoft\\windows\\
hklm\\software\\microsoft\\windows\\currentversion\\
hklm\\system\\currentcontrolset\\services\\
nt authority\\system
microsoft windows operating system
microsoft corporation
https://www.microsoft.com/
powershell.exe -command
.exe.dll.ps1.bat.tmp.log
/owa/auth/logon.aspx
/ecp/default.aspx
/ews/exchange.asmx
/mapi/emsmdb/
/autodiscover/autodiscover.xml
/microsoft-server-activesync
/rpc/rpcproxy.dll
/oab/oab.xml
/index.html.php.js.css
mozilla/5.0 (windows nt 10.0; win64; x64)
postgethead200302401404
truefalse-";

/// Programs that run all the time.
const COMMON_PROGRAMS: &str = "\\cmd.exe\\powershell.exe\\pwsh.exe\\svchost.exe\\rundll32.exe\\regsvr32.exe\
\\explorer.exe\\conhost.exe\\wmiprvse.exe\\services.exe\\lsass.exe\\w3wp.exe\\msiexec.exe\\reg.exe\\net.exe\
\\net1.exe\\schtasks.exe\\sc.exe\\wscript.exe\\cscript.exe\\mshta.exe\\wmic.exe\\chrome.exe\\msedge.exe\\";

fn frequency(place: Place, text: &str) -> f64 {
    let bits: f64 = text.bytes().map(information).sum();
    let is_common = COMMON.contains(text);
    let by_length = match place {
        Place::BeyondAscii => return 0.02,
        // A method, a status: a third or more of all events.
        Place::Whole if text.len() <= 5 && is_common => return 0.5,
        Place::Whole if text.len() <= 5 => 0.1,
        Place::Whole => f64::max(0.001, (-bits * 0.6).exp2()),
        Place::Start | Place::End => (-bits * 0.8).exp2(),
        Place::Anywhere => (-bits).exp2(),
    };
    let file = text.rsplit('\\').next().unwrap_or(text);
    let is_program = file.len() > 2 && COMMON_PROGRAMS.contains(file);
    let known = match () {
        // Names of programs end alike; other endings are some of many.
        () if is_common && place == Place::End && !matches!(text, ".exe" | "exe") => 0.12,
        () if is_common => 0.3,
        () if is_program => 0.05,
        () => 0.0,
    };
    f64::max(by_length, known) + 1e-6
}

/// What the presence of a byte says, in bits: little more than one, because bytes follow from each other.
fn information(byte: u8) -> f64 {
    match commonness(byte) {
        9.. => 1.0,
        6..=8 => 1.2,
        2..=5 => 1.6,
        _ => 2.5,
    }
}

/// How often a byte stands in command lines, paths and the like: a rough order is enough.
pub(super) fn commonness(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b' ' | b'e' | b'\\' => 12,
        b's' | b't' | b'i' | b'n' | b'o' | b'r' | b'a' => 10,
        b'c' | b'd' | b'f' | b'l' | b'm' | b'p' | b'w' | b'.' | b'0' => 8,
        b'b' | b'g' | b'h' | b'u' | b'v' | b'x' | b'y' | b'1' | b'2' | b'-' | b'/' | b':' => 5,
        b'0'..=b'9' | b'k' | b'_' | b'=' | b'"' => 4,
        b'<' | b'>' | b'@' | b'%' | b',' | b';' | b'&' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_literals_are_looked_for() {
        let known: Vec<Literals> = ["\\powershell.exe", "invoke-mimikatz", "sekurlsa"]
            .iter()
            .map(|word| Literals {
                any_of: Box::new([(Place::Anywhere, (*word).into())]),
                exact: true,
                frequency: frequency(Place::Anywhere, word),
            })
            .collect();
        let chosen = |expr: Expr<TestId>| {
            trigger(&expr, &|test| known.get(test as usize)).map(|trigger| trigger.tests)
        };
        let leaf = Expr::Leaf;
        assert_eq!(
            chosen(Expr::All(vec![leaf(0), Expr::Any(vec![leaf(1), leaf(2)])])),
            Some(vec![1, 2])
        );
        assert_eq!(chosen(Expr::Any(vec![leaf(1), leaf(9)])), None);
        assert_eq!(chosen(leaf(1).negated()), None);
        let two = chosen(Expr::AtLeast(2, vec![leaf(0), leaf(1), leaf(9)]));
        assert_eq!(two.map(|tests| tests.len()), Some(2));
        assert_eq!(chosen(Expr::AtLeast(2, vec![leaf(0), leaf(9), leaf(9)])), None);
    }
}
