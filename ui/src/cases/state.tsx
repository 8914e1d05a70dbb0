import type { Case } from "../api/types";
import { Mark } from "../components/badges";
import { useT } from "../i18n";
import type { Look } from "../words";

export const CASE_STATES = ["open", "in_progress", "waiting", "closed"] as const;

const LOOKS: Record<Case["state"], Look> = {
  open: { shape: "folder", tone: "suspected" },
  in_progress: { shape: "running", tone: "attempted" },
  waiting: { shape: "clock", tone: "quiet" },
  closed: { shape: "tick", tone: "calm" },
};

export function CaseState({ state }: { state: Case["state"] }) {
  const t = useT();
  return <Mark {...LOOKS[state]}>{t(`state.case.${state}`)}</Mark>;
}
