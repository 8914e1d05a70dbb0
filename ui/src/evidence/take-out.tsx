import { Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { download } from "../api/download";
import type { Evidence } from "../api/types";
import { Form } from "../components/form";
import { useLanguage } from "../i18n";

/** Takes evidence out, byte for byte, with a reason that stays on record. */
export function TakeOut({ one, onClose }: { one: Evidence; onClose: () => void }) {
  const { t, bytes } = useLanguage();
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const take = useMutation({
    mutationFn: () => download(`/api/v1/evidence/${one.id}/export`, one.name, { reason: reason.trim() }),
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ["evidence", "custody", one.id] }),
  });
  return (
    <Form title={t("evidence.export")} act={t("evidence.export_n", { size: bytes(one.size) })} ready={reason.trim() !== ""} pending={take.isPending} error={take.error} onClose={onClose} onSubmit={() => take.mutate()}>
      <p className="muted small">{t("evidence.export_what")}</p>
      <Textarea label={t("dismiss.reason")} required autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
    </Form>
  );
}
