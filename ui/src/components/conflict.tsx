import { Alert } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { api, need } from "../api/client";
import { useLanguage } from "../i18n";
import { Moment } from "./badges";
import type { Draft } from "./draft";
import { Sign } from "./signs";

interface Props<F> {
  draft: Draft<F>;
  kind: string;
  id: string;
  /** The fields by name, and how their values are shown. */
  show: { [K in keyof F]?: [label: string, value: (value: F[K]) => ReactNode] };
}

/** Who was faster, what they changed, and what of it the draft would change back. */
export function Conflict<F extends object>({ draft, kind, id, show }: Props<F>) {
  const { t } = useLanguage();
  const last = useQuery({
    queryKey: ["journal", "of", kind, id, draft.revision],
    queryFn: () => need(api.GET("/api/v1/journal", { params: { query: { subject_kind: kind, subject_id: id, limit: 1 } } })),
    enabled: draft.moved !== null,
  });
  if (!draft.moved) return null;
  const { before, now } = draft.moved;
  const changed = (Object.keys(show) as (keyof F)[]).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  const act = last.data?.items[0];
  return (
    <Alert role="alert" color="red" variant="outline" title={t("conflict.title")} icon={<Sign shape="suspected" />} className="problem">
      {act && <p>{act.actor.name} · <Moment at={act.at} /></p>}
      {changed.length === 0 && <p>{t("conflict.elsewhere")}</p>}
      <dl className="facts">
        {changed.map((name) => {
          const [label, value] = show[name]!;
          const mine = name in draft.typed && JSON.stringify(draft.typed[name]) !== JSON.stringify(now[name]);
          return [
            <dt key={String(name)}>{label}</dt>,
            <dd key={`${String(name)}=`}>
              <s className="muted">{value(before[name])}</s> → <strong>{value(now[name])}</strong>
              {mine && <><br />{t("conflict.yours")} <strong>{value(draft.fields[name])}</strong></>}
            </dd>,
          ];
        })}
      </dl>
      <p>{t("conflict.again")}</p>
    </Alert>
  );
}
