//! The page of an assessment: well-formed, inert, self-contained, bounded, in both languages, for all and for one tenant.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fmt::Write;

use vigie_event::parse_utc;
use vigie_exposure::inventory::{self, Options};
use vigie_exposure::result::{Assessment, Input, InputProblem};
use vigie_exposure::{Estate, Said, assess, merge};
use vigie_hunt::Verdict;
use vigie_pack::{Pack, Product};
use vigie_report::{ExposurePage, HuntVerdict, Lang, exposure_html};

use elements::elements;

mod elements;

/// What contradicts itself, what is mitigated, what changed, what nobody knows, what wants to be markup.
const TABLE: &str = "tenant;server;fqdn;build;build_source;published;topology;observed_at;mitigation\n\
    Contoso;EX01;ex01.contoso.example;15.1.2176.2;exsetup;yes;hybrid;2021-03-03;\n\
    Contoso;EX01;;15.1.2176.9;exsetup;yes;;2021-03-05;\n\
    Contoso;EX02;;15.1.2106.2;exsetup;no;on_prem;2021-01-10;EOMT\n\
    Contoso;EX03;;15.1.2176.2;exsetup;yes;;2021-03-04;\n\
    Contoso;EX03;;15.1.2176.9;exsetup;no;;2021-03-04;\n\
    Fabrikam;EX01;;15.1.1979;path;?;;2021-03-04;\n\
    Fabrikam;EX02;;15.1.1979.3;exsetup;yes;;2021-03-04;\n\
    Fabrikam;OLD;;14.3.509.0;exsetup;no;;2021-03-01;\n\
    <b>Evil</b> & \"co\";<script>alert('x')</script>;;15.2.792.3;exsetup;yes;;2021-03-04;\n";

fn estate(table: &str) -> Estate {
    let options = Options {
        products: Product::embedded().unwrap(),
        ..Options::default()
    };
    merge(
        inventory::read("servers.csv", table.as_bytes(), &options)
            .unwrap()
            .observations,
    )
}

fn pack() -> Pack {
    Pack::load_embedded("hafnium-2021").unwrap()
}

fn assessed(table: &str, as_of: &str) -> Assessment {
    let options = vigie_exposure::Options {
        cves: vec!["CVE-2021-26855".into()],
    };
    let mut result = assess(&estate(table), &pack(), parse_utc(as_of).unwrap(), &options);
    result.inputs = vec![Input {
        file: "servers.csv".into(),
        format: "csv".into(),
        rows: Some(9),
        notes: vec![Said::new("a note", "une note")],
        problems: vec![InputProblem {
            place: Said::new("line 6", "ligne 6"),
            why: Said::new("not <understood>", "pas <compris>"),
        }],
        more_problems: 3,
    }];
    result
}

fn verdict(tenant: &str, host: &str, verdict: Verdict) -> HuntVerdict {
    HuntVerdict {
        tenant: Some(tenant.into()),
        host: host.into(),
        verdict,
    }
}

fn hunted() -> Vec<HuntVerdict> {
    vec![
        verdict("contoso", "EX01.contoso.example", Verdict::NoEvidence),
        verdict("Contoso", "EX01", Verdict::Compromised),
        verdict("Fabrikam", "EX02", Verdict::Attempted),
        verdict("Nobody", "EX01", Verdict::Compromised),
    ]
}

fn page_of(result: &Assessment, hunted: &[HuntVerdict], lang: Lang) -> String {
    let pack = pack();
    let page = ExposurePage {
        result,
        pack: &pack,
        hunted,
        tenant: None,
    };
    let mut out = Vec::new();
    exposure_html(&page, lang, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn page(lang: Lang) -> String {
    page_of(&assessed(TABLE, "2021-03-08"), &hunted(), lang)
}

fn all_pages() -> Vec<String> {
    let mut empty = assessed(TABLE, "2021-03-08");
    empty.servers.clear();
    empty.inputs.clear();
    empty.summary = vec![vigie_exposure::result::Summary::default()];
    let results = [
        assessed(TABLE, "2021-03-08"),
        assessed(TABLE, "2020-06-01"),
        empty,
    ];
    let each = results
        .iter()
        .flat_map(|result| [Lang::En, Lang::Fr].map(|lang| page_of(result, &hunted(), lang)));
    each.chain([page_of(&results[0], &[], Lang::En)]).collect()
}

/// A section by its heading's identifier.
fn section<'p>(page: &'p str, id: &str) -> &'p str {
    let from = page
        .find(&format!("id=\"{id}\""))
        .unwrap_or_else(|| panic!("no {id}"));
    let rest = &page[from..];
    &rest[..rest.find("</section>").unwrap()]
}

