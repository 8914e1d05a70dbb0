import { Button, Group, Select, Tabs } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { api, need } from "../api/client";
import { peopleOptions, usePeople } from "../api/people";
import { useMay } from "../api/session";
import { useServers } from "../api/tenants";
import type { Case } from "../api/types";
import { CloseCase } from "../cases/close";
import { EditCase } from "../cases/edit";
import { Items, type Tab } from "../cases/items";
import { Links } from "../cases/links";
import { CaseServers } from "../cases/servers";
import { CASE_STATES, CaseState } from "../cases/state";
import { Age, Mark, Moment, SeverityMark } from "../components/badges";
import { useSayMoved } from "../components/moved";
import { Loaded } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";

const TABS: Tab[] = ["notes", "tasks", "timeline", "entities"];
/** A client's own people see the notes that are shared with them, and nothing else of it. */
const SHARED: Tab[] = ["notes"];
const KIND_OF = { notes: "note", tasks: "task", timeline: "moment", entities: "entity" } as const;

export default function CasePage() {
  const { id = "" } = useParams();
  const { t } = useLanguage();
  const internal = useMay("read_internal");
  const tabs = internal ? TABS : SHARED;
  const found = useQuery({ queryKey: ["cases", id], queryFn: () => need(api.GET("/api/v1/cases/{id}", { params: { path: { id } } })) });
  const items = useQuery({ queryKey: ["cases", id, "items"], queryFn: () => need(api.GET("/api/v1/cases/{id}/items", { params: { path: { id } } })) });
  return (
    <Loaded query={found}>
      {(one) => (
        <>
          <Head one={one} />
          <Facts one={one} />
          <Tabs defaultValue="notes" mt="md" keepMounted={false}>
            <Tabs.List>
              {tabs.map((tab) => <Tabs.Tab key={tab} value={tab}>{t(`case.${tab}`)}{count(items.data?.filter((item) => item.body.kind === KIND_OF[tab]).length)}</Tabs.Tab>)}
              {internal && <Tabs.Tab value="links">{t("case.links")}</Tabs.Tab>}
            </Tabs.List>
            {tabs.map((tab) => (
              <Tabs.Panel key={tab} value={tab} pt="md">
                <Loaded query={items} rows={3}>{(all) => <Items id={id} tab={tab} items={all} closed={one.state === "closed"} />}</Loaded>
              </Tabs.Panel>
            ))}
            <Tabs.Panel value="links" pt="md"><Links one={one} /></Tabs.Panel>
          </Tabs>
        </>
      )}
    </Loaded>
  );
}

const count = (n: number | undefined) => (n ? ` (${n})` : "");

/** What it is called, whose it is, who is on it and where it stands. */
function Head({ one }: { one: Case }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const may = useMay("case");
  const people = usePeople();
  const [closing, { open, close }] = useDisclosure();
  const [editing, { open: edit, close: edited }] = useDisclosure();
  const onError = useSayMoved("case", one.id);
  const onSettled = () => void queries.invalidateQueries({ queryKey: ["cases"] });
  const params = { path: { id: one.id }, header: { "If-Match": `"${one.revision}"` } };
  const move = useMutation({ mutationFn: (state: Case["state"]) => need(api.POST("/api/v1/cases/{id}/state", { params, body: { state, resolution: "" } })), onSettled, onError });
  const assign = useMutation({ mutationFn: (to: string | null) => need(api.POST("/api/v1/cases/{id}/assign", { params, body: { to } })), onSettled, onError });
  return (
    <header className="page-head">
      <div>
        <h1>#{one.number} · {one.title}</h1>
        <p className="row-line small"><Link to={`/tenants/${one.tenant_id}`}>{one.tenant}</Link> <SeverityMark severity={one.severity} /> <CaseState state={one.state} /></p>
      </div>
      {may && (
        <Group gap="xs" align="end">
          <Select w={190} label={t("case.assigned")} clearable clearButtonProps={{ "aria-label": t("case.give_back") }} value={one.assigned_to ?? null} onChange={(to) => assign.mutate(to)} data={peopleOptions(people.data)} />
          <Select w={160} label={t("case.state")} allowDeselect={false} value={one.state} onChange={(state) => (state === "closed" ? open() : state && move.mutate(state as Case["state"]))} data={CASE_STATES.map((value) => ({ value, label: t(`state.case.${value}`) }))} />
          <Button variant="default" onClick={edit}>{t("act.change")}</Button>
        </Group>
      )}
      {closing && <CloseCase one={one} onClose={close} />}
      {editing && <EditCase one={one} onClose={edited} />}
    </header>
  );
}

function Facts({ one }: { one: Case }) {
  const { t } = useLanguage();
  const may = useMay("case") && one.state !== "closed";
  const internal = useMay("read_internal");
  const people = usePeople();
  const servers = useServers(one.tenant_id);
  const [choosing, { open, close }] = useDisclosure();
  const late = one.due_at && one.state !== "closed" && new Date(one.due_at).getTime() < Date.now();
  return (
    <section className="panel">
      <dl className="facts">
        <dt>{t("case.opened")}</dt><dd><Moment at={one.opened_at} /> · <Who name={one.opened_by} /></dd>
        <dt>{t("case.due")}</dt>
        <dd>{one.due_at ? <><Moment at={one.due_at} /> · {late ? <Mark shape="clock" tone="compromised"><Age at={one.due_at} /></Mark> : <Age at={one.due_at} />}</> : <span className="muted">{t("case.no_due")}</span>}</dd>
        {!may && one.assigned_to && <><dt>{t("case.assigned")}</dt><dd>{people.data?.find(({ id }) => id === one.assigned_to)?.name ?? t("case.somebody")}</dd></>}
        <dt>{t("tenant.servers")}</dt>
        <dd>
          {one.servers.length === 0 ? <span className="muted">{t("case.no_server")}</span> : one.servers.map((server, index) => <span key={server}>{index > 0 && ", "}<Link to={`/servers/${server}`}>{servers.data?.find((known) => known.id === server)?.name ?? t("word.server")}</Link></span>)}
          {may && <> <button type="button" className="link small" onClick={open}>{t("case.choose_servers")}</button></>}
        </dd>
        {one.campaign_id && <><dt>{t("word.campaign")}</dt><dd><Link to={`/campaigns/${one.campaign_id}`}>{t("case.board")}</Link></dd></>}
        {internal && <><dt>{t("case.shared")}</dt><dd>{one.shared ? <Mark shape="open" tone="attempted">{t("case.is_shared")}</Mark> : t("case.not_shared")}</dd></>}
        {one.closed_at && <><dt>{t("case.resolution")}</dt><dd>{one.resolution} · <Moment at={one.closed_at} /></dd></>}
      </dl>
      {choosing && <CaseServers one={one} onClose={close} />}
    </section>
  );
}
