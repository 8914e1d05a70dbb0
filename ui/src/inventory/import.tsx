import { Checkbox, Modal, Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../api/client";
import { useSession } from "../api/session";
import { useTenants } from "../api/tenants";
import { Mark } from "../components/badges";
import { Drop } from "../components/drop";
import { useFocusBack } from "../components/focus";
import { ProblemBox } from "../components/states";
import { useLanguage } from "../i18n";

/** Brings a table of servers in, and says what of it was understood and what was not. */
export function Import({ onClose, tenant }: { onClose: () => void; tenant: string | null }) {
  const { t, tn, number, locale } = useLanguage();
  useFocusBack();
  const queries = useQueryClient();
  const whose = useTenants().data?.find((one) => one.id === tenant)?.name;
  const everywhere = useSession().tenants === "all";
  const [newServers, setNewServers] = useState(true);
  const [newTenants, setNewTenants] = useState(everywhere && !tenant);
  const bring = useMutation({
    mutationFn: (file: File) =>
      need(api.POST("/api/v1/inventories", {
        params: { query: { file_name: file.name, tenant: tenant ?? undefined, new_servers: newServers, new_tenants: newTenants } },
        body: file as never,
        bodySerializer: (body) => body as never,
        headers: { "Content-Type": "application/octet-stream" },
      })),
    onSuccess: () => void queries.invalidateQueries(),
  });
  const named = bring.data?.columns.find(({ meaning }) => meaning === "tenant");
  return (
    <Modal opened onClose={onClose} size="lg" title={t("import.open")} closeButtonProps={{ "aria-label": t("act.close") }}>
      <Stack gap="sm">
        <p className="muted">{t("import.what")}</p>
        {tenant && <p><Mark shape="suspected" tone="attempted">{t("import.all_of", { name: whose ?? "…" })}</Mark></p>}
        <Checkbox label={t("import.new_servers")} checked={newServers} onChange={(event) => setNewServers(event.currentTarget.checked)} />
        {everywhere && !tenant && <Checkbox label={t("import.new_tenants")} checked={newTenants} onChange={(event) => setNewTenants(event.currentTarget.checked)} />}
        <Drop label={t("import.drop")} multiple={false} disabled={bring.isPending} onFiles={([file]) => file && bring.mutate(file)} />
        {bring.isPending && <p role="status">{t("state.loading")}</p>}
        {bring.error && <ProblemBox error={bring.error} />}
        {bring.data && (
          <div role="status">
            <p><Mark shape="tick" tone="calm">{t("import.done", { rows: tn("import.rows", bring.data.rows), servers: tn("count.servers", bring.data.report.servers) })}</Mark></p>
            {tenant && named && <p><Mark shape="suspected" tone="suspected">{t("import.column_ignored", { column: named.header, name: whose ?? "…" })}</Mark></p>}
            <dl className="facts">
              <dt>{t("import.format")}</dt><dd className="mono">{bring.data.format}</dd>
              <dt>{t("import.kept")}</dt><dd>{t("import.kept_of", { kept: bring.data.report.kept, known: bring.data.report.known })}</dd>
              <dt>{t("import.entered")}</dt><dd>{tn("count.tenants", bring.data.report.new_tenants)}, {tn("count.servers", bring.data.report.new_servers)}</dd>
              <dt>{t("import.cells")}</dt><dd>{number(bring.data.changed_cells)}</dd>
              <dt>{t("import.columns")}</dt><dd>{bring.data.columns.map(({ header, meaning }) => `${header} → ${meaning ?? "–"}`).join(" · ") || "–"}</dd>
            </dl>
            {bring.data.notes.length > 0 && <ul className="plain">{bring.data.notes.map((note, index) => <li key={index}>{note[locale]}</li>)}</ul>}
            {bring.data.problems.length > 0 && (
              <>
                <h3><Mark shape="suspected" tone="suspected">{tn("import.problems", bring.data.problems.length + bring.data.more_problems)}</Mark></h3>
                <ul className="plain">{bring.data.problems.slice(0, 50).map(({ place, why }, index) => <li key={index}><span className="mono">{place[locale]}</span> {why[locale]}</li>)}</ul>
              </>
            )}
            {bring.data.report.unplaced > 0 && (
              <>
                <h3><Mark shape="unknown" tone="unknown">{tn("import.unplaced", bring.data.report.unplaced)}</Mark></h3>
                <ul className="plain">{bring.data.report.unplaced_names.slice(0, 50).map((one, index) => <li key={index}>{one.tenant ? `${one.tenant} / ` : ""}{one.name} <span className="muted">{one.origin}</span></li>)}</ul>
              </>
            )}
          </div>
        )}
      </Stack>
    </Modal>
  );
}
