import { useEffect, useState } from "react";
import type { Clock } from "../api/types";
import { Mark } from "../components/badges";
import { useLanguage } from "../i18n";

/** The time left of the 48 hours within which a managed tenant's servers are to be closed. */
export function ClockMark({ clock }: { clock: Clock }) {
  const { t, span, time } = useLanguage();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  const left = new Date(clock.deadline).getTime() - now;
  const hours = span(Math.abs(left));
  const title = t("clock.title", { deadline: time(clock.deadline) });
  return (
    <span className="clock" title={title}>
      {clock.state === "met" && <Mark shape="tick" tone="calm">{t("clock.met")}</Mark>}
      {clock.state === "missed" && <Mark shape="cross" tone="compromised">{clock.closed_at ? t("clock.late") : t("clock.over", { hours })}</Mark>}
      {clock.state === "running" && <Mark shape="clock" tone={left < 12 * 3_600_000 ? "suspected" : "quiet"}>{t("clock.left", { hours })}</Mark>}
    </span>
  );
}
