import { Drawer, Select } from "@mantine/core";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useCampaigns } from "../api/tenants";
import { Empty, Loaded } from "../components/states";
import { Bring } from "../hunts/bring";
import { HuntDetail } from "../hunts/detail";
import { Done } from "../hunts/done";
import { Jobs } from "../hunts/jobs";
import { useLanguage } from "../i18n";

export default function Hunts() {
  const { t } = useLanguage();
  const [search, setSearch] = useSearchParams();
  const [opened, setOpened] = useState<string | null>(null);
  const campaigns = useCampaigns();
  const open = campaigns.data?.filter((one) => !one.closed_at) ?? [];
  const campaign = search.get("campaign") ?? open[0]?.id ?? null;
  return (
    <>
      <header className="page-head">
        <h1>{t("nav.hunts")}</h1>
        {campaign !== null && <Select className="campaign-choice" aria-label={t("word.campaign")} value={campaign} onChange={(value) => value && setSearch({ campaign: value }, { replace: true })} data={campaigns.data?.map(({ id, title }) => ({ value: id, label: title })) ?? []} allowDeselect={false} />}
      </header>
      <Loaded query={campaigns} rows={3}>
        {() => (campaign === null ? <Empty title="hunt.no_campaign"><Link to="/campaigns">{t("nav.campaigns")}</Link></Empty> : (
          <>
            <Bring campaign={campaign} closed={!open.some((one) => one.id === campaign)} />
            <Jobs campaign={campaign} onOpen={setOpened} />
            <Done campaign={campaign} onOpen={setOpened} />
          </>
        ))}
      </Loaded>
      <Drawer opened={opened !== null} onClose={() => setOpened(null)} position="right" size="xl" title={t("hunt.one")} closeButtonProps={{ "aria-label": t("act.close") }}>
        {opened && <HuntDetail id={opened} />}
      </Drawer>
    </>
  );
}
