import { Button, Group, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, need } from "../api/client";
import { Mark, Moment } from "../components/badges";
import { QrCode } from "../components/qr-code";
import { ProblemBox } from "../components/states";
import { useLanguage } from "../i18n";

/** Sets up a second factor, or drops it: either takes a code of it. */
export function SecondFactor({ since }: { since: string | null }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [code, setCode] = useState("");
  const again = () => {
    setCode("");
    void queries.invalidateQueries({ queryKey: ["session"] });
  };
  const enrol = useMutation({ mutationFn: () => need(api.POST("/api/v1/session/totp")) });
  const confirm = useMutation({ mutationFn: () => need(api.POST("/api/v1/session/totp/confirm", { body: { code } })), onSuccess: again });
  const drop = useMutation({ mutationFn: () => need(api.POST("/api/v1/session/totp/drop", { body: { code } })), onSuccess: again });
  const error = enrol.error ?? confirm.error ?? drop.error;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    (since ? drop : confirm).mutate();
  };
  return (
    <section className="panel">
      <h2>{t("factor.title")}</h2>
      {since ? <p><Mark shape="tick" tone="calm">{t("factor.on")}</Mark> <Moment at={since} /></p> : <p><Mark shape="unknown" tone="unknown">{t("factor.off")}</Mark></p>}
      {confirm.data && (
        <div role="status">
          <p><strong>{t("factor.recovery")}</strong></p>
          <ul className="plain mono">{confirm.data.recovery_codes.map((one) => <li key={one}>{one}</li>)}</ul>
        </div>
      )}
      {!since && !enrol.data && <Button variant="default" loading={enrol.isPending} onClick={() => enrol.mutate()}>{t("factor.begin")}</Button>}
      {!since && enrol.data && (
        <>
          <p>{t("factor.scan")}</p>
          <QrCode text={enrol.data.uri} label={t("factor.qr")} />
          <p>{t("factor.type")} <code className="mono">{enrol.data.secret}</code></p>
        </>
      )}
      {(since || enrol.data) && !confirm.isSuccess && (
        <form onSubmit={submit}>
          <Group align="end">
            <TextInput label={t("sign_in.code")} required autoComplete="one-time-code" inputMode="numeric" value={code} onChange={(event) => setCode(event.currentTarget.value.trim())} />
            <Button type="submit" variant="default" disabled={!code} loading={confirm.isPending || drop.isPending}>{since ? t("factor.drop") : t("factor.confirm")}</Button>
          </Group>
        </form>
      )}
      {error && <ProblemBox error={error} />}
    </section>
  );
}
