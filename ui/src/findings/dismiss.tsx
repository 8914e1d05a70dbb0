import { Select, Textarea } from "@mantine/core";
import { useState } from "react";
import type { Decision, Finding } from "../api/types";
import { Form } from "../components/form";
import { useTyped } from "../components/typed";
import { useLanguage } from "../i18n";

const SCOPES = ["server", "tenant", "all"] as const;
const DAYS = ["30", "90", "180", "365"] as const;

interface Props {
  findings: Finding[];
  pending: boolean;
  onClose: () => void;
  onDismiss: (decision: Decision) => void;
}

/** Why something is harmless, where, and until when. What is said beyond one server needs fields, and the word to be typed. */
export function DismissForm({ findings, pending, onClose, onDismiss }: Props) {
  const { t, tn } = useLanguage();
  const [reason, setReason] = useState("");
  const [scope, setScope] = useState<(typeof SCOPES)[number]>("server");
  const [days, setDays] = useState<string>("90");
  const [fields, setFields] = useState("");
  const [typed, isTyped] = useTyped(t("dismiss.everywhere"));
  const parsed = Object.fromEntries(fields.split("\n").flatMap((line) => {
    const at = line.indexOf("=");
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const] : [];
  }));
  const wide = scope !== "server";
  const ready = reason.trim() !== "" && (!wide || Object.keys(parsed).length > 0) && (scope !== "all" || isTyped);
  const submit = () => {
    const expires_at = new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    onDismiss({ decision: "dismiss", reason: reason.trim(), scope, expires_at, fields: wide ? parsed : {} });
  };
  return (
    <Form title={tn("dismiss.title", findings.length)} act={t("act.dismiss")} ready={ready} pending={pending} onClose={onClose} onSubmit={submit}>
      <Textarea label={t("dismiss.reason")} required autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
      <Select label={t("dismiss.scope")} value={scope} onChange={(value) => setScope((value ?? "server") as (typeof SCOPES)[number])} allowDeselect={false} data={SCOPES.map((value) => ({ value, label: t(`dismiss.scope.${value}`) }))} />
      {wide && <Textarea label={t("dismiss.fields")} description={t("dismiss.fields_hint")} required autosize minRows={2} value={fields} onChange={(event) => setFields(event.currentTarget.value)} classNames={{ input: "mono" }} />}
      <Select label={t("dismiss.until")} value={days} onChange={(value) => setDays(value ?? "90")} allowDeselect={false} data={DAYS.map((value) => ({ value, label: tn("count.days", Number(value)) }))} />
      {scope === "all" && typed}
      <p className="muted small">{t("dismiss.what")}</p>
    </Form>
  );
}
