//! The verdict of one machine, and why.

use std::collections::BTreeSet;

use vigie_event::format_utc;

use crate::detector::{Confidence, Detector};
use crate::finding::Statement;
use crate::{Outcome, Text, Verdict};

/// Reasons shown at most.
const REASONS: usize = 6;
/// Strong steps of this many stages in one story settle the matter, even from one log.
const ENOUGH_STAGES: usize = 3;

/// What judging needs to know of one storyline.
pub(crate) struct Story<'a> {
    pub(crate) statements: Vec<&'a Statement>,
}

/// How far a hunt sees. Where it does not, finding nothing says nothing.
pub(crate) struct Sight<'a> {
    /// The required logs that do not cover the window.
    pub(crate) missing: &'a [Text],
    /// Rules of packs that could have raised the verdict, and that the user left out.
    pub(crate) left_out: u64,
    /// What suppressions took from the machine's findings.
    pub(crate) hidden: Vec<&'a Statement>,
}

impl Sight<'_> {
    /// Whether finding nothing says something.
    pub(crate) fn sees_all(&self) -> bool {
        self.missing.is_empty() && self.left_out == 0
    }
}

/// The verdict from what was found and how far the hunt sees.
pub(crate) fn judge(
    stories: &[Story<'_>],
    detectors: &[Detector],
    sentences: &dyn Fn(&Statement) -> Text,
    sight: &Sight<'_>,
) -> (Verdict, Vec<Text>) {
    let verdict = stories
        .iter()
        .map(|story| judge_story(story, detectors))
        .max()
        .flatten();
    let mut reasons = Vec::new();
    if let Some(verdict) = verdict {
        reasons = proofs(stories, detectors, verdict, sentences);
    }
    let verdict = verdict.unwrap_or(if sight.sees_all() {
        Verdict::NoEvidence
    } else {
        Verdict::Unknown
    });
    reasons.extend(coverage_reason(verdict, sight.missing));
    reasons.extend(rules_reason(verdict, sight.left_out));
    if let Some(reason) = suppressed_reason(verdict, stories, sight, detectors) {
        // The first reason says why the verdict is what it is; nobody may miss the second.
        reasons.insert(reasons.len().min(1), reason);
    }
    (verdict, reasons)
}

/// What a verdict weighs of one finding.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// A number of its rule: others have others.
    pub rule: u32,
    /// The stage of the attack.
    pub stage: &'a str,
    /// What it shows.
    pub outcome: Outcome,
    /// How much it proves.
    pub confidence: Confidence,
    /// The sources its events come from.
    pub sources: &'a BTreeSet<String>,
}

