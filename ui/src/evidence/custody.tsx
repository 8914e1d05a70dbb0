import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { Entries } from "../components/entries";
import { Empty, ProblemBox } from "../components/states";
import { useLanguage } from "../i18n";

/** Who received, read and took out a piece of evidence, newest first. */
export function Custody({ id }: { id: string }) {
  const { t } = useLanguage();
  const custody = useInfiniteQuery({
    queryKey: ["evidence", "custody", id],
    queryFn: ({ pageParam }) => need(api.GET("/api/v1/evidence/{id}/custody", { params: { path: { id }, query: { limit: 50, cursor: pageParam || undefined } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor,
  });
  const items = custody.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="panel">
      <h2>{t("evidence.custody")}</h2>
      {custody.error && <ProblemBox error={custody.error} retry={() => void custody.refetch()} />}
      {custody.data && items.length === 0 && <Empty title="journal.none" />}
      <Entries entries={items} />
      {custody.hasNextPage && <Button mt="sm" variant="default" loading={custody.isFetchingNextPage} onClick={() => void custody.fetchNextPage()}>{t("journal.more")}</Button>}
    </section>
  );
}
