import { Select, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useServers } from "../api/tenants";
import type { Evidence, EvidenceFields } from "../api/types";
import { Moment } from "../components/badges";
import { Conflict } from "../components/conflict";
import { useChange, useDraft } from "../components/draft";
import { Form } from "../components/form";
import { When } from "../components/when";
import { useLanguage } from "../i18n";

const fieldsOf = ({ server_id, note, retention_until, revision }: Evidence) => ({ fields: { server_id: server_id ?? null, note: note ?? "", retention_until: retention_until ?? null } satisfies EvidenceFields, revision });

/** Says something else of evidence; its bytes never change. */
export function EditEvidence({ one, onClose }: { one: Evidence; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const hold = useMay("hold");
  const servers = useServers(one.tenant_id);
  const path = { id: one.id };
  const draft = useDraft<EvidenceFields>(fieldsOf(one));
  const { fields, set } = draft;
  const change = useChange({
    draft,
    send: (body, revision) => need(api.PUT("/api/v1/evidence/{id}", { params: { path, header: { "If-Match": `"${revision}"` } }, body })),
    reload: async () => fieldsOf(await need(api.GET("/api/v1/evidence/{id}", { params: { path } }))),
    onDone: () => {
      void queries.invalidateQueries({ queryKey: ["evidence"] });
      onClose();
    },
  });
  const nameOf = (id: string | null | undefined) => servers.data?.find((server) => server.id === id)?.name ?? "–";
  return (
    <Form title={t("evidence.change")} pending={change.pending} error={change.error} onClose={onClose} onSubmit={change.save}>
      <Conflict draft={draft} kind="evidence" id={one.id} show={{
        server_id: [t("word.server"), nameOf],
        note: [t("case.note"), (note) => note || "–"],
        retention_until: [t("evidence.until"), (at) => (at ? <Moment at={at} /> : t("evidence.for_good"))],
      }} />
      <Select label={t("word.server")} clearable clearButtonProps={{ "aria-label": t("evidence.no_server") }} searchable value={fields.server_id ?? null} onChange={(server_id) => set({ server_id })} data={servers.data?.map(({ id, name }) => ({ value: id as string, label: name })) ?? []} />
      <Textarea label={t("case.note")} autosize minRows={2} value={fields.note ?? ""} onChange={(event) => set({ note: event.currentTarget.value })} />
      {hold && <><When label={t("evidence.until")} value={fields.retention_until ?? null} onChange={(retention_until) => set({ retention_until })} /><p className="muted small">{t("evidence.until_what")}</p></>}
    </Form>
  );
}
