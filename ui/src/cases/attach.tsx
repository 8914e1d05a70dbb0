import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../api/client";
import type { Case, CaseLink } from "../api/types";
import { Form } from "../components/form";
import { type Language, useLanguage } from "../i18n";

const KINDS = ["finding", "alert", "evidence"] as const;
const MOST = 50;

/** What of a case's client can be attached to it, by kind and a search. */
async function found(kind: CaseLink["kind"], tenant: string, q: string | undefined, { locale, time }: Language) {
  switch (kind) {
    case "finding": {
      const { items } = await need(api.GET("/api/v1/findings", { params: { query: { tenant, q, limit: MOST } } }));
      return items.map((one) => ({ value: one.id as string, label: `${one.server} · ${locale === "fr" ? one.statement_fr : one.statement_en}` }));
    }
    case "alert": {
      const { items } = await need(api.GET("/api/v1/alerts", { params: { query: { tenant, limit: MOST } } }));
      return items.map((one) => ({ value: one.id as string, label: `${one.source} · ${one.title} · ${time(one.at)}` }));
    }
    case "evidence": {
      const { items } = await need(api.GET("/api/v1/evidence", { params: { query: { tenant, q, limit: MOST } } }));
      return items.map((one) => ({ value: one.id as string, label: `${one.name} · ${time(one.received_at)}` }));
    }
  }
}

export function Attach({ one, onClose }: { one: Case; onClose: () => void }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const [kind, setKind] = useState<CaseLink["kind"]>("finding");
  const [ref, setRef] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [q] = useDebouncedValue(search.trim(), 250);
  const options = useQuery({ queryKey: ["attach", kind, one.tenant_id, q, language.locale], queryFn: () => found(kind, one.tenant_id, q || undefined, language), placeholderData: (before) => before });
  const attach = useMutation({
    mutationFn: () => need(api.PUT("/api/v1/cases/{id}/links/{kind}/{ref_id}", { params: { path: { id: one.id, kind, ref_id: ref ?? "" } } })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["cases", one.id] });
      onClose();
    },
  });
  return (
    <Form title={t("case.attach")} act={t("case.attach")} size="lg" ready={ref !== null} pending={attach.isPending} error={attach.error} onClose={onClose} onSubmit={() => attach.mutate()}>
      <Select label={t("case.kind")} allowDeselect={false} value={kind} onChange={(value) => { setKind((value ?? "finding") as CaseLink["kind"]); setRef(null); setSearch(""); }} data={KINDS.map((value) => ({ value, label: t(`link.${value}`) }))} />
      <Select
        label={t("case.which", { tenant: one.tenant })} required searchable value={ref} onChange={setRef} searchValue={search} onSearchChange={setSearch}
        nothingFoundMessage={t("case.nothing_found")} filter={({ options }) => options} data={options.data ?? []} maxDropdownHeight={320}
      />
    </Form>
  );
}
