//! The files of a draft. Texts are written as JSON strings, which YAML reads too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::facts::{Facts, Place, Vulnerability, version_parts};
use super::{Draft, KnownProduct, Sources};

const MARK: &str = "# à compléter / to fill in";

/// A text between quotes, at most `most` characters, on one line.
fn quoted(text: &str, most: usize) -> String {
    let flat: Vec<&str> = text.split_whitespace().collect();
    let mut flat: String = flat.join(" ").chars().filter(|c| !c.is_control()).collect();
    if flat.chars().count() > most {
        flat = flat.chars().take(most.saturating_sub(1)).collect::<String>() + "…";
    }
    serde_json::Value::String(flat).to_string()
}

/// Both languages; French is left to a human.
fn both(english: &str) -> String {
    format!(
        "{{ en: {}, fr: {} }}  {MARK}",
        quoted(english, 600),
        quoted(&format!("À traduire : {english}"), 620)
    )
}

/// What a draft is written with.
struct Writer<'a> {
    sources: &'a Sources<'a>,
    facts: &'a Facts,
    known: Option<&'a KnownProduct>,
    to_fill: Vec<(String, String)>,
    /// Lines of a product that is not known, by name.
    lines: BTreeMap<String, String>,
    builds: BTreeSet<(String, [u32; 4])>,
}

pub(super) fn pack(sources: &Sources<'_>, facts: &Facts) -> Draft {
    let known = facts.known(sources.products);
    let mut writer = Writer {
        sources,
        facts,
        known,
        to_fill: Vec::new(),
        lines: BTreeMap::new(),
        builds: BTreeSet::new(),
    };
    writer.name_lines();
    let mut files = BTreeMap::new();
    let mut put = |name: &str, text: String| files.insert(name.to_owned(), text);
    put("pack.yaml", writer.manifest());
    put("cves.yaml", writer.cves());
    if known.is_none() {
        put("product.yaml", writer.product());
        put("builds.csv", writer.builds_csv());
    }
    put("runbook.yaml", runbook());
    for (path, text) in MESSAGES {
        put(path, (*text).to_owned());
    }
    writer.closing();
    put("README.md", writer.readme());
    Draft {
        files,
        to_fill: writer.to_fill,
        vulnerabilities: facts.vulnerabilities.len(),
    }
}

