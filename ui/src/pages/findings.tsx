import { Button, Kbd, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import { useCampaigns, useTenants } from "../api/tenants";
import type { Decision, Finding } from "../api/types";
import { Age, OutcomeMark, SeverityMark } from "../components/badges";
import { Empty, ProblemBox, sayDone, sayProblem } from "../components/states";
import { Views } from "../components/views";
import { FindingState } from "../findings/state";
import { DismissForm } from "../findings/dismiss";
import { FindingPanel } from "../findings/panel";
import { useLanguage } from "../i18n";
import { SEVERITIES, type Severity } from "../words";

const STATES = ["new", "accepted", "dismissed", "escalated"] as const;
const PAGE = 200;
const ROW = 66;

export default function Findings() {
  const language = useLanguage();
  const { t, tn, locale } = language;
  const queries = useQueryClient();
  const judge = useMay("judge");
  const [search, setSearch] = useSearchParams();
  const [text, setText] = useState(search.get("q") ?? "");
  const [settled] = useDebouncedValue(text, 250);
  const set = (name: string, value: string | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    }, { replace: true });
  useEffect(() => set("q", settled || null), [settled]);
  const state = search.get("state") ?? "new";
  const query = {
    state: (state === "all" ? undefined : state) as Finding["state"] | undefined,
    tenant: search.get("tenant") ?? undefined,
    server: search.get("server") ?? undefined,
    campaign: search.get("campaign") ?? undefined,
    severity: (search.get("severity") ?? undefined) as Severity | undefined,
    q: search.get("q") ?? undefined,
  };
  const findings = useInfiniteQuery({
    queryKey: ["findings", query],
    queryFn: ({ pageParam }) => need(api.GET("/api/v1/findings", { params: { query: { ...query, limit: PAGE, cursor: pageParam || undefined } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: (before) => before,
  });
  const items = useMemo(() => findings.data?.pages.flatMap((page) => page.items) ?? [], [findings.data]);
  // Of a search each page knows more than the one before.
  const known = findings.data?.pages.at(-1);
  const tenants = useTenants();
  const campaigns = useCampaigns();

  const [at, setAt] = useState(0);
  const here = Math.min(at, Math.max(0, items.length - 1));
  const current = items[here];
  const [picked, setPicked] = useState<Set<string>>(new Set());
  const [dismissing, setDismissing] = useState<Finding[] | null>(null);
  const chosen = useMemo(() => items.filter((one) => picked.has(one.id)), [items, picked]);
  const targets = chosen.length > 0 ? chosen : current ? [current] : [];

  const decide = useMutation({
    mutationFn: ({ these, decision }: { these: Finding[]; decision: Decision }) =>
      need(api.POST("/api/v1/findings/decide", {
        params: { header: { "Idempotency-Key": once() } },
        body: { items: these.map(({ id, revision }) => ({ id, revision })), decision },
      })),
    onSuccess: ({ results }) => {
      const failed = results.filter((one) => one.problem);
      const done = results.length - failed.length;
      if (done > 0) sayDone(tn("finding.decided", done), language);
      // Somebody else was faster, or it would hide too much: each says so for itself.
      if (failed.length > 0) sayProblem(new Error(failed.map((one) => one.problem?.detail).join("; ")), language);
      setPicked(new Set(failed.map((one) => one.id)));
      setDismissing(null);
      void queries.invalidateQueries({ queryKey: ["findings"] });
    },
    onError: (error) => sayProblem(error, language),
  });
  const act = (decision: Decision) => targets.length > 0 && decide.mutate({ these: targets, decision });

  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: items.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 10 });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    // After a problem it is for the reader to go on: a server that refuses is not asked at once again.
    if (findings.hasNextPage && !findings.isFetching && !findings.isError && last >= items.length - 20) void findings.fetchNextPage();
  }, [last, items.length, findings.hasNextPage, findings.isFetching, findings.isError]);
  const go = (index: number) => {
    const next = Math.max(0, Math.min(items.length - 1, index));
    setAt(next);
    virtual.scrollToIndex(next);
  };
  const pick = (id: string) =>
    setPicked((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== box.current) return;
    const keys: Record<string, () => void> = {
      j: () => go(here + 1), ArrowDown: () => go(here + 1), k: () => go(here - 1), ArrowUp: () => go(here - 1), Home: () => go(0), End: () => go(items.length - 1),
      PageDown: () => go(here + 8), PageUp: () => go(here - 8),
      x: () => current && pick(current.id), Escape: () => setPicked(new Set()),
      ...(judge && { a: () => act({ decision: "accept", reason: "" }), d: () => targets.length > 0 && setDismissing(targets), e: () => act({ decision: "escalate", reason: "" }) }),
    };
    const key = keys[event.key];
    if (!key) return;
    event.preventDefault();
    key();
  };
  // The list takes the keys as soon as it is there.
  const ready = items.length > 0;
  useEffect(() => {
    if (ready && document.activeElement === document.body) box.current?.focus({ preventScroll: true });
  }, [ready]);

  return (
    <>
      <header className="page-head">
        <h1>{t("nav.findings")}</h1>
        <div className="row-line">
          <Views page="findings" onChoose={(query) => setText(new URLSearchParams(query).get("q") ?? "")} />
          <span className="muted" role="status">{known?.total_at_least ? (known.total > 0 ? tn("finding.at_least", known.total) : findings.isError ? "" : t("finding.searching")) : tn("finding.total", known?.total ?? 0)}</span>
        </div>
      </header>
      <section className="filters" aria-label={t("board.filters")}>
        <TextInput label={t("finding.search")} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Select label={t("finding.state")} value={state} onChange={(value) => set("state", value === "new" ? null : value)} allowDeselect={false} data={[...STATES.map((value) => ({ value: value as string, label: t(`state.finding.${value}`) })), { value: "all", label: t("finding.all") }]} />
        <Select label={t("finding.severity")} value={query.severity ?? null} onChange={(value) => set("severity", value)} clearable data={SEVERITIES.map((value) => ({ value, label: t("finding.or_worse", { severity: t(`severity.${value}`) }) }))} />
        <Select label={t("word.tenant")} value={query.tenant ?? null} onChange={(value) => set("tenant", value)} clearable searchable data={tenants.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []} />
        <Select label={t("word.campaign")} value={query.campaign ?? null} onChange={(value) => set("campaign", value)} clearable data={campaigns.data?.map(({ id, title }) => ({ value: id, label: title })) ?? []} />
        {query.server && <Button variant="default" mt={24} onClick={() => set("server", null)}>{t("finding.all_servers")}</Button>}
      </section>
      {judge && (
        <div className="acts" role="toolbar" aria-label={t("finding.acts")}>
          <span className="muted small num">{chosen.length > 0 ? tn("finding.picked", chosen.length) : t("finding.one")}</span>
          <Button size="xs" variant="default" disabled={targets.length === 0} onClick={() => act({ decision: "accept", reason: "" })} rightSection={<Kbd size="xs">a</Kbd>}>{t("act.accept")}</Button>
          <Button size="xs" variant="default" disabled={targets.length === 0} onClick={() => setDismissing(targets)} rightSection={<Kbd size="xs">d</Kbd>}>{t("act.dismiss")}</Button>
          <Button size="xs" variant="default" disabled={targets.length === 0} onClick={() => act({ decision: "escalate", reason: "" })} rightSection={<Kbd size="xs">e</Kbd>}>{t("act.escalate")}</Button>
          <span className="muted small wide-only">{t("finding.keys")}</span>
        </div>
      )}
      {findings.error && <ProblemBox error={findings.error} retry={() => void (findings.isFetchNextPageError ? findings.fetchNextPage() : findings.refetch())} />}
      {(!findings.error || items.length > 0) && (
        <div className="two">
          {findings.data && items.length === 0 ? <Empty title={findings.hasNextPage ? "finding.searching" : state === "new" ? "finding.none_new" : "finding.none"} /> : (
            <div className="list" role="listbox" aria-label={t("nav.findings")} aria-multiselectable="true" tabIndex={0} ref={box} onKeyDown={onKeyDown} aria-activedescendant={current && shown.some(({ index }) => index === here) ? `f-${current.id}` : undefined}>
              <div role="presentation" style={{ height: virtual.getTotalSize(), position: "relative" }}>
                {shown.map(({ index, start, size }) => {
                  const one = items[index]!;
                  return (
                    <div key={one.id} id={`f-${one.id}`} role="option" aria-selected={picked.has(one.id)} className={`row${index === here ? " here" : ""}${picked.has(one.id) ? " picked" : ""}`} style={{ height: size, transform: `translateY(${start}px)` }} onClick={() => { setAt(index); box.current?.focus({ preventScroll: true }); }}>
                      <span aria-hidden="true" onClick={(event) => { event.stopPropagation(); setAt(index); pick(one.id); }}>
                        <span className={`box${picked.has(one.id) ? " on" : ""}`} />
                      </span>
                      <span className="row-text">
                        <span className="row-title">{locale === "fr" ? one.statement_fr : one.statement_en}</span>
                        <span className="row-line small">
                          <SeverityMark severity={one.severity} /> <OutcomeMark outcome={one.outcome} />
                          <span className="muted ellipsis">{one.tenant} / {one.server} · <Age at={one.last_at} /></span>
                        </span>
                      </span>
                      {state === "all" && <FindingState state={one.state} />}
                    </div>
                  );
                })}
              </div>
            </div>
          )}
          <aside className="panel side-panel" aria-label={t("finding.detail")}>
            {current ? <FindingPanel finding={current} /> : <p className="muted">{findings.data ? t("finding.pick") : t("state.loading")}</p>}
          </aside>
        </div>
      )}
      {dismissing && <DismissForm findings={dismissing} pending={decide.isPending} onClose={() => setDismissing(null)} onDismiss={(decision) => decide.mutate({ these: dismissing, decision })} />}
    </>
  );
}
