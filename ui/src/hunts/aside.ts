import type { Hunt } from "../api/types";

/** A file of which something was left out. */
export interface LeftOut {
  path: string;
  why: string[];
}

/** What a hunt left out: parts of what it read, with the reasons, and files of no kind that it knows. Archives it opened are neither. */
export function asideOf(hunt: Hunt): { partly: LeftOut[]; unknown: LeftOut[] } {
  const all = (hunt.skipped as { path?: unknown; skipped?: { why?: string }[] }[]).map((file) => ({
    path: String(file.path ?? "?"),
    why: Array.isArray(file.skipped) ? file.skipped.map((one) => one.why ?? "?") : [],
  }));
  // What lies in an archive has the archive's path before `!/`.
  const opened = new Set(all.flatMap(({ path }) => [...path.matchAll(/!\//g)].map(({ index }) => path.slice(0, index))));
  return { partly: all.filter(({ why }) => why.length > 0), unknown: all.filter(({ path, why }) => why.length === 0 && !opened.has(path)) };
}