impl Writer<'_> {
    fn fill(&mut self, english: impl Into<String>, french: impl Into<String>) {
        self.to_fill.push((english.into(), french.into()));
    }

    /// An identifier for each product name, for products that are not known.
    fn name_lines(&mut self) {
        if self.known.is_some() {
            return;
        }
        let mut used = BTreeSet::new();
        for name in &self.facts.products {
            let base = slug(name);
            let mut id = base.clone();
            let mut count = 2;
            while !used.insert(id.clone()) {
                id = format!("{base}-{count}");
                count += 1;
            }
            self.lines.insert(name.clone(), id);
        }
    }

    fn manifest(&mut self) -> String {
        let title = self.facts.title.clone();
        let title = title.or_else(|| {
            self.facts
                .vulnerabilities
                .first()
                .and_then(|one| one.title.clone())
        });
        let title = title.unwrap_or_else(|| self.facts.vulnerabilities[0].id.clone());
        let summary = self.facts.summary.clone();
        let summary = summary.or_else(|| {
            self.facts
                .vulnerabilities
                .first()
                .and_then(|one| one.description.clone())
        });
        let summary = summary.unwrap_or_else(|| title.clone());
        let from = self.facts.date.clone().unwrap_or_else(|| "2000-01-01".to_owned());
        let product = self.known.map_or_else(
            || {
                slug(
                    self.facts
                        .products
                        .first()
                        .map_or(self.sources.name, String::as_str),
                )
            },
            |known| known.id.clone(),
        );
        let references: Vec<String> = self.facts.references.iter().map(|url| quoted(url, 500)).collect();
        self.fill(
            "pack.yaml: title, summary in French",
            "pack.yaml : titre et résumé en français",
        );
        self.fill(
            format!("pack.yaml: window.from is {from}, the day of the advisory: put the first known exploitation"),
            format!("pack.yaml : window.from est {from}, le jour de l'avis : mettre la première exploitation connue"),
        );
        self.fill(
            "pack.yaml: log_sources, the logs that can show the attack",
            "pack.yaml : log_sources, les journaux qui peuvent montrer l'attaque",
        );
        format!(
            "name: {name}\nversion: 0.1.0\ntitle: {title}\nsummary: {summary}\nreferences: [{references}]\n\
             product: {product}\nwindow:\n  from: {from}T00:00:00Z  {MARK}\n  to: null\nstages:\n{STAGES}\
             log_sources: []  {MARK}\nsigma_tactics:\n{TACTICS}",
            name = self.sources.name,
            title = both(&title),
            summary = both(&summary),
            references = references.join(", "),
        )
    }

    fn cves(&mut self) -> String {
        let mut text = String::new();
        let facts = self.facts;
        for one in &facts.vulnerabilities {
            text.push_str(&self.cve(one));
        }
        text
    }

    fn cve(&mut self, one: &Vulnerability) -> String {
        let id = &one.id;
        let kev = self.sources.kev.and_then(|kev| kev.get(id));
        let epss = self.sources.epss.and_then(|epss| epss.get(id));
        let title = one.title.clone().unwrap_or_else(|| id.clone());
        let description = one.description.clone().unwrap_or_else(|| title.clone());
        let exploited = if one.active || kev.is_some() {
            "limited"
        } else {
            "none_known"
        };
        let mut text = format!(
            "- id: {id}\n  title: {}\n  allows: {}\n",
            both(&title),
            both(&description)
        );
        let account = one.without_account.unwrap_or(false);
        let doubt = if one.without_account.is_none() {
            MARK
        } else {
            "# CVSS PR"
        };
        let _ = writeln!(text, "  without_account: {account}  {doubt}");
        if let Some(automatable) = one.automatable {
            let _ = writeln!(text, "  automatable: {automatable}  # SSVC, CISA");
        }
        if one.public_poc {
            text.push_str("  public_poc: true  # SSVC, CISA\n");
        }
        if let Some(cvss) = one.cvss {
            let _ = writeln!(text, "  cvss: {cvss:.1}");
        }
        let _ = writeln!(
            text,
            "  exploited: {exploited}  {MARK} (none_known | limited | mass)"
        );
        if let Some(published) = &one.published {
            let _ = writeln!(text, "  published: {published}");
        }
        let mut notes = Vec::new();
        if let Some(kev) = kev {
            let gangs = if kev.ransomware() {
                ", used by ransomware gangs"
            } else {
                ""
            };
            notes.push(format!(
                "In CISA's KEV catalogue since {}{gangs}.",
                kev.date_added
            ));
        }
        if let Some(epss) = epss {
            notes.push(format!(
                "EPSS: {:.1} % within thirty days.",
                epss.probability * 100.0
            ));
        }
        if !notes.is_empty() {
            let _ = writeln!(text, "  note: {}", both(&notes.join(" ")));
        }
        text.push_str(&self.fixed(one));
        self.fill(
            format!("cves.yaml: {id}: what it allows, for somebody who decides, in both languages; how far it is exploited"),
            format!("cves.yaml : {id} : ce qu'elle permet, pour qui décide, dans les deux langues ; jusqu'où elle est exploitée"),
        );
        text
    }

    fn fixed(&mut self, one: &Vulnerability) -> String {
        let mut text = String::new();
        let mut written = BTreeSet::new();
        let mut open = BTreeSet::new();
        for fix in &one.fixed {
            let place = match self.known {
                Some(known) => known.place(fix),
                None => self.own_place(fix),
            };
            let shown = format!("{} {}", fix.product, fix.version.as_deref().unwrap_or(""));
            match place {
                Some(place) if written.insert((place.line.clone(), place.build)) => {
                    let [a, b, c, d] = place.build;
                    let _ = writeln!(
                        text,
                        "    - {{ product: {}, cumulative_update: {}, build: {a}.{b}.{c}.{d} }}",
                        quoted(&place.line, 100),
                        quoted(&place.cumulative_update, 100)
                    );
                }
                Some(_) => {}
                None => {
                    open.insert(shown.trim().to_owned());
                }
            }
        }
        for shown in open.iter().take(20) {
            let shown: String = shown.chars().filter(|c| !c.is_control()).take(160).collect();
            let _ = writeln!(text, "    {MARK}: {shown}");
        }
        if !open.is_empty() || written.is_empty() {
            let count = open.len();
            let id = &one.id;
            self.fill(
                format!("cves.yaml: {id}: fixed: {} fix(es) found, {count} product(s) without a build Vigie can compare", written.len()),
                format!("cves.yaml : {id} : fixed : {} correctif(s) trouvé(s), {count} produit(s) sans version comparable", written.len()),
            );
        }
        match written.is_empty() {
            true => format!("  fixed: []  {MARK}\n{text}"),
            false => format!("  fixed:\n{text}"),
        }
    }

    /// A place in the builds of the pack's own product.
    fn own_place(&mut self, fix: &super::facts::Fix) -> Option<Place> {
        let build = version_parts(fix.version.as_deref()?)?;
        let line = self.lines.get(&fix.product)?.clone();
        self.builds.insert((line.clone(), build));
        let [a, b, c, _] = build;
        Some(Place {
            line,
            cumulative_update: format!("{a}.{b}.{c}"),
            build,
        })
    }

    fn product(&mut self) -> String {
        let id = slug(
            self.facts
                .products
                .first()
                .map_or(self.sources.name, String::as_str),
        );
        let title = self
            .facts
            .products
            .first()
            .cloned()
            .unwrap_or_else(|| self.sources.name.to_owned());
        let mut text = format!(
            "id: {id}\ntitle: {}\nlines:  {MARK}: released, end_of_support, in order of release\n",
            both(&title)
        );
        if self.lines.is_empty() {
            let _ = writeln!(text, "  - {{ line: \"1\", title: {} }}", quoted(&title, 200));
        }
        for (name, line) in &self.lines {
            let _ = writeln!(
                text,
                "  - {{ line: {}, title: {} }}",
                quoted(line, 100),
                quoted(name, 200)
            );
        }
        self.fill(
            "product.yaml: the lines of the product, when each came out and ends",
            "product.yaml : les lignes du produit, leur sortie et leur fin",
        );
        text
    }

    fn builds_csv(&mut self) -> String {
        let mut text =
            "product,name,cumulative_update,security_update,release_date,build,kb,note\n".to_owned();
        let date = self.facts.date.clone().unwrap_or_else(|| "2000-01-01".to_owned());
        for (line, [a, b, c, d]) in &self.builds {
            let _ = writeln!(
                text,
                "{line},{line} {a}.{b}.{c}.{d},{a}.{b}.{c},,{date},{a}.{b}.{c}.{d},,fixed build of the advisory; others to fill in"
            );
        }
        self.fill(
            "builds.csv: every published build, not only the fixed ones",
            "builds.csv : toutes les versions publiées, pas seulement les corrigées",
        );
        text
    }

    fn closing(&mut self) {
        self.fill(
            "rules/, yara/, indicators.csv, fixtures/: what shows the attack in logs and files",
            "rules/, yara/, indicators.csv, fixtures/ : ce qui montre l'attaque dans les journaux et les fichiers",
        );
        self.fill(
            "runbook.yaml: mitigation, update and checks of this product",
            "runbook.yaml : atténuation, mise à jour et vérifications de ce produit",
        );
        self.fill(
            "messages/: the product's name, what is known, what is asked of the client",
            "messages/ : le nom du produit, ce que l'on sait, ce qui est demandé au client",
        );
    }

    fn readme(&self) -> String {
        let mut text = format!(
            "# {}\n\nA draft made from an advisory. `vigie pack check` on this folder says what is still unsound.\n\n## To fill in / À compléter\n\n",
            self.sources.name
        );
        for (english, french) in &self.to_fill {
            let _ = writeln!(text, "- [ ] {english}\n      {french}");
        }
        text
    }
}

