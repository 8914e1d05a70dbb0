import { Button, Group, Modal, Select, Stack, Tabs, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useCampaigns } from "../api/tenants";
import type { Campaign, Cell, Said } from "../api/types";
import { Age, Mark, Moment, SeverityMark, Word } from "../components/badges";
import { Proof } from "../components/proof";
import { Empty, Loaded, ProblemBox } from "../components/states";
import { Statements } from "../components/statements";
import { FindingState } from "../findings/state";
import { HuntOfServer } from "../hunts/server";
import { useLanguage } from "../i18n";
import { Exposure } from "../server/exposure";
import { Observations } from "../server/observations";
import { LOOKS, type Stage, STAGES, wordKey } from "../words";

export default function ServerPage() {
  const { id = "" } = useParams();
  const { t } = useLanguage();
  const [search, setSearch] = useSearchParams();
  const internal = useMay("read_internal");
  const server = useQuery({ queryKey: ["servers", id], queryFn: () => need(api.GET("/api/v1/servers/{id}", { params: { path: { id } } })) });
  const tenantId = server.data?.tenant_id;
  const tenant = useQuery({ queryKey: ["tenants", tenantId], queryFn: () => need(api.GET("/api/v1/tenants/{id}", { params: { path: { id: tenantId ?? "" } } })), enabled: tenantId !== undefined });
  const cells = useQuery({ queryKey: ["servers", id, "cells"], queryFn: () => need(api.GET("/api/v1/servers/{id}/cells", { params: { path: { id } } })) as Promise<Record<string, Cell[]>> });
  const campaigns = useCampaigns();
  const inside = campaigns.data?.filter((one) => cells.data && one.id in cells.data) ?? [];
  const campaign = inside.find((one) => one.id === search.get("campaign")) ?? inside[0];
  return (
    <Loaded query={server}>
      {(one) => (
        <>
          <header className="page-head">
            <div>
              <h1>{one.name}</h1>
              <p className="muted small">
                <Link to={`/tenants/${one.tenant_id}`}>{tenant.data?.name ?? t("word.tenant")}</Link>
                {[one.fqdn, one.product, ...(one.addresses ?? [])].filter(Boolean).map((text) => ` · ${text}`)}
              </p>
            </div>
            {inside.length > 0 && <Select aria-label={t("word.campaign")} value={campaign?.id ?? null} onChange={(value) => value && setSearch({ campaign: value }, { replace: true })} data={inside.map(({ id, title }) => ({ value: id, label: title }))} allowDeselect={false} />}
          </header>
          <Loaded query={cells} rows={2}>
            {(all) => (campaign ? <Cells server={id} campaign={campaign} cells={all[campaign.id] ?? []} /> : <Empty title="server.no_campaign" />)}
          </Loaded>
          <Tabs defaultValue="exposure" mt="md" keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="exposure">{t("stage.exposure")}</Tabs.Tab>
              <Tabs.Tab value="observations">{t("server.observations")}</Tabs.Tab>
              <Tabs.Tab value="hunts">{t("server.hunts")}</Tabs.Tab>
              {internal && <Tabs.Tab value="findings">{t("nav.findings")}</Tabs.Tab>}
            </Tabs.List>
            <Tabs.Panel value="exposure" pt="md">{campaign ? <Exposure server={id} pack={campaign.pack} /> : <Empty title="server.no_campaign" />}</Tabs.Panel>
            <Tabs.Panel value="observations" pt="md"><Observations server={id} /></Tabs.Panel>
            <Tabs.Panel value="hunts" pt="md"><HuntsOf server={id} /></Tabs.Panel>
            <Tabs.Panel value="findings" pt="md"><FindingsOf server={id} /></Tabs.Panel>
          </Tabs>
        </>
      )}
    </Loaded>
  );
}

