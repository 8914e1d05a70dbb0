import { Link } from "react-router";
import { useLanguage } from "../i18n";
import { sayValue, sayName } from "../said";
import { Moment } from "./badges";

/** Proofs and records are JSON of many shapes: said as a list of names and values, identifiers as links where there is a page. */
export function Proof({ value }: { value: unknown }) {
  const { t } = useLanguage();
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) return <p className="muted">{t("proof.none")}</p>;
  return (
    <dl className="facts">
      {entries.map(([name, one]) => <Pair key={name} name={name} value={one} />)}
    </dl>
  );
}

function Pair({ name, value }: { name: string; value: unknown }) {
  const language = useLanguage();
  return (
    <>
      <dt>{sayName(name, language)}</dt>
      <dd><Value name={name} value={value} /></dd>
    </>
  );
}

/** Pages by what names an identifier. */
const PAGES: Record<string, string> = { case_id: "/cases", evidence_id: "/evidence", evidence: "/evidence", server_id: "/servers", servers: "/servers", tenant_id: "/tenants", campaign_id: "/campaigns", finding_id: "/findings" };
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

function Value({ name, value }: { name: string; value: unknown }) {
  const language = useLanguage();
  const { locale, moments } = language;
  if (Array.isArray(value)) {
    if (value.length === 0) return <span className="muted">–</span>;
    return <ul className="plain">{value.slice(0, 50).map((one, index) => <li key={index}><Value name={name} value={one} /></li>)}</ul>;
  }
  if (typeof value === "object" && value !== null) {
    // Things said in both languages.
    const said = value as Record<string, unknown>;
    if (typeof said.en === "string" && typeof said.fr === "string") return <>{moments(String(said[locale]))}</>;
    if (Object.values(said).every((one) => one === null || one === "")) return <span className="muted">–</span>;
    return <Proof value={value} />;
  }
  if (value === null || value === "") return <span className="muted">–</span>;
  const text = String(value);
  const page = PAGES[name];
  if (page && ID.test(text)) return <Link to={`${page}/${text}`} className="mono">{text}</Link>;
  if (MOMENT.test(text)) return <Moment at={text} />;
  const said = sayValue(name, value, language);
  return said === null ? <span className="mono">{text}</span> : <>{said}</>;
}
