import { Button, PasswordInput, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { api, need } from "../api/client";
import { Alone } from "../components/alone";
import { ProblemBox, sayDone } from "../components/states";
import { useLanguage } from "../i18n";
import { ProviderButton } from "./sign-in";

/** The page of an invitation's link: whoever has it sets the password of their account, once. */
export function SetPassword() {
  const language = useLanguage();
  const { t } = language;
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const token = search.get("token") ?? "";
  const [password, setPassword] = useState("");
  const set = useMutation({
    mutationFn: () => need(api.POST("/api/v1/password", { body: { token, password } })),
    onSuccess: () => {
      sayDone(t("settings.password_done"), language);
      navigate("/sign-in", { replace: true });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set.mutate();
  };
  return (
    <Alone title={t("settings.set")}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {!token && <p role="alert" className="refused tone-compromised">{t("settings.no_token")}</p>}
          <PasswordInput label={t("settings.new")} description={t("set_up.least", { n: 12 })} autoComplete="new-password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ "aria-label": t("sign_in.show") }} />
          {set.error && <ProblemBox error={set.error} />}
          <Button type="submit" loading={set.isPending} disabled={!token || password.length < 12}>{t("act.save")}</Button>
        </Stack>
      </form>
      {token && <ProviderButton query={{ invitation: token }} />}
    </Alone>
  );
}
