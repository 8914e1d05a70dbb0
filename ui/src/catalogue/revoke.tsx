import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, need } from "../api/client";
import type { Dismissal } from "../api/types";
import { Form } from "../components/form";
import { useTyped } from "../components/typed";
import { useLanguage } from "../i18n";

/** Revokes an entry: hunts show such events again. One that holds everywhere takes the word. */
export function Revoke({ one, onClose }: { one: Dismissal; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const wide = one.scope === "all";
  const [field, isTyped] = useTyped(t("catalogue.everywhere"));
  const revoke = useMutation({
    mutationFn: () => need(api.POST("/api/v1/catalogue/{id}/revoke", { params: { path: { id: one.id } } })),
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ["findings"] }),
  });
  return (
    <Form title={t("catalogue.revoke")} act={t("key.revoke")} ready={!wide || isTyped} pending={revoke.isPending} error={revoke.error} onClose={onClose} onSubmit={() => revoke.mutate()}>
      <p><strong>{one.rule_title}</strong></p>
      <p>{t("catalogue.revoke_what")}</p>
      {wide && field}
    </Form>
  );
}
