//! The desk's words, for people. Arguments and JSON keep those of the API, in every language.

use vigie_report::Lang;

use crate::tell;

/// Which words are meant: some stand for several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// Contracts of tenants.
    Contract,
    /// Severities.
    Severity,
    /// States of cases.
    Case,
    /// States of findings.
    Finding,
    /// What cells say.
    Cell,
    /// Stages of a campaign.
    Stage,
    /// States of jobs.
    Job,
    /// How evidence came to be at the desk.
    Push,
    /// Kinds of items of a case.
    Item,
    /// States of tasks.
    Task,
}

/// A word for people; one that is not known stays as it is.
pub(crate) fn word(words: Words, text: &str, lang: Lang) -> &str {
    let known = match (words, text) {
        (Words::Contract, "managed") => ("managed", "infogérance"),
        (Words::Contract, "none") => ("none", "sans contrat"),
        (Words::Contract, "soc") => ("SOC", "SOC"),
        (Words::Severity, "critical") => ("critical", "critique"),
        (Words::Severity, "high") => ("high", "élevée"),
        (Words::Severity, "medium") => ("medium", "moyenne"),
        (Words::Severity, "low") => ("low", "faible"),
        (Words::Severity, "informational") => ("informational", "information"),
        (Words::Case, "open") => ("open", "ouvert"),
        (Words::Case, "in_progress") => ("in progress", "en cours"),
        (Words::Case, "waiting") => ("waiting", "en attente d’un tiers"),
        (Words::Case, "closed") => ("closed", "clos"),
        (Words::Finding, "new") => ("to decide", "à traiter"),
        (Words::Finding, "accepted") => ("accepted", "retenu"),
        (Words::Finding, "dismissed") => ("dismissed", "écarté"),
        (Words::Finding, "escalated") => ("escalated", "dossier ouvert"),
        (Words::Cell, "known") => ("known", "connu"),
        (Words::Cell, "unknown") => ("unknown", "inconnu"),
        (Words::Cell, "vulnerable") => ("vulnerable", "vulnérable"),
        (Words::Cell, "mitigated") => ("mitigated", "atténué"),
        (Words::Cell, "fixed") => ("fixed", "corrigé"),
        (Words::Cell, "not_affected") => ("not affected", "non concerné"),
        (Words::Cell, "received") => ("received", "reçues"),
        (Words::Cell, "none") => ("none", "rien"),
        (Words::Cell, "hunted") => ("hunted", "faite"),
        (Words::Cell, "running") => ("running", "en cours"),
        (Words::Cell, "failed") => ("failed", "échec"),
        (Words::Cell, "outdated") => ("outdated", "périmée"),
        (Words::Cell, "compromised") => ("COMPROMISED", "COMPROMIS"),
        (Words::Cell, "suspected") => ("suspected", "suspect"),
        (Words::Cell, "attempted") => ("attempted", "attaqué"),
        (Words::Cell, "no_evidence") => ("no evidence found", "aucune trace trouvée"),
        (Words::Cell, "open") => ("open", "ouvert"),
        (Words::Cell, "closed") => ("closed", "clos"),
        (Words::Stage, "inventory") => ("inventory", "inventaire"),
        (Words::Stage, "exposure") => ("exposure", "exposition"),
        (Words::Stage, "evidence") => ("evidence", "preuves"),
        (Words::Stage, "hunt") => ("hunt", "chasse"),
        (Words::Stage, "verdict") => ("verdict", "verdict"),
        (Words::Stage, "case") => ("case", "dossier"),
        (Words::Job, "queued") => ("queued", "en attente"),
        (Words::Job, "running") => ("running", "en cours"),
        (Words::Job, "done") => ("done", "terminée"),
        (Words::Job, "failed") => ("failed", "échec"),
        (Words::Job, "cancelled") => ("cancelled", "annulée"),
        (Words::Push, "sent") => ("sent", "envoyée"),
        (Words::Push, "resumed") => ("taken up and sent", "reprise et envoyée"),
        (Words::Push, "known") => ("was there already", "déjà présente"),
        (Words::Item, "task") => ("task", "tâche"),
        (Words::Item, "note") => ("note", "note"),
        (Words::Item, "entity") => ("entity", "entité"),
        (Words::Item, "moment") => ("event", "événement"),
        (Words::Task, "todo") => ("to do", "à faire"),
        (Words::Task, "doing") => ("being done", "en cours"),
        (Words::Task, "done") => ("done", "fait"),
        (Words::Task, "dropped") => ("dropped", "abandonné"),
        _ => return text,
    };
    tell(lang, known.0, known.1)
}
