import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { api, need } from "../api/client";
import { Loaded } from "../components/states";
import { FindingPanel } from "../findings/panel";
import { useLanguage } from "../i18n";

/** One finding under an address of its own, for cases and messages to point at. */
export default function FindingPage() {
  const { id = "" } = useParams();
  const { t } = useLanguage();
  const finding = useQuery({ queryKey: ["findings", "one", id], queryFn: () => need(api.GET("/api/v1/findings/{id}", { params: { path: { id } } })) });
  return (
    <>
      <header className="page-head"><h1>{t("finding.detail")}</h1><Link to="/findings">{t("finding.queue")}</Link></header>
      <Loaded query={finding}>{(one) => <section className="panel"><FindingPanel finding={one} /></section>}</Loaded>
    </>
  );
}
