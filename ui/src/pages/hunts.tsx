import { Button, Drawer, Group, Progress, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import { useCampaigns, useServers, useTenants } from "../api/tenants";
import { upload } from "../api/upload";
import type { Hunt, Job } from "../api/types";
import { Age, Mark, Moment } from "../components/badges";
import { Drop } from "../components/drop";
import { Empty, explain, Loaded, ProblemBox, sayProblem } from "../components/states";
import { HuntDetail } from "../hunts/detail";
import { type Key, useLanguage } from "../i18n";
import type { Look } from "../words";

const JOBS: Record<Job["state"], Look> = {
  queued: { shape: "clock", tone: "quiet" },
  running: { shape: "running", tone: "attempted" },
  done: { shape: "tick", tone: "calm" },
  failed: { shape: "cross", tone: "compromised" },
  cancelled: { shape: "dash", tone: "quiet" },
};

export default function Hunts() {
  const { t } = useLanguage();
  const [search, setSearch] = useSearchParams();
  const [opened, setOpened] = useState<string | null>(null);
  const campaigns = useCampaigns();
  const open = campaigns.data?.filter((one) => !one.closed_at) ?? [];
  const campaign = search.get("campaign") ?? open[0]?.id ?? null;
  return (
    <>
      <header className="page-head">
        <h1>{t("nav.hunts")}</h1>
        <Select aria-label={t("word.campaign")} value={campaign} onChange={(value) => value && setSearch({ campaign: value }, { replace: true })} data={campaigns.data?.map(({ id, title }) => ({ value: id, label: title })) ?? []} allowDeselect={false} />
      </header>
      <Loaded query={campaigns} rows={3}>
        {() => (campaign === null ? <Empty title="hunt.no_campaign" /> : (
          <>
            <Bring campaign={campaign} closed={!open.some((one) => one.id === campaign)} />
            <Jobs campaign={campaign} onOpen={setOpened} />
            <Done campaign={campaign} onOpen={setOpened} />
          </>
        ))}
      </Loaded>
      <Drawer opened={opened !== null} onClose={() => setOpened(null)} position="right" size="xl" title={t("hunt.one")} closeButtonProps={{ "aria-label": t("act.close") }}>
        {opened && <HuntDetail id={opened} />}
      </Drawer>
    </>
  );
}

interface Sending {
  name: string;
  size: number;
  sent: number;
  error?: unknown;
  done?: boolean;
}

/** Files of one tenant: sent, kept as evidence, and hunted together. */
function Bring({ campaign, closed }: { campaign: string; closed: boolean }) {
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

/** Hunts that wait, run or did not end well. */
function Jobs({ campaign, onOpen }: { campaign: string; onOpen: (id: string) => void }) {
  const language = useLanguage();
  const { t, number } = language;
  const queries = useQueryClient();
  const may = useMay("hunt");
  const names = useTenants();
  const jobs = useQuery({
    queryKey: ["jobs", campaign],
    queryFn: () => need(api.GET("/api/v1/jobs", { params: { query: { kind: "hunt", campaign, limit: 100 } } })),
    refetchInterval: ({ state }) => (state.data?.items.some((job) => job.state === "running" || job.state === "queued") ? 2_000 : false),
  });
  const settle = () => void queries.invalidateQueries({ queryKey: ["jobs"] });
  const cancel = useMutation({ mutationFn: (id: string) => need(api.POST("/api/v1/hunts/{id}/cancel", { params: { path: { id } } })), onSettled: settle, onError: (error) => sayProblem(error, language) });
  const retry = useMutation({ mutationFn: (id: string) => need(api.POST("/api/v1/hunts/{id}/retry", { params: { path: { id } } })), onSettled: settle, onError: (error) => sayProblem(error, language) });
  const waiting = jobs.data?.items.filter((job) => job.state !== "done") ?? [];
  if (jobs.error) return <ProblemBox error={jobs.error} />;
  if (waiting.length === 0) return null;
  return (
    <section className="panel">
      <h2>{t("hunt.on_the_way")}</h2>
      <ul className="jobs">
        {waiting.map((job) => (
          <li key={job.id}>
            <Mark {...JOBS[job.state]}>{t(`job.${job.state}`)}</Mark>
            <button type="button" className="link" onClick={() => onOpen(job.id)}>{names.data?.find((one) => one.id === job.tenant_id)?.name ?? t("hunt.one")}</button>
            {job.state === "running" && (
              <>
                <Progress value={job.progress.total ? (100 * job.progress.done) / job.progress.total : 100} animated={!job.progress.total} aria-label={job.progress.phase || t("job.running")} className="bar" />
                <span className="small num">{job.progress.phase} {job.progress.total > 0 && `${number(job.progress.done)} / ${number(job.progress.total)}`}</span>
              </>
            )}
            {job.error && <span className="small">{job.error}</span>}
            <span className="muted small"><Age at={job.created_at} /> · {job.asked_by.name}</span>
            {may && (job.state === "running" || job.state === "queued") && <Button size="compact-xs" variant="default" disabled={job.cancelling} onClick={() => cancel.mutate(job.id)}>{t("act.cancel")}</Button>}
            {may && (job.state === "failed" || job.state === "cancelled") && <Button size="compact-xs" variant="default" onClick={() => retry.mutate(job.id)}>{t("act.retry")}</Button>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Done({ campaign, onOpen }: { campaign: string; onOpen: (id: string) => void }) {
  const { t, tn } = useLanguage();
  const names = useTenants();
  const hunts = useQuery({ queryKey: ["hunts", campaign], queryFn: () => need(api.GET("/api/v1/hunts", { params: { query: { campaign, limit: 200 } } })) });
  const changes = (hunt: Hunt) => (["new", "known", "gone"] as const).map((word) => `${t(`hunt.changes.${word}` as Key)} ${hunt.changes[word]}`).join(" · ");
  return (
    <section className="panel">
      <h2>{t("hunt.done")}</h2>
      <Loaded query={hunts}>
        {({ items }) => (items.length === 0 ? <Empty title="hunt.none" /> : (
          <div className="scroll" tabIndex={0} role="region" aria-label={t("hunt.done")}>
            <table className="table">
              <thead><tr><th scope="col">{t("hunt.when")}</th><th scope="col">{t("word.tenant")}</th><th scope="col">{t("campaign.pack")}</th><th scope="col">{t("nav.findings")}</th><th scope="col">{t("hunt.skipped")}</th></tr></thead>
              <tbody>
                {items.map((hunt) => (
                  <tr key={hunt.id}>
                    <th scope="row"><button type="button" className="link" onClick={() => onOpen(hunt.id)}><Moment at={hunt.finished_at} /></button></th>
                    <td>{names.data?.find((one) => one.id === hunt.tenant_id)?.name ?? "–"}</td>
                    <td>{hunt.pack} {hunt.pack_version}</td>
                    <td>{changes(hunt)}</td>
                    <td>{hunt.skipped.length + hunt.warnings.length > 0 ? <Mark shape="suspected" tone="attempted">{tn("hunt.notes", hunt.skipped.length + hunt.warnings.length)}</Mark> : <span className="muted">–</span>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
      </Loaded>
    </section>
  );
}
