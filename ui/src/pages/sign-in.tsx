import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { api, need } from "../api/client";
import { problemOf } from "../api/problem";
import { Alone } from "../components/alone";
import { ProblemBox } from "../components/states";
import { useT } from "../i18n";

/** Where to go after signing in: a page of ours, never another site's. */
function target(to: string | null): string {
  return to && /^\/(?![/\\])/.test(to) ? to : "/";
}

export function SignIn() {
  const t = useT();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [search] = useSearchParams();
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const signIn = useMutation({
    mutationFn: () => need(api.POST("/api/v1/session", { body: { user, password, code: code || null } })),
    onSuccess: async () => {
      await queries.resetQueries({ queryKey: ["session"] });
      navigate(target(search.get("to")), { replace: true });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <Alone title={t("sign_in.title")}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={t("sign_in.user")} autoComplete="username" required value={user} onChange={(event) => setUser(event.currentTarget.value)} data-autofocus autoFocus />
          <PasswordInput label={t("sign_in.password")} autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ "aria-label": t("sign_in.show") }} />
          <TextInput label={t("sign_in.code")} description={t("sign_in.code_hint")} autoComplete="one-time-code" inputMode="numeric" value={code} onChange={(event) => setCode(event.currentTarget.value.trim())} />
          {signIn.error && problemOf(signIn.error).status !== 401 && <ProblemBox error={signIn.error} />}
          {signIn.error && problemOf(signIn.error).status === 401 && <Refused error={signIn.error} />}
          <Button type="submit" loading={signIn.isPending}>{t("sign_in.go")}</Button>
        </Stack>
      </form>
    </Alone>
  );
}

/** A sign-in that failed is not an expired session: its words differ from those of other 401s. */
function Refused({ error }: { error: unknown }) {
  const t = useT();
  const needed = problemOf(error).type === "urn:vigie:problem:code-needed";
  return (
    <p role="alert" className="refused tone-compromised">
      {needed ? t("sign_in.code_needed") : <><strong>{t("sign_in.refused")}</strong> {t("sign_in.check")}</>}
    </p>
  );
}
