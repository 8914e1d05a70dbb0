import type { Alert } from "../api/types";
import { Mark } from "../components/badges";
import { useT } from "../i18n";
import type { Look } from "../words";

export const ALERT_STATES = ["new", "acknowledged", "dismissed"] as const;

const LOOKS: Record<Alert["state"], Look> = {
  new: { shape: "unknown", tone: "unknown" },
  acknowledged: { shape: "running", tone: "attempted" },
  dismissed: { shape: "cross", tone: "quiet" },
};

export function AlertState({ state }: { state: Alert["state"] }) {
  const t = useT();
  return <Mark {...LOOKS[state]}>{t(`state.alert.${state}`)}</Mark>;
}
