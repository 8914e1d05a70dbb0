import { Button, PasswordInput, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, need } from "../api/client";
import { ProblemBox, sayDone } from "../components/states";
import { useLanguage } from "../i18n";

/** Changes one's own password; all other sessions end. */
export function Password() {
  const language = useLanguage();
  const { t } = language;
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const change = useMutation({
    mutationFn: () => need(api.PUT("/api/v1/session/password", { body: { old, new: next } })),
    onSuccess: () => {
      setOld("");
      setNext("");
      sayDone(t("settings.password_done"), language);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  const show = { "aria-label": t("sign_in.show") };
  return (
    <section className="panel">
      <h2>{t("sign_in.password")}</h2>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <PasswordInput label={t("settings.old")} autoComplete="current-password" required value={old} onChange={(event) => setOld(event.currentTarget.value)} visibilityToggleButtonProps={show} />
          <PasswordInput label={t("settings.new")} description={t("set_up.least", { n: 12 })} autoComplete="new-password" required value={next} onChange={(event) => setNext(event.currentTarget.value)} visibilityToggleButtonProps={show} />
          <p className="muted small">{t("settings.password_what")}</p>
          {change.error && <ProblemBox error={change.error} />}
          <Button type="submit" variant="default" loading={change.isPending} disabled={!old || next.length < 12}>{t("act.save")}</Button>
        </Stack>
      </form>
    </section>
  );
}
