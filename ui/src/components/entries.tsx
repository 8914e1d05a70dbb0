import { sayAct } from "../acts";
import type { Entry } from "../api/types";
import { useLanguage } from "../i18n";
import { Moment } from "./badges";
import { Proof } from "./proof";
import { Who } from "./who";

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
            <strong><Who name={entry.actor.name} /></strong> {sayAct(entry.action, language)}
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
