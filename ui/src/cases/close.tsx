import { Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../api/client";
import type { Case } from "../api/types";
import { Form } from "../components/form";
import { useLanguage } from "../i18n";

/** Closing takes a word about what came out. */
export function CloseCase({ one, onClose }: { one: Case; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const close = useMutation({
    mutationFn: () => need(api.POST("/api/v1/cases/{id}/state", { params: { path: { id: one.id }, header: { "If-Match": `"${one.revision}"` } }, body: { state: "closed", resolution: text } })),
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ["cases"] }),
  });
  return (
    <Form title={t("case.close")} act={t("case.close")} ready={text.trim() !== ""} pending={close.isPending} error={close.error} onClose={onClose} onSubmit={() => close.mutate()}>
      <Textarea label={t("case.resolution")} required autosize minRows={3} value={text} onChange={(event) => setText(event.currentTarget.value)} data-autofocus />
    </Form>
  );
}
