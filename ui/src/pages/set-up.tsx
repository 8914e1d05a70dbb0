import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { api, need } from "../api/client";
import { Alone } from "../components/alone";
import { ProblemBox, sayDone } from "../components/states";
import { useLanguage } from "../i18n";

/** Characters a password has at least; the server holds the rule. */
const LEAST = 12;

/** The page of the one-time link that the first start prints: makes the first administrator. */
export function SetUp() {
  const language = useLanguage();
  const { t, locale } = language;
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const [login, setLogin] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const token = search.get("token") ?? "";
  const setUp = useMutation({
    mutationFn: () => need(api.POST("/api/v1/setup", { body: { token, login, name: name || login, password, locale } })),
    onSuccess: () => {
      sayDone(t("set_up.done"), language);
      navigate("/sign-in", { replace: true });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUp.mutate();
  };
  const differs = again !== "" && again !== password;
  const short = password !== "" && password.length < LEAST;
  return (
    <Alone title={t("set_up.title")}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <p className="muted">{t("set_up.what")}</p>
          {!token && <p role="alert" className="refused tone-compromised">{t("set_up.no_token")}</p>}
          <TextInput label={t("sign_in.user")} description={t("set_up.login")} autoComplete="username" required value={login} onChange={(event) => setLogin(event.currentTarget.value)} autoFocus />
          <TextInput label={t("set_up.name")} autoComplete="name" value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <PasswordInput label={t("sign_in.password")} description={t("set_up.least", { n: LEAST })} autoComplete="new-password" required value={password} error={short && t("set_up.short")} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ "aria-label": t("sign_in.show") }} />
          <PasswordInput label={t("set_up.again")} autoComplete="new-password" required value={again} error={differs && t("set_up.differs")} onChange={(event) => setAgain(event.currentTarget.value)} visibilityToggleButtonProps={{ "aria-label": t("sign_in.show") }} />
          {setUp.error && <ProblemBox error={setUp.error} />}
          <Button type="submit" loading={setUp.isPending} disabled={!token || again !== password || password.length < LEAST}>{t("set_up.go")}</Button>
        </Stack>
      </form>
    </Alone>
  );
}
