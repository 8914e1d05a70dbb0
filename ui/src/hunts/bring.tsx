import { Button, Group, Progress, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import { useServers, useTenants } from "../api/tenants";
import { upload } from "../api/upload";
import { Mark } from "../components/badges";
import { Drop } from "../components/drop";
import { explain, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";

interface Sending {
  name: string;
  size: number;
  sent: number;
  error?: unknown;
  done?: boolean;
}

/** Files of one tenant: sent, kept as evidence, and hunted together. */
export function Bring({ campaign, closed }: { campaign: string; closed: boolean }) {
  const language = useLanguage();
  const { t, bytes } = language;
  const queries = useQueryClient();
  const evidence = useMay("evidence");
  const hunt = useMay("hunt");
  const tenants = useQuery({ queryKey: ["campaigns", campaign, "tenants"], queryFn: () => need(api.GET("/api/v1/campaigns/{id}/tenants", { params: { path: { id: campaign } } })) });
  const all = useTenants();
  const inside = new Set<string>(tenants.data);
  const [tenant, setTenant] = useState<string | null>(null);
  const [server, setServer] = useState<string | null>(null);
  const servers = useServers(tenant);
  const [sending, setSending] = useState<Sending[]>([]);
  const stop = useRef<AbortController | null>(null);
  const bring = useMutation({
    mutationFn: async (files: File[]) => {
      if (!tenant) return;
      const signal = (stop.current = new AbortController()).signal;
      setSending(files.map(({ name, size }) => ({ name, size, sent: 0 })));
      const say = (index: number, change: Partial<Sending>) => setSending((before) => before.map((one, at) => (at === index ? { ...one, ...change } : one)));
      const ids: string[] = [];
      for (const [index, file] of files.entries()) {
        try {
          ids.push((await upload(file, { tenant_id: tenant, server_id: server, campaign_id: campaign }, (sent) => say(index, { sent }), signal)).id);
          say(index, { done: true });
        } catch (error) {
          say(index, { error });
          if (signal.aborted) return;
        }
      }
      if (ids.length > 0 && hunt) await need(api.POST("/api/v1/hunts", { params: { header: { "Idempotency-Key": once() } }, body: { campaign_id: campaign, evidence: ids } }));
    },
    onError: (error) => sayProblem(error, language),
    onSettled: () => {
      for (const key of ["evidence", "jobs", "hunts"]) void queries.invalidateQueries({ queryKey: [key] });
    },
  });
  if (!evidence || closed) return null;
  return (
    <section className="panel">
      <h2>{t("hunt.bring")}</h2>
      <Group align="end" mb="sm">
        <Select label={t("word.tenant")} required searchable value={tenant} onChange={(value) => { setTenant(value); setServer(null); }} data={all.data?.filter((one) => inside.has(one.id)).map(({ id, name }) => ({ value: id, label: name })) ?? []} />
        <Select label={t("word.server")} description={t("hunt.server_hint")} clearable searchable disabled={!tenant} value={server} onChange={setServer} data={servers.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []} />
      </Group>
      <Drop label={tenant ? t("hunt.drop") : t("hunt.tenant_first")} multiple disabled={!tenant || bring.isPending} onFiles={(files) => bring.mutate(files)} />
      {sending.length > 0 && (
        <ul className="sending" aria-live="polite">
          {sending.map((one, index) => (
            <li key={index}>
              <span className="name">{one.name}</span>
              <Progress value={one.size ? (100 * one.sent) / one.size : 100} aria-label={one.name} className="bar" />
              <span className="num small">
                {one.error ? <Mark shape="cross" tone="compromised">{explain(one.error, language).title}</Mark> : one.done ? <Mark shape="tick" tone="calm">{bytes(one.size)}</Mark> : `${bytes(one.sent)} / ${bytes(one.size)}`}
              </span>
            </li>
          ))}
          {bring.isPending && <li><Button size="xs" variant="default" onClick={() => stop.current?.abort()}>{t("act.cancel")}</Button></li>}
        </ul>
      )}
    </section>
  );
}
