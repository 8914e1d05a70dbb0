import type { Hunt } from "../api/types";

/** A file of which something was left out. */
export interface LeftOut {
  path: string;
  why: string[];
}

/** What a hunt lists of what it left out: files not read, or not whole, with the reasons, and files of no kind that it knows. */
export function asideOf(hunt: Hunt): { partly: LeftOut[]; unknown: LeftOut[] } {
  const all = (hunt.skipped as { path?: unknown; skipped?: { why?: string }[] }[]).map((file) => ({
    path: String(file.path ?? "?"),
    why: Array.isArray(file.skipped) ? file.skipped.map((one) => one.why ?? "?") : [],
  }));
  return { partly: all.filter(({ why }) => why.length > 0), unknown: all.filter(({ why }) => why.length === 0) };
}
