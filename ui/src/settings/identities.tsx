import { Button, Group, TextInput } from "@mantine/core";
import { useInViewport } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need, once } from "../api/client";
import { useProvider } from "../api/provider";
import type { Account, Identity } from "../api/types";
import { Moment } from "../components/badges";
import { Form } from "../components/form";
import { Loaded } from "../components/states";
import { useLanguage } from "../i18n";

function useIdentities(account: string, enabled = true) {
  return useQuery({ queryKey: ["users", account, "identities"], queryFn: () => need(api.GET("/api/v1/users/{id}/identities", { params: { path: { id: account } } })), staleTime: 60_000, enabled });
}

/** One's own identities at the provider. Who may link and unlink them is an administrator: so that nobody gives their rights away. */
export function OwnIdentities({ account }: { account: string }) {
  const { t } = useLanguage();
  const name = useProvider();
  const identities = useIdentities(account);
  // Without a provider there is nothing to say, unless somebody was linked while there was one.
  if (!name && !identities.data?.length) return null;
  return (
    <section className="panel">
      <h2>{t("identity.own")}</h2>
      <Loaded query={identities} rows={1}>
        {(linked) => (linked.length === 0
          ? <p>{t("identity.none_own", { name: name ?? "" })}</p>
          : <><List linked={linked} /><p className="muted small">{t("identity.who_changes")}</p></>)}
      </Loaded>
    </section>
  );
}

/** Who an account is at the provider, in a list of accounts: asked for once its row is in sight, for lists can be long. */
export function IdentitiesOf({ account, onChange }: { account: Account; onChange: () => void }) {
  const { t } = useLanguage();
  const { ref, inViewport } = useInViewport<HTMLDivElement>();
  const identities = useIdentities(account.id, inViewport);
  return (
    <div ref={ref}>
      <Loaded query={identities} rows={1}>
        {(linked) => (
          <Group gap={6}>
            {linked.length === 0 ? <span className="muted">–</span> : linked.map(({ issuer, subject }) => <span key={`${issuer} ${subject}`}><span className="mono">{subject}</span><br /><span className="muted small">{issuer}</span></span>)}
            <Button size="compact-xs" variant="default" aria-label={t("identity.change_of", { name: account.name })} onClick={onChange}>{t("act.change")}</Button>
          </Group>
        )}
      </Loaded>
    </div>
  );
}

function List({ linked }: { linked: Identity[] }) {
  const { t } = useLanguage();
  return (
    <ul className="plain">
      {linked.map(({ issuer, subject, linked_at }) => (
        <li key={`${issuer} ${subject}`}><span className="mono">{subject}</span> <span className="muted small">{issuer} · {t("identity.since")} <Moment at={linked_at} /></span></li>
      ))}
    </ul>
  );
}

/** Links an account to somebody at the provider, or takes all that it is linked to away. */
export function IdentitiesForm({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const name = useProvider();
  const identities = useIdentities(account.id);
  const [subject, setSubject] = useState("");
  const path = { id: account.id };
  const done = {
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ["users", account.id, "identities"] }),
  };
  const link = useMutation({
    mutationFn: () => need(api.POST("/api/v1/users/{id}/identities", { params: { path, header: { "Idempotency-Key": once() } }, body: { subject: subject.trim() } })),
    ...done,
  });
  const drop = useMutation({
    mutationFn: () => need(api.POST("/api/v1/users/{id}/identities/drop", { params: { path, header: { "Idempotency-Key": once() } } })),
    ...done,
  });
  return (
    <Form title={t("identity.of", { name: account.name })} act={t("identity.link")} ready={subject.trim() !== ""} pending={link.isPending} error={link.error ?? drop.error} onClose={onClose} onSubmit={() => link.mutate()}>
      <Loaded query={identities} rows={1}>
        {(linked) => (linked.length === 0 ? <p>{t("identity.none")}</p> : (
          <>
            <List linked={linked} />
            <p className="muted small">{t("identity.drop_what")}</p>
            <Button variant="default" loading={drop.isPending} onClick={() => drop.mutate()}>{t("identity.drop")}</Button>
          </>
        ))}
      </Loaded>
      {name
        ? <TextInput label={t("identity.subject")} description={t("identity.subject_what", { name })} maxLength={255} value={subject} onChange={(event) => setSubject(event.currentTarget.value)} autoComplete="off" data-autofocus />
        : <p>{t("identity.no_provider")}</p>}
    </Form>
  );
}
