import { Alert, Button, Group, Modal, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Decision, Finding } from "../api/types";
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
  const [typed, setTyped] = useState("");
  const word = t("dismiss.word");
  const parsed = Object.fromEntries(fields.split("\n").flatMap((line) => {
    const at = line.indexOf("=");
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const] : [];
  }));
  const wide = scope !== "server";
  const ready = reason.trim() !== "" && (!wide || Object.keys(parsed).length > 0) && (scope !== "all" || typed === word);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const expires_at = new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    onDismiss({ decision: "dismiss", reason: reason.trim(), scope, expires_at, fields: wide ? parsed : {} });
  };
  return (
    <Modal opened onClose={onClose} title={tn("dismiss.title", findings.length)} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Textarea label={t("dismiss.reason")} required autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
          <Select label={t("dismiss.scope")} value={scope} onChange={(value) => setScope((value ?? "server") as (typeof SCOPES)[number])} allowDeselect={false} data={SCOPES.map((value) => ({ value, label: t(`dismiss.scope.${value}`) }))} />
          {wide && <Textarea label={t("dismiss.fields")} description={t("dismiss.fields_hint")} required autosize minRows={2} value={fields} onChange={(event) => setFields(event.currentTarget.value)} classNames={{ input: "mono" }} />}
          <Select label={t("dismiss.until")} value={days} onChange={(value) => setDays(value ?? "90")} allowDeselect={false} data={DAYS.map((value) => ({ value, label: tn("count.days", Number(value)) }))} />
          {scope === "all" && (
            <Alert color="red" variant="outline" title={t("dismiss.everywhere")}>
              <TextInput label={t("dismiss.type", { word })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
            </Alert>
          )}
          <p className="muted small">{t("dismiss.what")}</p>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" disabled={!ready} loading={pending}>{t("act.dismiss")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