function Cells({ server, campaign, cells }: { server: string; campaign: Campaign; cells: Cell[] }) {
  const { t } = useLanguage();
  const [stage, setStage] = useState<Stage | null>(null);
  const [saying, setSaying] = useState<Stage | null>(null);
  const may = { inventory: useMay("inventory"), judge: useMay("judge"), case: useMay("case") };
  const maySay = (of: Stage) => !campaign.closed_at && (of === "hunt" || of === "verdict" ? may.judge : of === "case" ? may.case : may.inventory);
  const shown = cells.find((cell) => cell.stage === stage);
  return (
    <>
      <ul className="totals">
        {STAGES.map((one) => {
          const cell = cells.find((cell) => cell.stage === one);
          if (!cell) return null;
          return (
            <li key={one} className="panel">
              <h2>{t(`stage.${one}`)}</h2>
              <p><Word stage={one} word={cell.stale ? "unknown" : cell.detail} plain /></p>
              <p className="muted small">{cell.stale ? t("cell.was", { word: t(wordKey(one, cell.detail)) }) : cell.said_by || t("cell.nobody")}{cell.as_of && <> · <Age at={cell.as_of} /></>}</p>
              <button type="button" className="link small" aria-expanded={stage === one} onClick={() => setStage(stage === one ? null : one)}>{t("cell.why")}</button>
            </li>
          );
        })}
      </ul>
      {shown && (
        <section className="panel">
          <h2>{t(`question.${shown.stage}`)}</h2>
          <Proof value={shown.proof} />
          <Statements campaign={campaign.id} server={server} stage={shown.stage} />
          {maySay(shown.stage) && <Button size="xs" mt="sm" variant="default" onClick={() => setSaying(shown.stage)}>{t("cell.say")}</Button>}
        </section>
      )}
      {saying && <Say server={server} campaign={campaign.id} stage={saying} onClose={() => setSaying(null)} />}
    </>
  );
}

/** What a person knows of a cell, with the reason: it stands above what machines said before. */
function Say({ server, campaign, stage, onClose }: { server: string; campaign: string; stage: Stage; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [word, setWord] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const say = useMutation({
    mutationFn: () => need(api.POST("/api/v1/servers/{id}/cells/{campaign}", { params: { path: { id: server, campaign } }, body: { stage, detail: word ?? "", reason } })),
    onSuccess: () => {
      for (const key of ["servers", "campaigns"]) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    say.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t(`question.${stage}`)} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Select label={t("cell.answer")} required value={word} onChange={setWord} data={Object.keys(LOOKS[stage]).map((value) => ({ value, label: t(wordKey(stage, value)) }))} />
          <Textarea label={t("dismiss.reason")} required autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
          {say.error && <ProblemBox error={say.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" loading={say.isPending} disabled={!word || reason.trim().length < 3}>{t("cell.say")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function HuntsOf({ server }: { server: string }) {
  const hunts = useQuery({ queryKey: ["servers", server, "hunts"], queryFn: () => need(api.GET("/api/v1/servers/{id}/hunts", { params: { path: { id: server } } })) });
  return (
    <Loaded query={hunts}>
      {(all) => (all.length === 0 ? <Empty title="server.no_hunt" /> : all.slice(0, 5).map((hunt) => <section key={hunt.hunt_id} className="panel"><HuntOfServer hunt={hunt} /></section>))}
    </Loaded>
  );
}

function FindingsOf({ server }: { server: string }) {
  const { t, tn, locale } = useLanguage();
  const findings = useQuery({ queryKey: ["findings", "of", server], queryFn: () => need(api.GET("/api/v1/findings", { params: { query: { server, limit: 100 } } })) });
  return (
    <Loaded query={findings}>
      {({ items, total }) => (items.length === 0 ? <Empty title="finding.none" /> : (
        <section className="panel">
          <p><Link to={`/findings?state=all&server=${server}`}>{tn("finding.total", total)}</Link></p>
          <ul className="history">
            {items.map((one) => (
              <li key={one.id}>
                <SeverityMark severity={one.severity} /> <span>{({ en: one.statement_en, fr: one.statement_fr } satisfies Said)[locale]}</span>
                <span className="muted small"><Moment at={one.first_at} /></span> <FindingState state={one.state} />
                {one.gone_at && <Mark shape="dash" tone="quiet">{t("finding.gone")}</Mark>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Loaded>
  );
}
