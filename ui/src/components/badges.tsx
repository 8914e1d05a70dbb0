import type { ReactNode } from "react";
import { useLanguage } from "../i18n";
import { lookOf, OUTCOMES, type Outcome, SEVERITY_TONES, type Severity, type Stage, type Tone, wordKey } from "../words";
import { type Shape, Sign } from "./signs";

/** The word of a stage, with its sign. `plain`: without a frame, for tables full of them. */
export function Word({ stage, word, plain = false, count }: { stage: Stage; word: string; plain?: boolean; count?: number }) {
  const { t, number } = useLanguage();
  const { shape, tone } = lookOf(stage, word);
  return (
    <span className={`${plain ? "mark" : "badge"} tone-${tone}`}>
      <Sign shape={shape} />
      {count !== undefined && <span className="num">{number(count)}</span>}
      {t(wordKey(stage, word))}
    </span>
  );
}

export function Mark({ shape, tone, children }: { shape: Shape; tone: Tone; children: ReactNode }) {
  return (
    <span className={`mark tone-${tone}`}>
      <Sign shape={shape} />
      {children}
    </span>
  );
}

export function OutcomeMark({ outcome }: { outcome: string }) {
  const { t } = useLanguage();
  if (!(outcome in OUTCOMES)) return <Mark shape="unknown" tone="unknown">{outcome}</Mark>;
  const known = outcome as Outcome;
  return <Mark {...OUTCOMES[known]}>{t(`outcome.${known}`)}</Mark>;
}

const BARS: Record<Severity, number> = { critical: 4, high: 3, medium: 2, low: 1, informational: 0 };

/** A severity: its word, and bars that grow with it. */
export function SeverityMark({ severity }: { severity: Severity }) {
  const { t } = useLanguage();
  return (
    <span className={`mark tone-${SEVERITY_TONES[severity]}`}>
      <svg className="sign" viewBox="0 0 16 16" width={15} height={15} aria-hidden="true" focusable="false">
        {[0, 1, 2, 3].map((bar) => (
          <rect key={bar} x={1 + bar * 3.8} y={11 - bar * 3} width="2.600" height={4 + bar * 3} fill={bar < BARS[severity] ? "currentColor" : "none"} stroke="currentColor" strokeWidth=".8" />
        ))}
      </svg>
      {t(`severity.${severity}`)}
    </span>
  );
}

/** How long ago, with the exact time for whoever asks. */
export function Age({ at }: { at: string | null | undefined }) {
  const { ago, time, t } = useLanguage();
  if (!at) return <span className="muted">{t("time.never")}</span>;
  return <time dateTime={at} title={time(at)} className="num">{ago(at)}</time>;
}

export function Moment({ at }: { at: string | null | undefined }) {
  const { time, t } = useLanguage();
  return at ? <time dateTime={at} className="num">{time(at)}</time> : <span className="muted">{t("time.never")}</span>;
}
