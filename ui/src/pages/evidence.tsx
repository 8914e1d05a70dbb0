import { Button, Checkbox, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { api, need } from "../api/client";
import { useTenants } from "../api/tenants";
import { Mark, Moment } from "../components/badges";
import { Empty, ProblemBox } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";

/** Every piece of evidence: whose, from where, until when, and whether it is held. */
export default function EvidenceList() {
  const { t, bytes } = useLanguage();
  const [search, setSearch] = useSearchParams();
  const tenant = search.get("tenant");
  const [text, setText] = useState("");
  const [q] = useDebouncedValue(text.trim(), 250);
  const [deleted, setDeleted] = useState(false);
  const tenants = useTenants();
  const names = new Map<string, string>(tenants.data?.map((one) => [one.id, one.name]));
  const list = useInfiniteQuery({
    queryKey: ["evidence", "list", tenant, q, deleted],
    queryFn: ({ pageParam }) => need(api.GET("/api/v1/evidence", { params: { query: { tenant: tenant ?? undefined, q: q || undefined, deleted, limit: 100, cursor: pageParam || undefined } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: (before) => before,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <header className="page-head"><h1>{t("nav.evidence")}</h1><Link to="/hunts">{t("hunt.bring")}</Link></header>
      <section className="filters" aria-label={t("board.filters")}>
        <TextInput label={t("evidence.search")} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        <Select label={t("word.tenant")} clearable searchable value={tenant} onChange={(value) => setSearch(value ? { tenant: value } : {}, { replace: true })} data={tenants.data?.map(({ id, name }) => ({ value: id as string, label: name })) ?? []} />
        <Checkbox mt={30} label={t("evidence.with_deleted")} checked={deleted} onChange={(event) => setDeleted(event.currentTarget.checked)} />
      </section>
      <section className="panel">
        {list.error && <ProblemBox error={list.error} retry={() => void list.refetch()} />}
        {list.isPending && <p role="status">{t("state.loading")}</p>}
        {list.data && items.length === 0 && <Empty title="evidence.none" />}
        {items.length > 0 && (
          <div className="scroll" tabIndex={0} role="region" aria-label={t("nav.evidence")}>
            <table className="table">
              <thead><tr><th scope="col">{t("evidence.name")}</th><th scope="col">{t("word.tenant")}</th><th scope="col" className="num">{t("evidence.size")}</th><th scope="col">{t("evidence.received")}</th><th scope="col">{t("evidence.until")}</th></tr></thead>
              <tbody>
                {items.map((one) => (
                  <tr key={one.id}>
                    <th scope="row"><Link to={`/evidence/${one.id}`}>{one.name}</Link></th>
                    <td>{names.get(one.tenant_id) ?? "–"}</td>
                    <td className="num">{bytes(one.size)}</td>
                    <td><Moment at={one.received_at} /> · <Who name={one.received_by} /></td>
                    <td>
                      {one.deleted_at ? <Mark shape="dash" tone="quiet">{t("evidence.deleted")}</Mark> : one.retention_until ? <Moment at={one.retention_until} /> : <span className="muted">{t("evidence.for_good")}</span>}
                      {one.held && <> <Mark shape="closed" tone="suspected">{t("evidence.held")}</Mark></>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {list.hasNextPage && <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t("journal.more")}</Button>}
      </section>
    </>
  );
}
