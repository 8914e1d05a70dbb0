import { Button, Drawer, MultiSelect, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useParams } from "react-router";
import { useMay } from "../api/session";
import type { Cell } from "../api/types";
import { BoardGrid } from "../board/grid";
import { Stages } from "../board/curves";
import { SORTS, useFilter } from "../board/filter";
import { boardQuery } from "../board/query";
import { CellDetail } from "../board/cell";
import { Moment } from "../components/badges";
import { Empty, ProblemBox } from "../components/states";
import { Views } from "../components/views";
import { type Key, useLanguage } from "../i18n";
import { CONTRACTS, EXPOSURES, STAGES, VERDICTS, wordKey } from "../words";

/** What of a cell was asked for, with where it stands. */
export interface Chosen {
  cell: Cell;
  tenant: string;
  server: string;
  server_id: string;
}

export default function Board() {
  const { id = "" } = useParams();
  const { t, tn, number } = useLanguage();
  const internal = useMay("read_internal");
  const [filter, setFilter] = useFilter();
  const [search, setSearch] = useState(filter.q);
  const [settled] = useDebouncedValue(search, 250);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (settled !== filter.q) setFilter({ q: settled });
  }, [settled]); // the URL follows the box, not the other way round

  const board = useInfiniteQuery({ ...boardQuery(id, filter), placeholderData: (before) => before, refetchInterval: 60_000 });
  const pages = board.data?.pages;
  const head = pages?.[0];
  const tenants = useMemo(() => pages?.flatMap((page) => page.tenants.items) ?? [], [pages]);
  const agencies = useMemo(
    () => [...new Set([...filter.agency, ...tenants.flatMap((tenant) => (tenant.agency ? [tenant.agency] : []))])].sort(),
    [tenants, filter.agency],
  );
  useEffect(() => {
    const slash = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
      if (event.key === "/" && !typing) {
        event.preventDefault();
        searchBox.current?.focus();
      }
    };
    window.addEventListener("keydown", slash);
    return () => window.removeEventListener("keydown", slash);
  }, []);

  if (board.error && !head) return <ProblemBox error={board.error} retry={() => void board.refetch()} />;
  const options = (words: readonly string[], label: (word: string) => string) => words.map((value) => ({ value, label: label(value) }));
  return (
    <>
      <header className="page-head">
        <div>
          <h1>{head?.campaign.title ?? t("state.loading")}</h1>
          {head && (
            <p className="muted small">
              {t("board.pack", { pack: head.campaign.pack, version: head.campaign.pack_version })} · {t("board.opened")} <Moment at={head.campaign.opened_at} />
              {head.campaign.closed_at && <> · {t("board.closed")} <Moment at={head.campaign.closed_at} /></>}
            </p>
          )}
        </div>
        <div className="row-line">
          <Views page="board" onChoose={(query) => setSearch(new URLSearchParams(query).get("q") ?? "")} />
          {internal && <><Link to={`/findings?campaign=${id}`}>{t("board.findings")}</Link><Link to={`/campaigns/${id}/manage`}>{t("board.manage")}</Link></>}
        </div>
      </header>
      {head && <Stages board={head} onPick={setFilter} />}
      <section className="filters" aria-label={t("board.filters")}>
        <TextInput ref={searchBox} label={t("board.search")} placeholder="/" value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
        <MultiSelect label={t("board.contract")} data={options(CONTRACTS, (word) => t(`contract.${word}` as Key))} value={filter.contract} onChange={(contract) => setFilter({ contract })} clearable />
        {agencies.length > 0 && <MultiSelect label={t("board.agency")} data={agencies} value={filter.agency} onChange={(agency) => setFilter({ agency })} clearable searchable />}
        <MultiSelect label={t("stage.verdict")} data={options(VERDICTS, (word) => t(wordKey("verdict", word)))} value={filter.verdict} onChange={(verdict) => setFilter({ verdict })} clearable />
        <MultiSelect label={t("stage.exposure")} data={options(EXPOSURES, (word) => t(wordKey("exposure", word)))} value={filter.exposure} onChange={(exposure) => setFilter({ exposure })} clearable />
        <MultiSelect label={t("board.unknown")} data={options(STAGES, (word) => t(`stage.${word}` as Key))} value={filter.unknown} onChange={(unknown) => setFilter({ unknown })} clearable />
        <Select label={t("board.sort")} data={options(SORTS, (word) => t(`sort.${word}` as Key))} value={filter.sort} onChange={(sort) => setFilter({ sort: sort ?? "unknown" })} allowDeselect={false} />
      </section>
      {head && (
        <p className="muted small" role="status">
          {t("board.matching", { servers: tn("count.servers", head.servers_matching), of: number(head.servers_total), tenants: tn("count.tenants", head.tenants_matching), of_tenants: number(head.tenants_total) })} · {t("board.as_of")} <Moment at={head.as_of} />
        </p>
      )}
      {head && tenants.length === 0 ? (
        <Empty title={head.tenants_total === 0 ? "board.none" : "board.none_match"}>
          {head.tenants_total > 0 && <Button variant="default" onClick={() => { setSearch(""); setFilter(null); }}>{t("board.all")}</Button>}
        </Empty>
      ) : (
        <BoardGrid tenants={tenants} loading={!head} more={board.hasNextPage ? () => void board.fetchNextPage() : undefined} onCell={setChosen} />
      )}
      <p className="muted small">{t("board.keys")}</p>
      <Drawer opened={chosen !== null} onClose={() => setChosen(null)} position="right" title={chosen && `${chosen.tenant} / ${chosen.server}`} closeButtonProps={{ "aria-label": t("act.close") }}>
        {chosen && <CellDetail campaign={id} chosen={chosen} />}
      </Drawer>
    </>
  );
}
