import { Button, Group, Modal, MultiSelect, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useNavigate } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import { useCampaigns, useTenants } from "../api/tenants";
import { Mark, Moment } from "../components/badges";
import { useFocusBack } from "../components/focus";
import { Empty, Loaded, ProblemBox } from "../components/states";
import { useLanguage } from "../i18n";

export default function Campaigns() {
  const { t, tn } = useLanguage();
  const campaigns = useCampaigns();
  const may = useMay("campaign");
  const [open, { open: show, close }] = useDisclosure();
  return (
    <>
      <header className="page-head">
        <h1>{t("nav.campaigns")}</h1>
        {may && <Button onClick={show}>{t("campaign.open")}</Button>}
      </header>
      <Loaded query={campaigns}>
        {(all) =>
          all.length === 0 ? <Empty title="campaign.none">{may && <p>{t("campaign.none_todo")} <Link to="/tenants">{t("nav.tenants")}</Link></p>}</Empty> : (
            <ul className="cards">
              {all.map((one) => (
                <li key={one.id} className="panel">
                  <h2><Link to={`/campaigns/${one.id}`}>{one.title}</Link></h2>
                  <p className="muted small">{t("board.pack", { pack: one.pack, version: one.pack_version })} · {tn("count.tenants", one.tenants)}</p>
                  <p className="small">
                    {one.closed_at ? <Mark shape="tick" tone="quiet">{t("board.closed")}</Mark> : <Mark shape="running" tone="suspected">{t("campaign.running")}</Mark>}{" "}
                    <Moment at={one.closed_at ?? one.opened_at} />
                  </p>
                </li>
              ))}
            </ul>
          )}
      </Loaded>
      {open && <OpenCampaign onClose={close} />}
    </>
  );
}

function OpenCampaign({ onClose }: { onClose: () => void }) {
  const { t, tn, locale } = useLanguage();
  useFocusBack();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tenants = useTenants();
  const packs = useQuery({ queryKey: ["packs"], queryFn: () => need(api.GET("/api/v1/packs")) });
  const [name, setName] = useState<string | null>(null);
  const [title, setTitle] = useState("");
  const [only, setOnly] = useState<string[]>([]);
  const pack = packs.data?.find((one) => one.name === name);
  const ids = only.length > 0 ? only : (tenants.data?.map((one) => one.id) ?? []);
  const open = useMutation({
    mutationFn: () =>
      need(api.POST("/api/v1/campaigns", {
        params: { header: { "Idempotency-Key": once() } },
        body: { title: title || (pack?.title[locale] ?? ""), pack: pack?.name ?? "", pack_version: pack?.version ?? "", tenants: ids, stale_hours: {} },
      })),
    onSuccess: (campaign) => {
      void queries.invalidateQueries({ queryKey: ["campaigns"] });
      navigate(`/campaigns/${campaign.id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    open.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t("campaign.open")} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Select label={t("campaign.pack")} required searchable data={packs.data?.map((one) => ({ value: one.name, label: `${one.title[locale]} (${one.name})` })) ?? []} value={name} onChange={setName} />
          <TextInput label={t("campaign.title")} placeholder={pack?.title[locale]} value={title} onChange={(event) => setTitle(event.currentTarget.value)} />
          <MultiSelect label={t("campaign.tenants")} placeholder={only.length === 0 ? t("scope.all") : undefined} searchable clearable data={tenants.data?.map((one) => ({ value: one.id, label: one.name })) ?? []} value={only} onChange={setOnly} />
          {tenants.data?.length === 0 && <p><Mark shape="unknown" tone="unknown">{t("campaign.no_tenant")}</Mark> <Link to="/tenants">{t("nav.tenants")}</Link></p>}
          <p className="muted small">{t("campaign.clock")}</p>
          {open.error && <ProblemBox error={open.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" disabled={!pack || ids.length === 0} loading={open.isPending}>{tn("campaign.open_for", ids.length)}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
