import { Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../api/client";
import type { Alert } from "../api/types";
import { isStale } from "../components/draft";
import { Form } from "../components/form";
import { useSayMoved } from "../components/moved";
import { useLanguage } from "../i18n";

/** Takes an alert on, dismisses it or opens it again; only a dismissal has to say why. */
export function DecideAlert({ alert, state, onClose }: { alert: Alert; state: Alert["state"]; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const sayMoved = useSayMoved("alert", alert.id);
  const [reason, setReason] = useState("");
  const needed = state === "dismissed";
  const decide = useMutation({
    mutationFn: () => need(api.POST("/api/v1/alerts/{id}/decide", { params: { path: { id: alert.id }, header: { "If-Match": `"${alert.revision}"` } }, body: { state, reason: reason.trim() } })),
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ["alerts"] }),
    onError: (error) => {
      if (!isStale(error)) return;
      void sayMoved(error);
      onClose();
    },
  });
  return (
    <Form title={t(`alert.act.${state}`)} act={t(`alert.act.${state}`)} ready={!needed || reason.trim() !== ""} pending={decide.isPending} error={decide.error} onClose={onClose} onSubmit={() => decide.mutate()}>
      <p>{alert.title}</p>
      <Textarea label={t("dismiss.reason")} required={needed} autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
    </Form>
  );
}