/// The verdict of one story; `None` when nothing in it raises any.
///
/// One conclusive step that worked settles it. Strong ones make a suspicion, and several of them in one story settle it too:
/// two rules in two logs, or three stages. Weak ones never raise the verdict; scans and attempts go no further than
/// `attempted`.
pub fn worst(story: &[Step<'_>]) -> Option<Verdict> {
    let mut strong: Vec<&Step<'_>> = Vec::new();
    let mut verdict = None;
    for step in story {
        let alone = match (step.outcome, step.confidence) {
            (Outcome::Scan, _) => None,
            (Outcome::Attempt, Confidence::Weak) => None,
            (Outcome::Attempt, _) => Some(Verdict::Attempted),
            (_, Confidence::Conclusive) => Some(Verdict::Compromised),
            (_, Confidence::Strong) => {
                strong.push(step);
                Some(Verdict::Suspected)
            }
            (_, Confidence::Weak) => None,
        };
        verdict = verdict.max(alone);
    }
    if settled(&strong) {
        Some(Verdict::Compromised)
    } else {
        verdict
    }
}

/// The same rule in two logs is one fact written down twice; two facts from two logs are proof, and so are three
/// different stages of an intrusion in one log.
fn settled(strong: &[&Step<'_>]) -> bool {
    let two_logs = strong.iter().any(|one| {
        strong
            .iter()
            .any(|other| one.rule != other.rule && one.sources.union(other.sources).count() > 1)
    });
    let stages: BTreeSet<&str> = strong.iter().map(|step| step.stage).collect();
    two_logs || stages.len() >= ENOUGH_STAGES
}

fn judge_story(story: &Story<'_>, detectors: &[Detector]) -> Option<Verdict> {
    let steps: Vec<Step<'_>> = story
        .statements
        .iter()
        .filter_map(|statement| {
            let detector = detectors.get(statement.detector as usize)?;
            Some(Step {
                rule: statement.detector,
                stage: &detector.stage,
                outcome: detector.outcome,
                confidence: detector.confidence,
                sources: &statement.sources,
            })
        })
        .collect();
    worst(&steps)
}

/// The sentences that carry the verdict, strongest first, then by time.
fn proofs(
    stories: &[Story<'_>],
    detectors: &[Detector],
    verdict: Verdict,
    sentences: &dyn Fn(&Statement) -> Text,
) -> Vec<Text> {
    let mut carrying: Vec<(&Statement, &Detector)> = stories
        .iter()
        .filter(|story| judge_story(story, detectors) == Some(verdict))
        .flat_map(|story| story.statements.iter().copied())
        .filter_map(|statement| Some((statement, detectors.get(statement.detector as usize)?)))
        .filter(|(_, detector)| match verdict {
            Verdict::Attempted => {
                detector.outcome == Outcome::Attempt && detector.confidence >= Confidence::Strong
            }
            _ => detector.outcome >= Outcome::Success && detector.confidence >= Confidence::Strong,
        })
        .collect();
    carrying.sort_by(|(a, a_detector), (b, b_detector)| {
        (b_detector.confidence, b_detector.severity, a.first, a.detector).cmp(&(
            a_detector.confidence,
            a_detector.severity,
            b.first,
            b.detector,
        ))
    });
    let mut reasons: Vec<Text> = Vec::new();
    for (statement, _) in carrying {
        let mut reason = sentences(statement);
        if let Some(first) = statement.first {
            reason.en = format!("{}: {}", format_utc(first), reason.en);
            reason.fr = format!("{} : {}", format_utc(first), reason.fr);
        }
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
        if reasons.len() == REASONS {
            break;
        }
    }
    reasons
}

/// What the coverage adds to the verdict.
fn coverage_reason(verdict: Verdict, missing: &[Text]) -> Option<Text> {
    let list = |texts: &mut dyn Iterator<Item = &str>| texts.collect::<Vec<_>>().join(", ");
    let en = list(&mut missing.iter().map(|title| title.en.as_str()));
    let fr = list(&mut missing.iter().map(|title| title.fr.as_str()));
    match verdict {
        Verdict::NoEvidence => Some(Text {
            en: "The logs that matter cover the window, and nothing in them shows an intrusion.".to_owned(),
            fr: "Les journaux qui comptent couvrent la fenêtre, et rien n'y montre une intrusion.".to_owned(),
        }),
        Verdict::Unknown if missing.is_empty() => None,
        Verdict::Unknown => Some(Text {
            en: format!("Cannot tell: these logs do not cover the window: {en}."),
            fr: format!("Impossible à dire : ces journaux ne couvrent pas la fenêtre : {fr}."),
        }),
        Verdict::Attempted if missing.is_empty() => Some(Text {
            en: "Nothing shows that an attempt worked, and the logs that matter cover the window.".to_owned(),
            fr: "Rien ne montre qu'une tentative a abouti, et les journaux qui comptent couvrent la fenêtre."
                .to_owned(),
        }),
        Verdict::Attempted => Some(Text {
            en: format!(
                "Whether an attempt worked cannot be excluded: these logs do not cover the window: {en}."
            ),
            fr: format!(
                "Qu'une tentative ait abouti ne peut être exclu : ces journaux ne couvrent pas la fenêtre : {fr}."
            ),
        }),
        Verdict::Suspected | Verdict::Compromised => None,
    }
}

/// What suppressions take from the verdict: how much, and how bad it could be with it.
fn suppressed_reason(
    verdict: Verdict,
    stories: &[Story<'_>],
    sight: &Sight<'_>,
    detectors: &[Detector],
) -> Option<Text> {
    if sight.hidden.is_empty() {
        return None;
    }
    let events: u64 = sight.hidden.iter().map(|statement| statement.count).sum();
    let rules: BTreeSet<u32> = sight.hidden.iter().map(|statement| statement.detector).collect();
    let rules = rules.len();
    // As if all of it were one story: the worst it could be.
    let told = stories.iter().flat_map(|story| story.statements.iter().copied());
    let all = Story {
        statements: told.chain(sight.hidden.iter().copied()).collect(),
    };
    let (mut en, mut fr) = (
        format!(
            "{events} event(s) of {rules} rule(s) were suppressed as harmless and do not count in this verdict."
        ),
        format!(
            "{events} événement(s) de {rules} règle(s) ont été écartés comme bénins et ne comptent pas dans ce verdict."
        ),
    );
    if let Some(could_be) = judge_story(&all, detectors).filter(|could_be| *could_be > verdict) {
        en += &format!(" With them it could be: {}.", name(could_be).en);
        fr += &format!(" Avec eux, il pourrait être : {}.", name(could_be).fr);
    }
    Some(Text { en, fr })
}

/// A verdict in a sentence.
fn name(verdict: Verdict) -> Text {
    let (en, fr) = match verdict {
        Verdict::Compromised => ("compromised", "compromis"),
        Verdict::Suspected => ("suspected", "suspect"),
        Verdict::Attempted => ("attempted", "attaqué"),
        Verdict::Unknown => ("unknown", "indéterminé"),
        Verdict::NoEvidence => ("no evidence found", "aucune trace trouvée"),
    };
    Text {
        en: en.to_owned(),
        fr: fr.to_owned(),
    }
}

/// What rules that did not run take from the verdict.
fn rules_reason(verdict: Verdict, left_out: u64) -> Option<Text> {
    if left_out == 0 || verdict == Verdict::Compromised {
        return None;
    }
    Some(Text {
        en: format!(
            "{left_out} rules of the packs that could show an intrusion were left out (--include, --exclude): what \
             they would have found is not known."
        ),
        fr: format!(
            "{left_out} règles des packs qui pourraient montrer une intrusion ont été écartées (--include, \
             --exclude) : on ne sait pas ce qu'elles auraient trouvé."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;

    fn detector(outcome: Outcome, confidence: Confidence) -> Detector {
        Detector {
            id: "r".to_owned(),
            title: "t".to_owned(),
            severity: Severity::High,
            stage: "ssrf".to_owned(),
            outcome,
            confidence,
            attack: Vec::new(),
            statement: Text::default(),
            join: [].into(),
            pack: None,
        }
    }

    fn statement(detector: u32, source: &str) -> Statement {
        Statement {
            detector,
            host: 0,
            count: 1,
            first: Some(0),
            last: Some(0),
            events: Vec::new(),
            links: BTreeSet::new(),
            sources: BTreeSet::from([source.to_owned()]),
            identity: String::new(),
        }
    }

    /// The verdict of one story made of these detections, with all logs there or none.
    fn verdict(steps: &[(Outcome, Confidence, &str)], covered: bool) -> Verdict {
        let detectors: Vec<Detector> = steps
            .iter()
            .map(|(outcome, confidence, _)| detector(*outcome, *confidence))
            .collect();
        let statements: Vec<Statement> = steps
            .iter()
            .enumerate()
            .map(|(index, (_, _, source))| statement(index as u32, source))
            .collect();
        let stories = [Story {
            statements: statements.iter().collect(),
        }];
        let missing = if covered {
            vec![]
        } else {
            vec![Text {
                en: "HttpProxy".into(),
                fr: "HttpProxy".into(),
            }]
        };
        let sentence = |_: &Statement| Text {
            en: "it happened".into(),
            fr: "c'est arrivé".into(),
        };
        let sight = Sight {
            missing: &missing,
            left_out: 0,
            hidden: Vec::new(),
        };
        judge(
            if steps.is_empty() { &[] } else { &stories },
            &detectors,
            &sentence,
            &sight,
        )
        .0
    }

    #[test]
    fn what_is_suppressed_is_said_with_what_it_could_mean() {
        let detectors = [detector(Outcome::Success, Confidence::Conclusive)];
        let hidden = statement(0, "iis");
        let sight = Sight {
            missing: &[],
            left_out: 0,
            hidden: vec![&hidden],
        };
        let (verdict, reasons) = judge(&[], &detectors, &|_| Text::default(), &sight);
        assert_eq!(verdict, Verdict::NoEvidence);
        assert!(
            reasons[1].en.contains("With them it could be: compromised"),
            "{reasons:?}"
        );
        assert!(reasons[1].fr.contains("compromis"), "{reasons:?}");
    }

    #[test]
    fn rules_that_were_left_out_make_nothing_green() {
        let sight = Sight {
            missing: &[],
            left_out: 3,
            hidden: Vec::new(),
        };
        let (verdict, reasons) = judge(&[], &[], &|_| Text::default(), &sight);
        assert_eq!(verdict, Verdict::Unknown);
        assert!(reasons.iter().any(|reason| reason.en.starts_with("3 rules")));
    }

    #[test]
    fn silence_is_green_only_with_coverage() {
        assert_eq!(verdict(&[], true), Verdict::NoEvidence);
        assert_eq!(verdict(&[], false), Verdict::Unknown);
    }

    #[test]
    fn scans_and_weak_signs_raise_nothing() {
        use Confidence::{Conclusive, Weak};
        assert_eq!(
            verdict(&[(Outcome::Scan, Conclusive, "iis")], true),
            Verdict::NoEvidence
        );
        assert_eq!(
            verdict(&[(Outcome::Attempt, Weak, "iis")], true),
            Verdict::NoEvidence
        );
        assert_eq!(
            verdict(&[(Outcome::PostExploitation, Weak, "Event"); 5], false),
            Verdict::Unknown
        );
    }

    #[test]
    fn attempts_stay_attempts_and_two_strong_sources_settle_it() {
        use Confidence::{Conclusive, Strong};
        assert_eq!(
            verdict(&[(Outcome::Attempt, Conclusive, "iis")], true),
            Verdict::Attempted
        );
        assert_eq!(
            verdict(&[(Outcome::Success, Strong, "iis")], true),
            Verdict::Suspected
        );
        assert_eq!(
            verdict(&[(Outcome::Success, Strong, "iis"); 3], true),
            Verdict::Suspected
        );
        let two = [
            (Outcome::Success, Strong, "iis"),
            (Outcome::PostExploitation, Strong, "Event"),
        ];
        assert_eq!(verdict(&two, true), Verdict::Compromised);
        assert_eq!(
            verdict(&[(Outcome::Success, Conclusive, "iis")], false),
            Verdict::Compromised
        );
    }
}
