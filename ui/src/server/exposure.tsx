import { useQuery } from "@tanstack/react-query";
import { api, need } from "../api/client";
import type { Said } from "../api/types";
import { Mark, Moment, Word } from "../components/badges";
import { Empty, Loaded } from "../components/states";
import { useLanguage } from "../i18n";
import { lookOf, rankOf } from "../words";
import { sayOrigin, saySource } from "./facts";

/** The parts of an assessment that are shown; all of it is in `docs/exposure.md`. */
interface Assessment {
  as_of: string;
  servers: {
    product: string;
    build: { value: string | null; source: string | null; observed_at: string | null; origin: string | null; trap: Said | string | null; conflicts: { value: string; source: string; observed_at: string | null; origin: string }[] };
    published: string;
    published_by: string | null;
    topology: string | null;
    status: string;
    age_days: number | null;
    stale: boolean;
    cves: { cve: string; status: string; since: string | null; reason: string; reason_fr: string }[];
    window: { from: string; to: string | null; to_earliest: string | null } | null;
    ssvc: { decision: string; cve: string | null; because: string; because_fr: string };
    path: { step: string; title: string; title_fr: string; gate: string; gate_fr: string; p50_h: number; p90_h: number }[];
  }[];
  curve: ({ at: string } & Record<"unknown" | "vulnerable" | "mitigated" | "not_affected" | "fixed", number>)[];
}

const HOUR = 3_600_000;
const ANSWERS = ["yes", "no"] as const;

export function Exposure({ server, pack }: { server: string; pack: string }) {
  const language = useLanguage();
  const { t, locale, number, span, atMost } = language;
  const exposure = useQuery({
    queryKey: ["servers", server, "exposure", pack],
    queryFn: () => need(api.GET("/api/v1/servers/{id}/exposure", { params: { path: { id: server }, query: { pack } } })) as unknown as Promise<Assessment>,
  });
  return (
    <Loaded query={exposure}>
      {(assessment) => {
        const one = assessment.servers[0];
        if (!one) return <Empty title="server.no_exposure" />;
        const trap = one.build.trap;
        return (
          <>
            <section className="panel">
              <h2>{t("exposure.now")}</h2>
              <p className="row-line"><Word stage="exposure" word={one.status} /> {one.product} <span className="muted">{t("exposure.to_all", { count: number(one.cves.length) })}</span></p>
              <p><strong>{t(`decision.${decisionOf(one.ssvc.decision)}`)}</strong> · {locale === "fr" ? one.ssvc.because_fr : one.ssvc.because}</p>
              <dl className="facts">
                <dt>{t("exposure.build")}</dt>
                <dd>{one.build.value ?? <Mark shape="unknown" tone="unknown">{t("word.exposure.unknown")}</Mark>} {one.build.source && <span className="muted">{saySource(one.build.source, language)} · {sayOrigin(one.build.origin ?? "", language)} · <Moment at={one.build.observed_at} /></span>}</dd>
                {trap && <><dt>{t("exposure.trap")}</dt><dd>{typeof trap === "string" ? trap : trap[locale]}</dd></>}
                {one.build.conflicts.map((other, index) => [<dt key={index}>{t("exposure.conflict")}</dt>, <dd key={`${index}=`}>{other.value} <span className="muted">{saySource(other.source, language)} · {sayOrigin(other.origin, language)} · <Moment at={other.observed_at} /></span></dd>])}
                <dt>{t("exposure.published")}</dt>
                <dd>{ANSWERS.includes(one.published as "yes") ? t(`answer.${one.published as "yes" | "no"}`) : <Mark shape="unknown" tone="unknown">{t("word.exposure.unknown")}</Mark>} {one.published_by && <span className="muted">{sayOrigin(one.published_by, language)}</span>}</dd>
                <dt>{t("exposure.window")}</dt>
                <dd>{one.window ? <><Moment at={one.window.from} /> – {one.window.to ? <Moment at={one.window.to} /> : <strong>{t("exposure.still_open")}</strong>}</> : t("exposure.no_window")}</dd>
              </dl>
            </section>
            <section className="panel">
              <h2>{t("exposure.over_time")}</h2>
              <Bands curve={assessment.curve} />
            </section>
            <section className="panel">
              <h2>{t("exposure.cves")}</h2>
              <div className="scroll" tabIndex={0} role="region" aria-label={t("exposure.cves")}>
                <table className="table">
                  <thead><tr><th scope="col">CVE</th><th scope="col">{t("stage.exposure")}</th><th scope="col">{t("exposure.since")}</th><th scope="col">{t("exposure.why")}</th></tr></thead>
                  <tbody>
                    {[...one.cves].sort((a, b) => rankOf("exposure", a.status) - rankOf("exposure", b.status)).map((cve) => (
                      <tr key={cve.cve}>
                        <th scope="row" className="nowrap">{cve.cve}</th><td><Word stage="exposure" word={cve.status} plain /></td><td><Moment at={cve.since} /></td><td>{locale === "fr" ? cve.reason_fr : cve.reason}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
            {one.path.length > 0 && (
              <section className="panel">
                <h2>{t("exposure.path")}</h2>
                <ol className="plain">
                  {one.path.map((step) => (
                    <li key={step.step}>
                      <strong>{locale === "fr" ? step.title_fr : step.title}</strong> <span className="muted num">{t("exposure.hours", { p50: span(step.p50_h * HOUR), p90: atMost(step.p90_h * HOUR) })}</span>
                      <br /><span className="muted">{t("exposure.gate")}</span> {locale === "fr" ? step.gate_fr : step.gate}
                    </li>
                  ))}
                </ol>
              </section>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

const DECISIONS = ["immediate", "out_of_cycle", "scheduled", "defer"] as const;
const decisionOf = (word: string) => DECISIONS.find((known) => known === word.replace(/-/g, "_")) ?? "immediate";

const STATUSES = ["unknown", "vulnerable", "mitigated", "not_affected", "fixed"] as const;

/** How one server stood, over time: a band of phases, and the same in words. */
function Bands({ curve }: { curve: Assessment["curve"] }) {
  const { t } = useLanguage();
  const phases: { at: string; status: (typeof STATUSES)[number] }[] = [];
  for (const point of curve) {
    const status = STATUSES.find((one) => point[one] > 0) ?? "unknown";
    if (phases.at(-1)?.status !== status) phases.push({ at: point.at, status });
  }
  const first = phases[0];
  const last = curve.at(-1);
  if (!first || !last) return <p className="muted">{t("exposure.no_time")}</p>;
  const from = new Date(first.at).getTime();
  const to = Math.max(new Date(last.at).getTime(), from + 1);
  const x = (at: string) => (1000 * (new Date(at).getTime() - from)) / (to - from);
  return (
    <>
      <svg className="band" viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
        {phases.map(({ at, status }, index) => {
          const end = phases[index + 1]?.at ?? last.at;
          return <rect key={at} className={`tone-${lookOf("exposure", status).tone}`} x={x(at)} width={Math.max(3, x(end) - x(at))} height="14" fill="var(--tone)" stroke="var(--paper)" />;
        })}
      </svg>
      <ol className="phases">
        {phases.map(({ at, status }) => <li key={at}><Moment at={at} /> <Word stage="exposure" word={status} plain /></li>)}
      </ol>
    </>
  );
}
