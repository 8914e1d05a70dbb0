import { Link } from "react-router";
import type { Chosen } from "../pages/board";
import { Age, Moment, Word } from "../components/badges";
import { Statements } from "../components/statements";
import { Proof } from "../components/proof";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import { wordKey } from "../words";

/** Everything about one cell: what it says, what shows it, and all that was ever said. */
export function CellDetail({ campaign, chosen: { cell, server_id } }: { campaign: string; chosen: Chosen }) {
  const { t } = useLanguage();
  return (
    <>
      <p className="muted">{t(`question.${cell.stage}`)}</p>
      <p><Word stage={cell.stage} word={cell.stale ? "unknown" : cell.detail} /></p>
      {cell.stale && <p>{t("cell.stale", { word: t(wordKey(cell.stage, cell.detail)) })} <Age at={cell.stale_at} /></p>}
      <dl className="facts">
        <dt>{t("cell.as_of")}</dt><dd><Moment at={cell.as_of} /></dd>
        <dt>{t("cell.said_by")}</dt><dd>{cell.said_by ? <Who name={cell.said_by} /> : t("cell.nobody")}</dd>
        <dt>{t("cell.said_at")}</dt><dd><Moment at={cell.said_at} /></dd>
        <dt>{t("cell.holds_until")}</dt><dd>{cell.stale_at ? <Moment at={cell.stale_at} /> : t("cell.for_good")}</dd>
      </dl>
      <h3>{t("cell.proof")}</h3>
      <Proof value={cell.proof} />
      <Statements campaign={campaign} server={server_id} stage={cell.stage} />
      <p><Link to={`/servers/${server_id}?campaign=${campaign}`}>{t("cell.server")}</Link></p>
    </>
  );
}
