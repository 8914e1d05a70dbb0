import { useComputedColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { api, need } from "../api/client";
import type { Board, CurvePoint } from "../api/types";
import { Word } from "../components/badges";
import { ProblemBox } from "../components/states";
import { useLanguage } from "../i18n";
import { lookOf, rankOf, type Stage, wordKey } from "../words";
import type { Filter } from "./filter";

use([LineChart, GridComponent, TooltipComponent, SVGRenderer]);

const DASHES = ["solid", [6, 3], [2, 2], [8, 3, 2, 3], [1, 3]] as const;
const dashOf = (stage: Stage, word: string) => DASHES[rankOf(stage, word) % DASHES.length]!;
const countOf = (point: CurvePoint, word: string) => point.words.find((one) => one.detail === word)?.count ?? 0;

/**
 * One box per stage: how many servers say what now, of how many, and how that came about. The numbers are of the servers
 * that fit the filters, the curves of the whole campaign. A click on an exposure or a verdict asks for those.
 */
export default function Stages({ board, onPick }: { board: Board; onPick: (change: Partial<Filter>) => void }) {
  const { t, number, percent } = useLanguage();
  const of = board.servers_matching;
  const id = board.campaign.id;
  const curves = useQuery({
    queryKey: ["campaigns", id, "curves"],
    queryFn: () => need(api.GET("/api/v1/campaigns/{id}/curves", { params: { path: { id } } })),
    refetchInterval: 300_000,
  });
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
              <Curve stage={stage} points={curves.data?.points.filter((point) => point.stage === stage) ?? []} />
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
    </>
  );
}

/** How many servers said what, over time, under the line of all servers of the campaign. */
function Curve({ stage, points }: { stage: Stage; points: CurvePoint[] }) {
  const language = useLanguage();
  const { t, number } = language;
  const scheme = useComputedColorScheme("light");
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  useEffect(() => {
    if (!place.current) return;
    const made = init(place.current, undefined, { renderer: "svg" });
    chart.current = made;
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(place.current);
    return () => {
      watch.disconnect();
      made.dispose();
    };
  }, []);
  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const toneOf = (word: string) => colour(lookOf(stage, word).tone.replace("calm", "no-evidence"));
    const words = [...new Set(points.flatMap((point) => point.words.map((word) => word.detail)))];
    const most = Math.max(1, ...points.map((point) => point.servers));
    const line = (name: string, color: string, dash: unknown, of: (point: CurvePoint) => number) => ({
      name, type: "line", step: "end", symbol: points.length < 2 ? "circle" : "none", symbolSize: 5, data: points.map((point) => [point.at, of(point)]),
      lineStyle: { width: 2, color, type: dash }, itemStyle: { color }, emphasis: { disabled: true },
    });
    const axis = { color: colour("muted"), fontSize: 11 };
    chart.current?.setOption({
      animation: false,
      grid: { left: 0, right: 4, top: 6, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      tooltip: {
        trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: colour("paper"), borderColor: colour("rule"), padding: 6, textStyle: { color: colour("ink"), fontSize: 12 },
        // Put together out of our own words and numbers only.
        formatter: (all: { axisValue: number; seriesName: string; value: [string, number] }[]) =>
          [language.time(new Date(all[0]!.axisValue).toISOString()), ...all.map((one) => `${one.seriesName} ${number(one.value[1])}`)].join("<br>"),
      },
      xAxis: { type: "time", show: true, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("rule") } }, axisLabel: { show: false } },
      yAxis: { type: "value", min: 0, max: most, interval: most, axisLabel: { ...axis, formatter: (value: number) => number(value) }, splitLine: { lineStyle: { color: colour("rule") } } },
      series: [
        line(t("curve.servers"), colour("rule"), "solid", (point) => point.servers),
        ...words.map((word) => line(t(wordKey(stage, word)), toneOf(word), dashOf(stage, word), (point) => countOf(point, word))),
      ],
    }, { notMerge: true });
  });
  const [first, last] = [points[0], points.at(-1)];
  return (
    <>
      <div ref={place} className="chart" role="img" aria-label={t("curve.label", { of: t(`stage.${stage}`) })} data-scheme={scheme} />
      <p className="ends muted num">{first && <><span>{short(first.at, language.locale, language.zone)}</span>{last && last !== first && <span>{short(last.at, language.locale, language.zone)}</span>}</>}</p>
    </>
  );
}

function short(at: string, locale: string, zone: string): string {
  return new Date(at).toLocaleString(locale === "fr" ? "fr-FR" : "en-GB", { timeZone: zone === "utc" ? "UTC" : undefined, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
