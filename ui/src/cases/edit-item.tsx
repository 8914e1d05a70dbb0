import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { usePeople } from "../api/people";
import type { Item, ItemBody } from "../api/types";
import { Moment } from "../components/badges";
import { Conflict } from "../components/conflict";
import { useChange, useDraft } from "../components/draft";
import { Form } from "../components/form";
import { useLanguage } from "../i18n";
import { BodyFields, isFull } from "./body";

const fieldsOf = (item: Item) => ({ fields: item.body as ItemBody, revision: item.revision });
type Known = { text: string; title: string; state: "todo" | "doing" | "done" | "dropped"; assigned_to: string | null; due_at: string | null; value: string; note: string; at: string; shared: boolean };

/** Changes an item of a case. */
export function EditItem({ id, item, onClose }: { id: string; item: Item; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const people = usePeople();
  const draft = useDraft<ItemBody>(fieldsOf(item));
  const change = useChange({
    draft,
    send: (body, revision) => need(api.PUT("/api/v1/cases/{id}/items/{item}", { params: { path: { id, item: item.id }, header: { "If-Match": `"${revision}"` } }, body })),
    reload: async () => {
      const all = await need(api.GET("/api/v1/cases/{id}/items", { params: { path: { id } } }));
      return fieldsOf(all.find((one) => one.id === item.id) ?? item);
    },
    onDone: () => {
      void queries.invalidateQueries({ queryKey: ["cases", id] });
      onClose();
    },
  });
  const when = (at: string | null) => (at ? <Moment at={at} /> : "–");
  return (
    <Form title={t("act.change")} size="lg" ready={isFull(draft.fields)} pending={change.pending} error={change.error} onClose={onClose} onSubmit={change.save}>
      {/* Which of the fields there are depends on the kind; those that are not there never differ. */}
      <Conflict<Known> draft={draft as never} kind="case" id={id} show={{
        text: [t("case.note"), (text) => text],
        title: [t("case.add_tasks"), (title) => title],
        state: [t("case.state"), (state) => t(`task.${state}`)],
        assigned_to: [t("case.assigned"), (to) => people.data?.find((one) => one.id === to)?.name ?? "–"],
        due_at: [t("case.due"), when],
        value: [t("case.add_entities"), (value) => value],
        note: [t("case.entity_note"), (note) => note || "–"],
        at: [t("case.at"), when],
        shared: [t("case.note_shared"), (yes) => (yes ? t("answer.yes") : t("answer.no"))],
      }} />
      <BodyFields body={draft.fields} set={(body) => draft.set(body)} />
    </Form>
  );
}
