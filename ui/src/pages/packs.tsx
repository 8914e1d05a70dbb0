import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { api, need } from "../api/client";
import { Mark } from "../components/badges";
import { Loaded } from "../components/states";
import { useLanguage } from "../i18n";

export default function Packs() {
  const { name } = useParams();
  return name ? <One name={name} /> : <List />;
}

function List() {
  const { t, tn, locale } = useLanguage();
  const packs = useQuery({ queryKey: ["packs"], queryFn: () => need(api.GET("/api/v1/packs")) });
  return (
    <>
      <header className="page-head"><h1>{t("nav.packs")}</h1></header>
      <Loaded query={packs}>
        {(all) => (
          <ul className="cards">
            {all.map((pack) => (
              <li key={pack.name} className="panel">
                <h2><Link to={`/packs/${pack.name}`}>{pack.title[locale]}</Link></h2>
                <p className="muted small mono">{pack.name} {pack.version}</p>
                <p className="small">{pack.summary[locale]}</p>
                <p className="muted small num">{tn("pack.cves", pack.cves)} · {tn("pack.rules", pack.rules)} · {tn("pack.yara", pack.yara)} · {tn("pack.indicators", pack.indicators)}</p>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </>
  );
}

/** The ATT&CK techniques that a rule is tagged with. */
function techniques(rule: string): string[] {
  return [...rule.matchAll(/attack\.(t\d{4}(?:\.\d{3})?)/gi)].map(([, id]) => id!.toUpperCase());
}
const titleOf = (rule: string, path: string) => /^title:\s*["']?(.+?)["']?\s*$/m.exec(rule)?.[1] ?? path;

function One({ name }: { name: string }) {
  const { t, tn, locale, number, day } = useLanguage();
  const pack = useQuery({ queryKey: ["packs", name], queryFn: () => need(api.GET("/api/v1/packs/{name}", { params: { path: { name } } })) });
  return (
    <Loaded query={pack}>
      {(one) => {
        const covered = new Map<string, string[]>();
        for (const rule of one.sigma) for (const id of techniques(rule.text)) covered.set(id, [...(covered.get(id) ?? []), titleOf(rule.text, rule.path)]);
        return (
          <>
            <header className="page-head">
              <div>
                <h1>{one.title[locale]}</h1>
                <p className="muted small"><Link to="/packs">{t("nav.packs")}</Link> · <span className="mono">{one.name} {one.version}</span></p>
              </div>
            </header>
            <section className="panel"><p>{one.summary[locale]}</p></section>
            <section className="panel">
              <h2>{tn("pack.cves", one.cves)}</h2>
              <div className="scroll" tabIndex={0} role="region" aria-label={tn("pack.cves", one.cves)}>
                <table className="table">
                  <thead><tr><th scope="col">CVE</th><th scope="col">{t("pack.what")}</th><th scope="col">{t("pack.exploited")}</th><th scope="col" className="num">CVSS</th></tr></thead>
                  <tbody>
                    {one.vulnerabilities.map((cve) => (
                      <tr key={cve.id}>
                        <th scope="row" className="nowrap">{cve.id}{cve.alias && <><br /><span className="muted small">{cve.alias}</span></>}</th>
                        <td>{cve.title[locale]}<br /><span className="muted small">{cve.allows[locale]}</span></td>
                        <td>{cve.exploited ? <Mark shape="suspected" tone="suspected">{cve.exploited_from ? t("pack.since", { day: day(cve.exploited_from) }) : t("answer.yes")}</Mark> : <span className="muted">{t("pack.not_known")}</span>}</td>
                        <td className="num">{cve.cvss == null ? "–" : number(cve.cvss)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
            {covered.size > 0 && (
              <section className="panel">
                <h2>{t("pack.attack")}</h2>
                <p className="muted small">{t("pack.attack_what", { techniques: covered.size, rules: one.sigma.length })}</p>
                <ul className="tiles">{[...covered].sort().map(([id, rules]) => <li key={id} title={rules.join("\n")}><strong className="mono">{id}</strong> <span className="small">{tn("pack.rules", rules.length)}</span></li>)}</ul>
              </section>
            )}
            {one.sigma.length > 0 && (
              <section className="panel">
                <h2>{tn("pack.rules", one.sigma.length)}</h2>
                <ul className="history tall" tabIndex={0} aria-label={tn("pack.rules", one.sigma.length)}>
                  {one.sigma.map((rule) => (
                    <li key={rule.path}>
                      <strong>{titleOf(rule.text, rule.path)}</strong> <span className="muted small mono">{rule.path}</span>
                      {rule.tested_matches > 0
                        ? <Mark shape="tick" tone="calm">{t("pack.tested", { matches: rule.tested_matches, misses: rule.tested_misses })}</Mark>
                        : <Mark shape="unknown" tone="unknown">{t("pack.untested")}</Mark>}
                    </li>
                  ))}
                </ul>
              </section>
            )}
            {one.log_sources.length > 0 && (
              <section className="panel">
                <h2>{t("pack.sources")}</h2>
                <ul className="plain">{one.log_sources.map((source) => <li key={source.source}>{source.title[locale]} {source.required && <Mark shape="tick" tone="suspected">{t("coverage.required")}</Mark>}</li>)}</ul>
              </section>
            )}
            {one.runbook.length > 0 && (
              <section className="panel">
                <h2>{t("pack.runbook")}</h2>
                <ol className="plain">{one.runbook.map((step) => <li key={step.id}><strong>{step.title[locale]}</strong><br />{step.do[locale]}<br /><span className="muted">{t("exposure.gate")} {step.gate[locale]}</span></li>)}</ol>
              </section>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
