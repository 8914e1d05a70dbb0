import { Button, Group } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, need } from "../api/client";
import { useMay, useSession } from "../api/session";
import type { Campaign } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { sayDone, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";
import { Sure, type Step } from "./sure";

/** Closing, reopening, a newer pack, hunting everything again, working exposure out again: each says first what it does. */
export function Steer({ campaign, may }: { campaign: Campaign; may: boolean }) {
  const language = useLanguage();
  const { t, tn, number } = language;
  const queries = useQueryClient();
  const everywhere = useSession().tenants === "all";
  const hunt = useMay("hunt");
  const inventory = useMay("inventory");
  const [step, setStep] = useState<Step | null>(null);
  const packs = useQuery({ queryKey: ["packs"], queryFn: () => need(api.GET("/api/v1/packs")) });
  const pack = packs.data?.find((one) => one.name === campaign.pack);
  const newer = pack && pack.version !== campaign.pack_version ? pack.version : null;
  const assess = useMutation({
    mutationFn: () => need(api.POST("/api/v1/campaigns/{id}/assess", { params: { path: { id: campaign.id } } })),
    onSuccess: ({ servers, changed, vulnerable, unknown }) => {
      sayDone(t("campaign.assessed", { servers: tn("count.servers", servers), changed: number(changed), vulnerable: number(vulnerable), unknown: number(unknown) }), language);
      for (const key of ["campaigns", "servers"]) void queries.invalidateQueries({ queryKey: [key] });
    },
    onError: (error) => sayProblem(error, language),
  });
  const open = !campaign.closed_at;
  return (
    <section className="panel">
      <h2>{t("campaign.state")}</h2>
      <p>
        {open ? <Mark shape="running" tone="suspected">{t("campaign.running")}</Mark> : <Mark shape="tick" tone="quiet">{t("board.closed")}</Mark>}{" "}
        <Moment at={campaign.closed_at ?? campaign.opened_at} /> · {tn("count.tenants", campaign.tenants)}
        {campaign.revised_at && <> · {t("campaign.revised")} <Moment at={campaign.revised_at} /></>}
      </p>
      {newer && open && <p><Mark shape="suspected" tone="suspected">{t("campaign.newer", { pack: campaign.pack, version: newer })}</Mark> <Link to={`/packs/${campaign.pack}`}>{t("campaign.see_pack")}</Link></p>}
      <Group gap="xs">
        {may && everywhere && newer && open && <Button onClick={() => setStep({ act: "revise", version: newer })}>{t("campaign.revise", { version: newer })}</Button>}
        {hunt && open && <Button variant="default" onClick={() => setStep({ act: "rehunt" })}>{t("campaign.rehunt")}</Button>}
        {inventory && open && <Button variant="default" loading={assess.isPending} onClick={() => assess.mutate()}>{t("campaign.assess")}</Button>}
        {may && everywhere && <Button variant="default" onClick={() => setStep({ act: open ? "close" : "reopen" })}>{t(open ? "campaign.close" : "campaign.reopen")}</Button>}
      </Group>
      {step && <Sure campaign={campaign} step={step} onClose={() => setStep(null)} />}
    </section>
  );
}
