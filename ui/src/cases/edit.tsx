import { Checkbox, Select, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../api/client";
import type { Case, CaseFields } from "../api/types";
import { Moment } from "../components/badges";
import { Conflict } from "../components/conflict";
import { useChange, useDraft } from "../components/draft";
import { Form } from "../components/form";
import { When } from "../components/when";
import { useLanguage } from "../i18n";
import { SEVERITIES, type Severity } from "../words";

const fieldsOf = ({ title, severity, due_at, shared, revision }: Case) => ({ fields: { title, severity, due_at: due_at ?? null, shared: shared ?? false } satisfies CaseFields, revision });

/** Its title, how bad it is, when it is due, and whether its client sees it. */
export function EditCase({ one, onClose }: { one: Case; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const path = { id: one.id };
  const draft = useDraft(fieldsOf(one));
  const { fields, set } = draft;
  const change = useChange({
    draft,
    send: (body, revision) => need(api.PUT("/api/v1/cases/{id}", { params: { path, header: { "If-Match": `"${revision}"` } }, body })),
    reload: async () => fieldsOf(await need(api.GET("/api/v1/cases/{id}", { params: { path } }))),
    onDone: () => {
      void queries.invalidateQueries({ queryKey: ["cases"] });
      onClose();
    },
  });
  const yesNo = (yes: boolean) => (yes ? t("answer.yes") : t("answer.no"));
  return (
    <Form title={t("case.change")} ready={fields.title.trim() !== ""} pending={change.pending} error={change.error} onClose={onClose} onSubmit={change.save}>
      <Conflict draft={draft} kind="case" id={one.id} show={{
        title: [t("campaign.title"), (title) => title],
        severity: [t("finding.severity"), (severity) => t(`severity.${severity}`)],
        due_at: [t("case.due"), (at) => (at ? <Moment at={at} /> : t("case.no_due"))],
        shared: [t("case.shared"), yesNo],
      }} />
      <TextInput label={t("campaign.title")} required value={fields.title} onChange={(event) => set({ title: event.currentTarget.value })} data-autofocus />
      <Select label={t("finding.severity")} allowDeselect={false} value={fields.severity} onChange={(value) => value && set({ severity: value as Severity })} data={SEVERITIES.map((value) => ({ value, label: t(`severity.${value}`) }))} />
      <When label={t("case.due")} value={fields.due_at} onChange={(due_at) => set({ due_at })} />
      <Checkbox label={t("case.shared")} description={t("case.shared_what", { tenant: one.tenant })} checked={fields.shared} onChange={(event) => set({ shared: event.currentTarget.checked })} />
    </Form>
  );
}
