import { Checkbox, Group, Select, Textarea, TextInput } from "@mantine/core";
import { peopleOptions, usePeople } from "../api/people";
import type { ItemBody } from "../api/types";
import { When } from "../components/when";
import { useLanguage } from "../i18n";

export const TASKS = ["todo", "doing", "done", "dropped"] as const;
const ENTITIES = ["address", "host", "account", "mailbox", "file", "hash", "domain", "url", "other"] as const;
export type Kind = ItemBody["kind"];

/** What an item says before anything was typed. */
export function emptyBody(kind: Kind): ItemBody {
  switch (kind) {
    case "note": return { kind, text: "", shared: false };
    case "task": return { kind, title: "", state: "todo", assigned_to: null, due_at: null };
    case "entity": return { kind, entity: "address", value: "", note: "" };
    case "moment": return { kind, at: new Date().toISOString(), text: "" };
  }
}

/** Whether it says enough to be kept. */
export function isFull(body: ItemBody): boolean {
  switch (body.kind) {
    case "note": return body.text.trim() !== "";
    case "task": return body.title.trim() !== "";
    case "entity": return body.value.trim() !== "";
    case "moment": return body.text.trim() !== "" && body.at !== "";
  }
}

/** The fields of an item, whichever kind it is. */
export function BodyFields({ body, set }: { body: ItemBody; set: (body: ItemBody) => void }) {
  const { t } = useLanguage();
  const people = usePeople();
  switch (body.kind) {
    case "note":
      return (
        <>
          <Textarea label={t("case.note")} description={t("case.markdown")} required autosize minRows={3} value={body.text} onChange={(event) => set({ ...body, text: event.currentTarget.value })} />
          <Checkbox mt="xs" label={t("case.share_note")} checked={body.shared ?? false} onChange={(event) => set({ ...body, shared: event.currentTarget.checked })} />
        </>
      );
    case "task":
      return (
        <Group align="end" gap="sm">
          <TextInput className="grow" miw={220} label={t("case.add_tasks")} required value={body.title} onChange={(event) => set({ ...body, title: event.currentTarget.value })} />
          <Select w={190} label={t("case.assigned")} clearable clearButtonProps={{ "aria-label": t("case.nobody") }} value={body.assigned_to ?? null} onChange={(to) => set({ ...body, assigned_to: to })} data={peopleOptions(people.data)} />
          <When label={t("case.due")} value={body.due_at ?? null} onChange={(due_at) => set({ ...body, due_at })} />
        </Group>
      );
    case "entity":
      return (
        <Group align="end" gap="sm">
          <Select w={150} label={t("case.entity")} allowDeselect={false} value={body.entity} onChange={(value) => value && set({ ...body, entity: value as (typeof ENTITIES)[number] })} data={ENTITIES.map((value) => ({ value, label: t(`entity.${value}`) }))} />
          <TextInput className="grow" miw={220} label={t("case.add_entities")} required value={body.value} onChange={(event) => set({ ...body, value: event.currentTarget.value })} />
          <TextInput className="grow" miw={180} label={t("case.entity_note")} value={body.note ?? ""} onChange={(event) => set({ ...body, note: event.currentTarget.value })} />
        </Group>
      );
    case "moment":
      return (
        <Group align="end" gap="sm">
          <When label={t("case.at")} required value={body.at || null} onChange={(at) => set({ ...body, at: at ?? "" })} />
          <TextInput className="grow" miw={220} label={t("case.add_timeline")} required value={body.text} onChange={(event) => set({ ...body, text: event.currentTarget.value })} />
        </Group>
      );
  }
}
