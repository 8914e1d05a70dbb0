import { TagsInput, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { api, need, once } from "../api/client";
import type { Server, ServerFields } from "../api/types";
import { Conflict } from "../components/conflict";
import { useChange, useDraft } from "../components/draft";
import { Form } from "../components/form";
import { useLanguage } from "../i18n";

const fieldsOf = ({ name, fqdn, addresses, product, note, revision }: Server) => ({ fields: { name, fqdn: fqdn ?? null, addresses: addresses ?? [], product: product ?? null, note: note ?? "" } satisfies ServerFields, revision });
const NONE: ServerFields = { name: "", fqdn: null, addresses: [], product: null, note: "" };

/** Enters a server of a client, or changes what is said of one. */
export function ServerForm({ tenant, server, onClose }: { tenant: string; server?: Server; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const path = { id: server?.id ?? "" };
  const draft = useDraft<ServerFields>(server ? fieldsOf(server) : { fields: NONE, revision: 0 });
  const { fields, set } = draft;
  const change = useChange({
    draft,
    send: (body, revision) =>
      server
        ? need(api.PUT("/api/v1/servers/{id}", { params: { path, header: { "If-Match": `"${revision}"` } }, body }))
        : need(api.POST("/api/v1/servers", { params: { header: { "Idempotency-Key": once() } }, body: { tenant_id: tenant, fields: body } })),
    reload: async () => fieldsOf(await need(api.GET("/api/v1/servers/{id}", { params: { path } }))),
    onDone: () => {
      for (const key of ["servers", "campaigns"]) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  return (
    <Form title={t(server ? "server.change" : "server.enter")} ready={fields.name.trim() !== ""} pending={change.pending} error={change.error} onClose={onClose} onSubmit={change.save}>
      {server && (
        <Conflict draft={draft} kind="server" id={server.id} show={{
          name: [t("tenant.name"), (name) => name],
          fqdn: [t("server.fqdn"), (fqdn) => fqdn ?? "–"],
          addresses: [t("server.addresses"), (all) => all?.join(", ") || "–"],
          product: [t("server.product"), (product) => product ?? "–"],
          note: [t("case.note"), (note) => note || "–"],
        }} />
      )}
      <TextInput label={t("tenant.name")} required value={fields.name} onChange={(event) => set({ name: event.currentTarget.value })} data-autofocus />
      <TextInput label={t("server.fqdn")} value={fields.fqdn ?? ""} onChange={(event) => set({ fqdn: event.currentTarget.value.trim() || null })} />
      <TagsInput label={t("server.addresses")} description={t("server.addresses_hint")} splitChars={[",", " ", ";"]} acceptValueOnBlur value={fields.addresses ?? []} onChange={(all) => set({ addresses: [...new Set(all.flatMap((one) => one.split(/[\s,;]+/)).filter(Boolean))] })} />
      <TextInput label={t("server.product")} description={t("server.product_hint")} value={fields.product ?? ""} onChange={(event) => set({ product: event.currentTarget.value || null })} />
      <Textarea label={t("case.note")} autosize minRows={2} value={fields.note ?? ""} onChange={(event) => set({ note: event.currentTarget.value })} />
    </Form>
  );
}
