import { useMemo } from "react";
import { useSearchParams } from "react-router";

export const SORTS = ["unknown", "worst", "deadline", "name"] as const;
const LISTS = ["contract", "agency", "verdict", "exposure", "unknown"] as const;

/** What of the board is asked for; it lives in the address, so that a view can be kept and sent. */
export interface Filter {
  contract: string[];
  agency: string[];
  verdict: string[];
  exposure: string[];
  unknown: string[];
  q: string;
  sort: string;
}

/** As the API asks for it. */
export function filterOf({ q, sort, ...lists }: Filter) {
  return { ...lists, q: q || undefined, sort } as Record<string, unknown>;
}

/** The filter that an address says. */
export function filterIn(search: URLSearchParams): Filter {
  const lists = Object.fromEntries(LISTS.map((name) => [name, search.getAll(name)])) as Record<(typeof LISTS)[number], string[]>;
  const sort = SORTS.find((known) => known === search.get("sort")) ?? "unknown";
  return { ...lists, q: search.get("q") ?? "", sort };
}

/** The filter of the address, and how to change some of it; `null` takes all of it away. */
export function useFilter(): [Filter, (change: Partial<Filter> | null) => void] {
  const [search, setSearch] = useSearchParams();
  const filter = useMemo(() => filterIn(search), [search]);
  const change = (change: Partial<Filter> | null) => {
    const next = change && { ...filter, ...change };
    const params = new URLSearchParams();
    if (next) {
      for (const name of LISTS) for (const value of next[name]) params.append(name, value);
      if (next.q) params.set("q", next.q);
      if (next.sort !== "unknown") params.set("sort", next.sort);
    }
    setSearch(params, { replace: true });
  };
  return [filter, change];
}
