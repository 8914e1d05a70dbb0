import type { HuntServer, Said } from "../api/types";
import { Moment, Word } from "../components/badges";
import { useLanguage } from "../i18n";
import { Coverage, type CoverageOf } from "./coverage";
import { Storylines, type Story } from "./storylines";

/** What one hunt said of one server: the verdict, why, how far the logs reach, and what happened. */
export function HuntOfServer({ hunt }: { hunt: HuntServer }) {
  const { t, tn, locale, moments } = useLanguage();
  const window = hunt.window as { from?: string; to?: string } | null;
  const reasons = hunt.reasons as unknown as Said[];
  return (
    <>
      <p className="row-line">
        <Word stage="verdict" word={hunt.verdict} />
        {window?.from && window.to ? <span className="muted small">{t("hunt.window")} <Moment at={window.from} /> – <Moment at={window.to} /></span> : <span className="muted small">{t("hunt.no_window")}</span>}
      </p>
      {reasons.length > 0 && <ul className="plain">{reasons.map((reason, index) => <li key={index}>{moments(reason[locale])}</li>)}</ul>}
      {hunt.suppressed > 0 && <p className="small">{tn("hunt.suppressed", hunt.suppressed)}</p>}
      <Coverage of={hunt.coverage as unknown as CoverageOf[]} />
      <Storylines stories={hunt.storylines as unknown as Story[]} />
    </>
  );
}
