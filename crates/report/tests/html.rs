//! The page: well-formed, inert, self-contained, accessible, bounded, in both languages.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use base64::Engine;
use sha2::{Digest, Sha256};
use vigie_hunt::HuntResult;
use vigie_report::{Lang, html};

use elements::elements;

mod elements;
mod sample;

fn page(result: &HuntResult, lang: Lang) -> String {
    let mut out = Vec::new();
    html(result, lang, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn all_pages() -> Vec<String> {
    let results = [
        sample::sample(),
        sample::hostile(),
        sample::busy(300),
        sample::empty(),
    ];
    let pages = results
        .iter()
        .flat_map(|result| [page(result, Lang::En), page(result, Lang::Fr)]);
    pages.collect()
}

#[test]
fn every_page_is_well_formed_and_its_identifiers_are_unique() {
    for page in all_pages() {
        let elements = elements(&page);
        let mut seen = HashSet::new();
        for id in elements.iter().filter_map(|element| element.get("id")) {
            assert!(seen.insert(id.to_owned()), "{id} twice");
        }
        for element in &elements {
            for reference in ["href", "aria-labelledby"]
                .iter()
                .filter_map(|name| element.get(name))
            {
                for id in reference.split(' ').map(|id| id.trim_start_matches('#')) {
                    assert!(seen.contains(id), "{id} leads nowhere");
                }
            }
        }
    }
}

#[test]
fn nothing_is_loaded_and_nothing_foreign_runs() {
    for page in all_pages() {
        let elements = elements(&page);
        let scripts = elements.iter().filter(|element| element.name == "script").count();
        assert_eq!(scripts, 1);
        for element in &elements {
            assert!(
                !["img", "iframe", "link", "object", "embed", "base", "form"]
                    .contains(&element.name.as_str())
            );
            for (name, value) in &element.attributes {
                assert!(
                    !name.starts_with("on") && name != "style" && name != "src",
                    "{name}"
                );
                assert!(name != "href" || value.starts_with('#'), "{value}");
            }
        }
        assert!(!page.contains("<script>alert"));
        assert!(!page.contains("http://") && !page.contains("https://"));
        assert!(!page.contains(['\u{202e}', '\u{1b}', '\0', '\r']));
    }
}

#[test]
fn hostile_text_is_shown_for_what_it_is() {
    let page = page(&sample::hostile(), Lang::En);
    assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &#39;⟨U+202E⟩gpj.exe␛[31m␀"));
}

#[test]
fn the_policy_allows_exactly_the_style_and_the_script_inside() {
    let page = page(&sample::sample(), Lang::En);
    for tag in ["style", "script"] {
        let inside = page
            .split(&format!("<{tag}>"))
            .nth(1)
            .unwrap()
            .split(&format!("</{tag}>"))
            .next()
            .unwrap();
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(inside.as_bytes()));
        assert!(
            page.contains(&format!("{tag}-src &#39;sha256-{hash}&#39;")),
            "{tag}"
        );
    }
    assert!(page.contains("default-src &#39;none&#39;"));
}

#[test]
fn headings_descend_one_by_one_and_tables_name_their_columns() {
    for page in all_pages() {
        let mut level = 0;
        for element in elements(&page) {
            if let Some(depth) = element
                .name
                .strip_prefix('h')
                .and_then(|depth| depth.parse::<u32>().ok())
            {
                assert!(depth <= level + 1, "h{depth} after h{level}");
                level = depth;
            }
            assert!(element.name != "th" || element.get("scope").is_some());
            let image = element.name == "svg";
            assert!(
                !image || element.get("aria-hidden").is_some() || element.get("aria-labelledby").is_some()
            );
        }
        for landmark in ["<header", "<main>", "<footer>"] {
            assert_eq!(page.matches(landmark).count(), 1);
        }
    }
}

#[test]
fn every_verdict_is_told_in_words_in_both_languages() {
    let (en, fr) = (
        page(&sample::sample(), Lang::En),
        page(&sample::sample(), Lang::Fr),
    );
    for word in [
        "Compromised",
        "Suspected",
        "Attempted",
        "Unknown",
        "No evidence found",
    ] {
        assert!(en.contains(&format!("</svg>{word}</span>")), "{word}");
    }
    for word in [
        "Compromis",
        "Suspect",
        "Attaqué",
        "Indéterminé",
        "Aucune trace trouvée",
    ] {
        assert!(fr.contains(&format!("</svg>{word}</span>")), "{word}");
    }
    assert!(en.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert!(fr.contains("<html lang=\"fr\">"));
    assert!(en.contains("No evidence found from 3 January 2021 00:00:00 UTC to 12 March 2021 00:00:00 UTC."));
    assert!(fr.contains("du 3 janvier 2021 00:00:00 UTC au 12 mars 2021 00:00:00 UTC"));
    assert!(fr.contains("1\u{202f}844 fichiers, 12,4\u{a0}Go"));
    assert!(!en.to_lowercase().contains("clean\"") && !en.contains("is clean"));
}

#[test]
fn worst_verdict_first_and_what_cannot_be_judged_first_among_the_unseen() {
    let mut result = sample::sample();
    result.hosts.reverse();
    let page = page(&result, Lang::En);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("id=\"h1\"") < at("id=\"t2\""));
    assert!(page.contains("<h2 id=\"t1\">Acme Health / EX01</h2>"));
    let unseen = page.split("id=\"unseen\"").nth(1).unwrap();
    assert!(unseen.find("EXCH-OLD").unwrap() < unseen.find("line longer than").unwrap());
}

#[test]
fn proof_stands_beside_each_finding() {
    let page = page(&sample::sample(), Lang::En);
    for proof in [
        "HttpProxy_2021022809-1.LOG:1042</span>",
        "Security.evtx, record 188,204</span>",
        "UrlStem=/ecp/y.js HttpStatus=241 ClientIpAddress=203.0.113.45</code>",
        "ATT&amp;CK T1505.003",
        "clock corrected by -3600.0 s",
        "Goes on at EX02",
        "2 Feb 2021 00:00:00 → 9 Feb 2021 06:00:00 UTC, a hole (no record for 7 days)",
    ] {
        assert!(page.contains(proof), "{proof}");
    }
}

#[test]
fn an_empty_result_says_so() {
    let page = page(&sample::empty(), Lang::En);
    assert!(page.contains("The evidence holds no server that could be judged."));
    assert!(page.contains("Everything: no server was recognised."));
    assert!(!page.contains("class=\"server\""));
}

#[test]
fn nothing_unseen_is_claimed_only_when_it_is_so() {
    let claim = "Every needed log covers the whole window on every server, and nothing was skipped.";
    let mut result = sample::sample();
    assert!(!page(&result, Lang::En).contains(claim));
    result.hosts = result.hosts.split_off(4);
    result.manifest.clear();
    result.warnings.clear();
    assert!(
        !page(&result, Lang::En).contains(claim),
        "2 are counted as skipped"
    );
    result.stats.skipped = 0;
    assert!(page(&result, Lang::En).contains(claim));
    result.stats.interrupted = true;
    assert!(!page(&result, Lang::En).contains(claim));
    result.stats.interrupted = false;
    if let Some(host) = result.hosts.first_mut() {
        host.coverage.clear();
    }
    let unmeasured = page(&result, Lang::En);
    assert!(!unmeasured.contains(claim) && !unmeasured.contains("cover the whole window"));
    assert!(unmeasured.contains("No needed log source was measured"));
}

#[test]
fn a_long_story_shows_every_stage_it_reached() {
    let mut result = sample::busy(300);
    let host = result.hosts.first_mut().unwrap();
    // In the order of the attack chain: the first stage alone would fill the story.
    let mut by_stage = host.findings.clone();
    by_stage.sort_by(|a, b| a.stage.cmp(&b.stage));
    let reached = by_stage.iter().map(|finding| finding.stage.clone());
    let reached: std::collections::BTreeSet<String> = reached.collect();
    host.storylines[0].findings = by_stage.into_iter().map(|finding| finding.id).collect();
    let page = page(&result, Lang::En);
    let story = page.split("<ol class=\"steps\">").nth(1).unwrap();
    let story = story.split("</ol>").next().unwrap();
    let shown = |stage: &str| {
        let stages = result.pack.iter().flat_map(|pack| &pack.stages);
        let title = stages
            .into_iter()
            .find(|known| known.id == stage)
            .unwrap()
            .title
            .en
            .clone();
        story.contains(&format!("<span class=\"stage\">{title}</span>"))
    };
    assert!(reached.len() > 3);
    assert!(reached.iter().all(|stage| shown(stage)), "{story}");
    assert_eq!(
        story.matches("<time>").count() + story.matches("no time").count(),
        25
    );
    assert!(story.contains("275 more"));
}

#[test]
fn thousands_of_findings_make_a_bounded_page_that_counts_them() {
    let page = page(&sample::busy(5_000), Lang::En);
    assert!(page.len() < 900_000, "{} bytes", page.len());
    assert!(page.contains("The 400 most serious of 5,000 findings are shown"));
    assert_eq!(page.matches("<tr data-o=").count(), 400);
    assert!(page.contains("715 findings have no time"));
}

#[test]
fn hundreds_of_servers_and_tens_of_thousands_of_files_make_a_bounded_page() {
    let mut result = sample::sample();
    let busy = sample::busy(2_000).hosts;
    result.hosts = (0..200).flat_map(|_| busy.clone()).collect();
    result.manifest = (0..50_000)
        .map(|n| sample::manifest_entry("EX01", &format!("EX01/u_ex{n}.log"), Some("iis"), 1))
        .collect();
    let page = page(&result, Lang::Fr);
    assert!(page.len() < 25_000_000, "{} bytes", page.len());
    assert!(page.contains("<summary>50\u{202f}000 fichiers</summary>"));
    assert!(page.contains("49\u{202f}000 de plus dans la sortie JSON"));
    assert_eq!(page.matches("/u_ex").count(), 1_000);
}

#[test]
fn hostile_lengths_are_cut_and_counted() {
    let page = page(&sample::hostile(), Lang::En);
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert!(page.contains("more characters in the JSON output)"));
}

#[test]
fn one_finding_and_findings_of_one_instant_are_drawn() {
    let mut result = sample::sample();
    if let Some(host) = result.hosts.first_mut() {
        for finding in &mut host.findings {
            finding.time = Some("2021-02-28T09:12:05Z".into());
            finding.end_time = None;
        }
    }
    let page = page(&result, Lang::En);
    assert!(page.contains("28 Feb 2021 09:12:05 UTC · Success · 1 finding, 4 events"));
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

#[test]
fn files_of_a_namesake_stay_out_of_a_servers_section() {
    let mut result = sample::sample();
    if let Some(host) = result.hosts.get_mut(2) {
        host.host = "EX01".into();
    }
    let page = page(&result, Lang::En);
    let section = page
        .split("<h2 id=\"t3\">")
        .nth(1)
        .unwrap()
        .split("<section")
        .next()
        .unwrap();
    assert!(section.contains("Brise Marine / EX01"));
    assert!(!section.contains("Acme Health/"));
}

#[test]
fn rules_from_outside_the_packs_are_shown() {
    let mut result = sample::sample();
    if let Some(finding) = result
        .hosts
        .first_mut()
        .and_then(|host| host.findings.first_mut())
    {
        finding.stage = "homemade".into();
        finding.pack = None;
    }
    assert!(page(&result, Lang::En).contains("Also seen, outside the chain: homemade"));
}
