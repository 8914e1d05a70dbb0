import type { Shape } from "./components/signs";
import type { Key } from "./i18n";

export const STAGES = ["inventory", "exposure", "evidence", "hunt", "verdict", "case"] as const;
export type Stage = (typeof STAGES)[number];
export type Tone = "compromised" | "suspected" | "attempted" | "unknown" | "calm" | "quiet";
export interface Look {
  shape: Shape;
  tone: Tone;
}

const UNKNOWN: Look = { shape: "unknown", tone: "unknown" };

/** What the words of each stage look like; in the order in which they are listed. Unknown first, then the worst. */
export const LOOKS = {
  inventory: { unknown: UNKNOWN, known: { shape: "tick", tone: "calm" } },
  exposure: {
    unknown: UNKNOWN,
    vulnerable: { shape: "open", tone: "suspected" },
    mitigated: { shape: "shield", tone: "attempted" },
    fixed: { shape: "closed", tone: "calm" },
    not_affected: { shape: "dash", tone: "quiet" },
  },
  evidence: { unknown: UNKNOWN, none: { shape: "dash", tone: "quiet" }, received: { shape: "folder", tone: "calm" } },
  hunt: {
    unknown: UNKNOWN,
    outdated: { shape: "clock", tone: "unknown" },
    failed: { shape: "cross", tone: "compromised" },
    running: { shape: "running", tone: "quiet" },
    none: { shape: "dash", tone: "quiet" },
    hunted: { shape: "tick", tone: "calm" },
  },
  verdict: {
    unknown: UNKNOWN,
    compromised: { shape: "compromised", tone: "compromised" },
    suspected: { shape: "suspected", tone: "suspected" },
    attempted: { shape: "attempted", tone: "attempted" },
    no_evidence: { shape: "no_evidence", tone: "calm" },
  },
  case: {
    unknown: UNKNOWN,
    open: { shape: "folder", tone: "suspected" },
    none: { shape: "dash", tone: "quiet" },
    closed: { shape: "tick", tone: "calm" },
  },
} as const satisfies Record<Stage, Record<string, Look>>;

export const VERDICTS = Object.keys(LOOKS.verdict) as (keyof typeof LOOKS.verdict)[];
export const EXPOSURES = Object.keys(LOOKS.exposure) as (keyof typeof LOOKS.exposure)[];

/** The look of a word; one that is not known looks unknown, never green. */
export function lookOf(stage: Stage, word: string): Look {
  return (LOOKS[stage] as Record<string, Look>)[word] ?? UNKNOWN;
}

/** The message of a word. */
export function wordKey(stage: Stage, word: string): Key {
  return `word.${stage}.${word in LOOKS[stage] ? word : "unknown"}` as Key;
}

/** Unknown first, then in the order of `LOOKS`. */
export function rankOf(stage: Stage, word: string): number {
  return Math.max(0, Object.keys(LOOKS[stage]).indexOf(word));
}

export const SEVERITIES = ["critical", "high", "medium", "low", "informational"] as const;
export type Severity = (typeof SEVERITIES)[number];
export const SEVERITY_TONES: Record<Severity, Tone> = {
  critical: "compromised",
  high: "suspected",
  medium: "attempted",
  low: "quiet",
  informational: "quiet",
};

export const OUTCOMES = {
  scan: { shape: "scan", tone: "quiet" },
  attempt: { shape: "attempt", tone: "attempted" },
  success: { shape: "success", tone: "suspected" },
  post_exploitation: { shape: "post_exploitation", tone: "compromised" },
} as const satisfies Record<string, Look>;
export type Outcome = keyof typeof OUTCOMES;

export const CONTRACTS = ["soc", "managed", "none"] as const;
