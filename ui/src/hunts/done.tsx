import { useQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { useTenants } from "../api/tenants";
import type { Hunt } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { Empty, Loaded } from "../components/states";
import { type Key, useLanguage } from "../i18n";

/** Hunts that ended well, with what each changed and left aside. */
export function Done({ campaign, onOpen }: { campaign: string; onOpen: (id: string) => void }) {
  const { t } = useLanguage();
  const names = useTenants();
  const hunts = useQuery({ queryKey: ["hunts", campaign], queryFn: () => need(api.GET("/api/v1/hunts", { params: { query: { campaign, limit: 200 } } })) });
  const changes = (hunt: Hunt) => (["new", "known", "gone"] as const).map((word) => `${t(`hunt.changes.${word}` as Key)} ${hunt.changes[word]}`).join(" · ");
  return (
    <section className="panel">
      <h2>{t("hunt.done")}</h2>
      <Loaded query={hunts}>
        {({ items }) => (items.length === 0 ? <Empty title="hunt.none" /> : (
          <div className="scroll" tabIndex={0} role="region" aria-label={t("hunt.done")}>
            <table className="table">
              <thead><tr><th scope="col">{t("hunt.when")}</th><th scope="col">{t("word.tenant")}</th><th scope="col">{t("campaign.pack")}</th><th scope="col">{t("nav.findings")}</th><th scope="col">{t("hunt.skipped")}</th></tr></thead>
              <tbody>
                {items.map((hunt) => (
                  <tr key={hunt.id}>
                    <th scope="row"><button type="button" className="link" onClick={() => onOpen(hunt.id)}><Moment at={hunt.finished_at} /></button></th>
                    <td>{names.data?.find((one) => one.id === hunt.tenant_id)?.name ?? "–"}</td>
                    <td>{hunt.pack} {hunt.pack_version}</td>
                    <td>{changes(hunt)}</td>
                    <td><Aside hunt={hunt} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
      </Loaded>
    </section>
  );
}

/** What must be known before trusting it, before what was only of no known kind. */
function Aside({ hunt }: { hunt: Hunt }) {
  const { tn } = useLanguage();
  const { partly, unknown } = hunt.left_out;
  if (hunt.warnings.length + partly + unknown === 0) return <span className="muted">–</span>;
  return (
    <>
      {hunt.warnings.length > 0 && <p className="plain-p"><Mark shape="suspected" tone="attempted">{tn("hunt.notes", hunt.warnings.length)}</Mark></p>}
      {partly > 0 && <p className="plain-p"><Mark shape="suspected" tone="attempted">{tn("hunt.partly", partly)}</Mark></p>}
      {unknown > 0 && <p className="plain-p muted">{tn("hunt.unknown", unknown)}</p>}
    </>
  );
}
