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

/// How a test follows from literals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literals {
    /// It holds just where this one is.
    Exact(Place, Box<str>),
    /// It can hold only where one of these is.
    Needed(Vec<Box<str>>),
    None,
}

pub(super) fn literals(test: &Test) -> Literals {
    match test {
        Test::Text(text) if text.is_bytewise() => match text.shape() {
            Shape::Equals(text) => Literals::Exact(Place::Whole, text.into()),
            Shape::StartsWith(text) => Literals::Exact(Place::Start, text.into()),
            Shape::EndsWith(text) => Literals::Exact(Place::End, text.into()),
            Shape::Contains(text) => Literals::Exact(Place::Anywhere, text.into()),
            Shape::Anything => Literals::None,
            Shape::Pattern => needed(text.longest_literal()),
        },
        Test::Text(text) => needed(text.longest_literal()),
        Test::Regex(pattern) if !pattern.needed.is_empty() => Literals::Needed(pattern.needed.to_vec()),
        _ => Literals::None,
    }
}

fn needed(text: Option<&str>) -> Literals {
    match text {
        Some(text) if text.len() > 1 => Literals::Needed(vec![text.to_ascii_lowercase().into()]),
        _ => Literals::None,
    }
}

/// A set of literals one of which is in every event an expression matches.
#[derive(Debug, Clone)]
pub(super) struct Trigger {
    pub(super) atoms: Vec<Atom>,
    /// Roughly, the share of events that have one.
    frequency: f64,
}

/// The rarest such set; `None` when an event can match without any literal.
pub(super) fn trigger(expr: &Expr<TestId>, atoms_of: &dyn Fn(TestId) -> Vec<Atom>) -> Option<Trigger> {
    let of = |part: &Expr<TestId>| trigger(part, atoms_of);
    match expr {
        Expr::Const(_) | Expr::Not(_) => None,
        Expr::Leaf(test) => {
            let atoms = atoms_of(*test);
            let frequency = atoms.iter().map(frequency).sum();
            (!atoms.is_empty()).then_some(Trigger { atoms, frequency })
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
        atoms: parts.into_iter().flat_map(|part| part.atoms).collect(),
    }
}

/// What events of all kinds are full of.
const COMMON: [&str; 16] = [
    "c:\\windows\\system32\\",
    "c:\\windows\\syswow64\\",
    "c:\\program files (x86)\\microsoft",
    "c:\\program files\\microsoft",
    "c:\\programdata\\microsoft\\windows",
    "c:\\users\\administrator\\appdata\\local\\temp\\",
    "\\appdata\\roaming\\microsoft\\windows\\",
    "hklm\\software\\microsoft\\windows\\currentversion\\",
    "hklm\\system\\currentcontrolset\\services\\",
    "nt authority\\system",
    "microsoft windows operating system",
    "microsoft corporation",
    "https://www.microsoft.com/",
    "powershell.exe -command",
    ".exe.dll.ps1.bat.tmp.log",
    "truefalse-",
];

/// Programs that run all the time.
const COMMON_PROGRAMS: [&str; 24] = [
    "cmd.exe",
    "powershell.exe",
    "pwsh.exe",
    "svchost.exe",
    "rundll32.exe",
    "regsvr32.exe",
    "explorer.exe",
    "conhost.exe",
    "wmiprvse.exe",
    "services.exe",
    "lsass.exe",
    "w3wp.exe",
    "msiexec.exe",
    "reg.exe",
    "net.exe",
    "net1.exe",
    "schtasks.exe",
    "sc.exe",
    "wscript.exe",
    "cscript.exe",
    "mshta.exe",
    "wmic.exe",
    "chrome.exe",
    "msedge.exe",
];

fn frequency(atom: &Atom) -> f64 {
    let text = &*atom.text;
    let by_length = match atom.place {
        Place::Whole if text.len() <= 5 => 0.2,
        Place::Whole => 0.01,
        Place::Start | Place::End => (-(text.len() as f64) * 0.5).exp2(),
        Place::Anywhere => (-(text.len() as f64) * 0.7).exp2(),
    };
    let is_common = COMMON.iter().any(|common| common.contains(text));
    let is_program = COMMON_PROGRAMS
        .iter()
        .any(|program| text.ends_with(program) || (text.len() > 3 && program.contains(text)));
    let known = match () {
        () if is_common => 0.3,
        () if is_program => 0.05,
        () => 0.0,
    };
    f64::max(by_length, known) + 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_literals_are_looked_for() {
        let atom = |text: &str| Atom {
            field: 0,
            place: Place::Anywhere,
            text: text.into(),
        };
        let words = ["\\powershell.exe", "invoke-mimikatz", "sekurlsa"];
        let atoms_of = |test: TestId| {
            words
                .get(test as usize)
                .map(|word| atom(word))
                .into_iter()
                .collect()
        };
        let chosen = |expr: Expr<TestId>| {
            trigger(&expr, &atoms_of).map(|trigger| {
                let texts = trigger.atoms.iter().map(|atom| atom.text.to_string());
                texts.collect::<Vec<_>>()
            })
        };
        let leaf = Expr::Leaf;
        assert_eq!(
            chosen(Expr::All(vec![leaf(0), Expr::Any(vec![leaf(1), leaf(2)])])),
            Some(vec!["invoke-mimikatz".to_owned(), "sekurlsa".to_owned()])
        );
        assert_eq!(chosen(Expr::Any(vec![leaf(1), leaf(9)])), None);
        assert_eq!(chosen(leaf(1).negated()), None);
        let two = chosen(Expr::AtLeast(2, vec![leaf(0), leaf(1), leaf(9)]));
        assert_eq!(two.map(|atoms| atoms.len()), Some(2));
        assert_eq!(chosen(Expr::AtLeast(2, vec![leaf(0), leaf(9), leaf(9)])), None);
    }
}
