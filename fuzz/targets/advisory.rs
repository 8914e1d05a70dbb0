//! Advisories: CSAF documents, KEV, EPSS and CVE records, and the draft of a pack from what could be read.
#![no_main]

use vigie_advisory::csaf;
use vigie_advisory::cve::CveRecord;
use vigie_advisory::draft::{Sources, draft};
use vigie_advisory::epss::Epss;
use vigie_advisory::json::Json;
use vigie_advisory::kev::Kev;

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("advisory"), |bytes: &[u8]| {
    let advisory = Json::parse(bytes).ok();
    if let Some(advisory) = &advisory {
        let report = csaf::check_json(advisory);
        assert!(report.findings.iter().all(|finding| !finding.message.is_empty()));
    }
    let records: Vec<CveRecord> = CveRecord::parse(bytes).into_iter().collect();
    let kev = Kev::parse(bytes).ok();
    let epss = Epss::parse(bytes).ok();
    let drafted = draft(&Sources {
        name: "fuzz",
        advisory: advisory.as_ref(),
        kev: kev.as_ref(),
        epss: epss.as_ref(),
        records: &records,
        products: &[],
    });
    if let Ok(drafted) = drafted {
        assert!(drafted.vulnerabilities > 0 && !drafted.to_fill.is_empty());
    }
});
