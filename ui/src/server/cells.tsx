import { Button, Select, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import type { Campaign, Cell } from "../api/types";
import { Age, Word } from "../components/badges";
import { Form } from "../components/form";
import { Proof } from "../components/proof";
import { Statements } from "../components/statements";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";
import { LOOKS, type Stage, STAGES, wordKey } from "../words";

/** What each stage says of one server, and why. */
export function Cells({ server, campaign, cells }: { server: string; campaign: Campaign; cells: Cell[] }) {
  const { t } = useLanguage();
  const [stage, setStage] = useState<Stage | null>(null);
  const [saying, setSaying] = useState<Stage | null>(null);
  const may = { inventory: useMay("inventory"), judge: useMay("judge"), case: useMay("case") };
  const maySay = (of: Stage) => !campaign.closed_at && (of === "hunt" || of === "verdict" ? may.judge : of === "case" ? may.case : may.inventory);
  const shown = cells.find((cell) => cell.stage === stage);
  return (
    <>
      <ul className="totals">
        {STAGES.map((one) => {
          const cell = cells.find((cell) => cell.stage === one);
          if (!cell) return null;
          return (
            <li key={one} className="panel">
              <h2>{t(`stage.${one}`)}</h2>
              <p><Word stage={one} word={cell.stale ? "unknown" : cell.detail} plain /></p>
              <p className="muted small">{cell.stale ? t("cell.was", { word: t(wordKey(one, cell.detail)) }) : cell.said_by ? <Who name={cell.said_by} /> : t("cell.nobody")}{cell.as_of && <> · <Age at={cell.as_of} /></>}</p>
              <button type="button" className="link small" aria-expanded={stage === one} onClick={() => setStage(stage === one ? null : one)}>{t("cell.why")}</button>
            </li>
          );
        })}
      </ul>
      {shown && (
        <section className="panel">
          <h2>{t(`question.${shown.stage}`)}</h2>
          <Proof value={shown.proof} />
          <Statements campaign={campaign.id} server={server} stage={shown.stage} />
          {maySay(shown.stage) && <Button size="xs" mt="sm" variant="default" onClick={() => setSaying(shown.stage)}>{t("cell.say")}</Button>}
        </section>
      )}
      {saying && <Say server={server} campaign={campaign.id} stage={saying} onClose={() => setSaying(null)} />}
    </>
  );
}

/** What a person knows of a cell, with the reason: it stands above what machines said before. */
function Say({ server, campaign, stage, onClose }: { server: string; campaign: string; stage: Stage; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const [word, setWord] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const say = useMutation({
    mutationFn: () => need(api.POST("/api/v1/servers/{id}/cells/{campaign}", { params: { path: { id: server, campaign } }, body: { stage, detail: word ?? "", reason } })),
    onSuccess: () => {
      for (const key of ["servers", "campaigns"]) void queries.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });
  return (
    <Form title={t(`question.${stage}`)} act={t("cell.say")} ready={word !== null && reason.trim().length >= 3} pending={say.isPending} error={say.error} onClose={onClose} onSubmit={() => say.mutate()}>
      <Select label={t("cell.answer")} required value={word} onChange={setWord} data={Object.keys(LOOKS[stage]).map((value) => ({ value, label: t(wordKey(stage, value)) }))} />
      <Textarea label={t("dismiss.reason")} required autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
    </Form>
  );
}
