import type { Finding } from "../api/types";
import { Mark } from "../components/badges";
import { useT } from "../i18n";
import type { Look } from "../words";

const LOOKS: Record<Finding["state"], Look> = {
  new: { shape: "unknown", tone: "unknown" },
  accepted: { shape: "tick", tone: "suspected" },
  dismissed: { shape: "cross", tone: "quiet" },
  escalated: { shape: "folder", tone: "compromised" },
};

export function FindingState({ state }: { state: Finding["state"] }) {
  const t = useT();
  return <Mark {...LOOKS[state]}>{t(`state.finding.${state}`)}</Mark>;
}
