import { Drawer, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../api/client";
import { useTenants } from "../api/tenants";
import type { Campaign, Hunt, Job } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { Empty, Loaded } from "../components/states";
import { Who } from "../components/who";
import { HuntDetail } from "../hunts/detail";
import { useLanguage } from "../i18n";

const MOST = 500;

/** Who hunted what since the campaign was opened, or since its pack was last revised, and what each hunt changed. */
export function Since({ campaign }: { campaign: Campaign }) {
  const { t, tn, number } = useLanguage();
  const [chosen, setFrom] = useState<"opened" | "revised" | null>(null);
  const from = chosen ?? (campaign.revised_at ? "revised" : "opened");
  const [opened, setOpened] = useState<string | null>(null);
  const names = useTenants();
  const hunts = useQuery({ queryKey: ["hunts", campaign.id, "since"], queryFn: () => need(api.GET("/api/v1/hunts", { params: { query: { campaign: campaign.id, limit: MOST } } })) });
  const jobs = useQuery({ queryKey: ["jobs", campaign.id, "since"], queryFn: () => need(api.GET("/api/v1/jobs", { params: { query: { kind: "hunt", campaign: campaign.id, limit: MOST } } })) });
  const jobOf = new Map<string, Job>(jobs.data?.items.map((job) => [job.id, job]));
  const since = from === "revised" && campaign.revised_at ? campaign.revised_at : campaign.opened_at;
  const sum = (all: Hunt[], word: keyof Hunt["changes"]) => number(all.reduce((total, hunt) => total + hunt.changes[word], 0));
  return (
    <section className="panel">
      <div className="page-head">
        <h2>{t("campaign.since")}</h2>
        {campaign.revised_at && <SegmentedControl size="xs" value={from} onChange={(value) => setFrom(value as typeof from)} aria-label={t("campaign.since")} data={[{ value: "opened", label: t("campaign.since_opened") }, { value: "revised", label: t("campaign.since_revised") }]} />}
      </div>
      <Loaded query={hunts}>
        {({ items, next_cursor }) => {
          const shown = items.filter((hunt) => new Date(hunt.finished_at) >= new Date(since));
          if (shown.length === 0) return <Empty title="campaign.no_hunt" />;
          return (
            <>
              <p role="status">
                {tn("campaign.hunts", shown.length)} · {t("campaign.findings")} <strong>{sum(shown, "new")}</strong> {t("hunt.changes.new")}, {sum(shown, "known")} {t("hunt.changes.known")}, <strong>{sum(shown, "gone")}</strong> {t("hunt.changes.gone")}
              </p>
              <div className="scroll" tabIndex={0} role="region" aria-label={t("campaign.since")}>
                <table className="table">
                  <thead><tr><th scope="col">{t("hunt.when")}</th><th scope="col">{t("word.tenant")}</th><th scope="col">{t("hunt.asked")}</th><th scope="col">{t("campaign.pack")}</th><th scope="col" className="num">{t("hunt.changes.new")}</th><th scope="col" className="num">{t("hunt.changes.known")}</th><th scope="col" className="num">{t("hunt.changes.gone")}</th></tr></thead>
                  <tbody>
                    {shown.map((hunt) => (
                      <tr key={hunt.id}>
                        <th scope="row"><button type="button" className="link" onClick={() => setOpened(hunt.id)}><Moment at={hunt.finished_at} /></button></th>
                        <td>{names.data?.find((one) => one.id === hunt.tenant_id)?.name ?? "–"}</td>
                        <td>{jobOf.has(hunt.id) ? <Who name={jobOf.get(hunt.id)!.asked_by.name} /> : "–"}</td>
                        <td>{hunt.pack_version === campaign.pack_version ? hunt.pack_version : <Mark shape="clock" tone="unknown">{hunt.pack_version}</Mark>}</td>
                        <td className="num">{number(hunt.changes.new)}</td><td className="num">{number(hunt.changes.known)}</td><td className="num">{number(hunt.changes.gone)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {next_cursor && <p className="muted small">{t("campaign.last_hunts", { n: items.length })}</p>}
            </>
          );
        }}
      </Loaded>
      <Drawer opened={opened !== null} onClose={() => setOpened(null)} position="right" size="xl" title={t("hunt.one")} closeButtonProps={{ "aria-label": t("act.close") }}>
        {opened && <HuntDetail id={opened} />}
      </Drawer>
    </section>
  );
}
