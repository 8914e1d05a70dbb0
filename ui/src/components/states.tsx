import { Alert, Button, Skeleton } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { problemOf } from "../api/problem";
import { type Key, type Language, useLanguage } from "../i18n";
import { Sign } from "./signs";

const KNOWN = [0, 401, 403, 404, 409, 412, 413, 422, 429, 503, 507] as const;

/** What went wrong in the reader's language, and what to do about it. */
export function explain(error: unknown, language: Language): { title: string; detail?: string; todo: string } {
  const { t } = language;
  const problem = problemOf(error);
  const known = KNOWN.find((status) => status === problem.status);
  const title = known === undefined ? t("problem.other", { status: problem.status || "?" }) : t(`problem.${known}`);
  const todo = known === undefined ? t("problem.todo.other") : t(`problem.todo.${known}`);
  return { title, detail: sentence(problem.detail ?? problem.title), todo: (language.locale === "en" && problem.what_to_do) || todo };
}

/** Programs begin what they say with a small letter, and leave the full stop out. Identifiers, addresses and paths stay as they are. */
export function sentence(text: string | undefined): string | undefined {
  if (!text) return undefined;
  const begun = /^\p{L}+[’',;:]?(?:\s|$|(?<=[’'])\p{L})/u.test(text) ? text[0]!.toUpperCase() + text.slice(1) : text;
  return begun + (/(?:^|\s)[«“"‘(]*[`\p{L}\d’'-]+[\s»”"’)`]*$/u.test(text) ? "." : "");
}

/** A problem, where what it concerns would have stood. */
export function ProblemBox({ error, retry }: { error: unknown; retry?: () => void }) {
  const language = useLanguage();
  const { title, detail, todo } = explain(error, language);
  return (
    <Alert role="alert" color="red" variant="outline" title={title} icon={<Sign shape="cross" />} className="problem">
      {detail && <p>{detail}</p>}
      <p><strong>{todo}</strong></p>
      {retry && <Button size="xs" variant="default" onClick={retry}>{language.t("act.retry")}</Button>}
    </Alert>
  );
}

/** Says that an act failed, and stays until it was read. */
export function sayProblem(error: unknown, language: Language) {
  const { title, detail, todo } = explain(error, language);
  notifications.show({ color: "red", title, message: [detail, todo].filter(Boolean).join(" — "), autoClose: false, closeButtonProps: { "aria-label": language.t("act.close") } });
}

/** The same, with more about it than the problem says. */
export function sayDetail(error: unknown, detail: string, language: Language) {
  const { title, todo } = explain(error, language);
  notifications.show({ color: "red", title, message: `${detail} — ${todo}`, autoClose: false, closeButtonProps: { "aria-label": language.t("act.close") } });
}

export function sayDone(message: string, { t }: Language) {
  notifications.show({ color: "watch", message, closeButtonProps: { "aria-label": t("act.close") } });
}

/** Nothing to show, and what would change that. */
export function Empty({ title, children }: { title: Key; children?: ReactNode }) {
  const { t } = useLanguage();
  return (
    <div className="empty">
      <Sign shape="scan" size={26} />
      <p><strong>{t(title)}</strong></p>
      {children}
    </div>
  );
}

/** A query's answer, or that it is on its way, or why it is not. */
export function Loaded<T>({ query, children, rows = 5 }: { query: UseQueryResult<T>; children: (data: T) => ReactNode; rows?: number }) {
  const { t } = useLanguage();
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <ProblemBox error={query.error} retry={() => void query.refetch()} />;
  return (
    <div role="status" aria-label={t("state.loading")}>
      {Array.from({ length: rows }, (_, row) => <Skeleton key={row} height={26} mb={10} />)}
    </div>
  );
}
