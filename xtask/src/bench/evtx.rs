//! Real event logs: all public Windows rules beside a parser that only prints.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::measure::{Cost, Job};
use super::peers::EVTX_DUMP;
use super::table::Bound;
use super::{Bench, KEPT_BYTES, corpora, files_below, has_extension, scratch};

const HEADER_BYTES: usize = 4_096;
const CHUNK_BYTES: usize = 65_536;
/// As many chunks as the header of one file can count.
const MOST_CHUNKS: usize = u16::MAX as usize;

/// All rules on event logs made of real chunks, and `evtx_dump` on the same files.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let Some(rules) = corpora::windows_rules() else {
        return Ok(());
    };
    let rules = rules.map(|folder| folder.display().to_string());
    bench.at_sizes("evtx, 2 threads", |bench, size| measure(bench, &rules, size))
}

fn measure(bench: &mut Bench, rules: &[String; 2], size: u64) -> Result<Option<(u64, Cost)>> {
    let Some(logs) = EventLogs::make(size)? else {
        return Ok(None);
    };
    let arguments = ["--no-pack", "--rules", &rules[0], "--rules", &rules[1]];
    let mut jobs = vec![
        bench.hunt(
            "vigie hunt, all Windows rules, 2 threads",
            2,
            &arguments,
            &logs.files,
        )?,
        bench.hunt(
            "vigie hunt, all Windows rules, 1 thread",
            1,
            &arguments,
            &logs.files,
        )?,
        Job::new("wc -l", "wc").run(&["-l"], &logs.files),
    ];
    if let Some(dump) = EVTX_DUMP.find(bench.options.quick)? {
        for threads in ["2", "1"] {
            let name = format!("evtx_dump -o jsonl, -t {threads}");
            jobs.push(Job::new(name, &dump).run_each(&["-t", threads, "-o", "jsonl"], &logs.files));
        }
    }
    let title = format!(
        "evtx: {} records in {} file(s) made of the chunks of public samples",
        logs.records,
        logs.files.len()
    );
    let costs = bench.measure(&title, logs.bytes, &jobs)?;
    bench.hold_memory("evtx, 2 threads", &costs[0]);
    bench.hold_memory("evtx, 1 thread", &costs[1]);
    if let [two, one, _, dump_two, dump_one] = costs.as_slice() {
        let targets = &mut bench.targets;
        let what = "evtx, 2 threads: wall time as times of evtx_dump's";
        targets.goal(what, two.wall / dump_two.wall, Bound::AtMost(1.0));
        targets.least(what, two.wall / dump_two.wall, Bound::AtMost(2.0));
        let what = "evtx, 1 thread: CPU time as times of evtx_dump's";
        targets.goal(what, one.cpu / dump_one.cpu, Bound::AtMost(2.0));
    }
    let bytes = logs.bytes;
    logs.forget()?;
    Ok(Some((bytes, costs[0])))
}

/// Large event logs made of the chunks of real ones.
pub(super) struct EventLogs {
    pub(super) files: Vec<PathBuf>,
    pub(super) bytes: u64,
    pub(super) records: u64,
}

impl EventLogs {
    /// Logs of so many bytes, made if an earlier run did not leave them.
    pub(super) fn make(bytes: u64) -> Result<Option<EventLogs>> {
        let Some(corpora) = corpora::all() else {
            return Ok(None);
        };
        let chunks = Chunks::of_samples(&corpora)?;
        let wanted = usize::try_from(bytes / CHUNK_BYTES as u64)?.max(1);
        let folder = scratch()?.join("evtx");
        fs::create_dir_all(&folder)?;
        let mut logs = EventLogs {
            files: Vec::new(),
            bytes: 0,
            records: 0,
        };
        let mut from = 0;
        while from < wanted {
            let until = wanted.min(from + MOST_CHUNKS);
            let path = folder.join(format!("mixed-{from}-{until}.evtx"));
            let size = (HEADER_BYTES + (until - from) * CHUNK_BYTES) as u64;
            if fs::metadata(&path).map_or(0, |data| data.len()) != size {
                chunks
                    .write(&path, from..until)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            logs.files.push(path);
            logs.bytes += size;
            logs.records += chunks.records(from..until);
            from = until;
        }
        Ok(Some(logs))
    }

    /// Removes files too large to keep.
    pub(super) fn forget(self) -> Result<()> {
        if self.bytes > KEPT_BYTES {
            for file in &self.files {
                fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
            }
        }
        Ok(())
    }
}

/// The chunks of all samples, and one of their headers.
struct Chunks {
    header: Vec<u8>,
    chunks: Vec<Vec<u8>>,
}

impl Chunks {
    fn of_samples(folder: &Path) -> Result<Chunks> {
        let mut all = Chunks {
            header: Vec::new(),
            chunks: Vec::new(),
        };
        for (path, _) in files_below(folder)? {
            if !has_extension(&path, "evtx") {
                continue;
            }
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let Some((header, chunks)) = bytes.split_at_checked(HEADER_BYTES) else {
                continue;
            };
            if !header.starts_with(b"ElfFile\0") {
                continue;
            }
            if all.header.is_empty() {
                all.header = header.to_owned();
            }
            let chunks = chunks.chunks_exact(CHUNK_BYTES);
            all.chunks.extend(
                chunks
                    .filter(|chunk| chunk.starts_with(b"ElfChnk\0"))
                    .map(<[u8]>::to_vec),
            );
        }
        if all.chunks.is_empty() {
            bail!("there are no event logs (.evtx) in {}", folder.display());
        }
        Ok(all)
    }

    fn turn(&self, numbers: std::ops::Range<usize>) -> impl Iterator<Item = &[u8]> {
        numbers.filter_map(|number| self.chunks.get(number % self.chunks.len()).map(Vec::as_slice))
    }

    /// Writes these chunks, which come round as often as needed, as one file.
    fn write(&self, path: &Path, numbers: std::ops::Range<usize>) -> Result<()> {
        let mut header = self.header.clone();
        let count = u16::try_from(numbers.len())?;
        header[42..44].copy_from_slice(&count.to_le_bytes());
        let checksum = crc32fast::hash(&header[..120]);
        header[124..128].copy_from_slice(&checksum.to_le_bytes());
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        file.write_all(&header)?;
        for chunk in self.turn(numbers) {
            file.write_all(chunk)?;
        }
        file.flush()?;
        Ok(())
    }

    /// How many records the chunks say they have.
    fn records(&self, numbers: std::ops::Range<usize>) -> u64 {
        let number = |chunk: &[u8], at: usize| {
            chunk
                .get(at..at + 8)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u64::from_le_bytes)
        };
        self.turn(numbers)
            .map(|chunk| (number(chunk, 16).wrapping_add(1)).wrapping_sub(number(chunk, 8)))
            .filter(|count| *count <= CHUNK_BYTES as u64)
            .sum()
    }
}
