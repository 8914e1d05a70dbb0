import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, need } from "../api/client";
import { Moment } from "../components/badges";
import { Loaded } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
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
          {hunt && hunt.skipped.length > 0 && (
            <>
              <h3>{t("hunt.skipped_files", { n: hunt.skipped.length })}</h3>
              <ul className="plain">{hunt.skipped.map((file, index) => <Skipped key={index} file={file as Record<string, unknown>} />)}</ul>
            </>
          )}
        </>
      )}
    </Loaded>
  );
}

function Skipped({ file }: { file: Record<string, unknown> }) {
  const { t } = useLanguage();
  const reasons = Array.isArray(file.skipped) ? (file.skipped as { why?: string }[]) : [];
  return (
    <li>
      <span className="mono">{String(file.path ?? "?")}</span>{" "}
      {reasons.length === 0 ? t("hunt.not_recognised") : reasons.map((one) => one.why ?? "?").join("; ")}
    </li>
  );
}
