import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, need } from "../api/client";
import { useMay, useSession } from "../api/session";
import { useTenants } from "../api/tenants";
import type { Dismissal } from "../api/types";
import { Revoke } from "../catalogue/revoke";
import { Age, Mark, Moment } from "../components/badges";
import { Empty, ProblemBox } from "../components/states";
import { useLanguage } from "../i18n";

const now = () => Date.now();
const stateOf = (one: Dismissal) => (one.revoked_at ? "revoked" : new Date(one.expires_at).getTime() <= now() ? "expired" : "in_force");
const LOOKS = { in_force: { shape: "tick", tone: "calm" }, expired: { shape: "clock", tone: "quiet" }, revoked: { shape: "cross", tone: "quiet" } } as const;

/** What was dismissed and holds for hunts to come: why, where, until when, and what it hid. */
export default function Catalogue() {
  const { t, tn } = useLanguage();
  const [all, setAll] = useState("in_force");
  const list = useInfiniteQuery({
    queryKey: ["findings", "catalogue"],
    queryFn: ({ pageParam }) => need(api.GET("/api/v1/catalogue", { params: { query: { limit: 200, cursor: pageParam || undefined } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = all === "all" ? items : items.filter((one) => stateOf(one) === "in_force");
  return (
    <>
      <header className="page-head">
        <h1>{t("nav.catalogue")}</h1>
        <SegmentedControl size="xs" aria-label={t("catalogue.which")} value={all} onChange={setAll} data={[{ value: "in_force", label: t("catalogue.in_force") }, { value: "all", label: t("catalogue.all") }]} />
      </header>
      <p className="muted small">{t("catalogue.what")}</p>
      <section className="panel">
        {list.error && <ProblemBox error={list.error} retry={() => void list.refetch()} />}
        {list.isPending && <p role="status">{t("state.loading")}</p>}
        {list.data && shown.length === 0 && <Empty title="catalogue.none"><p><Link to="/findings">{t("finding.queue")}</Link></p></Empty>}
        {shown.length > 0 && <p className="muted small" role="status">{tn("catalogue.entries", shown.length)}</p>}
        <ul className="items">{shown.map((one) => <li key={one.id}><One one={one} /></li>)}</ul>
        {list.hasNextPage && <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("journal.more")}</Button>}
      </section>
    </>
  );
}

function One({ one }: { one: Dismissal }) {
  const { t, tn } = useLanguage();
  const judge = useMay("judge");
  const everywhere = useSession().tenants === "all";
  const tenants = useTenants(true);
  const [revoking, setRevoking] = useState(false);
  const state = stateOf(one);
  const tenant = tenants.data?.find(({ id }) => id === one.tenant_id)?.name ?? t("word.tenant");
  return (
    <div className="item">
      <p className="row-line"><Mark {...LOOKS[state]}>{t(`catalogue.state.${state}`)}</Mark> <strong>{one.rule_title}</strong> <span className="muted small">{t(`dismiss.scope.${one.scope}`)} · {one.server_id ? <Link to={`/servers/${one.server_id}`}>{tenant}</Link> : <Link to={`/tenants/${one.tenant_id}`}>{tenant}</Link>}</span></p>
      <p>{one.reason}</p>
      {Object.keys(one.fields).length > 0 && <dl className="facts fields">{Object.entries(one.fields).map(([name, value]) => [<dt key={name} className="mono">{name}</dt>, <dd key={`${name}=`} className="mono">{String(value)}</dd>])}</dl>}
      <p className="small">{one.used.hunts > 0 ? <>{tn("catalogue.hid", one.used.events)} {tn("catalogue.in_hunts", one.used.hunts)}, {t("catalogue.last")} <Age at={one.used.last_at} /></> : <span className="muted">{t("catalogue.hid_nothing")}</span>}</p>
      <p className="item-foot muted small">
        {one.author} · <Moment at={one.created_at} /> · {t("catalogue.until")} <Moment at={one.expires_at} />{state === "in_force" && <> (<Age at={one.expires_at} />)</>}
        {one.revoked_at && <> · {t("catalogue.revoked_by")} {one.revoked_by} · <Moment at={one.revoked_at} /></>}
      </p>
      {judge && state === "in_force" && (one.scope !== "all" || everywhere) && <Button size="compact-sm" mt={6} variant="default" onClick={() => setRevoking(true)}>{t("key.revoke")}</Button>}
      {revoking && <Revoke one={one} onClose={() => setRevoking(false)} />}
    </div>
  );
}
