import { useQueries, useQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { Moment, SeverityMark } from "../components/badges";
import { Empty, Loaded } from "../components/states";
import { FindingState } from "../findings/state";
import { useLanguage } from "../i18n";

/** Findings, alerts and evidence of a case. */
export function Links({ id }: { id: string }) {
  const { t, locale } = useLanguage();
  const links = useQuery({ queryKey: ["cases", id, "links"], queryFn: () => need(api.GET("/api/v1/cases/{id}/links", { params: { path: { id } } })) });
  const findings = useQueries({
    queries: (links.data ?? []).filter((link) => link.kind === "finding").slice(0, 100).map(({ ref_id }) => ({
      queryKey: ["findings", "one", ref_id],
      queryFn: () => need(api.GET("/api/v1/findings/{id}", { params: { path: { id: ref_id } } })),
    })),
  });
  const findingOf = (ref: string) => findings.find((query) => query.data?.id === ref)?.data;
  return (
    <section className="panel">
      <Loaded query={links}>
        {(all) => (all.length === 0 ? <Empty title="case.no_links" /> : (
          <ul className="history">
            {all.map((link) => {
              const finding = findingOf(link.ref_id);
              return (
                <li key={`${link.kind}${link.ref_id}`}>
                  <span className="muted small">{t(`link.${link.kind}`)}</span>
                  {finding ? <><SeverityMark severity={finding.severity} /> <span>{locale === "fr" ? finding.statement_fr : finding.statement_en}</span> <FindingState state={finding.state} /></> : <span className="mono">{link.ref_id}</span>}
                  <span className="muted small">{link.linked_by} · <Moment at={link.linked_at} /></span>
                </li>
              );
            })}
          </ul>
        ))}
      </Loaded>
    </section>
  );
}
