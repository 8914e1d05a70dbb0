import { Checkbox, Select, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need, once } from "../api/client";
import type { Fact } from "../api/types";
import { Form } from "../components/form";
import { When } from "../components/when";
import { type Key, useLanguage } from "../i18n";
import { IMPACTS, SOURCES, TOPOLOGIES } from "./facts";

/** What a person can see of a server, and how each begins. */
const FACTS = {
  build: { kind: "build", version: "", source: "exsetup" },
  published: { kind: "published", published: true },
  update: { kind: "update", update: "" },
  mitigation: { kind: "mitigation", id: "", active: true, cves: [] },
  product: { kind: "product", product: "exchange", line: null },
  topology: { kind: "topology", topology: "on_prem" },
  mission_impact: { kind: "mission_impact", impact: "" },
} as const satisfies Record<string, Fact>;
type Kind = keyof typeof FACTS;


/** Keeps what somebody saw with his own eyes, where and when. */
export function Observe({ server, onClose }: { server: string; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [fact, setFact] = useState<Fact>(FACTS.build);
  const [place, setPlace] = useState("");
  const [at, setAt] = useState<string | null>(null);
  const keep = useMutation({
    mutationFn: () => need(api.POST("/api/v1/servers/{id}/observations", { params: { path: { id: server }, header: { "Idempotency-Key": once() } }, body: { fact, at, place: place.trim() } })),
    onSuccess: () => {
      for (const key of ["servers", "campaigns"]) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  return (
    <Form title={t("observe.title")} ready={isFull(fact) && place.trim() !== ""} pending={keep.isPending} error={keep.error} onClose={onClose} onSubmit={() => keep.mutate()}>
      <p className="muted small">{t("observe.what")}</p>
      <Select label={t("observation.fact")} allowDeselect={false} value={fact.kind} onChange={(kind) => kind && setFact(FACTS[kind as Kind])} data={Object.keys(FACTS).map((kind) => ({ value: kind, label: t(`fact.${kind}` as Key) }))} data-autofocus />
      <FactFields fact={fact} set={setFact} />
      <TextInput label={t("observe.place")} placeholder={t("observe.place_example")} required value={place} onChange={(event) => setPlace(event.currentTarget.value)} />
      <When label={t("observe.at")} value={at} onChange={setAt} />
    </Form>
  );
}

function isFull(fact: Fact): boolean {
  return Object.entries(fact).every(([name, value]) => value !== "" || name === "line");
}

function FactFields({ fact, set }: { fact: Fact; set: (fact: Fact) => void }) {
  const { t } = useLanguage();
  const words = <W extends string>(all: readonly W[], key: string) => all.map((value) => ({ value: value as string, label: t(`${key}.${value}` as Key) }));
  switch (fact.kind) {
    case "build":
      return (
        <>
          <TextInput label={t("fact.build")} placeholder="15.1.2507.61" required value={fact.version} onChange={(event) => set({ ...fact, version: event.currentTarget.value.trim() })} classNames={{ input: "mono" }} />
          <Select label={t("observe.source")} allowDeselect={false} value={fact.source} onChange={(source) => source && set({ ...fact, source })} data={words(SOURCES, "source")} />
        </>
      );
    case "published":
      return <Checkbox label={t("observe.published")} checked={fact.published} onChange={(event) => set({ ...fact, published: event.currentTarget.checked })} />;
    case "update":
      return <TextInput label={t("fact.update")} placeholder="KB5000871" required value={fact.update} onChange={(event) => set({ ...fact, update: event.currentTarget.value.trim() })} />;
    case "mitigation":
      return (
        <>
          <TextInput label={t("fact.mitigation")} placeholder="EOMT" required value={fact.id} onChange={(event) => set({ ...fact, id: event.currentTarget.value.trim() })} />
          <Checkbox label={t("observe.active")} checked={fact.active} onChange={(event) => set({ ...fact, active: event.currentTarget.checked })} />
        </>
      );
    case "product":
      return (
        <>
          <TextInput label={t("fact.product")} required value={fact.product} onChange={(event) => set({ ...fact, product: event.currentTarget.value.trim() })} />
          <TextInput label={t("observe.line")} placeholder="2016" value={fact.line ?? ""} onChange={(event) => set({ ...fact, line: event.currentTarget.value.trim() || null })} />
        </>
      );
    case "topology":
      return <Select label={t("fact.topology")} allowDeselect={false} value={fact.topology} onChange={(topology) => topology && set({ ...fact, topology })} data={words(TOPOLOGIES, "topology")} />;
    case "mission_impact":
      return <Select label={t("fact.mission_impact")} required value={fact.impact || null} onChange={(impact) => impact && set({ ...fact, impact })} data={words(IMPACTS, "impact")} />;
    default:
      return null;
  }
}
