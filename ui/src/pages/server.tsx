import { Button, Group, Select, Tabs } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearchParams } from "react-router";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useCampaigns } from "../api/tenants";
import type { Cell, Said } from "../api/types";
import { Archive } from "../components/archive";
import { Mark, Moment, SeverityMark } from "../components/badges";
import { Note } from "../components/note";
import { Empty, Loaded } from "../components/states";
import { FindingState } from "../findings/state";
import { HuntOfServer } from "../hunts/server";
import { useLanguage } from "../i18n";
import { Cells } from "../server/cells";
import { Exposure } from "../server/exposure";
import { ServerForm } from "../server/form";
import { Observations } from "../server/observations";

export default function ServerPage() {
  const { id = "" } = useParams();
  const { t } = useLanguage();
  const [search, setSearch] = useSearchParams();
  const internal = useMay("read_internal");
  const inventory = useMay("inventory");
  const [editing, { open: edit, close: edited }] = useDisclosure();
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
            <Group gap="xs">
              {inventory && <><Button variant="default" onClick={edit}>{t("act.change")}</Button><Archive kind="server" one={one} /></>}
              {inside.length > 0 && <Select className="campaign-choice" aria-label={t("word.campaign")} value={campaign?.id ?? null} onChange={(value) => value && setSearch({ campaign: value }, { replace: true })} data={inside.map(({ id, title }) => ({ value: id, label: title }))} allowDeselect={false} />}
            </Group>
          </header>
          {one.archived_at && <p><Mark shape="dash" tone="quiet">{t("archive.is")}</Mark> <Moment at={one.archived_at} /></p>}
          {internal && one.note && <section className="panel"><Note text={one.note} /></section>}
          {editing && <ServerForm tenant={one.tenant_id} server={one} onClose={edited} />}
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
      {({ items, total, total_at_least }) => (items.length === 0 ? <Empty title="finding.none" /> : (
        <section className="panel">
          <p><Link to={`/findings?state=all&server=${server}`}>{total_at_least ? tn("finding.at_least", total) : tn("finding.total", total)}</Link></p>
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
