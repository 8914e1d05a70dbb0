import { Alert, Button, Group, Modal, MultiSelect, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, need, once } from "../api/client";
import { useProvider } from "../api/provider";
import { useSession } from "../api/session";
import { useTenants } from "../api/tenants";
import type { Account, AccountFields } from "../api/types";
import { Age, Mark } from "../components/badges";
import { useFocusBack } from "../components/focus";
import { Loaded, ProblemBox, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";
import { IdentitiesForm, IdentitiesOf } from "./identities";

const ROLES = ["administrator", "director", "soc_analyst", "engineer", "auditor", "client_contact"] as const;

/** All accounts: making one, inviting it, closing it. */
export function Accounts() {
  const language = useLanguage();
  const { t, tn } = language;
  const queries = useQueryClient();
  const own = useSession().user?.id;
  const [adding, { open, close }] = useDisclosure();
  const [link, setLink] = useState<string | null>(null);
  const provider = useProvider();
  const [linking, setLinking] = useState<Account | null>(null);
  const users = useQuery({ queryKey: ["users"], queryFn: () => need(api.GET("/api/v1/users", { params: { query: { limit: 1000 } } })) });
  const onError = (error: unknown) => sayProblem(error, language);
  const invite = useMutation({
    mutationFn: (id: string) => need(api.POST("/api/v1/users/{id}/invite", { params: { path: { id } } })),
    onSuccess: ({ token }) => setLink(`${window.location.origin}/password?token=${encodeURIComponent(token)}`),
    onError,
  });
  const turn = useMutation({
    mutationFn: ({ id, revision, disabled_at }: Account) => {
      const params = { path: { id }, header: { "If-Match": `"${revision}"` } };
      return need(disabled_at ? api.POST("/api/v1/users/{id}/enable", { params }) : api.POST("/api/v1/users/{id}/disable", { params }));
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ["users"] }),
    onError,
  });
  return (
    <section className="panel">
      <div className="page-head"><h2>{t("account.title")}</h2><Button variant="default" onClick={open}>{t("account.add")}</Button></div>
      {link && (
        <Alert color="watch" variant="outline" title={t("account.link")} withCloseButton onClose={() => setLink(null)} closeButtonLabel={t("act.close")} mb="sm">
          <code className="mono">{link}</code>
        </Alert>
      )}
      <Loaded query={users}>
        {({ items }) => (
          <div className="scroll" tabIndex={0} role="region" aria-label={t("account.title")}>
            <table className="table">
              <thead><tr><th scope="col">{t("account.name")}</th><th scope="col">{t("account.role")}</th><th scope="col">{t("nav.tenants")}</th><th scope="col">{t("factor.title")}</th>{provider && <th scope="col">{t("identity.title")}</th>}<th scope="col">{t("account.last")}</th><th scope="col">{t("account.acts")}</th></tr></thead>
              <tbody>
                {items.map((one) => (
                  <tr key={one.id}>
                    <th scope="row">{one.name} <span className="muted small">{one.login}</span>{one.disabled_at && <> <Mark shape="cross" tone="quiet">{t("account.closed")}</Mark></>}</th>
                    <td>{t(`role.${one.role}`)}</td>
                    <td>{one.tenants === "all" ? t("scope.all") : tn("scope.some", one.tenants.only.length)}</td>
                    <td>{one.totp_confirmed_at ? t("answer.yes") : t("answer.no")}</td>
                    {provider && <td><IdentitiesOf account={one} onChange={() => setLinking(one)} /></td>}
                    <td>{one.last_sign_in_at ? <Age at={one.last_sign_in_at} /> : <span className="muted">–</span>}</td>
                    <td>
                      {one.id !== own && (
                        <Group gap={6}>
                          <Button size="compact-xs" variant="default" onClick={() => invite.mutate(one.id)}>{t("account.invite")}</Button>
                          <Button size="compact-xs" variant="default" onClick={() => turn.mutate(one)}>{one.disabled_at ? t("account.enable") : t("account.disable")}</Button>
                        </Group>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
      {linking && <IdentitiesForm account={linking} onClose={() => setLinking(null)} />}
      {adding && <AccountForm onClose={close} onMade={(id) => invite.mutate(id)} />}
    </section>
  );
}

function AccountForm({ onClose, onMade }: { onClose: () => void; onMade: (id: string) => void }) {
  const { t, locale } = useLanguage();
  useFocusBack();
  const queries = useQueryClient();
  const tenants = useTenants();
  const [only, setOnly] = useState<string[]>([]);
  const [fields, setFields] = useState<Omit<AccountFields, "tenants">>({ login: "", name: "", role: "soc_analyst", locale });
  const set = (change: Partial<typeof fields>) => setFields((before) => ({ ...before, ...change }));
  const create = useMutation({
    mutationFn: () => need(api.POST("/api/v1/users", { params: { header: { "Idempotency-Key": once() } }, body: { ...fields, tenants: only.length > 0 ? { only } : "all" } })),
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: ["users"] });
      onMade(id);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const client = fields.role === "client_contact";
  return (
    <Modal opened onClose={onClose} title={t("account.add")} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={t("sign_in.user")} required value={fields.login} onChange={(event) => set({ login: event.currentTarget.value })} data-autofocus />
          <TextInput label={t("account.name")} required value={fields.name} onChange={(event) => set({ name: event.currentTarget.value })} />
          <Select label={t("account.role")} allowDeselect={false} value={fields.role} onChange={(role) => role && set({ role: role as AccountFields["role"] })} data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} />
          <MultiSelect label={t("nav.tenants")} required={client} placeholder={only.length === 0 && !client ? t("scope.all") : undefined} searchable clearable value={only} onChange={setOnly} data={tenants.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []} />
          <Select label={t("switch.language")} allowDeselect={false} value={fields.locale} onChange={(value) => value && set({ locale: value as AccountFields["locale"] })} data={(["fr", "en"] as const).map((value) => ({ value, label: t(`locale.${value}`) }))} />
          {create.error && <ProblemBox error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" loading={create.isPending} disabled={client && only.length === 0}>{t("account.make")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
