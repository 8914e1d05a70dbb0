import { Button, Checkbox, Group, Select, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import type { Item, ItemBody } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { Note } from "../components/note";
import { Empty, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";

export type Tab = "notes" | "tasks" | "timeline" | "entities";
const KINDS = { notes: "note", tasks: "task", timeline: "moment", entities: "entity" } as const;
const TASKS = ["todo", "doing", "done", "dropped"] as const;
const ENTITIES = ["address", "host", "account", "mailbox", "file", "hash", "domain", "url", "other"] as const;

export function Items({ id, tab, items, closed }: { id: string; tab: Tab; items: Item[]; closed: boolean }) {
  const may = useMay("case") && !closed;
  const shown = items.filter((item) => item.body.kind === KINDS[tab]);
  if (tab === "timeline") shown.sort((a, b) => momentOf(a).localeCompare(momentOf(b)));
  return (
    <section className="panel">
      {shown.length === 0 ? <Empty title={`case.no_${tab}`} /> : <ul className="items">{shown.map((item) => <li key={item.id}><Shown id={id} item={item} may={may} /></li>)}</ul>}
      {may && <Add id={id} tab={tab} />}
    </section>
  );
}

const momentOf = (item: Item) => (item.body.kind === "moment" ? item.body.at : "");

function Shown({ id, item, may }: { id: string; item: Item; may: boolean }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (body: ItemBody) => need(api.PUT("/api/v1/cases/{id}/items/{item}", { params: { path: { id, item: item.id }, header: { "If-Match": `"${item.revision}"` } }, body })),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["cases", id] }),
    onError: (error) => sayProblem(error, language),
  });
  const { body } = item;
  const by = <span className="muted small">{item.created_by} · <Moment at={item.created_at} /></span>;
  switch (body.kind) {
    case "note":
      return <>{by}{body.shared && <> <Mark shape="open" tone="attempted">{t("case.note_shared")}</Mark></>}<Note text={body.text} /></>;
    case "task":
      return (
        <Group gap="sm">
          <Select size="xs" w={130} aria-label={t("case.state")} disabled={!may} allowDeselect={false} value={body.state} onChange={(state) => state && change.mutate({ ...body, state: state as (typeof TASKS)[number] })} data={TASKS.map((value) => ({ value, label: t(`task.${value}`) }))} />
          <span>{body.title}</span>
          {body.due_at && <span className="small">{t("case.due")} <Moment at={body.due_at} /></span>}
          {by}
        </Group>
      );
    case "entity":
      return <><span className="muted small">{t(`entity.${body.entity}`)}</span> <span className="mono">{body.value}</span> {body.note} {by}</>;
    case "moment":
      return <><strong><Moment at={body.at} /></strong> {body.text} {by}</>;
  }
}

function Add({ id, tab }: { id: string; tab: Tab }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const [shared, setShared] = useState(false);
  const [entity, setEntity] = useState<(typeof ENTITIES)[number]>("address");
  const [at, setAt] = useState("");
  const add = useMutation({
    mutationFn: (body: ItemBody) => need(api.POST("/api/v1/cases/{id}/items", { params: { path: { id }, header: { "Idempotency-Key": once() } }, body })),
    onSuccess: () => setText(""),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["cases", id] }),
    onError: (error) => sayProblem(error, language),
  });
  const body = (): ItemBody => {
    switch (tab) {
      case "notes": return { kind: "note", text, shared };
      case "tasks": return { kind: "task", title: text, state: "todo", assigned_to: null, due_at: null };
      case "entities": return { kind: "entity", entity, value: text, note: "" };
      case "timeline": return { kind: "moment", at: new Date(`${at}Z`).toISOString(), text };
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(body());
  };
  return (
    <form onSubmit={submit} className="add">
      {tab === "notes" && <Textarea label={t("case.note")} description={t("case.markdown")} required autosize minRows={3} value={text} onChange={(event) => setText(event.currentTarget.value)} />}
      <Group align="end" mt="xs">
        {tab === "timeline" && <TextInput type="datetime-local" step={1} label={t("case.at")} required value={at} onChange={(event) => setAt(event.currentTarget.value)} />}
        {tab === "entities" && <Select label={t("case.entity")} allowDeselect={false} value={entity} onChange={(value) => value && setEntity(value as (typeof ENTITIES)[number])} data={ENTITIES.map((value) => ({ value, label: t(`entity.${value}`) }))} />}
        {tab !== "notes" && <TextInput label={t(`case.add_${tab}`)} required value={text} onChange={(event) => setText(event.currentTarget.value)} />}
        {tab === "notes" && <Checkbox label={t("case.share_note")} checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />}
        <Button type="submit" variant="default" loading={add.isPending} disabled={!text.trim() || (tab === "timeline" && !at)}>{t("act.add")}</Button>
      </Group>
    </form>
  );
}
