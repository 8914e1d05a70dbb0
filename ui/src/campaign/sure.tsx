import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, need, once } from "../api/client";
import type { Campaign } from "../api/types";
import { isStale } from "../components/draft";
import { Form } from "../components/form";
import { useSayMoved } from "../components/moved";
import { sayDone } from "../components/states";
import { useTyped } from "../components/typed";
import { useLanguage } from "../i18n";

export type Step = { act: "close" | "reopen" | "rehunt" } | { act: "revise"; version: string };

/** What an act on a campaign will do, and to how many clients; where it is more than one, a word must be typed. */
export function Sure({ campaign, step, onClose }: { campaign: Campaign; step: Step; onClose: () => void }) {
  const language = useLanguage();
  const { t, tn } = language;
  const queries = useQueryClient();
  const wide = campaign.tenants > 1;
  const [field, isTyped] = useTyped(tn("campaign.reaches", campaign.tenants));
  const sayMoved = useSayMoved("campaign", campaign.id);
  const path = { id: campaign.id };
  const params = { path, header: { "If-Match": `"${campaign.revision}"`, "Idempotency-Key": once() } };
  const run = useMutation({
    mutationFn: async () => {
      switch (step.act) {
        case "close": return void (await need(api.POST("/api/v1/campaigns/{id}/close", { params })));
        case "reopen": return void (await need(api.POST("/api/v1/campaigns/{id}/reopen", { params })));
        case "revise": return void (await need(api.POST("/api/v1/campaigns/{id}/revise", { params, body: { pack_version: step.version } })));
        case "rehunt": {
          const jobs = await need(api.POST("/api/v1/campaigns/{id}/rehunt", { params: { path, header: { "Idempotency-Key": once() } } }));
          sayDone(tn("campaign.rehunting", jobs.length), language);
        }
      }
    },
    onSuccess: onClose,
    onSettled: () => {
      for (const key of ["campaigns", "jobs", "hunts"]) void queries.invalidateQueries({ queryKey: [key] });
    },
    onError: (error) => {
      if (!isStale(error)) return;
      void sayMoved(error);
      onClose();
    },
  });
  const title = step.act === "revise" ? t("campaign.revise", { version: step.version }) : t(`campaign.${step.act}`);
  return (
    <Form title={title} act={title} ready={!wide || isTyped} pending={run.isPending} error={run.error} onClose={onClose} onSubmit={() => run.mutate()}>
      <p>{t(`campaign.sure.${step.act}`)}</p>
      {wide && field}
    </Form>
  );
}
