import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { Members } from "../campaign/members";
import { Since } from "../campaign/since";
import { Steer } from "../campaign/steer";
import { Loaded } from "../components/states";
import { useLanguage } from "../i18n";

/** What is done to a campaign as a whole. */
export default function Manage() {
  const { id = "" } = useParams();
  const { t } = useLanguage();
  const may = useMay("campaign");
  const campaign = useQuery({ queryKey: ["campaigns", id], queryFn: () => need(api.GET("/api/v1/campaigns/{id}", { params: { path: { id } } })) });
  return (
    <Loaded query={campaign}>
      {(one) => (
        <>
          <header className="page-head">
            <div>
              <h1>{one.title}</h1>
              <p className="muted small">{t("board.pack", { pack: one.pack, version: one.pack_version })}</p>
            </div>
            <Link to={`/campaigns/${id}`}>{t("case.board")}</Link>
          </header>
          <Steer campaign={one} may={may} />
          <Members campaign={one} may={may && !one.closed_at} />
          <Since campaign={one} />
        </>
      )}
    </Loaded>
  );
}
