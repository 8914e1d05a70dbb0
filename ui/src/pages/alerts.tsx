import { Button, Select } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { DecideAlert } from "../alerts/decide";
import { ALERT_STATES, AlertState } from "../alerts/state";
import { ToCase } from "../alerts/to-case";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useTenants } from "../api/tenants";
import type { Alert } from "../api/types";
import { Moment, SeverityMark } from "../components/badges";
import { Proof } from "../components/proof";
import { Empty, ProblemBox } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";

/** What other systems raised: deciding on each, and making cases of them. */
export default function Alerts() {
  const { t } = useLanguage();
  const [search, setSearch] = useSearchParams();
  const state = search.get("state") ?? "new";
  const tenant = search.get("tenant");
  const chosen = search.get("alert");
  const tenants = useTenants();
  const names = new Map<string, string>(tenants.data?.map((one) => [one.id, one.name]));
  const set = (name: string, value: string | null) => {
    const next = new URLSearchParams(search);
    if (value) next.set(name, value);
    else next.delete(name);
    setSearch(next, { replace: true });
  };
  const known = ALERT_STATES.find((one) => one === state);
  const list = useInfiniteQuery({
    queryKey: ["alerts", "list", tenant, state],
    queryFn: ({ pageParam }) => need(api.GET("/api/v1/alerts", { params: { query: { tenant: tenant ?? undefined, state: known, limit: 100, cursor: pageParam || undefined } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: (before) => before,
    enabled: !chosen,
  });
  const one = useQuery({ queryKey: ["alerts", "one", chosen], queryFn: () => need(api.GET("/api/v1/alerts/{id}", { params: { path: { id: chosen ?? "" } } })), enabled: chosen !== null });
  const items = chosen ? (one.data ? [one.data] : []) : (list.data?.pages.flatMap((page) => page.items) ?? []);
  const error = chosen ? one.error : list.error;
  return (
    <>
      <header className="page-head"><h1>{t("nav.alerts")}</h1></header>
      {chosen ? <p><Link to="/alerts">{t("alert.all")}</Link></p> : (
        <section className="filters" aria-label={t("board.filters")}>
          <Select label={t("finding.state")} allowDeselect={false} value={known ?? "all"} onChange={(value) => set("state", value === "new" ? null : value)} data={[...ALERT_STATES.map((value) => ({ value: value as string, label: t(`state.alert.${value}`) })), { value: "all", label: t("alert.any") }]} />
          <Select label={t("word.tenant")} clearable searchable value={tenant} onChange={(value) => set("tenant", value)} data={tenants.data?.map(({ id, name }) => ({ value: id as string, label: name })) ?? []} />
        </section>
      )}
      <section className="panel">
        {error && <ProblemBox error={error} />}
        {!chosen && list.data && items.length === 0 && <Empty title={known === "new" ? "alert.none_new" : "alert.none"}><p>{t("alert.none_what")}</p></Empty>}
        <ul className="items">{items.map((alert) => <li key={alert.id}><One alert={alert} tenant={names.get(alert.tenant_id)} /></li>)}</ul>
        {!chosen && list.hasNextPage && <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("journal.more")}</Button>}
      </section>
    </>
  );
}

function One({ alert, tenant }: { alert: Alert; tenant: string | undefined }) {
  const { t } = useLanguage();
  const judge = useMay("judge");
  const work = useMay("case");
  const [deciding, setDeciding] = useState<Alert["state"] | null>(null);
  const [linking, setLinking] = useState(false);
  return (
    <div className="item">
      <p><strong>{alert.title}</strong></p>
      <p className="row-line small"><SeverityMark severity={alert.severity} /> <AlertState state={alert.state} /> <Link to={`/tenants/${alert.tenant_id}`}>{tenant ?? t("word.tenant")}</Link> {alert.server_id && <Link to={`/servers/${alert.server_id}`}>{t("word.server")}</Link>} <span className="muted">{alert.source} · <Moment at={alert.at} /></span></p>
      {alert.decided_by && <p className="small"><Who name={alert.decided_by} /> · <Moment at={alert.decided_at} />{alert.reason && <> · {alert.reason}</>}</p>}
      <details>
        <summary>{t("journal.details")}</summary>
        <dl className="facts"><dt>{t("alert.external")}</dt><dd className="mono">{alert.external_id}</dd><dt>{t("alert.came")}</dt><dd><Moment at={alert.received_at} /></dd></dl>
        <Proof value={alert.details} />
      </details>
      <div className="acts">
        {judge && ALERT_STATES.filter((state) => state !== alert.state).map((state) => <Button key={state} size="compact-sm" variant="default" onClick={() => setDeciding(state)}>{t(`alert.act.${state}`)}</Button>)}
        {work && <Button size="compact-sm" variant="default" onClick={() => setLinking(true)}>{t("alert.to_case")}</Button>}
      </div>
      {deciding && <DecideAlert alert={alert} state={deciding} onClose={() => setDeciding(null)} />}
      {linking && <ToCase alert={alert} onClose={() => setLinking(false)} />}
    </div>
  );
}