#[test]
fn every_page_is_well_formed_its_identifiers_are_unique_and_its_links_lead_somewhere() {
    for page in all_pages() {
        let elements = elements(&page);
        let mut seen = HashSet::new();
        for id in elements.iter().filter_map(|element| element.get("id")) {
            assert!(seen.insert(id.to_owned()), "{id} twice");
        }
        for element in &elements {
            let references = ["href", "aria-labelledby"]
                .iter()
                .filter_map(|name| element.get(name));
            let fills = element
                .get("fill")
                .and_then(|fill| fill.strip_prefix("url(")?.strip_suffix(')'));
            for reference in references.chain(fills) {
                for id in reference.split(' ').map(|id| id.trim_start_matches('#')) {
                    assert!(seen.contains(id), "{id} leads nowhere");
                }
            }
        }
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for page in all_pages() {
        for element in elements(&page) {
            let foreign = [
                "script", "img", "iframe", "link", "object", "embed", "base", "form",
            ];
            assert!(!foreign.contains(&element.name.as_str()), "{}", element.name);
            for (name, value) in &element.attributes {
                assert!(
                    !name.starts_with("on") && name != "style" && name != "src",
                    "{name}"
                );
                assert!(name != "href" || value.starts_with('#'), "{value}");
            }
        }
        assert!(
            page.contains("default-src &#39;none&#39;; style-src &#39;sha256-"),
            "no policy"
        );
        assert!(!page.contains("script-src"));
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
    let page = page(Lang::En);
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(page.contains("&lt;b&gt;Evil&lt;/b&gt; &amp; &quot;co&quot;"));
}

#[test]
fn headings_descend_one_by_one_and_tables_and_charts_are_named() {
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
            let is_named = element.get("aria-hidden").is_some() || element.get("aria-labelledby").is_some();
            assert!(element.name != "svg" || is_named);
        }
        for landmark in ["<header", "<main>", "<footer>"] {
            assert_eq!(page.matches(landmark).count(), 1);
        }
    }
}

#[test]
fn what_to_know_first_stands_first_with_its_denominator() {
    let en = page(Lang::En);
    let first = section(&en, "summary");
    for said in [
        "2 of 7 servers are open to this threat, 2 of them published or perhaps published.",
        "How 2 more stand, nobody can tell: they count as open until somebody looks.",
        "1 is closed for now, until the next cumulative update.",
        "1 server is updated and was broken into all the same: Contoso / EX01.",
        "First of all: &lt;b&gt;Evil&lt;/b&gt;",
        "7 servers · 3 clients · as of 8 Mar 2021 · exploited since 3 January 2021",
    ] {
        assert!(first.contains(said), "{said}\n{first}");
    }
    assert_eq!(first.matches("<small>of 7</small>").count(), 5);
    let fr = page(Lang::Fr);
    let first = section(&fr, "summary");
    for said in [
        "2 serveurs sur 7 sont exposés à cette menace, dont 2 publiés ou peut-être publiés.",
        "1 serveur est à jour et a été compromis malgré tout\u{a0}: Contoso / EX01.",
    ] {
        assert!(first.contains(said), "{said}\n{first}");
    }
    assert!(fr.starts_with("<!DOCTYPE html>\n<html lang=\"fr\">"));
}

#[test]
fn curves_have_axes_units_legends_and_words() {
    let page = page(Lang::En);
    let curves = section(&page, "curves");
    assert_eq!(curves.matches("<svg viewBox=\"0 0 1000").count(), 2);
    for said in [
        ">servers</text>",
        ">7</text>",
        "On 3 January 2021, of 7 servers: Known 0, Stale 0, Unknown 7.",
        "On 8 March 2021, of 7 servers: Known 5, Stale 1, Unknown 1.",
        "Open 2, Unknown 2, Mitigated 1, Fixed 1, Not affected 1.",
        "Knowledge of builds in figures",
    ] {
        assert!(curves.contains(said), "{said}\n{curves}");
    }
    let rows = curves.matches("<tr><th scope=\"row\">").count();
    assert_eq!(rows, 2 * 13);
    let early = page_of(&assessed(TABLE, "2020-06-01"), &[], Lang::En);
    assert!(section(&early, "curves").contains("There is no stretch of time to draw"));
}

#[test]
fn exposure_and_verdict_are_crossed_where_there_was_a_hunt() {
    let with = page(Lang::En);
    let matrix = section(&with, "matrix");
    assert!(
        matrix.contains(
            "Fixed × compromised</strong>: Contoso / EX01 <em>updated, and broken into all the same"
        )
    );
    assert!(matrix.contains("Open × attempted</strong>: Fabrikam / EX02"));
    // Those that no hunt looked at have a column of their own: they are not judged, not even as unknown.
    assert!(matrix.contains("Unknown × not hunted</strong>"));
    assert!(!page_of(&assessed(TABLE, "2021-03-08"), &[], Lang::En).contains("id=\"matrix\""));
}

