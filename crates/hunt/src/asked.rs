//! Which columns a hunt looks at: what its rules and indicators ask for, and what ties events together.

use std::collections::HashSet;

use vigie_event::{EventType, Projection, Source, Want};

use crate::collect::{Detectors, address_column, host_column};
use crate::detector::{DEFAULT_JOIN, Detector};
use crate::fields;

/// The columns that findings need of every event a rule matched, in lower case.
#[derive(Debug, Default)]
pub(crate) struct Joined(HashSet<String>);

impl Joined {
    pub(crate) fn new(detectors: &[Detector]) -> Joined {
        let names = detectors.iter().flat_map(|detector| detector.join.iter());
        // Nearly all have the same.
        let names: HashSet<&str> = names.map(String::as_str).chain(DEFAULT_JOIN).collect();
        let all = names.into_iter().flat_map(fields::names_of);
        Joined(all.map(|name| name.to_ascii_lowercase()).collect())
    }
}

impl Projection for Detectors {
    fn wants(&self, source: Source, table: &str, event: Option<&EventType>, column: &str) -> Want {
        let joined = self.joined.0.contains(&column.to_ascii_lowercase());
        let told = host_column(source) == Some(column) || address_column(source) == Some(column);
        if joined || told || self.indicators.wants(source, column) {
            return Want::Yes;
        }
        self.rules.wants(source, table, event, column)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout)]

    use std::path::{Path, PathBuf};

    use vigie_detect::sigma::RuleSource;
    use vigie_event::EventBatch;
    use vigie_evidence::{FileRef, Sink};
    use vigie_pack::Pack;

    use crate::assemble::assemble;
    use crate::collect::Collector;
    use crate::{HuntOptions, compile};

    /// Asks for every column.
    struct Everything<'a>(Collector<'a>);

    impl Sink for Everything<'_> {
        fn batch(&self, file: &FileRef, batch: EventBatch) {
            self.0.batch(file, batch);
        }

        fn content(&self, file: &FileRef, bytes: &[u8]) {
            self.0.content(file, bytes);
        }
    }

    /// The answer about evidence, as JSON, with all columns or with those that are asked for.
    fn answer(options: &HuntOptions, evidence: &[PathBuf], everything: bool) -> serde_json::Value {
        let (detectors, warnings) = compile(options);
        let mut collector = Collector::new(&detectors);
        let manifest = if everything {
            let sink = Everything(collector);
            let manifest = vigie_evidence::read(evidence, &options.evidence, &sink).unwrap();
            collector = sink.0;
            manifest
        } else {
            vigie_evidence::read(evidence, &options.evidence, &collector).unwrap()
        };
        let result = assemble(options, &detectors, collector.finish(), manifest, warnings);
        serde_json::to_value(result).unwrap()
    }

    fn rules(folder: &Path, found: &mut Vec<RuleSource>) {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                rules(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                found.push(RuleSource {
                    path: path.display().to_string(),
                    text: std::fs::read_to_string(&path).unwrap(),
                    pack: None,
                });
            }
        }
    }

    #[test]
    fn columns_that_are_left_out_change_nothing() {
        let corpora = std::env::var_os("VIGIE_CORPORA").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
            PathBuf::from,
        );
        if !corpora.is_dir() {
            println!("skipped: no corpora at {} (set VIGIE_CORPORA)", corpora.display());
            return;
        }
        let mut options = HuntOptions {
            packs: vec![Pack::load_embedded("hafnium-2021").unwrap()],
            ..HuntOptions::default()
        };
        rules(&corpora.join("sigma/rules"), &mut options.rules);
        let mut few = options.clone();
        few.rules.retain(|rule| rule.path.contains("registry_set"));
        few.packs.clear();
        let logs = corpora.join("evtx-attack-mdecrevoisier");
        for (options, evidence, what) in [(&options, corpora, "all rules"), (&few, logs, "few rules")] {
            let with_all = answer(options, std::slice::from_ref(&evidence), true);
            let with_asked = answer(options, std::slice::from_ref(&evidence), false);
            let hosts = with_all["hosts"].as_array().unwrap();
            assert!(hosts.len() > 10, "{what}: {} hosts", hosts.len());
            assert!(with_asked == with_all, "{what}: another answer");
        }
    }

    /// Keywords are looked for in lines, of which most values were left out; what they find is what they find in the
    /// values.
    #[test]
    fn keywords_are_found_in_values_and_not_across_them() {
        let folder = tempfile::tempdir().unwrap();
        let iis = b"#Fields: date time cs-method cs-uri-stem cs-uri-query sc-status cs(Referer)\n\
            2021-03-03 06:00:00 GET /a x=${probe} 200 -\n\
            2021-03-03 06:00:01 GET /b word 200 other\n\
            2021-03-03 06:00:02 GET /c - 200 W\xe9ird-${probe}\n\
            2021-03-03 06:00:03 GET /d - 200 - - surplus\n";
        std::fs::write(folder.path().join("u_ex210303.log"), iis).unwrap();
        let proxy = "DateTime,RequestId,UrlHost,UrlStem,Method,GenericInfo\n\
            2021-03-03T06:00:00.000Z,1,h,/x,GET,\"say \"\"word other\"\"\"\n\
            2021-03-03T06:00:01.000Z,2,h,/x,GET,\"${probe}, quoted\"\n";
        std::fs::write(folder.path().join("HttpProxy_2021030306-1.LOG"), proxy).unwrap();
        let rule = |id: &str, source: &str, keyword: &str| RuleSource {
            path: format!("{id}.yml"),
            text: format!(
                "title: {id}\nid: {id}\nlevel: high\nlogsource: {{ category: {source} }}\n\
                 detection:\n  keywords: ['{keyword}']\n  condition: keywords\n"
            ),
            pack: None,
        };
        let options = HuntOptions {
            rules: vec![
                rule("probe", "webserver", "${probe}"),
                rule("across", "webserver", "word 200"),
                rule("within", "webserver", "word other"),
                rule("quote", "webserver", "say \"word"),
            ],
            ..HuntOptions::default()
        };
        let evidence = [folder.path().to_owned()];
        let with_all = answer(&options, &evidence, true);
        assert_eq!(answer(&options, &evidence, false), with_all);
        let found = |id: &str| {
            let findings = with_all["hosts"].as_array().unwrap().iter();
            let findings = findings.flat_map(|host| host["findings"].as_array().unwrap());
            let of_rule = findings.filter(|finding| finding["rule_id"] == id);
            of_rule
                .map(|finding| finding["count"].as_u64().unwrap())
                .sum::<u64>()
        };
        assert_eq!(["probe", "across", "within", "quote"].map(found), [3, 0, 1, 1]);
    }
}
