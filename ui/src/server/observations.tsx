import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import type { Observation } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { Empty, Loaded } from "../components/states";
import { Who } from "../components/who";
import { type Language, useLanguage } from "../i18n";
import { sayFact, sayOrigin } from "./facts";
import { Observe } from "./observe";

/** Everything anybody said of a server: nothing is overwritten, the newest of each kind stands out. */
export function Observations({ server }: { server: string }) {
  const language = useLanguage();
  const { t } = language;
  const may = useMay("inventory");
  const [observing, { open, close }] = useDisclosure();
  const observations = useQuery({ queryKey: ["servers", server, "observations"], queryFn: () => need(api.GET("/api/v1/servers/{id}/observations", { params: { path: { id: server } } })) });
  return (
    <>
      {may && <Button mb="sm" variant="default" onClick={open}>{t("observe.title")}</Button>}
      {observing && <Observe server={server} onClose={close} />}
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
                          <td>{sayFact(one.fact, language)}</td>
                          <td><Moment at={one.at} /></td>
                          <td>{sayReader(one, language)}</td>
                          <td><Who name={one.said_by} /> · <Moment at={one.received_at} /></td>
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
    </>
  );
}

const READERS = ["person", "probe", "evidence"] as const;

/** What read it, and where: a person's word says who and how. */
function sayReader({ reader, file, place }: Observation, language: Language): string {
  const known = READERS.find((one) => one === reader);
  // What a hunt read says so itself.
  const what = reader === "hunt" ? "" : known ? language.t(`reader.${known}`) : reader;
  return [what, sayOrigin(file, language).replace(/ · $/, ""), place].filter(Boolean).join(" · ");
}
