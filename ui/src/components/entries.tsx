import { sayAct } from "../acts";
import type { Entry } from "../api/types";
import { useLanguage } from "../i18n";
import { Moment } from "./badges";
import { Proof } from "./proof";
import { Who } from "./who";

/** What the thing was called that something was done to, where the record says so. */
function nameOf({ details }: Entry): string | null {
  const record = (details ?? {}) as Record<string, unknown>;
  for (const part of [record, record.fields, record.after]) {
    const { name, title } = (typeof part === "object" && part !== null ? part : {}) as Record<string, unknown>;
    const found = name ?? title;
    if (typeof found === "string" && found !== "") return found;
  }
  return null;
}

/** Records of the log: when, who, what they did, in words; the rest opens. `of` says whose chain each is in. */
export function Entries({ entries, of }: { entries: Entry[]; of?: (chain: string) => string }) {
  const language = useLanguage();
  const { t } = language;
  return (
    <ol className="log">
      {entries.map((entry) => (
        <li key={`${entry.chain}${entry.seq}`}>
          <Moment at={entry.at} />
          <span className="log-what">
            <strong><Who name={entry.actor.name} /></strong> {sayAct(entry.action, language)}{nameOf(entry) && <>{t("act.colon")} <em>{nameOf(entry)}</em></>}
            {entry.text && <span className="log-text">{entry.text}</span>}
            <details>
              <summary>{t("journal.details")}{of && <span className="muted"> · {of(entry.chain)} #{entry.seq}</span>}</summary>
              <p className="small muted"><span className="mono">{entry.action}</span> · {t("journal.hash")} <span className="mono">{entry.hash}</span></p>
              {Object.keys(entry.details ?? {}).length > 0 && <Proof value={entry.details} />}
            </details>
          </span>
        </li>
      ))}
    </ol>
  );
}
