import { Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { api, need, once } from "../api/client";
import type { Alert } from "../api/types";
import { Form } from "../components/form";
import { useLanguage } from "../i18n";

const NEW = "new";

/** Attaches an alert to a case of its client, or opens one for it. */
export function ToCase({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useLanguage();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [to, setTo] = useState(NEW);
  const cases = useQuery({ queryKey: ["cases", "of", alert.tenant_id], queryFn: () => need(api.GET("/api/v1/cases", { params: { query: { tenant: alert.tenant_id, unfinished: true, limit: 200 } } })) });
  const attach = useMutation({
    mutationFn: async () => {
      const id = to === NEW ? (await need(api.POST("/api/v1/cases", { params: { header: { "Idempotency-Key": once() } }, body: { tenant_id: alert.tenant_id, campaign_id: null, servers: alert.server_id ? [alert.server_id] : [], fields: { title: alert.title.slice(0, 200), severity: alert.severity, due_at: null, shared: false } } }))).id : to;
      await need(api.PUT("/api/v1/cases/{id}/links/{kind}/{ref_id}", { params: { path: { id, kind: "alert", ref_id: alert.id } } }));
      return id;
    },
    onSuccess: (id) => {
      void queries.invalidateQueries({ queryKey: ["cases"] });
      navigate(`/cases/${id}`);
    },
  });
  return (
    <Form title={t("alert.to_case")} act={t(to === NEW ? "case.open" : "case.attach")} pending={attach.isPending} error={attach.error} onClose={onClose} onSubmit={() => attach.mutate()}>
      <p>{alert.title}</p>
      <Select label={t("case.one")} allowDeselect={false} searchable value={to} onChange={(value) => setTo(value ?? NEW)} data={[{ value: NEW, label: t("alert.new_case") }, ...(cases.data?.items.map((one) => ({ value: one.id as string, label: `#${one.number} · ${one.title}` })) ?? [])]} />
    </Form>
  );
}
