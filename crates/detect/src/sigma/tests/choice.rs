use super::*;

/// Three rules, a correlation over two of them and one over that: loaded with what `wanted` says.
fn compile(wanted: &dyn Fn(&Rule) -> bool) -> Loaded {
    let rules: String = ["a", "b", "z"]
        .map(|kind| {
            format!(
                "title: {kind}\nname: rule_{kind}\nlogsource: {{ category: webserver }}\ndetection: {{ s: {{ kind: {kind} }}, condition: s }}\n---\n"
            )
        })
        .concat();
    let correlation = |name: &str, rules: &str| {
        format!(
            "title: {name}\nname: {name}\ncorrelation: {{ type: event_count, rules: [{rules}], group-by: [user], timespan: 1m, condition: {{ gte: 2 }} }}\n---\n"
        )
    };
    let text = rules + &correlation("inner", "rule_a, rule_b") + &correlation("outer", "inner");
    RuleSet::compile_chosen(&[source("r.yml", &text)], &Placeholders::default(), wanted)
}

/// Title and silence of the rules that run, titles of those left out.
fn fates(loaded: &Loaded) -> (Vec<(&str, bool)>, Vec<&str>) {
    assert_eq!(loaded.refused, []);
    let runs = loaded.rules.rules().iter();
    let left_out = loaded.left_out.iter();
    (
        runs.map(|rule| (rule.title.as_str(), rule.silent)).collect(),
        left_out.map(|rule| rule.title.as_str()).collect(),
    )
}

#[test]
fn a_correlation_keeps_what_it_counts_silently() {
    let loaded = compile(&|rule| rule.title == "outer");
    let runs = vec![("a", true), ("b", true), ("inner", true), ("outer", false)];
    assert_eq!(fates(&loaded), (runs, vec!["z"]));
}

#[test]
fn what_only_feeds_a_correlation_goes_with_it() {
    let loaded = compile(&|rule| !["inner", "outer"].contains(&rule.title.as_str()));
    assert_eq!(
        fates(&loaded),
        (vec![("z", false)], vec!["a", "b", "inner", "outer"])
    );
}

#[test]
fn a_filter_for_a_rule_that_is_left_out_is_no_mistake() {
    let filter = "title: f\nfilter: { rules: [rule_a], s: { user: x }, condition: s }\n";
    let rule = "title: a\nname: rule_a\nlogsource: { category: webserver }\ndetection: { s: { kind: a }, condition: s }\n";
    let sources = [source("f.yml", filter), source("r.yml", rule)];
    let loaded = RuleSet::compile_chosen(&sources, &Placeholders::default(), &|_| false);
    assert_eq!(fates(&loaded), (vec![], vec!["a"]));
}