#[test]
fn a_server_is_told_with_its_sources_its_window_and_its_way_out() {
    let page = page(Lang::En);
    let of = |name: &str| {
        let at = page
            .find(&format!("</span> {name}</h2>"))
            .unwrap_or_else(|| panic!("{name}"));
        let rest = &page[at..];
        &rest[..rest.find("</section>").unwrap()]
    };
    let torn = of("Contoso / EX03");
    for said in [
        "equally good sources contradict each other: 15.1.2176.2 (exsetup, servers.csv:5)",
        "<b>contradictory</b>",
        "One says 15.1.2176.9 (exsetup): servers.csv:6, 4 Mar 2021",
        "<b>publication unknown</b>",
        "One says not published: servers.csv:6, 4 Mar 2021",
        "Find the build out",
    ] {
        assert!(torn.contains(said), "{said}\n{torn}");
    }
    let updated = of("Contoso / EX01");
    for said in [
        "Fixed</strong> since 5 Mar 2021: Exchange Server 2016 CU19 Mar21SU holds the fix",
        "It could be attacked from 3 January 2021 to 5 Mar 2021: this stretch of its logs must be hunted; hatched, it may \
         already have been over, from 3 Mar 2021 on.",
        "Status: Open (3 Mar 2021), Fixed (5 Mar 2021). Build: 15.1.2176.2 (3 Mar 2021), 15.1.2176.9 (5 Mar 2021).",
        "fill=\"url(#gap)\"",
        "The file says what setup replaced",
    ] {
        assert!(updated.contains(said), "{said}\n{updated}");
    }
    let mitigated = of("Contoso / EX02");
    for said in [
        "EOMT <span class=\"by\">servers.csv:4, 10 Jan 2021",
        "looked at 57 days ago",
        "As far as is known",
    ] {
        assert!(mitigated.contains(said), "{said}\n{mitigated}");
    }
    let ways = section(&page, "ways");
    for said in [
        "Go on only when",
        "Stop when",
        "Way back",
        "<code>",
        "at worst",
        "Durations are estimates of practice, not measurements",
        "Install Exchange Server 2016 CU19 Mar21SU",
    ] {
        assert!(ways.contains(said), "{said}");
    }
    assert!(updated.contains("href=\"#w"));
}

#[test]
fn what_was_not_understood_and_what_must_be_known_stand_at_the_end() {
    let result = assessed(TABLE, "2021-03-04T12:00:00Z");
    let page = page_of(&result, &[], Lang::Fr);
    let sources = section(&page, "sources");
    for said in [
        "observations sont postérieures au",
        "servers.csv, 9 lignes",
        "une note",
        "servers.csv, ligne 6",
        "pas &lt;compris&gt;",
        "3 de plus dans la sortie JSON",
    ] {
        assert!(sources.contains(said), "{said}\n{sources}");
    }
    assert!(section(&page, "outside").contains("Aucun balayage"));
}

fn many(servers: usize) -> String {
    let builds: Vec<String> = pack()
        .product
        .builds
        .iter()
        .map(|build| build.build.to_string())
        .collect();
    let mut table = "tenant;server;build;build_source;published;dag;observed_at\n".to_owned();
    for number in 0..servers {
        let (tenant, build) = (number / 7, &builds[number * 31 % builds.len()]);
        let published = ["yes", "no", "?"][number % 3];
        let dag = if number % 5 == 0 { "DAG1" } else { "" };
        let day = 1 + number % 28;
        writeln!(
            table,
            "tenant-{tenant:04};EX{number:05};{build};exsetup;{published};{dag};2021-02-{day:02}"
        )
        .unwrap();
    }
    table
}

#[test]
fn ten_thousand_servers_stay_a_page_and_what_is_left_out_is_said() {
    let result = assessed(&many(10_000), "2021-03-08");
    assert_eq!(result.servers.len(), 10_000);
    let page = page_of(&result, &[], Lang::En);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("class=\"asset ").count(), 150);
    let list = section(&page, "servers");
    assert_eq!(list.matches("<tr><td class=\"num\"").count(), 2_000);
    assert!(
        list.contains("8,000 more servers are not listed here. The CSV (--format csv) has one row for each")
    );
    let left_out = section(&page, "left-out");
    assert!(
        left_out.contains("9,850 more servers are not told in full ("),
        "{left_out}"
    );
    assert!(
        left_out.contains("in the JSON output. The page of one client (--tenant) tells its servers in full.")
    );
    assert!(section(&page, "tenants").contains("1,129 more clients"));
    assert!(section(&page, "ways").contains("more ways out in the JSON output"));
    // Links lead to what is told alone.
    let told: HashSet<String> = elements(&page)
        .iter()
        .filter_map(|element| element.get("id").map(str::to_owned))
        .collect();
    for element in elements(&page) {
        if let Some(target) = element.get("href").and_then(|href| href.strip_prefix('#')) {
            assert!(told.contains(target), "{target}");
        }
    }
}
