import { useComputedColorScheme } from "@mantine/core";
import { LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import type { CurvePoint } from "../api/types";
import { useLanguage } from "../i18n";
import { lookOf, type Stage, wordKey } from "../words";
import { dashOf } from "./dashes";

use([LineChart, GridComponent, TooltipComponent, SVGRenderer]);

const countOf = (point: CurvePoint, word: string) => point.words.find((one) => one.detail === word)?.count ?? 0;

/** How many servers said what, over time, under the line of all servers of the campaign. */
export default function Curve({ stage, points, world }: { stage: Stage; points: CurvePoint[]; world: [string, number][] }) {
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
    const line = (name: string, color: string, dash: unknown, data: [string, number][], step = true) => ({
      name, type: "line", step: step && "end", symbol: data.length < 2 ? "circle" : "none", symbolSize: 5, data,
      lineStyle: { width: 2, color, type: dash }, itemStyle: { color }, emphasis: { disabled: true },
    });
    const of = (count: (point: CurvePoint) => number) => points.map((point): [string, number] => [point.at, count(point)]);
    const axis = { color: colour("muted"), fontSize: 11 };
    chart.current?.setOption({
      animation: false,
      grid: { left: 0, right: 4, top: 6, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      tooltip: {
        trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: colour("paper"), borderColor: colour("rule"), padding: 6, textStyle: { color: colour("ink"), fontSize: 12 },
        // Put together out of our own words and numbers only.
        formatter: (all: { axisValue: number; seriesName: string; value: [string, number] }[]) =>
          [language.time(new Date(all[0]!.axisValue).toISOString()), ...all.map((one) => `${one.seriesName} ${number(Math.round(one.value[1]))}`)].join("<br>"),
      },
      xAxis: { type: "time", show: true, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("rule") } }, axisLabel: { show: false } },
      yAxis: { type: "value", min: 0, max: most, interval: most, axisLabel: { ...axis, formatter: (value: number) => number(value) }, splitLine: { lineStyle: { color: colour("rule") } } },
      series: [
        line(t("curve.servers"), colour("rule"), "solid", of((point) => point.servers)),
        ...(world.length > 0 ? [line(t("world.line"), colour("muted"), [1, 4], world, false)] : []),
        ...words.map((word) => line(t(wordKey(stage, word)), toneOf(word), dashOf(stage, word), of((point) => countOf(point, word)))),
      ],
    }, { notMerge: true });
  });
  const [first, last] = [points[0]?.at, [points.at(-1)?.at, world.at(-1)?.[0]].filter((at) => at !== undefined).sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1)];
  return (
    <>
      <div ref={place} className="chart" role="img" aria-label={t("curve.label", { of: t(`stage.${stage}`) })} data-scheme={scheme} />
      <p className="ends muted num">{first && <><span>{short(first, language.locale, language.zone)}</span>{last && last !== first && <span>{short(last, language.locale, language.zone)}</span>}</>}</p>
    </>
  );
}

function short(at: string, locale: string, zone: string): string {
  return new Date(at).toLocaleString(locale === "fr" ? "fr-FR" : "en-GB", { timeZone: zone === "utc" ? "UTC" : undefined, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
