import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";
import { AlertState } from "../alerts/state";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import type { Case, CaseLink } from "../api/types";
import { Moment, SeverityMark } from "../components/badges";
import { Empty, Loaded, sayProblem } from "../components/states";
import { FindingState } from "../findings/state";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import { Attach } from "./attach";

/** Findings, alerts and evidence of a case. */
export function Links({ one }: { one: Case }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const may = useMay("case") && one.state !== "closed";
  const [attaching, { open, close }] = useDisclosure();
  const links = useQuery({ queryKey: ["cases", one.id, "links"], queryFn: () => need(api.GET("/api/v1/cases/{id}/links", { params: { path: { id: one.id } } })) });
  const detach = useMutation({
    mutationFn: ({ kind, ref_id }: CaseLink) => need(api.DELETE("/api/v1/cases/{id}/links/{kind}/{ref_id}", { params: { path: { id: one.id, kind, ref_id } } })),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["cases", one.id] }),
    onError: (error) => sayProblem(error, language),
  });
  return (
    <section className="panel">
      <Loaded query={links}>
        {(all) => (all.length === 0 ? <Empty title="case.no_links" /> : (
          <ul className="history">
            {all.map((link) => (
              <li key={`${link.kind}${link.ref_id}`}>
                <span className="muted small">{t(`link.${link.kind}`)}</span>
                <What link={link} />
                <span className="muted small">{t("case.linked_by")} <Who name={link.linked_by} /> · <Moment at={link.linked_at} /></span>
                {may && <button type="button" className="link small" onClick={() => detach.mutate(link)}>{t("case.detach")}</button>}
              </li>
            ))}
          </ul>
        ))}
      </Loaded>
      {may && <Button mt="sm" variant="default" onClick={open}>{t("case.attach")}</Button>}
      {attaching && <Attach one={one} onClose={close} />}
    </section>
  );
}

/** What is attached, with a way to it; what may not be read any more shows its identifier. */
function What({ link: { kind, ref_id: id } }: { link: CaseLink }) {
  const { locale, bytes } = useLanguage();
  const path = { path: { id } };
  const finding = useQuery({ queryKey: ["findings", "one", id], queryFn: () => need(api.GET("/api/v1/findings/{id}", { params: path })), enabled: kind === "finding", staleTime: 60_000 });
  const alert = useQuery({ queryKey: ["alerts", "one", id], queryFn: () => need(api.GET("/api/v1/alerts/{id}", { params: path })), enabled: kind === "alert", staleTime: 60_000 });
  const evidence = useQuery({ queryKey: ["evidence", "one", id], queryFn: () => need(api.GET("/api/v1/evidence/{id}", { params: path })), enabled: kind === "evidence", staleTime: 60_000 });
  if (finding.data) return <><SeverityMark severity={finding.data.severity} /> <Link to={`/findings/${id}`}>{locale === "fr" ? finding.data.statement_fr : finding.data.statement_en}</Link> <FindingState state={finding.data.state} /></>;
  if (alert.data) return <><SeverityMark severity={alert.data.severity} /> <Link to={`/alerts?alert=${id}`}>{alert.data.title}</Link> <AlertState state={alert.data.state} /></>;
  if (evidence.data) return <><Link to={`/evidence/${id}`}>{evidence.data.name}</Link> <span className="muted small num">{bytes(evidence.data.size)}</span></>;
  return <span className="mono">{id}</span>;
}
