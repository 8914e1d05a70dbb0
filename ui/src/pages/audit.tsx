import { Button, Group, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need, once } from "../api/client";
import { download } from "../api/download";
import { useMay, useSession } from "../api/session";
import { useTenants } from "../api/tenants";
import { Mark, Moment } from "../components/badges";
import { Empty, Loaded, sayDone, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";

const PROVIDER = "provider";

/** Whether everything is as it was written, and what proves it elsewhere. */
export default function Audit() {
  const { t } = useLanguage();
  const may = useMay("audit");
  const everywhere = useSession().tenants === "all";
  if (!may) return <Empty title="state.no_page" />;
  return (
    <>
      <header className="page-head"><h1>{t("audit.title")}</h1></header>
      <Verify />
      {everywhere && <Roots />}
      <Export everywhere={everywhere} />
    </>
  );
}

function Verify() {
  const language = useLanguage();
  const { t, tn, number } = language;
  const tenants = useTenants(true);
  const nameOf = (chain: string) => tenants.data?.find(({ id }) => id === chain)?.name ?? t("journal.provider");
  const verify = useMutation({ mutationFn: () => need(api.GET("/api/v1/audit/verify")), onError: (error) => sayProblem(error, language) });
  const report = verify.data;
  return (
    <section className="panel">
      <h2>{t("audit.chains_title")}</h2>
      <p className="muted small">{t("audit.what")}</p>
      <Button variant="default" loading={verify.isPending} onClick={() => verify.mutate()}>{t("audit.verify")}</Button>
      {report && (
        <div role="status">
          <p>
            {report.sound ? <Mark shape="tick" tone="calm">{t("audit.sound")}</Mark> : <Mark shape="cross" tone="compromised">{t("audit.broken")}</Mark>}{" "}
            {tn("audit.chains", report.chains.length)}, {tn("audit.entries", report.chains.reduce((sum, chain) => sum + chain.entries, 0))}, {tn("audit.roots", report.roots)}
          </p>
          <ul className="plain">
            {report.chains.flatMap((chain) => chain.problems.map((problem) => <li key={`${chain.chain}${problem.seq}`}>{nameOf(chain.chain)} #{problem.seq} {problem.why}</li>))}
            {report.root_problems.map((problem, index) => <li key={index}>{t("audit.root")} #{problem.seq} {problem.why}</li>)}
          </ul>
          <details>
            <summary>{t("audit.heads")}</summary>
            <ul className="plain small">{report.chains.map((chain) => <li key={chain.chain}>{nameOf(chain.chain)} · {number(chain.entries)} · <span className="mono">{chain.head}</span></li>)}</ul>
          </details>
        </div>
      )}
    </section>
  );
}

/** Roots bind the heads of all chains; kept elsewhere, they show what was cut and mended here. */
function Roots() {
  const language = useLanguage();
  const { t, tn } = language;
  const queries = useQueryClient();
  const roots = useQuery({ queryKey: ["audit", "roots"], queryFn: () => need(api.GET("/api/v1/audit/roots")) });
  const publish = useMutation({
    mutationFn: () => need(api.POST("/api/v1/audit/roots", { params: { header: { "Idempotency-Key": once() } } })),
    onSuccess: () => sayDone(t("audit.published"), language),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["audit"] }),
    onError: (error) => sayProblem(error, language),
  });
  return (
    <section className="panel">
      <div className="page-head"><h2>{t("audit.roots_title")}</h2><Button variant="default" loading={publish.isPending} onClick={() => publish.mutate()}>{t("audit.publish")}</Button></div>
      <p className="muted small">{t("audit.roots_what")}</p>
      <Loaded query={roots} rows={2}>
        {(all) => (all.length === 0 ? <Empty title="audit.no_root" /> : (
          <ul className="history">
            {all.slice(0, 30).map((root) => <li key={root.seq}>#{root.seq} <Moment at={root.at} /> <span className="muted small">{tn("audit.chains", root.chains)}</span> <span className="mono">{root.root}</span></li>)}
          </ul>
        ))}
      </Loaded>
    </section>
  );
}

function Export({ everywhere }: { everywhere: boolean }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const tenants = useTenants(true);
  const [chosen, setChosen] = useState<string | null>(everywhere ? PROVIDER : null);
  const chain = chosen === PROVIDER ? undefined : (chosen ?? undefined);
  const take = useMutation({
    mutationFn: () => download(`/api/v1/audit/export${chain ? `?tenant=${chain}` : ""}`, `audit-${chain ?? PROVIDER}.jsonl`),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["journal"] }),
    onError: (error) => sayProblem(error, language),
  });
  const options = [...(everywhere ? [{ value: PROVIDER, label: t("audit.own") }] : []), ...(tenants.data?.map(({ id, name }) => ({ value: id as string, label: name })) ?? [])];
  return (
    <section className="panel">
      <h2>{t("audit.export")}</h2>
      <p className="muted small">{t("audit.export_what")} <span className="mono">vigie audit verify audit.jsonl</span></p>
      <Group align="end" gap="sm">
        <Select w={280} label={t("audit.chain")} searchable allowDeselect={false} value={chosen} onChange={setChosen} data={options} />
        <Button variant="default" disabled={!chosen} loading={take.isPending} onClick={() => take.mutate()}>{t("audit.export")}</Button>
      </Group>
    </section>
  );
}
