import { Link } from "react-router";
import { useLanguage } from "../i18n";

/** Proofs are JSON of many shapes: said as a list of names and values, identifiers as links where there is a page. */
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
  return (
    <>
      <dt>{name}</dt>
      <dd><Value name={name} value={value} /></dd>
    </>
  );
}

function Value({ name, value }: { name: string; value: unknown }) {
  const { locale } = useLanguage();
  if (Array.isArray(value)) {
    if (value.length === 0) return <span className="muted">–</span>;
    return <ul className="plain">{value.slice(0, 50).map((one, index) => <li key={index}><Value name={name} value={one} /></li>)}</ul>;
  }
  if (typeof value === "object" && value !== null) {
    // Things said in both languages.
    const said = value as Record<string, unknown>;
    if (typeof said.en === "string" && typeof said.fr === "string") return <>{said[locale]}</>;
    return <Proof value={value} />;
  }
  if (name === "case_id" && typeof value === "string") return <Link to={`/cases/${value}`}>{value}</Link>;
  if (value === null) return <span className="muted">–</span>;
  return <span className="mono">{String(value)}</span>;
}
