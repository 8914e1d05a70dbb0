import { Button, Divider, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { api, need } from "../api/client";
import { problemOf } from "../api/problem";
import { useProvider } from "../api/provider";
import { Alone } from "../components/alone";
import { ProblemBox } from "../components/states";
import { type Key, useT } from "../i18n";

/** Where to go after signing in: a page of ours, never another site's. */
function target(to: string | null): string {
  return to && /^\/(?![/\\])/.test(to) ? to : "/";
}

/** What the server says in the address when a sign-in at the identity provider did not succeed. */
const FAILURES: Record<string, Key> = {
  cancelled: "sign_in.oidc_cancelled",
  expired: "sign_in.oidc_expired",
  invitation: "sign_in.oidc_invitation",
  refused: "sign_in.oidc_refused",
  taken: "sign_in.oidc_taken",
  unavailable: "sign_in.oidc_unavailable",
  unknown: "sign_in.oidc_unknown",
};

export function SignIn() {
  const t = useT();
  const [search] = useSearchParams();
  const to = target(search.get("to"));
  const outcome = search.get("oidc");
  const failure = outcome === null ? undefined : FAILURES[outcome];
  return (
    <Alone title={t("sign_in.title")}>
      {failure && <p role="alert" className="refused tone-compromised"><strong>{t("sign_in.refused")}</strong> {t(failure)}</p>}
      {outcome === "code" ? <CodeForm to={to} /> : <PasswordForm to={to} />}
      <ProviderButton query={{ to }} />
    </Alone>
  );
}

function PasswordForm({ to }: { to: string }) {
  const t = useT();
  const enter = useEnter(to);
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const signIn = useMutation({
    mutationFn: () => need(api.POST("/api/v1/session", { body: { user, password, code: code || null } })),
    onSuccess: enter,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
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
  );
}

/** Who comes from the identity provider and has a second factor here, which the provider did not ask for. */
function CodeForm({ to }: { to: string }) {
  const t = useT();
  const enter = useEnter(to);
  const [code, setCode] = useState("");
  const goOn = useMutation({ mutationFn: () => need(api.POST("/api/v1/oidc/code", { body: { code } })), onSuccess: enter });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    goOn.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput label={t("sign_in.code")} description={t("sign_in.code_needed")} autoComplete="one-time-code" inputMode="numeric" required value={code} onChange={(event) => setCode(event.currentTarget.value.trim())} data-autofocus autoFocus />
        {goOn.error && problemOf(goOn.error).status !== 401 && <ProblemBox error={goOn.error} />}
        {goOn.error && problemOf(goOn.error).status === 401 && (
          <p role="alert" className="refused tone-compromised"><strong>{t("sign_in.refused")}</strong> {t("sign_in.oidc_code")}</p>
        )}
        <Button type="submit" loading={goOn.isPending}>{t("sign_in.go")}</Button>
      </Stack>
    </form>
  );
}

/** The way to the identity provider, when there is one. It is a link: the browser leaves this page. */
export function ProviderButton({ query }: { query: Record<string, string> }) {
  const t = useT();
  const name = useProvider();
  if (!name) return null;
  return (
    <>
      <Divider my="md" label={t("sign_in.or")} styles={{ label: { color: "var(--mantine-color-text)" } }} />
      <Button component="a" href={`/api/v1/oidc/start?${new URLSearchParams(query)}`} variant="default" fullWidth>{t("sign_in.with", { name })}</Button>
    </>
  );
}

function useEnter(to: string) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return async () => {
    await queries.resetQueries({ queryKey: ["session"] });
    navigate(to, { replace: true });
  };
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
