import { MultiSelect } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { useServers } from "../api/tenants";
import type { Case } from "../api/types";
import { Conflict } from "../components/conflict";
import { useChange, useDraft } from "../components/draft";
import { Form } from "../components/form";
import { useLanguage } from "../i18n";

const fieldsOf = ({ servers, revision }: Case) => ({ fields: { servers: servers as string[] }, revision });

/** Which servers of its client a case is about. */
export function CaseServers({ one, onClose }: { one: Case; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const known = useServers(one.tenant_id);
  const path = { id: one.id };
  const draft = useDraft(fieldsOf(one));
  const change = useChange({
    draft,
    send: (body, revision) => need(api.PUT("/api/v1/cases/{id}/servers", { params: { path, header: { "If-Match": `"${revision}"` } }, body })),
    reload: async () => fieldsOf(await need(api.GET("/api/v1/cases/{id}", { params: { path } }))),
    onDone: () => {
      for (const key of ["cases", "servers", "campaigns"]) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  const nameOf = (id: string) => known.data?.find((server) => server.id === id)?.name ?? t("word.server");
  return (
    <Form title={t("case.choose_servers")} pending={change.pending} error={change.error} onClose={onClose} onSubmit={change.save}>
      <Conflict draft={draft} kind="case" id={one.id} show={{ servers: [t("tenant.servers"), (ids) => ids.map(nameOf).join(", ") || "–"] }} />
      <MultiSelect label={t("tenant.servers")} searchable clearable value={draft.fields.servers} onChange={(servers) => draft.set({ servers })} data={known.data?.map(({ id, name }) => ({ value: id as string, label: name })) ?? []} />
      <p className="muted small">{t("case.servers_what")}</p>
    </Form>
  );
}
