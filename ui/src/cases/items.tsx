import { Button, Group, Select } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, need, once } from "../api/client";
import { usePeople } from "../api/people";
import { useMay } from "../api/session";
import type { Item, ItemBody } from "../api/types";
import { Age, Mark, Moment } from "../components/badges";
import { useSayMoved } from "../components/moved";
import { Note } from "../components/note";
import { Empty, sayProblem } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import { BodyFields, emptyBody, isFull, type Kind, TASKS } from "./body";
import { EditItem } from "./edit-item";

export type Tab = "notes" | "tasks" | "timeline" | "entities";
const KINDS: Record<Tab, Kind> = { notes: "note", tasks: "task", timeline: "moment", entities: "entity" };

export function Items({ id, tab, items, closed }: { id: string; tab: Tab; items: Item[]; closed: boolean }) {
  const may = useMay("case") && !closed;
  const shown = items.filter((item) => item.body.kind === KINDS[tab]);
  if (tab === "timeline") shown.sort((a, b) => momentOf(a).localeCompare(momentOf(b)));
  return (
    <section className="panel">
      {shown.length === 0 ? <Empty title={`case.no_${tab}`} /> : <ul className="items">{shown.map((item) => <li key={item.id}><Shown id={id} item={item} may={may} /></li>)}</ul>}
      {may && <Add key={tab} id={id} kind={KINDS[tab]} />}
    </section>
  );
}

const momentOf = (item: Item) => (item.body.kind === "moment" ? item.body.at : "");

function Shown({ id, item, may }: { id: string; item: Item; may: boolean }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [editing, { open, close }] = useDisclosure();
  const onError = useSayMoved("case", id);
  const onSettled = () => void queries.invalidateQueries({ queryKey: ["cases", id] });
  const params = { path: { id, item: item.id }, header: { "If-Match": `"${item.revision}"` } };
  const change = useMutation({ mutationFn: (body: ItemBody) => need(api.PUT("/api/v1/cases/{id}/items/{item}", { params, body })), onSettled, onError });
  const remove = useMutation({ mutationFn: () => need(api.DELETE("/api/v1/cases/{id}/items/{item}", { params })), onSettled, onError });
  return (
    <div className="item">
      <Said item={item} may={may} change={(body) => change.mutate(body)} />
      <p className="item-foot muted small">
        <Who name={item.created_by} /> · <Moment at={item.created_at} />
        {item.changed_at !== item.created_at && <> · {t("case.item_changed")} <Age at={item.changed_at} /></>}
        {may && (
          <>
            <button type="button" className="link small" onClick={open}>{t("act.change")}</button>
            <button type="button" className="link small" disabled={remove.isPending} onClick={() => remove.mutate()}>{t("act.remove")}</button>
          </>
        )}
      </p>
      {editing && <EditItem id={id} item={item} onClose={close} />}
    </div>
  );
}

function Said({ item: { body }, may, change }: { item: Item; may: boolean; change: (body: ItemBody) => void }) {
  const { t } = useLanguage();
  const people = usePeople();
  switch (body.kind) {
    case "note":
      return <>{body.shared && <Mark shape="open" tone="attempted">{t("case.note_shared")}</Mark>}<Note text={body.text} /></>;
    case "task": {
      const over = body.state === "done" || body.state === "dropped";
      const late = !over && body.due_at && new Date(body.due_at).getTime() < Date.now();
      return (
        <Group gap="sm">
          <Select size="xs" w={130} aria-label={`${t("case.state")} ${body.title}`} disabled={!may} allowDeselect={false} value={body.state} onChange={(state) => state && change({ ...body, state: state as (typeof TASKS)[number] })} data={TASKS.map((value) => ({ value, label: t(`task.${value}`) }))} />
          <span className={over ? "muted" : undefined}>{body.title}</span>
          {body.assigned_to && <span className="small">{people.data?.find((one) => one.id === body.assigned_to)?.name ?? t("case.somebody")}</span>}
          {body.due_at && <span className="small">{late ? <Mark shape="clock" tone="compromised">{t("case.due")} <Age at={body.due_at} /></Mark> : <>{t("case.due")} <Moment at={body.due_at} /></>}</span>}
        </Group>
      );
    }
    case "entity":
      return <p><span className="muted small">{t(`entity.${body.entity}`)}</span> <span className="mono">{body.value}</span> {body.note}</p>;
    case "moment":
      return <p><strong><Moment at={body.at} /></strong> {body.text}</p>;
  }
}

function Add({ id, kind }: { id: string; kind: Kind }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const [body, setBody] = useState(() => emptyBody(kind));
  const add = useMutation({
    mutationFn: () => need(api.POST("/api/v1/cases/{id}/items", { params: { path: { id }, header: { "Idempotency-Key": once() } }, body })),
    onSuccess: () => setBody(emptyBody(kind)),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["cases", id] }),
    onError: (error) => sayProblem(error, language),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form onSubmit={submit} className="add">
      <BodyFields body={body} set={setBody} />
      <Button type="submit" mt="sm" variant="default" loading={add.isPending} disabled={!isFull(body)}>{t("act.add")}</Button>
    </form>
  );
}
