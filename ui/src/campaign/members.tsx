import { Button, MultiSelect, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, need, once } from "../api/client";
import { useTenants } from "../api/tenants";
import type { Campaign, Tenant } from "../api/types";
import { Form } from "../components/form";
import { Loaded, sayProblem } from "../components/states";
import { useTyped } from "../components/typed";
import { useLanguage } from "../i18n";

/** The clients of a campaign: bringing more in, taking one out. */
export function Members({ campaign, may }: { campaign: Campaign; may: boolean }) {
  const { t, tn } = useLanguage();
  const all = useTenants();
  const ids = useQuery({ queryKey: ["campaigns", campaign.id, "tenants"], queryFn: () => need(api.GET("/api/v1/campaigns/{id}/tenants", { params: { path: { id: campaign.id } } })) });
  const inside = new Set<string>(ids.data);
  const [adding, { open, close }] = useDisclosure();
  const [leaving, setLeaving] = useState<Tenant | null>(null);
  const others = all.data?.filter((one) => !inside.has(one.id) && !one.archived_at) ?? [];
  return (
    <section className="panel">
      <div className="page-head"><h2>{t("campaign.tenants")}</h2>{may && <Button variant="default" disabled={others.length === 0} onClick={open}>{t("campaign.add_tenants")}</Button>}</div>
      <Loaded query={all}>
        {(tenants) => {
          const shown = tenants.filter((one) => inside.has(one.id));
          return (
            <>
              <p className="muted small" role="status">{tn("count.tenants", shown.length)}</p>
              <ul className="chips">
                {shown.map((one) => (
                  <li key={one.id}>
                    <Link to={`/tenants/${one.id}`}>{one.name}</Link> <span className="muted small">{t(`contract.${one.contract}`)}</span>
                    {may && <button type="button" className="link small" aria-label={t("campaign.take_out", { name: one.name })} onClick={() => setLeaving(one)}>{t("act.remove")}</button>}
                  </li>
                ))}
              </ul>
            </>
          );
        }}
      </Loaded>
      {adding && <Bring campaign={campaign.id} others={others} onClose={close} />}
      {leaving && <TakeOut campaign={campaign.id} tenant={leaving} onClose={() => setLeaving(null)} />}
    </section>
  );
}

function Bring({ campaign, others, onClose }: { campaign: string; others: Tenant[]; onClose: () => void }) {
  const { t, tn } = useLanguage();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState<string[]>([]);
  const [field, isTyped] = useTyped(tn("campaign.reaches", chosen.length));
  const wide = chosen.length > 1 && chosen.length === others.length;
  const bring = useMutation({
    mutationFn: () => need(api.POST("/api/v1/campaigns/{id}/tenants", { params: { path: { id: campaign }, header: { "Idempotency-Key": once() } }, body: { tenants: chosen } })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["campaigns"] });
      onClose();
    },
  });
  return (
    <Form title={t("campaign.add_tenants")} act={tn("campaign.add_n", chosen.length)} ready={chosen.length > 0 && (!wide || isTyped)} pending={bring.isPending} error={bring.error} onClose={onClose} onSubmit={() => bring.mutate()}>
      <MultiSelect label={t("campaign.tenants")} searchable clearable value={chosen} onChange={setChosen} data={others.map(({ id, name }) => ({ value: id as string, label: name }))} data-autofocus />
      <Button variant="default" size="xs" onClick={() => setChosen(others.map(({ id }) => id))}>{tn("campaign.choose_all", others.length)}</Button>
      <p className="muted small">{t("campaign.clock_join")}</p>
      {wide && field}
    </Form>
  );
}

function TakeOut({ campaign, tenant, onClose }: { campaign: string; tenant: Tenant; onClose: () => void }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const leave = useMutation({
    mutationFn: () => need(api.DELETE("/api/v1/campaigns/{id}/tenants/{tenant}", { params: { path: { id: campaign, tenant: tenant.id } } })),
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ["campaigns"] }),
    onError: (error) => sayProblem(error, language),
  });
  const title = t("campaign.take_out", { name: tenant.name });
  return (
    <Form title={title} act={t("act.remove")} ready={typed.trim() === tenant.name} pending={leave.isPending} onClose={onClose} onSubmit={() => leave.mutate()}>
      <p>{t("campaign.take_out_what")}</p>
      <TextInput label={t("typed.type", { word: tenant.name })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" data-autofocus />
    </Form>
  );
}
