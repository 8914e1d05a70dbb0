import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "react-router";
import { api, need, once } from "../api/client";
import { useMay, useSession } from "../api/session";
import { useTenants } from "../api/tenants";
import type { TenantFields } from "../api/types";
import { Empty, Loaded, ProblemBox } from "../components/states";
import { type Key, useLanguage } from "../i18n";
import { Import } from "../inventory/import";
import { CONTRACTS } from "../words";

const FOLD = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export default function Tenants() {
  const { t, tn } = useLanguage();
  const tenants = useTenants();
  const inventory = useMay("inventory");
  const everywhere = useSession().tenants === "all";
  const [search, setSearch] = useState("");
  const [adding, { open: add, close: added }] = useDisclosure();
  const [importing, { open: bring, close: brought }] = useDisclosure();
  return (
    <>
      <header className="page-head">
        <h1>{t("nav.tenants")}</h1>
        {inventory && (
          <Group gap="xs">
            <Button variant="default" onClick={bring}>{t("import.open")}</Button>
            {everywhere && <Button onClick={add}>{t("tenant.add")}</Button>}
          </Group>
        )}
      </header>
      <Loaded query={tenants}>
        {(all) => {
          if (all.length === 0) return <Empty title="tenant.none">{inventory && <p>{t("tenant.none_todo")}</p>}</Empty>;
          const shown = all.filter((one) => FOLD(`${one.name} ${one.agency ?? ""}`).includes(FOLD(search)));
          return (
            <section className="panel">
              <Group justify="space-between" align="end" mb="sm">
                <TextInput label={t("tenant.search")} value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
                <span className="muted small" role="status">{tn("count.tenants", shown.length)}</span>
              </Group>
              <div className="scroll" tabIndex={0} role="region" aria-label={t("nav.tenants")}>
                <table className="table">
                  <thead><tr><th scope="col">{t("word.tenant")}</th><th scope="col">{t("board.contract")}</th><th scope="col">{t("board.agency")}</th><th scope="col">{t("switch.language")}</th><th scope="col">{t("tenant.contacts")}</th></tr></thead>
                  <tbody>
                    {shown.map((one) => (
                      <tr key={one.id}>
                        <th scope="row"><Link to={`/tenants/${one.id}`}>{one.name}</Link></th>
                        <td>{t(`contract.${one.contract}`)}</td>
                        <td>{one.agency ?? <span className="muted">–</span>}</td>
                        <td>{t(`locale.${one.locale}`)}</td>
                        <td>{one.contacts?.length ? one.contacts.map((who) => [who.name, who.phone].filter(Boolean).join(" ")).join(" · ") : <span className="muted">–</span>}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
          );
        }}
      </Loaded>
      {adding && <TenantForm onClose={added} />}
      {importing && <Import onClose={brought} tenant={null} />}
    </>
  );
}

function TenantForm({ onClose }: { onClose: () => void }) {
  const { t, locale } = useLanguage();
  const queries = useQueryClient();
  const [fields, setFields] = useState<TenantFields>({ name: "", contract: "soc", locale, agency: null, contacts: [], note: "" });
  const set = (change: Partial<TenantFields>) => setFields((before) => ({ ...before, ...change }));
  const create = useMutation({
    mutationFn: () => need(api.POST("/api/v1/tenants", { params: { header: { "Idempotency-Key": once() } }, body: fields })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["tenants"] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t("tenant.add")} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={t("tenant.name")} required value={fields.name} onChange={(event) => set({ name: event.currentTarget.value })} data-autofocus />
          <Select label={t("board.contract")} allowDeselect={false} value={fields.contract} onChange={(value) => value && set({ contract: value as TenantFields["contract"] })} data={CONTRACTS.map((value) => ({ value, label: t(`contract.${value}` as Key) }))} />
          <Select label={t("switch.language")} allowDeselect={false} value={fields.locale} onChange={(value) => value && set({ locale: value as TenantFields["locale"] })} data={(["fr", "en"] as const).map((value) => ({ value, label: t(`locale.${value}`) }))} />
          <TextInput label={t("board.agency")} value={fields.agency ?? ""} onChange={(event) => set({ agency: event.currentTarget.value || null })} />
          {create.error && <ProblemBox error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" loading={create.isPending}>{t("act.save")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
