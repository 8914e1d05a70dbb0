//! Engines that look for many literals at once, on the literals of the public rules: speed, memory, and how long they
//! take to build. Each runs in a process of its own.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use anyhow::{Context, Result, bail};
use daachorse::DoubleArrayAhoCorasick;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};
use serde::{Deserialize, Serialize};

use super::peers::EVTX_DUMP;
use super::{Bench, corpora, json, literals, scratch, target};
use crate::{cargo, run};

/// Memory a lazy DFA may keep its states in.
const LAZY_BYTES: usize = 64 << 20;
/// Text for an engine that is slower by orders of magnitude.
const LITTLE_TEXT: usize = 1 << 20;
/// Of the literals, every so many in a quick run.
const QUICK_EVERY: usize = 50;

/// An engine, by the name it goes by on the command line of its process.
const ENGINES: [(&str, &str, Engine); 4] = [
    ("nfa", "aho-corasick, contiguous NFA", |literals, text| {
        aho_corasick(AhoCorasickKind::ContiguousNFA, literals, text)
    }),
    ("dfa", "aho-corasick, DFA", |literals, text| {
        aho_corasick(AhoCorasickKind::DFA, literals, text)
    }),
    ("daachorse", "daachorse, on text lower-cased first", daachorse),
    ("lazy", "regex-automata, lazy DFA, line by line", lazy_dfa),
];

const VECTORSCAN: &str = include_str!("vectorscan.c");

type Engine = fn(&[String], &[u8]) -> Result<Scan>;

/// What one engine did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Scan {
    build_seconds: f64,
    scan_seconds: f64,
    /// Bytes it scanned.
    text: u64,
    /// Bytes it holds, by its own account.
    heap: u64,
    /// Literals found, as often as they stand there; once a line by a lazy DFA.
    found: u64,
}

pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let (Some(samples), Some(rules)) = (corpora::all(), corpora::windows_rules()) else {
        return Ok(());
    };
    let quick = bench.options.quick;
    let Some(dump) = EVTX_DUMP.find(quick)? else {
        return Ok(());
    };
    let events = json::events(&samples, &dump)?;
    let all = literals::of_rules(&corpora::rule_files(&rules)?)?;
    let step = if quick { QUICK_EVERY } else { 1 };
    let lines: Vec<&str> = all.iter().step_by(step).map(String::as_str).collect();
    let list = scratch()?.join("literals-windows.txt");
    fs::write(&list, lines.join("\n")).with_context(|| format!("cannot write {}", list.display()))?;
    println!(
        "\nliterals: {} of the public Windows rules, ASCII case aside, every match\n\n\
         | engine                                         |       MB |    MB/s | build s |  heap MB |    found |\n\
         |------------------------------------------------|---------:|--------:|--------:|---------:|---------:|",
        lines.len()
    );
    let mut scans = Vec::new();
    for (word, name, _) in ENGINES {
        let scan = if quick {
            scan(word, &list, &events)?
        } else {
            in_a_process(word, &list, &events)?
        };
        scans.push((name, scan));
    }
    let vectorscan = vectorscan(&list, &events)?;
    scans.extend(vectorscan.map(|scan| ("vectorscan, literals", scan)));
    for (name, scan) in scans {
        let megabytes = scan.text as f64 / 1e6;
        println!(
            "| {name:<46} | {megabytes:>8.1} | {:>7.0} | {:>7.2} | {:>8.1} | {:>8} |",
            megabytes / scan.scan_seconds.max(1e-6),
            scan.build_seconds,
            scan.heap as f64 / 1e6,
            scan.found
        );
        if scan.found == 0 {
            bail!("{name} found none of the literals");
        }
    }
    if vectorscan.is_none() {
        println!("vectorscan is left out: it takes a C compiler and Debian's libvectorscan-dev");
    }
    Ok(())
}

/// Vectorscan has no crate that builds without CMake, Ragel and Boost: a small program is linked with the library that
/// the system has, if it has one.
fn vectorscan(list: &Path, events: &Path) -> Result<Option<Scan>> {
    let folder = scratch()?;
    let (source, program) = (folder.join("vectorscan.c"), folder.join("vectorscan"));
    fs::write(&source, VECTORSCAN).with_context(|| format!("cannot write {}", source.display()))?;
    let compiled = Command::new("cc")
        .arg("-O2")
        .arg("-o")
        .args([&program, &source])
        .arg("-lhs")
        .output();
    if !compiled.is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    let output = Command::new(&program)
        .args([list, events])
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let scan =
        serde_json::from_slice(&output.stdout).with_context(|| format!("vectorscan failed: {said}"))?;
    Ok(Some(scan))
}

