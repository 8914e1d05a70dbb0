import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, need } from "../api/client";
import { useLanguage } from "../i18n";
import { isStale } from "./draft";
import { Form } from "./form";
import { useSayMoved } from "./moved";

/** Archives a client or a server, or takes it back. Nothing of it is deleted. */
export function Archive({ kind, one }: { kind: "tenant" | "server"; one: { id: string; name: string; revision: number; archived_at?: string | null } }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const sayMoved = useSayMoved(kind, one.id);
  const [asking, { open, close }] = useDisclosure();
  const act = one.archived_at ? "restore" : "archive";
  const params = { path: { id: one.id }, header: { "If-Match": `"${one.revision}"` } };
  const run = useMutation({
    mutationFn: async (): Promise<unknown> => {
      if (kind === "tenant") return need(act === "archive" ? api.POST("/api/v1/tenants/{id}/archive", { params }) : api.POST("/api/v1/tenants/{id}/restore", { params }));
      return need(act === "archive" ? api.POST("/api/v1/servers/{id}/archive", { params }) : api.POST("/api/v1/servers/{id}/restore", { params }));
    },
    onSuccess: close,
    onSettled: () => {
      for (const key of ["tenants", "servers", "campaigns"]) void queries.invalidateQueries({ queryKey: [key] });
    },
    onError: (error) => {
      if (!isStale(error)) return;
      void sayMoved(error);
      close();
    },
  });
  return (
    <>
      <Button variant="default" onClick={open}>{t(`act.${act}`)}</Button>
      {asking && (
        <Form title={`${t(`act.${act}`)}${t("act.colon")} ${one.name}`} act={t(`act.${act}`)} pending={run.isPending} error={run.error} onClose={close} onSubmit={() => run.mutate()}>
          <p>{t(`archive.${kind}.${act}`)}</p>
        </Form>
      )}
    </>
  );
}
