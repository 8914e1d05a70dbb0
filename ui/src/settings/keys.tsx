import { Alert, Button, Group, Modal, MultiSelect, Select, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, need } from "../api/client";
import { useSession } from "../api/session";
import type { Verb } from "../api/types";
import { Age, Mark, Moment } from "../components/badges";
import { useFocusBack } from "../components/focus";
import { Empty, Loaded, ProblemBox, sayProblem } from "../components/states";
import { useLanguage } from "../i18n";

const DAYS = ["30", "90", "365"] as const;

/** API keys: made with no more rights than their maker has, shown once. */
export function Keys() {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const [adding, { open, close }] = useDisclosure();
  const [secret, setSecret] = useState<string | null>(null);
  const keys = useQuery({ queryKey: ["keys"], queryFn: () => need(api.GET("/api/v1/api-keys")) });
  const again = () => void queries.invalidateQueries({ queryKey: ["keys"] });
  const revoke = useMutation({ mutationFn: (id: string) => need(api.DELETE("/api/v1/api-keys/{id}", { params: { path: { id } } })), onSettled: again, onError: (error) => sayProblem(error, language) });
  return (
    <section className="panel">
      <div className="page-head"><h2>{t("key.title")}</h2><Button variant="default" onClick={open}>{t("key.add")}</Button></div>
      {secret && (
        <Alert color="watch" variant="outline" title={t("key.secret")} withCloseButton onClose={() => setSecret(null)} closeButtonLabel={t("act.close")} mb="sm">
          <code className="mono">{secret}</code>
        </Alert>
      )}
      <Loaded query={keys} rows={2}>
        {(all) => (all.length === 0 ? <Empty title="key.none" /> : (
          <ul className="history">
            {all.map((key) => (
              <li key={key.id}>
                <strong>{key.name}</strong> <span className="muted small">{key.verbs.map((verb) => t(`verb.${verb}`)).join(", ")}</span>
                {key.revoked_at ? <Mark shape="cross" tone="quiet">{t("key.revoked")}</Mark> : <span className="small">{t("key.until")} <Moment at={key.expires_at} /></span>}
                <span className="muted small">{t("key.used")} {key.last_used_at ? <Age at={key.last_used_at} /> : "–"}</span>
                {!key.revoked_at && <Button size="compact-xs" variant="default" onClick={() => revoke.mutate(key.id)}>{t("key.revoke")}</Button>}
              </li>
            ))}
          </ul>
        ))}
      </Loaded>
      {adding && <KeyForm onClose={close} onMade={(made) => { setSecret(made); again(); }} />}
    </section>
  );
}

function KeyForm({ onClose, onMade }: { onClose: () => void; onMade: (secret: string) => void }) {
  const { t, tn } = useLanguage();
  useFocusBack();
  const session = useSession();
  const [name, setName] = useState("");
  const [verbs, setVerbs] = useState<Verb[]>(["read"]);
  const [days, setDays] = useState("90");
  const create = useMutation({
    mutationFn: () => need(api.POST("/api/v1/api-keys", { body: { name, verbs, tenants: session.tenants, expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString() } })),
    onSuccess: (made) => {
      onMade(made.secret);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t("key.add")} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={t("key.name")} required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <MultiSelect label={t("key.verbs")} required value={verbs} onChange={(value) => setVerbs(value as Verb[])} data={session.verbs.map((value) => ({ value, label: t(`verb.${value}`) }))} />
          <Select label={t("dismiss.until")} allowDeselect={false} value={days} onChange={(value) => setDays(value ?? "90")} data={DAYS.map((value) => ({ value, label: tn("count.days", Number(value)) }))} />
          {create.error && <ProblemBox error={create.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" disabled={verbs.length === 0} loading={create.isPending}>{t("key.make")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
