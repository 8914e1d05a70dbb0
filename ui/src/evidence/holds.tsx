import { Button, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import type { Hold } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { Form } from "../components/form";
import { Loaded } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";

/** The legal holds of a client, or of one piece of evidence: what is held is not deleted when its retention ends. */
export function HoldsOf({ tenant, evidence }: { tenant: string; evidence?: string }) {
  const { t } = useLanguage();
  const may = useMay("hold");
  const [setting, setSetting] = useState(false);
  const [lifting, setLifting] = useState<Hold | null>(null);
  const holds = useQuery({ queryKey: ["evidence", "holds", tenant], queryFn: () => need(api.GET("/api/v1/tenants/{id}/holds", { params: { path: { id: tenant } } })) });
  return (
    <section className="panel">
      <div className="page-head"><h2>{t("hold.title")}</h2>{may && <Button variant="default" onClick={() => setSetting(true)}>{t(evidence ? "hold.set_one" : "hold.set_all")}</Button>}</div>
      <Loaded query={holds} rows={2}>
        {(all) => {
          const shown = evidence ? all.filter((one) => !one.evidence_id || one.evidence_id === evidence) : all;
          if (shown.length === 0) return <p className="muted">{t("hold.none")}</p>;
          return (
            <ul className="history">
              {shown.map((one) => (
                <li key={one.id}>
                  {one.lifted_at ? <Mark shape="dash" tone="quiet">{t("hold.lifted")}</Mark> : <Mark shape="closed" tone="suspected">{t("hold.holds")}</Mark>}
                  <span>{one.evidence_id ? (evidence ? t("hold.this") : <Link to={`/evidence/${one.evidence_id}`}>{t("hold.one")}</Link>) : t("hold.all")}</span>
                  <span>{one.reason}</span>
                  <span className="muted small"><Who name={one.set_by} /> · <Moment at={one.set_at} />{one.lifted_at && <> · {t("hold.lifted_by")} {one.lifted_by} · <Moment at={one.lifted_at} /></>}</span>
                  {may && !one.lifted_at && <button type="button" className="link small" onClick={() => setLifting(one)}>{t("hold.lift")}</button>}
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
      {setting && <HoldForm title={t(evidence ? "hold.set_one" : "hold.set_all")} what={t("hold.what")} onClose={() => setSetting(false)} send={(reason) => (evidence ? need(api.POST("/api/v1/evidence/{id}/hold", { params: { path: { id: evidence }, header: { "Idempotency-Key": once() } }, body: { reason } })) : need(api.POST("/api/v1/tenants/{id}/holds", { params: { path: { id: tenant }, header: { "Idempotency-Key": once() } }, body: { reason } })))} />}
      {lifting && <HoldForm title={t("hold.lift")} what={t("hold.lift_what")} onClose={() => setLifting(null)} send={(reason) => need(api.POST("/api/v1/holds/{id}/lift", { params: { path: { id: lifting.id }, header: { "Idempotency-Key": once() } }, body: { reason } }))} />}
    </section>
  );
}

/** A hold is set or lifted with a reason, which stays on record. */
function HoldForm({ title, what, send, onClose }: { title: string; what: string; send: (reason: string) => Promise<unknown>; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const run = useMutation({
    mutationFn: () => send(reason.trim()),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["evidence"] });
      onClose();
    },
  });
  return (
    <Form title={title} act={title} ready={reason.trim() !== ""} pending={run.isPending} error={run.error} onClose={onClose} onSubmit={() => run.mutate()}>
      <p className="muted small">{what}</p>
      <Textarea label={t("dismiss.reason")} required autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
    </Form>
  );
}
