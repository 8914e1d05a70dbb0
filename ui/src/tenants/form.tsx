import { Group, Select, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { api, need, once } from "../api/client";
import { useSession } from "../api/session";
import type { Tenant, TenantFields } from "../api/types";
import { Conflict } from "../components/conflict";
import { useChange, useDraft } from "../components/draft";
import { Form } from "../components/form";
import { type Key, useLanguage } from "../i18n";
import { CONTRACTS } from "../words";
import { Contacts } from "./contacts";

const fieldsOf = ({ name, contract, locale, agency, contacts, note, revision }: Tenant) => ({ fields: { name, contract, locale, agency: agency ?? null, contacts: contacts ?? [], note: note ?? "" } satisfies TenantFields, revision });

/** Enters a client, or changes what is said of one. */
export function TenantForm({ tenant, onClose }: { tenant?: Tenant; onClose: () => void }) {
  const { t, locale } = useLanguage();
  const queries = useQueryClient();
  const everywhere = useSession().tenants === "all";
  const path = { id: tenant?.id ?? "" };
  const draft = useDraft<TenantFields>(tenant ? fieldsOf(tenant) : { fields: { name: "", contract: "soc", locale, agency: null, contacts: [], note: "" }, revision: 0 });
  const { fields, set } = draft;
  const change = useChange({
    draft,
    send: (body, revision) =>
      tenant
        ? need(api.PUT("/api/v1/tenants/{id}", { params: { path, header: { "If-Match": `"${revision}"` } }, body }))
        : need(api.POST("/api/v1/tenants", { params: { header: { "Idempotency-Key": once() } }, body })),
    reload: async () => fieldsOf(await need(api.GET("/api/v1/tenants/{id}", { params: { path } }))),
    onDone: () => {
      for (const key of ["tenants", "campaigns"]) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  return (
    <Form title={t(tenant ? "tenant.change" : "tenant.add")} size="lg" ready={fields.name.trim() !== ""} pending={change.pending} error={change.error} onClose={onClose} onSubmit={change.save}>
      {tenant && (
        <Conflict draft={draft} kind="tenant" id={tenant.id} show={{
          name: [t("tenant.name"), (name) => name],
          contract: [t("board.contract"), (contract) => t(`contract.${contract}`)],
          locale: [t("switch.language"), (locale) => t(`locale.${locale}`)],
          agency: [t("board.agency"), (agency) => agency ?? "–"],
          contacts: [t("tenant.contacts"), (all) => all?.map((one) => one.name || one.email || one.phone).join(", ") || "–"],
          note: [t("case.note"), (note) => note || "–"],
        }} />
      )}
      <TextInput label={t("tenant.name")} description={tenant && !everywhere ? t("tenant.name_kept") : undefined} disabled={tenant !== undefined && !everywhere} required value={fields.name} onChange={(event) => set({ name: event.currentTarget.value })} data-autofocus />
      <Group grow align="start">
        <Select label={t("board.contract")} allowDeselect={false} value={fields.contract} onChange={(value) => value && set({ contract: value as TenantFields["contract"] })} data={CONTRACTS.map((value) => ({ value, label: t(`contract.${value}` as Key) }))} />
        <Select label={t("switch.language")} allowDeselect={false} value={fields.locale} onChange={(value) => value && set({ locale: value as TenantFields["locale"] })} data={(["fr", "en"] as const).map((value) => ({ value, label: t(`locale.${value}`) }))} />
        <TextInput label={t("board.agency")} value={fields.agency ?? ""} onChange={(event) => set({ agency: event.currentTarget.value || null })} />
      </Group>
      <Contacts contacts={fields.contacts ?? []} set={(contacts) => set({ contacts })} />
      <Textarea label={t("case.note")} description={t("tenant.note_what")} autosize minRows={2} value={fields.note ?? ""} onChange={(event) => set({ note: event.currentTarget.value })} />
    </Form>
  );
}
