import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { api, need } from "../api/client";
import type { Board, CurvePoint } from "../api/types";
import { Word } from "../components/badges";
import { ProblemBox } from "../components/states";
import { useLanguage } from "../i18n";
import { lookOf, rankOf } from "../words";
import { dashOf } from "./dashes";
import type { Filter } from "./filter";
import { placed, usePublished, World } from "./world";

// Numbers and rows do not wait for what draws the lines: half of all that the pages are made of.
const Curve = lazy(() => import("./curve"));

/** True once the browser has shown what it has. */
function useLater(): boolean {
  const [later, setLater] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => requestAnimationFrame(() => setTimeout(() => setLater(true))), 50);
    return () => clearTimeout(timer);
  }, []);
  return later;
}

const waiting = <><div className="chart" /><p className="ends">{"\u00a0"}</p></>;
const NONE: CurvePoint[] = [];
/** The last hour is not over yet: its point stands at this moment, not at its end. */
const until = (points: CurvePoint[], now: string) => points.map((point) => (Date.parse(point.at) > Date.parse(now) ? { ...point, at: now } : point));
const NOWHERE: [string, number][] = [];

/**
 * One box per stage: how many servers say what now, of how many, and how that came about. The numbers are of the servers
 * that fit the filters, the curves of the whole campaign. A click on an exposure or a verdict asks for those.
 */
export function Stages({ board, onPick }: { board: Board; onPick: (change: Partial<Filter>) => void }) {
  const { t, number, percent } = useLanguage();
  const of = board.servers_matching;
  const id = board.campaign.id;
  const curves = useQuery({
    queryKey: ["campaigns", id, "curves"],
    queryFn: () => need(api.GET("/api/v1/campaigns/{id}/curves", { params: { path: { id } } })),
    refetchInterval: 300_000,
  });
  const later = useLater();
  const published = usePublished(board.campaign.pack);
  const world = published && placed(published, board.campaign.opened_at, board.servers_total);
  return (
    <>
      {curves.error && <ProblemBox error={curves.error} retry={() => void curves.refetch()} />}
      <ul className="totals">
        {board.stages.map(({ stage, counts, words }) => {
          const sorted = [...words].sort((a, b) => rankOf(stage, a.detail) - rankOf(stage, b.detail));
          return (
            <li key={stage} className="panel">
              <h2>{t(`stage.${stage}`)}</h2>
              <p className="muted small">{t("board.answered", { n: number(of - counts.unknown), of: number(of), share: percent(of - counts.unknown, of) })}</p>
              {later ? <Suspense fallback={waiting}><Curve stage={stage} points={curves.data ? until(curves.data.points.filter((point) => point.stage === stage), board.as_of) : NONE} world={stage === "exposure" && world ? world : NOWHERE} /></Suspense> : waiting}
              <ul className="legend">
                {sorted.map(({ detail, count }) => {
                  const word = (
                    <>
                      <svg viewBox="0 0 18 6" width={18} height={6} aria-hidden="true" className={`tone-${lookOf(stage, detail).tone}`}>
                        <path d="M0 3h18" stroke="var(--tone)" strokeWidth="2" strokeDasharray={[dashOf(stage, detail)].flat().join(" ").replace("solid", "")} />
                      </svg>
                      <Word stage={stage} word={detail} plain count={count} />
                    </>
                  );
                  return <li key={detail}>{stage === "verdict" || stage === "exposure" ? <button type="button" className="pick" onClick={() => onPick({ [stage]: [detail] })}>{word}</button> : word}</li>;
                })}
              </ul>
            </li>
          );
        })}
      </ul>
      {published && <World published={published} opened={board.campaign.opened_at} />}
    </>
  );
}
