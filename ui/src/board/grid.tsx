import { Skeleton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router";
import type { BoardServer, BoardTenant, Cell } from "../api/types";
import { Age, Word } from "../components/badges";
import { Sign } from "../components/signs";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import type { Chosen } from "../pages/board";
import { lookOf, rankOf, STAGES, wordKey } from "../words";
import { ClockMark } from "./clock";

type Row = { kind: "tenant"; tenant: BoardTenant } | { kind: "server"; tenant: BoardTenant; server: BoardServer };

const HEIGHT = { tenant: 46, server: 50 };
/** Tenants of which all servers are shown at first. */
const FEW = 12;

const idOf = (row: Row) => (row.kind === "tenant" ? `t-${row.tenant.id}` : `s-${row.server.id}`);

interface Props {
  tenants: BoardTenant[];
  loading: boolean;
  more?: () => void;
  onCell: (chosen: Chosen) => void;
}

/** Tenants and their servers against the stages: a tree grid of which only the rows in sight exist. */
export function BoardGrid({ tenants, loading, more, onCell }: Props) {
  const { t } = useLanguage();
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  // What was opened or closed by hand; of a few tenants, all are open.
  const [toggled, setToggled] = useState<Map<string, boolean>>(new Map());
  const few = tenants.length <= FEW;
  const isOpen = (tenant: BoardTenant) => toggled.get(tenant.id) ?? few;
  const rows = useMemo(() => {
    const rows: Row[] = [];
    for (const tenant of tenants) {
      rows.push({ kind: "tenant", tenant });
      if (toggled.get(tenant.id) ?? few) for (const server of tenant.servers) rows.push({ kind: "server", tenant, server });
    }
    return rows;
  }, [tenants, toggled, few]);
  const [at, setAt] = useState(0);
  const here = Math.min(at, Math.max(0, rows.length - 1));
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => HEIGHT[rows[index]?.kind ?? "tenant"],
    overscan: 12,
    getItemKey: (index) => idOf(rows[index]!),
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= rows.length - 20) more();
  }, [last, rows.length, more]);

  const go = (index: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setAt(next);
    virtual.scrollToIndex(next);
  };
  const toggle = (tenant: BoardTenant, open: boolean) => setToggled((before) => new Map(before).set(tenant.id, open));
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[here];
    if (!row || event.ctrlKey || event.metaKey || event.altKey || event.target !== box.current) return;
    const act = {
      ArrowDown: () => go(here + 1),
      j: () => go(here + 1),
      ArrowUp: () => go(here - 1),
      k: () => go(here - 1),
      PageDown: () => go(here + 12),
      PageUp: () => go(here - 12),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => (row.kind === "tenant" && !isOpen(row.tenant) ? toggle(row.tenant, true) : go(here + 1)),
      ArrowLeft: () => (row.kind === "tenant" ? toggle(row.tenant, false) : go(rows.findIndex((other) => other.kind === "tenant" && other.tenant.id === row.tenant.id))),
      Enter: () => (row.kind === "tenant" ? toggle(row.tenant, !isOpen(row.tenant)) : void navigate(`/servers/${row.server.id}`)),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  if (loading) return <div role="status" aria-label={t("state.loading")}>{Array.from({ length: 10 }, (_, row) => <Skeleton key={row} height={38} mb={6} />)}</div>;
  const current = rows[here];
  return (
    <div
      className="grid" role="treegrid" aria-label={t("board.grid")} aria-rowcount={rows.length + 1} tabIndex={0} ref={box}
      aria-activedescendant={current && shown.some(({ index }) => index === here) ? idOf(current) : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className="grid-head">
        <div role="row" aria-rowindex={1} className="grid-row">
          <span role="columnheader">{t("board.who")}</span>
          {STAGES.map((stage) => <span role="columnheader" key={stage} title={t(`question.${stage}`)}>{t(`stage.${stage}`)}</span>)}
        </div>
      </div>
      <div role="rowgroup" className="grid-body" style={{ height: virtual.getTotalSize() }}>
        {shown.map(({ index, start, size }) => {
          const row = rows[index]!;
          const style = { height: size, transform: `translateY(${start}px)` };
          const common = { id: idOf(row), style, index, here: index === here, onFocusRow: () => setAt(index) };
          return row.kind === "tenant" ? (
            <TenantRow key={idOf(row)} {...common} tenant={row.tenant} open={isOpen(row.tenant)} toggle={() => toggle(row.tenant, !isOpen(row.tenant))} />
          ) : (
            <ServerRow key={idOf(row)} {...common} tenant={row.tenant} server={row.server} onCell={onCell} />
          );
        })}
      </div>
    </div>
  );
}

interface RowProps {
  id: string;
  style: { height: number; transform: string };
  index: number;
  here: boolean;
  onFocusRow: () => void;
}

function TenantRow({ tenant, open, toggle, id, style, index, here, onFocusRow }: RowProps & { tenant: BoardTenant; open: boolean; toggle: () => void }) {
  const { t, tn } = useLanguage();
  const click = () => {
    onFocusRow();
    toggle();
  };
  return (
    <div role="row" id={id} aria-level={1} aria-rowindex={index + 2} aria-expanded={open} aria-selected={here} className={`grid-row tenant-row${here ? " here" : ""}`} style={style} onClick={click}>
      <span role="gridcell" className="who">
        <svg className={`chevron${open ? " down" : ""}`} viewBox="0 0 16 16" width={12} height={12} aria-hidden="true"><path d="M5 2l6 6-6 6" fill="none" stroke="currentColor" strokeWidth="2" /></svg>
        <span className="who-text">
          <strong>{tenant.name}</strong>
          <span className="muted small">{t(`contract.${tenant.contract}`)}{tenant.agency ? ` · ${tenant.agency}` : ""} · {tn("count.servers", tenant.servers.length)}</span>
        </span>
        {tenant.clock && <ClockMark clock={tenant.clock} />}
      </span>
      {STAGES.map((stage) => {
        const summary = tenant.stages.find((one) => one.stage === stage);
        const words = [...(summary?.words ?? [])].sort((a, b) => rankOf(stage, a.detail) - rankOf(stage, b.detail));
        return (
          <span role="gridcell" key={stage} className="tally">
            {words.map(({ detail, count }) => {
              const { shape, tone } = lookOf(stage, detail);
              return words.length === 1 ? (
                <Word key={detail} stage={stage} word={detail} plain />
              ) : (
                <span key={detail} className={`mark tone-${tone}`} title={t(wordKey(stage, detail))}>
                  <Sign shape={shape} />
                  <span className="num" aria-hidden="true">{count}</span>
                  <span className="sr">{`${count} ${t(wordKey(stage, detail))}`}</span>
                </span>
              );
            })}
          </span>
        );
      })}
    </div>
  );
}

function ServerRow({ tenant, server, onCell, id, style, index, here, onFocusRow }: RowProps & { tenant: BoardTenant; server: BoardServer; onCell: Props["onCell"] }) {
  const navigate = useNavigate();
  const open = () => {
    onFocusRow();
    void navigate(`/servers/${server.id}`);
  };
  return (
    <div role="row" id={id} aria-level={2} aria-rowindex={index + 2} aria-selected={here} className={`grid-row server-row${here ? " here" : ""}`} style={style}>
      <span role="gridcell" className="who"><button type="button" tabIndex={-1} className="link" onClick={open}>{server.name}</button></span>
      {STAGES.map((stage) => {
        const cell = server.cells.find((one) => one.stage === stage);
        return <span role="gridcell" key={stage}>{cell && <CellButton cell={cell} onClick={() => { onFocusRow(); onCell({ cell, tenant: tenant.name, server: server.name, server_id: server.id }); }} />}</span>;
      })}
    </div>
  );
}

/** What a cell says, since when, and who said so. What is too old says that it is unknown, and what it was. */
function CellButton({ cell, onClick }: { cell: Cell; onClick: () => void }) {
  const { t } = useLanguage();
  return (
    <button type="button" tabIndex={-1} className="cell" onClick={onClick}>
      {cell.stale ? (
        <>
          <Word stage={cell.stage} word="unknown" plain />
          <span className="muted small">{t("cell.was", { word: t(wordKey(cell.stage, cell.detail)) })} · <Age at={cell.as_of} /></span>
        </>
      ) : (
        <>
          <Word stage={cell.stage} word={cell.detail} plain />
          <span className="muted small">{cell.as_of ? <><Age at={cell.as_of} /> · <Who name={cell.said_by} /></> : t("cell.nobody")}</span>
        </>
      )}
    </button>
  );
}