/// Lower-case letters, digits and dashes.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
        if slug.len() >= 60 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "product".to_owned()
    } else {
        slug.to_owned()
    }
}

const STAGES: &str = r#"  - { id: initial_access, title: { en: "Way in", fr: "Entrée" } }
  - { id: execution, title: { en: "Commands run", fr: "Commandes exécutées" } }
  - { id: persistence, title: { en: "Way back kept open", fr: "Accès durable installé" } }
  - { id: credential_access, title: { en: "Passwords stolen", fr: "Vol de mots de passe" } }
  - { id: lateral_movement, title: { en: "Move to other machines", fr: "Passage à d'autres machines" } }
  - { id: impact, title: { en: "Damage done", fr: "Dommages causés" } }
"#;

const TACTICS: &str = "  initial_access: initial_access\n  execution: execution\n  persistence: persistence\n  \
    credential_access: credential_access\n  lateral_movement: lateral_movement\n  impact: impact\n";

/// The steps every response has.
const STEPS: [[&str; 7]; 6] = [
    [
        "find",
        "Find what is concerned",
        "Recenser ce qui est concerné",
        "List every installation of the product, its exact version and whether it is reachable from outside.",
        "Recenser toutes les installations du produit, leur version exacte et leur exposition à l'extérieur.",
        "Every installation has an owner and a known version, or is named as unknown.",
        "Chaque installation a un responsable et une version connue, ou figure comme inconnue.",
    ],
    [
        "preserve",
        "Keep the evidence",
        "Préserver les preuves",
        "Copy logs and, if compromise is likely, take a snapshot before anything is changed.",
        "Copier les journaux et, si une compromission est probable, prendre un instantané avant tout changement.",
        "Copies are made, hashed and stored elsewhere.",
        "Les copies sont faites, leur empreinte calculée, et conservées ailleurs.",
    ],
    [
        "mitigate",
        "Close the door for now",
        "Fermer la porte provisoirement",
        "Take the product off the Internet or apply the mitigation the vendor names.",
        "Retirer le produit d'Internet ou appliquer l'atténuation indiquée par l'éditeur.",
        "Seen from outside, the door is closed.",
        "Vue de l'extérieur, la porte est fermée.",
    ],
    [
        "update",
        "Install the fix",
        "Installer le correctif",
        "Back up, install the fixed version, restart as the vendor says.",
        "Sauvegarder, installer la version corrigée, redémarrer comme l'indique l'éditeur.",
        "The version was read again after the work and holds the fix.",
        "La version a été relue après l'intervention et contient le correctif.",
    ],
    [
        "hunt",
        "Look for those who came before",
        "Chercher qui est entré avant",
        "Search the logs of the whole window of exposure; the fix does not remove who is already inside.",
        "Chercher dans les journaux de toute la période d'exposition ; le correctif n'expulse pas celui qui est entré.",
        "The verdict names the days that the logs cover.",
        "Le verdict nomme les jours couverts par les journaux.",
    ],
    [
        "tell",
        "Tell the client",
        "Prévenir le client",
        "Tell the client in writing what was found, what was done and what is not known.",
        "Dire au client par écrit ce qui a été trouvé, ce qui a été fait et ce que l'on ignore.",
        "The message was sent and its receipt is recorded.",
        "Le message est parti et son accusé de réception est consigné.",
    ],
];

