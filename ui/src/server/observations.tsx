import { useQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import type { Observation } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { Empty, Loaded } from "../components/states";
import { useLanguage } from "../i18n";

/** What a fact says, without its kind. */
function said(fact: Observation["fact"]): string {
  return Object.entries(fact)
    .filter(([name, value]) => name !== "kind" && value !== null)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : String(value)}`)
    .join(" · ");
}

/** Everything anybody said of a server: nothing is overwritten, the newest of each kind stands out. */
export function Observations({ server }: { server: string }) {
  const { t } = useLanguage();
  const observations = useQuery({ queryKey: ["servers", server, "observations"], queryFn: () => need(api.GET("/api/v1/servers/{id}/observations", { params: { path: { id: server } } })) });
  return (
    <Loaded query={observations}>
      {(all) => {
        if (all.length === 0) return <Empty title="server.no_observation" />;
        const newest = new Set<string>();
        return (
          <section className="panel">
            <p className="muted small">{t("server.observations_what")}</p>
            <div className="scroll" tabIndex={0} role="region" aria-label={t("server.observations")}>
              <table className="table">
                <thead><tr><th scope="col">{t("observation.fact")}</th><th scope="col">{t("observation.value")}</th><th scope="col">{t("observation.true_at")}</th><th scope="col">{t("observation.source")}</th><th scope="col">{t("observation.brought")}</th></tr></thead>
                <tbody>
                  {all.map((one) => {
                    const first = !newest.has(one.fact.kind);
                    newest.add(one.fact.kind);
                    return (
                      <tr key={one.id}>
                        <th scope="row">{t(`fact.${one.fact.kind}`)}{first && <> <Mark shape="clock" tone="calm">{t("observation.newest")}</Mark></>}</th>
                        <td className="mono">{said(one.fact) || "–"}</td>
                        <td><Moment at={one.at} /></td>
                        <td>{one.reader} · {one.file}{one.place && ` · ${one.place}`}</td>
                        <td>{one.said_by} · <Moment at={one.received_at} /></td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          </section>
        );
      }}
    </Loaded>
  );
}
