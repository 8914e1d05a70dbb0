import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, need } from "../api/client";
import type { Hunt } from "../api/types";
import { Moment } from "../components/badges";
import { Loaded } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import { asideOf } from "./aside";
import { HuntOfServer } from "./server";

/** Counts of a hunt that are shown; see `docs/hunt.schema.json`. */
const STATS = ["files", "events", "rules", "skipped"] as const;

/** What a hunt said, of which files, and what it had to leave out. */
export function HuntDetail({ id }: { id: string }) {
  const { t, number } = useLanguage();
  const hunt = useQuery({ queryKey: ["hunts", "one", id], queryFn: () => need(api.GET("/api/v1/hunts/{id}", { params: { path: { id } } })) });
  return (
    <Loaded query={hunt}>
      {({ job, hunt, servers }) => (
        <>
          <dl className="facts">
            <dt>{t("hunt.state")}</dt><dd>{t(`job.${job.state}`)}{job.error && <> · {job.error}</>}</dd>
            <dt>{t("hunt.asked")}</dt><dd><Who name={job.asked_by.name} /> · <Moment at={job.created_at} /></dd>
            {hunt && (
              <>
                <dt>{t("campaign.pack")}</dt><dd>{hunt.pack} {hunt.pack_version}</dd>
                <dt>{t("hunt.when")}</dt><dd><Moment at={hunt.finished_at} /></dd>
                {STATS.map((name) => [<dt key={name}>{t(`stats.${name}`)}</dt>, <dd key={`${name}=`} className="num">{number(Number((hunt.stats as Record<string, unknown>)[name] ?? 0))}</dd>])}
                <dt>{t("hunt.manifest")}</dt><dd className="mono">{hunt.manifest_sha256}</dd>
              </>
            )}
          </dl>
          {servers.map((one) => (
            <section key={one.server_id}>
              <h3><Link to={`/servers/${one.server_id}`}>{one.host}</Link></h3>
              <HuntOfServer hunt={one} />
            </section>
          ))}
          {hunt && hunt.warnings.length > 0 && <><h3>{t("hunt.warnings")}</h3><ul className="plain">{hunt.warnings.map((text, index) => <li key={index}>{text}</li>)}</ul></>}
          {hunt && <LeftAside hunt={hunt} />}
        </>
      )}
    </Loaded>
  );
}

/** What was left out of files that were read, with the reason; then, closed, files of no known kind. */
function LeftAside({ hunt }: { hunt: Hunt }) {
  const { tn, t } = useLanguage();
  const { partly, unknown } = asideOf(hunt);
  const all = hunt.left_out;
  return (
    <>
      {all.partly > 0 && (
        <>
          <h3>{tn("hunt.partly", all.partly)}</h3>
          <CutShort shown={partly.length} all={all.partly} />
          <ul className="plain">{partly.map(({ path, why }, index) => <li key={index}><span className="mono">{path}</span> {why.join("; ")}</li>)}</ul>
        </>
      )}
      {all.unknown > 0 && (
        <details>
          <summary>{tn("hunt.unknown", all.unknown)}</summary>
          <p className="small muted">{t("hunt.unknown_what")}</p>
          <CutShort shown={unknown.length} all={all.unknown} />
          <ul className="plain">{unknown.map(({ path }, index) => <li key={index} className="mono">{path}</li>)}</ul>
        </details>
      )}
    </>
  );
}

/** That not all are listed, where that is so. */
function CutShort({ shown, all }: { shown: number; all: number }) {
  const { t, number } = useLanguage();
  return shown < all ? <p className="small"><strong>{t("hunt.cut_short", { shown: number(shown), all: number(all) })}</strong></p> : null;
}
