import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { problemOf } from "../api/problem";

/** Something that can be changed: what is said of it, and the revision that was read. */
export interface Revised<F> {
  fields: F;
  revision: number;
}

export interface Draft<F> {
  /** What will be sent: what was read, with what was typed. */
  fields: F;
  revision: number;
  set: (change: Partial<F>) => void;
  /** What was typed. */
  typed: Partial<F>;
  /** What somebody else made of it meanwhile: before and now. */
  moved: { before: F; now: F } | null;
  rebase: (now: Revised<F>) => void;
}

/** What is being typed over what was read. Somebody else's changes are taken in only when they are shown. */
export function useDraft<F extends object>(read: Revised<F>): Draft<F> {
  const [base, setBase] = useState(read);
  const [typed, setTyped] = useState<Partial<F>>({});
  const [moved, setMoved] = useState<Draft<F>["moved"]>(null);
  return {
    fields: { ...base.fields, ...typed },
    revision: base.revision,
    set: (change) => setTyped((before) => ({ ...before, ...differing(change, base.fields, before) })),
    typed,
    moved,
    rebase: (now) => {
      setMoved({ before: moved?.before ?? base.fields, now: now.fields });
      setBase(now);
    },
  };
}

/** What of a change says something else than what was read, or takes such a thing back. */
function differing<F extends object>(change: Partial<F>, base: F, typed: Partial<F>): Partial<F> {
  const names = (Object.keys(change) as (keyof F)[]).filter((name) => name in typed || JSON.stringify(change[name]) !== JSON.stringify(base[name]));
  return Object.fromEntries(names.map((name) => [name, change[name]])) as Partial<F>;
}

/** Whether somebody else was faster. */
export function isStale(error: unknown): boolean {
  return problemOf(error).status === 412;
}

interface Change<F, T> {
  draft: Draft<F>;
  send: (fields: F, revision: number) => Promise<T>;
  /** Reads what there is now. */
  reload: () => Promise<Revised<F>>;
  onDone: (changed: T) => void;
}

/** Sends a draft. When somebody was faster, their changes come under what was typed, to be looked at and sent again. */
export function useChange<F, T>({ draft, send, reload, onDone }: Change<F, T>) {
  const change = useMutation({
    mutationFn: () => send(draft.fields, draft.revision),
    onSuccess: onDone,
    onError: async (error) => {
      if (isStale(error)) draft.rebase(await reload());
    },
  });
  return { save: () => change.mutate(), pending: change.isPending, error: isStale(change.error) ? null : change.error };
}
