import { useQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { useLanguage } from "../i18n";
import type { Stage } from "../words";
import { Moment, Word } from "./badges";
import { Loaded } from "./states";
import { Who } from "./who";

/** Everything that was ever said about a cell, newest first. */
export function Statements({ campaign, server, stage }: { campaign: string; server: string; stage: Stage }) {
  const { t } = useLanguage();
  const statements = useQuery({
    queryKey: ["servers", server, "statements", campaign, stage],
    queryFn: () => need(api.GET("/api/v1/servers/{id}/cells/{campaign}/{stage}", { params: { path: { id: server, campaign, stage } } })),
  });
  return (
    <>
      <h3>{t("cell.history")}</h3>
      <Loaded query={statements} rows={2}>
        {(all) =>
          all.length === 0 ? <p className="muted">{t("cell.nobody")}</p> : (
            <ol className="history">
              {all.map((one, index) => (
                <li key={index}>
                  <Word stage={stage} word={one.detail} plain />
                  <span className="muted small"><Moment at={one.as_of} /> · <Who name={one.said_by} /></span>
                </li>
              ))}
            </ol>
          )}
      </Loaded>
    </>
  );
}
