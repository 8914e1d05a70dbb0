import { Button, Select, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, need, once } from "../api/client";
import { useMay, useSession } from "../api/session";
import { useTenants } from "../api/tenants";
import { Entries } from "../components/entries";
import { Empty, ProblemBox, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";

export default function Journal() {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const say = useMay("say");
  const everywhere = useSession().tenants === "all";
  const tenants = useTenants();
  const [tenant, setTenant] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [q] = useDebouncedValue(search, 250);
  const [text, setText] = useState("");
  const journal = useInfiniteQuery({
    queryKey: ["journal", tenant, q],
    queryFn: ({ pageParam }) => need(api.GET("/api/v1/journal", { params: { query: { tenant: tenant ?? undefined, q: q || undefined, limit: 100, cursor: pageParam || undefined } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
  const write = useMutation({
    mutationFn: () => need(api.POST("/api/v1/journal", { params: { header: { "Idempotency-Key": once() } }, body: { tenant_id: tenant, campaign_id: null, text } })),
    onSuccess: () => setText(""),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["journal"] }),
    onError: (error) => sayProblem(error, language),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    write.mutate();
  };
  const names = new Map(tenants.data?.map((one) => [one.id as string, one.name]));
  const items = journal.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <header className="page-head"><h1>{t("nav.journal")}</h1></header>
      <section className="filters" aria-label={t("board.filters")}>
        <Select label={t("word.tenant")} clearable searchable value={tenant} onChange={setTenant} data={tenants.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []} />
        <TextInput label={t("finding.search")} value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
      </section>
      {say && (everywhere || tenant) && (
        <form className="panel" onSubmit={submit}>
          <Textarea label={t("journal.say")} description={t("journal.kept")} required autosize minRows={2} value={text} onChange={(event) => setText(event.currentTarget.value)} />
          <Button type="submit" mt="xs" variant="default" disabled={!text.trim()} loading={write.isPending}>{t("act.add")}</Button>
        </form>
      )}
      <section className="panel">
        {journal.error && <ProblemBox error={journal.error} retry={() => void journal.refetch()} />}
        {journal.isPending && <p role="status">{t("state.loading")}</p>}
        {journal.data && items.length === 0 && <Empty title="journal.none" />}
        <Entries entries={items} of={(chain) => names.get(chain) ?? t("journal.provider")} />
        {journal.hasNextPage && <Button mt="sm" variant="default" loading={journal.isFetchingNextPage} onClick={() => void journal.fetchNextPage()}>{t("journal.more")}</Button>}
      </section>
    </>
  );
}
