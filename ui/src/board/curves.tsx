import { useComputedColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { api, need } from "../api/client";
import type { Curves as CurvesData, CurvePoint } from "../api/types";
import { Word } from "../components/badges";
import { Loaded } from "../components/states";
import { useLanguage } from "../i18n";
import { lookOf, rankOf, type Stage, wordKey } from "../words";

use([LineChart, GridComponent, TooltipComponent, SVGRenderer]);

const SHOWN = ["inventory", "exposure", "hunt", "verdict"] as const;
const DASHES = ["solid", [6, 3], [2, 2], [8, 3, 2, 3], [1, 3]] as const;

/** How what is known grew: one chart per question, in servers, under the line of all servers. */
export default function Curves({ campaign }: { campaign: string }) {
  const curves = useQuery({
    queryKey: ["campaigns", campaign, "curves"],
    queryFn: () => need(api.GET("/api/v1/campaigns/{id}/curves", { params: { path: { id: campaign } } })) as Promise<CurvesData>,
    refetchInterval: 300_000,
  });
  return (
    <div className="curves">
      <Loaded query={curves} rows={3}>
        {({ points }) => <>{SHOWN.map((stage) => <Curve key={stage} stage={stage} points={points.filter((point) => point.stage === stage)} />)}</>}
      </Loaded>
    </div>
  );
}

function Curve({ stage, points }: { stage: Stage; points: CurvePoint[] }) {
  const language = useLanguage();
  const { t, number } = language;
  const scheme = useComputedColorScheme("light");
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const words = [...new Set(points.flatMap((point) => point.words.map((word) => word.detail)))].sort((a, b) => rankOf(stage, a) - rankOf(stage, b));
  const last = points.at(-1);
  const countOf = (point: CurvePoint, word: string) => point.words.find((one) => one.detail === word)?.count ?? 0;

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
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const toneColour = (word: string) => colour(`--${{ calm: "no-evidence", quiet: "quiet" }[lookOf(stage, word).tone as string] ?? lookOf(stage, word).tone}`);
    const line = (name: string, color: string, dash: unknown, of: (point: CurvePoint) => number) => ({
      name, type: "line", step: "end", symbol: points.length < 2 ? "circle" : "none", data: points.map((point) => [point.at, of(point)]),
      lineStyle: { width: 2, color, type: dash }, itemStyle: { color }, emphasis: { disabled: true },
    });
    chart.current?.setOption({
      animation: false,
      useUTC: language.zone === "utc",
      textStyle: { fontFamily: "inherit", color: colour("--muted") },
      grid: { left: 4, right: 10, top: 10, bottom: 2, containLabel: true },
      tooltip: {
        trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: colour("--paper"), borderColor: colour("--rule"), textStyle: { color: colour("--ink"), fontSize: 12 },
        // Plain text, put together out of our own words and numbers only.
        formatter: (all: { axisValue: number; seriesName: string; value: [string, number] }[]) =>
          [language.time(new Date(all[0]!.axisValue).toISOString()), ...all.map((one) => `${one.seriesName}: ${number(one.value[1])}`)].join("<br>"),
      },
      xAxis: { type: "time", axisLine: { lineStyle: { color: colour("--rule") } }, axisLabel: { color: colour("--muted"), fontSize: 11, hideOverlap: true, formatter: (value: number) => short(value, language.locale, language.zone) }, splitNumber: 3 },
      yAxis: { type: "value", min: 0, minInterval: 1, splitNumber: 3, axisLabel: { color: colour("--muted"), fontSize: 11, formatter: (value: number) => number(value) }, splitLine: { lineStyle: { color: colour("--rule") } } },
      series: [
        line(t("curve.servers"), colour("--rule"), "solid", (point) => point.servers),
        ...words.map((word, index) => line(t(wordKey(stage, word)), toneColour(word), DASHES[index % DASHES.length], (point) => countOf(point, word))),
      ],
    }, { notMerge: true });
  });
  return (
    <figure className="panel curve">
      <figcaption>
        <strong>{t(`curve.${stage as (typeof SHOWN)[number]}`)}</strong>
        {last && <span className="muted small">{t("curve.of", { known: last.known, servers: last.servers })}</span>}
      </figcaption>
      <div ref={place} className="chart" role="img" aria-label={t("curve.label", { of: t(`stage.${stage}`) })} data-scheme={scheme} />
      <ul className="legend">
        {last && words.map((word, index) => (
          <li key={word}>
            <svg viewBox="0 0 26 6" width={26} height={6} aria-hidden="true" className={`tone-${lookOf(stage, word).tone}`}>
              <path d="M0 3h26" stroke="var(--tone)" strokeWidth="2" strokeDasharray={[DASHES[index % DASHES.length]].flat().join(" ").replace("solid", "")} />
            </svg>
            <Word stage={stage} word={word} plain count={countOf(last, word)} />
            <span className="muted num">/ {number(last.servers)}</span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function short(value: number, locale: string, zone: string): string {
  const at = new Date(value);
  const midnight = zone === "utc" ? value % 86_400_000 === 0 : at.getHours() + at.getMinutes() === 0;
  return at.toLocaleString(locale === "fr" ? "fr-FR" : "en-GB", { timeZone: zone === "utc" ? "UTC" : undefined, ...(midnight ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" }) });
}