/// Runs one engine in a release build of this program.
fn in_a_process(word: &str, list: &Path, events: &Path) -> Result<Scan> {
    run(&cargo(), &["build", "--quiet", "--release", "--package", "xtask"])?;
    let program = target()
        .join("release")
        .join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(&program)
        .arg("scan")
        .arg(word)
        .args([list, events])
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{word} failed: {said}"))
}

/// What the process of one engine does: `scan ENGINE LITERALS TEXT`.
pub(crate) fn scan_and_print(word: &str, list: &str, events: &str) -> Result<()> {
    let scan = scan(word, &PathBuf::from(list), &PathBuf::from(events))?;
    println!("{}", serde_json::to_string(&scan)?);
    Ok(())
}

fn scan(word: &str, list: &Path, events: &Path) -> Result<Scan> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (literals, mut text) = (String::from_utf8(read(list)?)?, read(events)?);
    let literals: Vec<String> = literals.lines().map(str::to_ascii_lowercase).collect();
    let Some((_, _, engine)) = ENGINES.iter().find(|(known, _, _)| *known == word) else {
        bail!("no engine is called {word}");
    };
    if word == "lazy" {
        text.truncate(LITTLE_TEXT);
    }
    engine(&literals, &text)
}

fn aho_corasick(kind: AhoCorasickKind, literals: &[String], text: &[u8]) -> Result<Scan> {
    let started = Instant::now();
    let engine = AhoCorasick::builder()
        .kind(Some(kind))
        .ascii_case_insensitive(true)
        .build(literals)?;
    let build_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let found = black_box(&engine).find_overlapping_iter(text).count();
    Ok(Scan {
        build_seconds,
        scan_seconds: started.elapsed().as_secs_f64(),
        text: text.len() as u64,
        heap: engine.memory_usage() as u64,
        found: found as u64,
    })
}

fn daachorse(literals: &[String], text: &[u8]) -> Result<Scan> {
    let started = Instant::now();
    let engine = DoubleArrayAhoCorasick::<u32>::new(literals)
        .map_err(|error| anyhow::anyhow!("daachorse takes the literals not: {error}"))?;
    let build_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let lower = text.to_ascii_lowercase();
    let found = black_box(&engine).find_overlapping_iter(&lower).count();
    Ok(Scan {
        build_seconds,
        scan_seconds: started.elapsed().as_secs_f64(),
        text: text.len() as u64,
        heap: engine.heap_bytes() as u64,
        found: found as u64,
    })
}

fn lazy_dfa(literals: &[String], text: &[u8]) -> Result<Scan> {
    let started = Instant::now();
    let patterns: Vec<String> = literals.iter().map(|literal| escaped(literal)).collect();
    let nfa = thompson::NFA::compiler()
        .configure(thompson::Config::new().which_captures(thompson::WhichCaptures::None))
        .syntax(
            syntax::Config::new()
                .case_insensitive(true)
                .unicode(false)
                .utf8(false),
        )
        .build_many(&patterns)?;
    let engine = DFA::builder()
        .configure(
            DFA::config()
                .match_kind(MatchKind::All)
                .cache_capacity(LAZY_BYTES)
                .skip_cache_capacity_check(true),
        )
        .build_from_nfa(nfa)?;
    let mut cache = engine.create_cache();
    let build_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let (mut found, mut set) = (0, PatternSet::new(patterns.len()));
    for line in text.split(|byte| *byte == b'\n') {
        set.clear();
        engine.try_which_overlapping_matches(&mut cache, &Input::new(line), &mut set)?;
        found += set.len() as u64;
    }
    Ok(Scan {
        build_seconds,
        scan_seconds: started.elapsed().as_secs_f64(),
        text: text.len() as u64,
        heap: (engine.memory_usage() + cache.memory_usage()) as u64,
        found,
    })
}

/// A regular expression of these bytes and nothing else.
fn escaped(literal: &str) -> String {
    let mut pattern = String::new();
    for byte in literal.bytes() {
        if byte.is_ascii_alphanumeric() {
            pattern.push(char::from(byte));
        } else {
            pattern.push_str(&format!("\\x{byte:02x}"));
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_engines_find_the_same() {
        let literals = ["powershell", "shell", "-enc", "\\\\temp\\"].map(str::to_owned);
        let text = b"PowerShell.exe -Enc x\nC:\\\\Temp\\a\n";
        for (word, _, engine) in ENGINES {
            assert_eq!(engine(&literals, text).unwrap().found, 4, "{word}");
        }
    }
}
