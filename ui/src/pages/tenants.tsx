import { Button, Checkbox, Group, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { Link } from "react-router";
import { useMay, useSession } from "../api/session";
import { useTenants } from "../api/tenants";
import { Mark } from "../components/badges";
import { Empty, Loaded } from "../components/states";
import { useLanguage } from "../i18n";
import { Import } from "../inventory/import";
import { TenantForm } from "../tenants/form";

const FOLD = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export default function Tenants() {
  const { t, tn } = useLanguage();
  const [archived, setArchived] = useState(false);
  const tenants = useTenants(archived);
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
                <Checkbox label={t("tenant.with_archived")} checked={archived} onChange={(event) => setArchived(event.currentTarget.checked)} />
                <span className="muted small" role="status">{tn("count.tenants", shown.length)}</span>
              </Group>
              <div className="scroll" tabIndex={0} role="region" aria-label={t("nav.tenants")}>
                <table className="table">
                  <thead><tr><th scope="col">{t("word.tenant")}</th><th scope="col">{t("board.contract")}</th><th scope="col">{t("board.agency")}</th><th scope="col">{t("switch.language")}</th><th scope="col">{t("tenant.contacts")}</th></tr></thead>
                  <tbody>
                    {shown.map((one) => (
                      <tr key={one.id}>
                        <th scope="row"><Link to={`/tenants/${one.id}`}>{one.name}</Link>{one.archived_at && <> <Mark shape="dash" tone="quiet">{t("archive.is")}</Mark></>}</th>
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
