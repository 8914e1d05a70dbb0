import { useQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import type { PackCurve } from "../api/types";
import { useLanguage } from "../i18n";

const DAY = 86_400_000;
const day = (curve: PackCurve, at: string) => (Date.parse(at) - Date.parse(curve.points[0]!.at)) / DAY;

/** The curve that a pack names for its threat, if any. */
export function usePublished(pack: string): PackCurve | null {
  const curve = useQuery({ queryKey: ["packs", pack, "curve"], queryFn: () => need(api.GET("/api/v1/packs/{name}/curve", { params: { path: { name: pack } } })), staleTime: Infinity });
  return curve.data ?? null;
}

/** The world's curve laid over a campaign: its day 0 is the campaign's, its whole the campaign's servers. */
export function placed(curve: PackCurve, opened: string, servers: number): [string, number][] {
  return curve.points.map(({ at, open }) => [new Date(Date.parse(opened) + day(curve, at) * DAY).toISOString(), (open / curve.of) * servers]);
}

/** What the dotted line is: the figures in words, of what, who published them and when. */
export function World({ published, opened }: { published: PackCurve; opened: string }) {
  const { t, locale, percent, number } = useLanguage();
  const today = Math.floor((Date.now() - Date.parse(opened)) / DAY);
  const next = published.points.find(({ at }) => day(published, at) > today) ?? published.points.at(-1)!;
  return (
    <details className="world small">
      <summary>
        <svg viewBox="0 0 18 6" width={18} height={6} aria-hidden="true"><path d="M0 3h18" stroke="var(--muted)" strokeWidth="2" strokeDasharray="1 4" /></svg>{" "}
        {t("world.then", { share: percent(next.open, published.of), day: number(day(published, next.at)) })}
      </summary>
      <p>{published.title[locale]} ({t("world.of", { of: number(published.of) })})</p>
      <ul className="plain">
        {published.points.map(({ at, open, source, url }) => <li key={at}>{t("world.day", { day: number(day(published, at)) })} <strong>{percent(open, published.of)}</strong> · <a href={url} rel="noopener noreferrer" target="_blank">{source[locale]}</a></li>)}
      </ul>
      <p className="muted">{t("world.how")}</p>
    </details>
  );
}
