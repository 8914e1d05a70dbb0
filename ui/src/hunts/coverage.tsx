import type { Said } from "../api/types";
import { useLanguage } from "../i18n";
import { Mark } from "../components/badges";

interface Span {
  from: string;
  to: string;
}
/** See `docs/hunt.schema.json`. */
export interface CoverageOf {
  source: string;
  title: Said;
  required: boolean;
  ratio: number;
  covered: Span[];
  gaps: (Span & { why: Said })[];
  records: number;
}

const at = (text: string) => new Date(text).getTime();

/** How far the logs reach: a band per source over the threat's window, and each hole with its reason. */
export function Coverage({ of }: { of: CoverageOf[] }) {
  const { t, tn, locale, percent, time } = useLanguage();
  const spans = of.flatMap((one) => [...one.covered, ...one.gaps]);
  if (spans.length === 0) return null;
  const from = Math.min(...spans.map((span) => at(span.from)));
  const to = Math.max(...spans.map((span) => at(span.to)));
  const x = (text: string) => (1000 * (at(text) - from)) / Math.max(1, to - from);
  const edge = (ms: number) => time(new Date(ms).toISOString());
  return (
    <>
      <h3>{t("coverage.title")}</h3>
      <p className="muted small">{t("coverage.window")} {edge(from)} – {edge(to)}</p>
      <ul className="bands">
        {of.map((one) => (
          <li key={one.source}>
            <span className="band-name">{one.title[locale]}{one.required && <span className="muted small"> · {t("coverage.required")}</span>}</span>
            <svg className="band" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label={t("coverage.label", { source: one.title[locale], ratio: percent(one.ratio, 1) })}>
              <rect width="1000" height="14" fill="var(--soft)" />
              {one.gaps.map((gap, index) => <path key={index} d={`M${x(gap.from)} 7H${x(gap.to)}`} stroke="var(--quiet)" strokeWidth="1.500" strokeDasharray="6 6" />)}
              {one.covered.map((span, index) => <rect key={index} x={x(span.from)} width={Math.max(2, x(span.to) - x(span.from))} height="14" fill="var(--covered)" />)}
            </svg>
            <span className="num small">{one.records === 0 ? <Mark shape="unknown" tone="unknown">{t("coverage.none")}</Mark> : <>{percent(one.ratio, 1)} · {tn("count.events", one.records)}</>}</span>
            {one.required && one.gaps.length > 0 && (
              <details>
                <summary>{tn("coverage.gaps", one.gaps.length)}</summary>
                <ul className="plain small">{one.gaps.map((gap, index) => <li key={index}>{time(gap.from)} – {time(gap.to)} · {gap.why[locale]}</li>)}</ul>
              </details>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
