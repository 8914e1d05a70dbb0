import type { ReactNode } from "react";

/** One shape per word, the same as in the reports, so that colour never stands alone. */
const LINE = { fill: "none", stroke: "currentColor", strokeWidth: 1.7, strokeLinecap: "round", strokeLinejoin: "round" } as const;
const HOLE = { fill: "none", stroke: "var(--hole, var(--paper))", strokeWidth: 1.8, strokeLinecap: "round" } as const;

const SHAPES = {
  compromised: <><path fill="currentColor" d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" /><path {...HOLE} d="M8 4v5M8 10.8v1.6" /></>,
  suspected: <><path fill="currentColor" d="M8 1l7.4 13.5H.6z" /><path {...HOLE} d="M8 5.5v4M8 11v1.5" /></>,
  attempted: <><path {...LINE} d="M8 1.2L14.8 8 8 14.8 1.2 8z" /><path {...LINE} d="M8 5v6" /></>,
  unknown: <><circle {...LINE} strokeDasharray="3.2 2.3" cx="8" cy="8" r="6.8" /><path {...LINE} d="M5.9 6.3a2.1 2.1 0 1 1 3.2 1.8c-.8.5-1.1.8-1.1 1.6M8 11.2v1.3" /></>,
  no_evidence: <><circle {...LINE} cx="6.6" cy="6.6" r="5" /><path {...LINE} d="M10.4 10.4L15 15M4.4 6.6h4.4" /></>,
  scan: <circle {...LINE} cx="8" cy="8" r="5.5" />,
  attempt: <path {...LINE} d="M8 2.2l6 11.3H2z" />,
  success: <path fill="currentColor" d="M8 .8L15.2 8 8 15.2.8 8z" />,
  post_exploitation: <path fill="currentColor" d="M2 2h12v12H2z" />,
  /** An open lock. */
  open: <><path fill="currentColor" d="M2.500 7h11v8h-11z" /><path {...LINE} d="M5 7V4.500a3 3 0 0 1 5.800-1" /></>,
  /** A closed lock. */
  closed: <><path {...LINE} d="M2.800 7h10.400v7.500H2.800z" /><path {...LINE} d="M5 7V4.500a3 3 0 0 1 6 0V7" /></>,
  shield: <path {...LINE} d="M8 1.200l5.800 2v4.500c0 3.600-2.600 5.900-5.800 7.100-3.200-1.200-5.800-3.500-5.800-7.100V3.200z" />,
  tick: <path {...LINE} d="M2.500 8.500l3.500 3.500 7.500-8" />,
  dash: <path {...LINE} d="M3.500 8h9" />,
  cross: <path {...LINE} d="M3.500 3.500l9 9M12.500 3.500l-9 9" />,
  running: <path {...LINE} d="M14 8a6 6 0 1 1-2-4.500M14 1.500V4.500h-3" />,
  clock: <><circle {...LINE} cx="8" cy="8" r="6.500" /><path {...LINE} d="M8 4v4l2.800 1.800" /></>,
  folder: <path {...LINE} d="M1.500 4h4.500l1.500 1.800h7v7.700h-13z" />,
} satisfies Record<string, ReactNode>;

export type Shape = keyof typeof SHAPES;

export function Sign({ shape, size = 15 }: { shape: Shape; size?: number }) {
  return (
    <svg className="sign" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false">
      {SHAPES[shape]}
    </svg>
  );
}

/** The look-out: a mast with its crow's nest above the sea. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path {...LINE} d="M12 2v15M7 9h10l-1.2 4H8.200zM12 3l5 2-5 2M2 19.500c2-1.600 4-1.600 6 0s4 1.600 6 0 4-1.600 8 0" />
    </svg>
  );
}
