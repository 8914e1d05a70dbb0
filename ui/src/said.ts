import { sayWho } from "./acts";
import type { Key, Language } from "./i18n";
import { EXPOSURES, LOOKS, type Stage, wordKey } from "./words";

/** What proofs and records name their values, for people. */
const NAMES = [
  "action", "actor", "address", "addresses", "after", "agency", "as_of", "asked_by", "at", "attempts", "because", "before", "body", "build", "bytes", "campaign_id", "case_id",
  "chains", "changed", "changes", "conflicts", "contacts", "contract", "cve", "deadline", "decision", "detail", "due_at", "email", "entity", "error", "events", "evidence", "evidence_id",
  "expires_at", "fact", "fields", "findings", "fqdn", "from", "gone", "hold_id", "hunt_id", "item_id", "job_id", "kept", "kind", "known", "locale", "login", "method", "name", "new",
  "new_servers", "note", "number", "observed_at", "origin", "outdated", "pack", "pack_version", "page", "phone", "pieces", "place", "product", "published", "purpose", "reason", "reasons",
  "ref_id", "retention_until", "role", "root", "rule_id", "scope", "server_id", "servers", "severity", "sha256", "shared", "size", "sound", "source", "stage", "stale_since", "state",
  "summary", "suppressed", "tenant_id", "tenants", "text", "title", "to", "upload", "value", "verbs", "verdicts", "version", "why", "window",
] as const;

export function sayName(name: string, { t }: Language): string {
  return NAMES.includes(name as (typeof NAMES)[number]) ? t(`name.${name}` as Key) : name;
}

const WORDS: Record<string, readonly string[]> = {
  contract: ["soc", "managed", "none"],
  severity: ["critical", "high", "medium", "low", "informational"],
  decision: ["immediate", "out_of_cycle", "scheduled", "defer"],
  locale: ["fr", "en"],
  role: ["administrator", "director", "soc_analyst", "engineer", "auditor", "client_contact"],
};

/** A value in words; `null` where it is to be shown as it is. */
export function sayValue(name: string, value: unknown, language: Language): string | null {
  const { t, number } = language;
  if (typeof value === "boolean") return t(value ? "answer.yes" : "answer.no");
  if (typeof value === "number") return number(value);
  const text = String(value).replace(/-/g, "_");
  if (name === "asked_by" || name === "actor") return sayWho(String(value), language);
  if (name === "published") return text === "yes" || text === "no" ? t(`answer.${text}`) : t("word.exposure.unknown");
  if (name === "verdicts") return t(wordKey("verdict", text));
  if (name === "stage" && text in LOOKS) return t(`stage.${text as Stage}`);
  if (name === "status" && (EXPOSURES as string[]).includes(text)) return t(wordKey("exposure", text));
  if (name === "why" && text === "hunt") return t("part.hunt");
  if (!WORDS[name]?.includes(text)) return null;
  switch (name) {
    case "contract": return t(`contract.${text}` as Key);
    case "severity": return t(`severity.${text}` as Key);
    case "decision": return t(`decision.${text}` as Key);
    case "locale": return t(`locale.${text}` as Key);
    default: return t(`role.${text}` as Key);
  }
}
