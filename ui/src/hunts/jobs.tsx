import { Button, Progress } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { sayPhase } from "../acts";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useTenants } from "../api/tenants";
import type { Job } from "../api/types";
import { Age, Mark } from "../components/badges";
import { ProblemBox, sayProblem } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import type { Look } from "../words";

const JOBS: Record<Job["state"], Look> = {
  queued: { shape: "clock", tone: "quiet" },
  running: { shape: "running", tone: "attempted" },
  done: { shape: "tick", tone: "calm" },
  failed: { shape: "cross", tone: "compromised" },
  cancelled: { shape: "dash", tone: "quiet" },
};

/** Hunts that wait, run or did not end well. */
export function Jobs({ campaign, onOpen }: { campaign: string; onOpen: (id: string) => void }) {
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
                <Progress value={job.progress.total ? (100 * job.progress.done) / job.progress.total : 100} animated={!job.progress.total} aria-label={sayPhase(job.progress.phase, language) || t("job.running")} className="bar" />
                <span className="small num">{sayPhase(job.progress.phase, language)} {job.progress.total > 0 && `${number(job.progress.done)} / ${number(job.progress.total)}`}</span>
              </>
            )}
            {job.error && <span className="small">{job.error}</span>}
            <span className="muted small"><Age at={job.created_at} /> · <Who name={job.asked_by.name} /></span>
            {may && (job.state === "running" || job.state === "queued") && <Button size="compact-xs" variant="default" disabled={job.cancelling} onClick={() => cancel.mutate(job.id)}>{t("act.cancel")}</Button>}
            {may && (job.state === "failed" || job.state === "cancelled") && <Button size="compact-xs" variant="default" onClick={() => retry.mutate(job.id)}>{t("act.retry")}</Button>}
          </li>
        ))}
      </ul>
    </section>
  );
}
