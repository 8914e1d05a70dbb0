import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

/** Kinds of things that change, and the queries that are about them. */
const ABOUT: Record<string, string[]> = {
  tenant: ["tenants", "campaigns"],
  server: ["servers", "campaigns"],
  observation: ["servers", "campaigns"],
  cell: ["servers", "campaigns"],
  campaign: ["campaigns"],
  evidence: ["evidence", "campaigns"],
  upload: ["evidence"],
  hunt: ["hunts", "jobs", "findings", "servers", "campaigns"],
  job: ["jobs"],
  finding: ["findings", "servers"],
  dismissal: ["findings"],
  case: ["cases"],
  alert: ["alerts"],
  audit: ["audit"],
  view: ["views"],
};

/** Milliseconds that changes are gathered before anything is read again. */
const GATHER = 400;

/** Reads again what the server says has changed. */
export function useEvents() {
  const queries = useQueryClient();
  useEffect(() => {
    const source = new EventSource("/api/v1/events");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const waiting = new Set<string>();
    const flush = () => {
      timer = undefined;
      for (const key of waiting) void queries.invalidateQueries({ queryKey: [key] });
      waiting.clear();
    };
    source.onmessage = ({ data }) => {
      let kind: unknown;
      try {
        kind = (JSON.parse(String(data)) as { kind?: unknown }).kind;
      } catch {
        return;
      }
      // Too much changed to name it.
      if (kind === "all") for (const keys of Object.values(ABOUT)) for (const key of keys) waiting.add(key);
      for (const key of ABOUT[String(kind)] ?? []) waiting.add(key);
      if (!["job", "upload"].includes(String(kind))) waiting.add("journal");
      timer ??= setTimeout(flush, GATHER);
    };
    return () => {
      source.close();
      clearTimeout(timer);
    };
  }, [queries]);
}