fn runbook() -> String {
    let mut text = format!("{MARK}: what is special about this product\nsteps:\n");
    for [id, title_en, title_fr, do_en, do_fr, gate_en, gate_fr] in STEPS {
        let pair = |en: &str, fr: &str| format!("{{ en: {}, fr: {} }}", quoted(en, 600), quoted(fr, 600));
        let _ = writeln!(
            text,
            "  - id: {id}\n    title: {}\n    do: {}\n    gate: {}",
            pair(title_en, title_fr),
            pair(do_en, do_fr),
            pair(gate_en, gate_fr)
        );
    }
    text
}

const MESSAGES: &[(&str, &str)] = &[
    (
        "messages/en/concerned.md",
        "# Your server {server} is concerned\n\nFor the attention of {tenant}\n\nHello,\n\nA serious vulnerability concerns your server {server}. \
         We are closing it and shall tell you what we did and what we found.\n\n<!-- à compléter / to fill in -->\n",
    ),
    (
        "messages/fr/concerned.md",
        "# Votre serveur {server} est concerné\n\nÀ l'attention de {tenant}\n\nBonjour,\n\nUne vulnérabilité grave concerne votre serveur {server}. \
         Nous la fermons et vous dirons ce que nous avons fait et trouvé.\n\n<!-- à compléter / to fill in -->\n",
    ),
    (
        "messages/en/unknown.md",
        "# Your server {server}: we do not know yet\n\nFor the attention of {tenant}\n\nHello,\n\nWe cannot say yet whether your server {server} is \
         concerned by a serious vulnerability: its exact version is not known. Please do not read this message as good news.\n",
    ),
    (
        "messages/fr/unknown.md",
        "# Votre serveur {server} : nous ne savons pas encore\n\nÀ l'attention de {tenant}\n\nBonjour,\n\nNous ne pouvons pas encore dire si votre serveur \
         {server} est concerné par une vulnérabilité grave : sa version exacte n'est pas connue. Ne lisez pas ce message comme une bonne nouvelle.\n",
    ),
];
