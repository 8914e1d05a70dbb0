import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import type { Finding, FindingLine } from "../api/types";
import { Moment, OutcomeMark, SeverityMark } from "../components/badges";
import { Loaded, sayProblem } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import { FindingState } from "./state";

/** A finding with the lines of evidence it rests on. */
export function FindingPanel({ finding }: { finding: Finding }) {
  const language = useLanguage();
  const { t, tn, locale } = language;
  const queries = useQueryClient();
  const judge = useMay("judge");
  const lines = useQuery({
    queryKey: ["findings", finding.id, "lines"],
    queryFn: () => need(api.GET("/api/v1/findings/{id}/lines", { params: { path: { id: finding.id } } })),
    staleTime: 300_000,
  });
  const takeBack = useMutation({
    mutationFn: () =>
      need(api.POST("/api/v1/findings/decide", {
        params: { header: { "Idempotency-Key": once() } },
        body: { items: [{ id: finding.id, revision: finding.revision }], decision: { decision: "take_back", reason: t("finding.taken_back") } },
      })),
    onSuccess: ({ results }) => {
      const problem = results[0]?.problem;
      if (problem) sayProblem(new Error(problem.detail), language);
      void queries.invalidateQueries({ queryKey: ["findings"] });
    },
    onError: (error) => sayProblem(error, language),
  });
  // An entry that came of another tenant's finding tells no more than that there is one.
  const reason = finding.reason || (finding.covered_by && t("finding.known_harmless", { entry: finding.covered_by }));
  return (
    <>
      <h2>{locale === "fr" ? finding.statement_fr : finding.statement_en}</h2>
      <p className="row-line"><SeverityMark severity={finding.severity} /> <OutcomeMark outcome={finding.outcome} /> <FindingState state={finding.state} /></p>
      <dl className="facts">
        <dt>{t("word.server")}</dt><dd>{finding.tenant} / <Link to={`/servers/${finding.server_id}?campaign=${finding.campaign_id}`}>{finding.server}</Link></dd>
        <dt>{t("finding.rule")}</dt><dd>{finding.title}{finding.pack && <span className="muted"> · {finding.pack}</span>}<br /><span className="mono muted">{finding.rule_id}</span></dd>
        {finding.attack.length > 0 && <><dt>ATT&CK</dt><dd className="mono">{finding.attack.join(", ")}</dd></>}
        <dt>{t("finding.events")}</dt><dd><span className="num">{tn("count.events", finding.count)}</span> · <Moment at={finding.first_at} />{finding.last_at !== finding.first_at && <> – <Moment at={finding.last_at} /></>}</dd>
        {finding.storyline && <><dt>{t("finding.storyline")}</dt><dd>{finding.storyline}</dd></>}
        {finding.decided_by && <><dt>{t("finding.decided_by")}</dt><dd><Who name={finding.decided_by} /> · <Moment at={finding.decided_at} />{reason && <><br />{reason}</>}</dd></>}
        {finding.gone_at && <><dt>{t("finding.gone")}</dt><dd><Moment at={finding.gone_at} /></dd></>}
      </dl>
      {judge && finding.state !== "new" && <Button size="xs" variant="default" mt="sm" loading={takeBack.isPending} onClick={() => takeBack.mutate()}>{t("act.take_back")}</Button>}
      <h3>{t("finding.lines")}</h3>
      <Loaded query={lines} rows={3}>
        {(all) => (
          <>
            <p className="muted small">{tn("finding.lines_of", all.length, { of: tn("count.events", finding.count) })}</p>
            <ul className="lines">{all.map((line, index) => <Line key={index} line={line} />)}</ul>
          </>
        )}
      </Loaded>
    </>
  );
}

/** A path without the folder that the desk unpacked its evidence into. */
const placeOf = (path: string) => path.replace(/^[0-9a-f-]{36}-\d+\/tenant\//, "");

function Line({ line }: { line: FindingLine }) {
  const { t } = useLanguage();
  const place = line.record != null ? t("finding.record", { n: String(line.record) }) : line.line != null ? t("finding.line", { n: String(line.line) }) : "";
  return (
    <li>
      <span className="muted small path"><span title={line.path}>{placeOf(line.path)}</span> {place}{line.at && <> · <Moment at={line.at} /></>}</span>
      <code className="mono">{line.excerpt}</code>
      <details>
        <summary>{t("finding.fields")}</summary>
        <dl className="facts fields">{Object.entries(line.fields).map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`} className="mono">{value}</dd>])}</dl>
      </details>
    </li>
  );
}
