import { Button, Checkbox, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useNavigate } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import { useCampaigns, useTenants } from "../api/tenants";
import { CaseState } from "../cases/state";
import { Age, Mark, Moment, SeverityMark } from "../components/badges";
import { useFocusBack } from "../components/focus";
import { Empty, Loaded, ProblemBox, sayDone, sayProblem } from "../components/states";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import { SEVERITIES, type Severity } from "../words";

export default function Cases() {
  const { t } = useLanguage();
  const may = useMay("case");
  const internal = useMay("read_internal");
  const [opening, { open, close }] = useDisclosure();
  return (
    <>
      <header className="page-head">
        <h1>{t("nav.cases")}</h1>
        {may && <Button variant="default" onClick={open}>{t("case.open")}</Button>}
      </header>
      {internal && <Queue />}
      <All />
      {opening && <OpenCase onClose={close} />}
    </>
  );
}

/** Cases nobody is on, in the order in which they are to be taken, and why each stands there. */
function Queue() {
  const language = useLanguage();
  const { t, tn, locale } = language;
  const may = useMay("case");
  const navigate = useNavigate();
  const queries = useQueryClient();
  const queue = useQuery({ queryKey: ["cases", "queue"], queryFn: () => need(api.GET("/api/v1/cases/queue")), refetchInterval: 60_000 });
  const take = useMutation({
    mutationFn: () => need(api.POST("/api/v1/cases/queue/take")),
    onSuccess: (taken) => {
      void queries.invalidateQueries({ queryKey: ["cases"] });
      if (taken) navigate(`/cases/${taken.id}`);
      else sayDone(t("case.none_waits"), language);
    },
    onError: (error) => sayProblem(error, language),
  });
  return (
    <section className="panel">
      <div className="page-head">
        <h2>{t("case.queue")}</h2>
        {may && <Button loading={take.isPending} disabled={queue.data?.length === 0} onClick={() => take.mutate()}>{t("case.take")}</Button>}
      </div>
      <details><summary>{t("case.rule")}</summary><ol className="plain small"><li>{t("case.rule1")}</li><li>{t("case.rule2")}</li><li>{t("case.rule3")}</li></ol></details>
      <Loaded query={queue}>
        {(all) => (all.length === 0 ? <Empty title="case.none_waits" /> : (
          <>
            <p className="muted small">{tn("case.waiting", all.length)}</p>
            <ol className="history">
              {all.map((entry) => (
                <li key={entry.case.id}>
                  <SeverityMark severity={entry.case.severity} />
                  <Link to={`/cases/${entry.case.id}`}>{entry.case.tenant} #{entry.case.number} · {entry.case.title}</Link>
                  <Mark shape={entry.lane === "soc" ? "shield" : "dash"} tone="quiet">{t(`lane.${entry.lane}`)}</Mark>
                  <Mark shape="clock" tone={new Date(entry.bound).getTime() < Date.now() ? "compromised" : "quiet"}>{t("case.bound")} <Age at={entry.bound} /></Mark>
                  {entry.case.due_at && <span className="small">{t("case.due")} <Age at={entry.case.due_at} /></span>}
                  <span className="muted small">{locale === "fr" ? entry.because_fr : entry.because}</span>
                </li>
              ))}
            </ol>
          </>
        ))}
      </Loaded>
    </section>
  );
}

function All() {
  const { t } = useLanguage();
  const [closed, setClosed] = useState(false);
  const cases = useQuery({ queryKey: ["cases", "all", closed], queryFn: () => need(api.GET("/api/v1/cases", { params: { query: { unfinished: !closed, limit: 500 } } })) });
  return (
    <section className="panel">
      <div className="page-head">
        <h2>{closed ? t("case.all") : t("case.unfinished")}</h2>
        <Checkbox label={t("case.with_closed")} checked={closed} onChange={(event) => setClosed(event.currentTarget.checked)} />
      </div>
      <Loaded query={cases}>
        {({ items, next_cursor }) => (items.length === 0 ? <Empty title="case.none" /> : (
          <div className="scroll" tabIndex={0} role="region" aria-label={t("nav.cases")}>
            <table className="table">
              <thead><tr><th scope="col">{t("case.one")}</th><th scope="col">{t("word.tenant")}</th><th scope="col">{t("finding.severity")}</th><th scope="col">{t("case.state")}</th><th scope="col">{t("case.due")}</th><th scope="col">{t("case.opened")}</th></tr></thead>
              <tbody>
                {items.map((one) => (
                  <tr key={one.id}>
                    <th scope="row"><Link to={`/cases/${one.id}`}>#{one.number} · {one.title}</Link></th>
                    <td>{one.tenant}</td><td><SeverityMark severity={one.severity} /></td><td><CaseState state={one.state} /></td>
                    <td>{one.due_at ? <Moment at={one.due_at} /> : <span className="muted">–</span>}</td><td><Age at={one.opened_at} /> · <Who name={one.opened_by} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
            {next_cursor && <p className="muted small">{t("case.first", { n: items.length })}</p>}
          </div>
        ))}
      </Loaded>
    </section>
  );
}

function OpenCase({ onClose }: { onClose: () => void }) {
  const { t } = useLanguage();
  useFocusBack();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tenants = useTenants();
  const campaigns = useCampaigns();
  const [tenant, setTenant] = useState<string | null>(null);
  const [campaign, setCampaign] = useState<string | null>(null);
  const [title, setTitle] = useState("");
  const [severity, setSeverity] = useState<Severity>("high");
  const open = useMutation({
    mutationFn: () => need(api.POST("/api/v1/cases", { params: { header: { "Idempotency-Key": once() } }, body: { tenant_id: tenant ?? "", campaign_id: campaign, servers: [], fields: { title, severity, due_at: null, shared: false } } })),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ["cases"] });
      navigate(`/cases/${made.id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t("case.open")} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Select label={t("word.tenant")} required searchable value={tenant} onChange={setTenant} data={tenants.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []} />
          <TextInput label={t("campaign.title")} required value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
          <Select label={t("finding.severity")} allowDeselect={false} value={severity} onChange={(value) => value && setSeverity(value as Severity)} data={SEVERITIES.map((value) => ({ value, label: t(`severity.${value}`) }))} />
          <Select label={t("word.campaign")} clearable value={campaign} onChange={setCampaign} data={campaigns.data?.map(({ id, title }) => ({ value: id, label: title })) ?? []} />
          {open.error && <ProblemBox error={open.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" disabled={!tenant || !title.trim()} loading={open.isPending}>{t("case.open")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
