import { Button, Group, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link, useParams } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import { useServers } from "../api/tenants";
import { Empty, Loaded, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";
import { Import } from "../inventory/import";

export default function TenantPage() {
  const { id = "" } = useParams();
  const language = useLanguage();
  const { t, tn } = language;
  const queries = useQueryClient();
  const inventory = useMay("inventory");
  const [importing, { open, close }] = useDisclosure();
  const [name, setName] = useState("");
  const tenant = useQuery({ queryKey: ["tenants", id], queryFn: () => need(api.GET("/api/v1/tenants/{id}", { params: { path: { id } } })) });
  const servers = useServers(id);
  const add = useMutation({
    mutationFn: () => need(api.POST("/api/v1/servers", { params: { header: { "Idempotency-Key": once() } }, body: { tenant_id: id, fields: { name, addresses: [], note: "" } } })),
    onSuccess: () => {
      setName("");
      void queries.invalidateQueries({ queryKey: ["servers"] });
    },
    onError: (error) => sayProblem(error, language),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <Loaded query={tenant}>
      {(one) => (
        <>
          <header className="page-head">
            <div>
              <h1>{one.name}</h1>
              <p className="muted small"><Link to="/tenants">{t("nav.tenants")}</Link> · {t(`contract.${one.contract}`)}{one.agency && ` · ${one.agency}`} · {t(`locale.${one.locale}`)}</p>
            </div>
            {inventory && <Button variant="default" onClick={open}>{t("import.open")}</Button>}
          </header>
          <section className="panel">
            <h2>{t("tenant.servers")}</h2>
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
                            <th scope="row"><Link to={`/servers/${server.id}`}>{server.name}</Link></th>
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
            {inventory && (
              <form onSubmit={submit}>
                <Group align="end" mt="md">
                  <TextInput label={t("server.name")} required value={name} onChange={(event) => setName(event.currentTarget.value)} />
                  <Button type="submit" variant="default" loading={add.isPending}>{t("server.add")}</Button>
                </Group>
              </form>
            )}
          </section>
          <section className="panel">
            <h2>{t("tenant.contacts")}</h2>
            {one.contacts?.length ? (
              <ul className="plain">
                {one.contacts.map((who, index) => <li key={index}>{[who.name, who.role, who.phone, who.email].filter(Boolean).join(" · ")}</li>)}
              </ul>
            ) : <p className="muted">{t("tenant.no_contact")}</p>}
          </section>
          {importing && <Import onClose={close} tenant={id} />}
        </>
      )}
    </Loaded>
  );
}
