import { api, need } from "../api/client";
import { sayAct } from "../acts";
import { useLanguage } from "../i18n";
import { isStale } from "./draft";
import { sayDetail, sayProblem } from "./states";

/** Says that an act failed; where somebody else was faster, who it was and what they did. */
export function useSayMoved(kind: string, id: string) {
  const language = useLanguage();
  return async (error: unknown) => {
    if (!isStale(error)) return sayProblem(error, language);
    try {
      const { items } = await need(api.GET("/api/v1/journal", { params: { query: { subject_kind: kind, subject_id: id, limit: 1 } } }));
      const act = items[0];
      if (act) return sayDetail(error, `${act.actor.name}, ${language.time(act.at)}${language.t("act.colon")} ${sayAct(act.action, language)}`, language);
    } catch {
      // Then without a name.
    }
    sayProblem(error, language);
  };
}
