import type { Fact } from "../api/types";
import type { Key, Language } from "../i18n";

/** How a build was found out, best first. */
export const SOURCES = ["exsetup", "file_hash", "healthchecker", "log", "exporttool", "x_owa_version", "path", "admin_display_version"] as const;
export const TOPOLOGIES = ["on_prem", "hybrid", "hybrid_management_only", "online"] as const;
export const IMPACTS = ["degraded", "mef_support_crippled", "mef_failure", "mission_failure"] as const;

// Words that are not known stay as they are.
export const saySource = (source: string, { t }: Language) => (SOURCES.includes(source as never) ? t(`source.${source}` as Key) : source);
export const sayTopology = (topology: string, { t }: Language) => (TOPOLOGIES.includes(topology as never) ? t(`topology.${topology}` as Key) : topology);
export const sayImpact = (impact: string, { t }: Language) => (IMPACTS.includes(impact as never) ? t(`impact.${impact}` as Key) : impact);

/** What a fact says, without its kind. */
export function sayFact(fact: Fact, language: Language): string {
  const { t } = language;
  const yes = (is: boolean) => t(is ? "answer.yes" : "answer.no");
  switch (fact.kind) {
    case "listed":
    case "machine": return "–";
    case "product": return [fact.product, fact.line].filter(Boolean).join(" ");
    case "build": return `${fact.version} · ${saySource(fact.source, language)}`;
    case "published": return yes(fact.published);
    case "topology": return sayTopology(fact.topology, language);
    case "mitigation": return [fact.id, fact.active ? t("fact.in_place") : t("fact.gone"), ...(fact.cves ?? [])].join(" · ");
    case "update": return fact.update;
    case "setting": return `${fact.id} · ${yes(fact.on)}`;
    case "role": return fact.role;
    case "dag": return fact.dag;
    case "dot_net": return String(fact.release);
    case "active_directory": return (["schema", "domain", "configuration"] as const).flatMap((name) => (fact[name] == null ? [] : [`${t(`directory.${name}`)} ${fact[name]}`])).join(" · ");
    case "mission_impact": return sayImpact(fact.impact, language);
  }
}

/** Where something was read, without the identifier of the hunt that read it. */
export function sayOrigin(origin: string, { t }: Language): string {
  return origin.replace(/^(?:evidence · )?hunt [0-9a-f-]{36}(?:, )?/, `${t("part.hunt")} · `);
}
