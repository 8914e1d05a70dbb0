import { Button, Group, Modal, Select, Stack, Tabs, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useParams } from "react-router";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useServers } from "../api/tenants";
import type { Case } from "../api/types";
import { Items } from "../cases/items";
import { Links } from "../cases/links";
import { CASE_STATES, CaseState } from "../cases/state";
import { Age, Moment, SeverityMark } from "../components/badges";
import { Loaded, ProblemBox, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";

export default function CasePage() {
  const { id = "" } = useParams();
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const may = useMay("case");
  const internal = useMay("read_internal");
  const found = useQuery({ queryKey: ["cases", id], queryFn: () => need(api.GET("/api/v1/cases/{id}", { params: { path: { id } } })) });
  const items = useQuery({ queryKey: ["cases", id, "items"], queryFn: () => need(api.GET("/api/v1/cases/{id}/items", { params: { path: { id } } })) });
  const people = useQuery({ queryKey: ["people"], queryFn: () => need(api.GET("/api/v1/people")), enabled: internal });
  const servers = useServers(found.data?.tenant_id ?? null);
  const [closing, setClosing] = useState(false);
  const settle = () => void queries.invalidateQueries({ queryKey: ["cases"] });
  const revised = () => ({ path: { id }, header: { "If-Match": `"${found.data?.revision ?? 0}"` } });
  const move = useMutation({
    mutationFn: ({ state, resolution }: { state: Case["state"]; resolution: string }) => need(api.POST("/api/v1/cases/{id}/state", { params: revised(), body: { state, resolution } })),
    onSuccess: () => setClosing(false),
    onSettled: settle,
    onError: (error) => sayProblem(error, language),
  });
  const assign = useMutation({
    mutationFn: (to: string | null) => need(api.POST("/api/v1/cases/{id}/assign", { params: revised(), body: { to } })),
    onSettled: settle,
    onError: (error) => sayProblem(error, language),
  });
  return (
    <Loaded query={found}>
      {(one) => (
        <>
          <header className="page-head">
            <div>
              <h1>#{one.number} · {one.title}</h1>
              <p className="row-line small"><Link to={`/tenants/${one.tenant_id}`}>{one.tenant}</Link> <SeverityMark severity={one.severity} /> <CaseState state={one.state} /></p>
            </div>
            {may && (
              <Group gap="xs" align="end">
                <Select w={190} label={t("case.assigned")} clearable value={one.assigned_to ?? null} onChange={(to) => assign.mutate(to)} data={people.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []} />
                <Select w={160} label={t("case.state")} allowDeselect={false} value={one.state} onChange={(state) => (state === "closed" ? setClosing(true) : state && move.mutate({ state: state as Case["state"], resolution: "" }))} data={CASE_STATES.map((value) => ({ value, label: t(`state.case.${value}`) }))} />
              </Group>
            )}
          </header>
          <section className="panel">
            <dl className="facts">
              <dt>{t("case.opened")}</dt><dd><Moment at={one.opened_at} /> · {one.opened_by}</dd>
              <dt>{t("case.due")}</dt><dd>{one.due_at ? <><Moment at={one.due_at} /> · <Age at={one.due_at} /></> : <span className="muted">{t("case.no_due")}</span>}</dd>
              <dt>{t("tenant.servers")}</dt>
              <dd>{one.servers.length === 0 ? <span className="muted">–</span> : one.servers.map((server, index) => <span key={server}>{index > 0 && ", "}<Link to={`/servers/${server}`}>{servers.data?.find((known) => known.id === server)?.name ?? t("word.server")}</Link></span>)}</dd>
              {one.campaign_id && <><dt>{t("word.campaign")}</dt><dd><Link to={`/campaigns/${one.campaign_id}`}>{t("case.board")}</Link></dd></>}
              <dt>{t("case.shared")}</dt><dd>{one.shared ? t("answer.yes") : t("answer.no")}</dd>
              {one.closed_at && <><dt>{t("case.resolution")}</dt><dd>{one.resolution} · <Moment at={one.closed_at} /></dd></>}
            </dl>
          </section>
          <Tabs defaultValue="notes" mt="md" keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="notes">{t("case.notes")}</Tabs.Tab>
              {internal && <Tabs.Tab value="tasks">{t("case.tasks")}</Tabs.Tab>}
              {internal && <Tabs.Tab value="timeline">{t("case.timeline")}</Tabs.Tab>}
              {internal && <Tabs.Tab value="entities">{t("case.entities")}</Tabs.Tab>}
              {internal && <Tabs.Tab value="links">{t("case.links")}</Tabs.Tab>}
            </Tabs.List>
            {(["notes", "tasks", "timeline", "entities"] as const).map((tab) => (
              <Tabs.Panel key={tab} value={tab} pt="md"><Loaded query={items}>{(all) => <Items id={id} tab={tab} items={all} closed={one.state === "closed"} />}</Loaded></Tabs.Panel>
            ))}
            <Tabs.Panel value="links" pt="md"><Links id={id} /></Tabs.Panel>
          </Tabs>
          {closing && <Close pending={move.isPending} error={move.error} onClose={() => setClosing(false)} onDone={(resolution) => move.mutate({ state: "closed", resolution })} />}
        </>
      )}
    </Loaded>
  );
}

function Close({ pending, error, onClose, onDone }: { pending: boolean; error: unknown; onClose: () => void; onDone: (resolution: string) => void }) {
  const { t } = useLanguage();
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onDone(text);
  };
  return (
    <Modal opened onClose={onClose} title={t("case.close")} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Textarea label={t("case.resolution")} required autosize minRows={3} value={text} onChange={(event) => setText(event.currentTarget.value)} data-autofocus />
          {error != null && <ProblemBox error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" disabled={!text.trim()} loading={pending}>{t("case.close")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
