import { Button, Checkbox, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useServers } from "../api/tenants";
import type { Tenant } from "../api/types";
import { Archive } from "../components/archive";
import { Mark, Moment } from "../components/badges";
import { Note } from "../components/note";
import { Empty, Loaded } from "../components/states";
import { HoldsOf } from "../evidence/holds";
import { useLanguage } from "../i18n";
import { Import } from "../inventory/import";
import { ServerForm } from "../server/form";
import { TenantForm } from "../tenants/form";

export default function TenantPage() {
  const { id = "" } = useParams();
  const { t } = useLanguage();
  const inventory = useMay("inventory");
  const internal = useMay("read_internal");
  const [importing, { open, close }] = useDisclosure();
  const [editing, { open: edit, close: edited }] = useDisclosure();
  const tenant = useQuery({ queryKey: ["tenants", id], queryFn: () => need(api.GET("/api/v1/tenants/{id}", { params: { path: { id } } })) });
  return (
    <Loaded query={tenant}>
      {(one) => (
        <>
          <header className="page-head">
            <div>
              <h1>{one.name}</h1>
              <p className="muted small">
                <Link to="/tenants">{t("nav.tenants")}</Link> · {t(`contract.${one.contract}`)}{one.agency && ` · ${one.agency}`} · {t(`locale.${one.locale}`)}
                {one.archived_at && <> · <Mark shape="dash" tone="quiet">{t("archive.is")}</Mark> <Moment at={one.archived_at} /></>}
              </p>
            </div>
            {inventory && (
              <Group gap="xs">
                <Button variant="default" onClick={edit}>{t("act.change")}</Button>
                <Archive kind="tenant" one={one} />
                {!one.archived_at && <Button variant="default" onClick={open}>{t("import.open")}</Button>}
              </Group>
            )}
          </header>
          <Servers tenant={id} may={inventory && !one.archived_at} />
          <Contacts tenant={one} />
          {internal && one.note && <section className="panel"><h2>{t("case.note")}</h2><Note text={one.note} /></section>}
          {internal && <HoldsOf tenant={id} />}
          {importing && <Import onClose={close} tenant={id} />}
          {editing && <TenantForm tenant={one} onClose={edited} />}
        </>
      )}
    </Loaded>
  );
}

function Servers({ tenant, may }: { tenant: string; may: boolean }) {
  const { t, tn } = useLanguage();
  const [archived, setArchived] = useState(false);
  const servers = useServers(tenant, archived);
  const [adding, { open, close }] = useDisclosure();
  return (
    <section className="panel">
      <div className="page-head">
        <h2>{t("tenant.servers")}</h2>
        <Group gap="md">
          <Checkbox label={t("tenant.with_archived")} checked={archived} onChange={(event) => setArchived(event.currentTarget.checked)} />
          {may && <Button variant="default" onClick={open}>{t("server.enter")}</Button>}
        </Group>
      </div>
      <Loaded query={servers}>
        {(all) => (all.length === 0 ? <Empty title="tenant.no_server" /> : (
          <>
            <p className="muted small">{tn("count.servers", all.length)}</p>
            <div className="scroll" tabIndex={0} role="region" aria-label={t("tenant.servers")}>
              <table className="table">
                <thead><tr><th scope="col">{t("word.server")}</th><th scope="col">{t("server.fqdn")}</th><th scope="col">{t("server.product")}</th><th scope="col">{t("server.addresses")}</th></tr></thead>
                <tbody>
                  {all.map((server) => (
                    <tr key={server.id}>
                      <th scope="row"><Link to={`/servers/${server.id}`}>{server.name}</Link>{server.archived_at && <> <Mark shape="dash" tone="quiet">{t("archive.is")}</Mark></>}</th>
                      <td>{server.fqdn ?? <span className="muted">–</span>}</td>
                      <td>{server.product ?? <span className="muted">–</span>}</td>
                      <td className="mono">{server.addresses?.join(", ") || <span className="muted">–</span>}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        ))}
      </Loaded>
      {adding && <ServerForm tenant={tenant} onClose={close} />}
    </section>
  );
}

function Contacts({ tenant }: { tenant: Tenant }) {
  const { t } = useLanguage();
  return (
    <section className="panel">
      <h2>{t("tenant.contacts")}</h2>
      {tenant.contacts?.length ? (
        <ul className="plain">
          {tenant.contacts.map((who, index) => (
            <li key={index}>
              {[who.name, who.role].filter(Boolean).join(" · ")} {who.phone && <a href={`tel:${who.phone.replace(/[^+0-9]/g, "")}`}>{who.phone}</a>} {who.email && <a href={`mailto:${who.email}`}>{who.email}</a>}
            </li>
          ))}
        </ul>
      ) : <p className="muted">{t("tenant.no_contact")}</p>}
    </section>
  );
}
