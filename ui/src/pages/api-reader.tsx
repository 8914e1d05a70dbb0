import { TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import "../components/reader.css";
import { Logo } from "../components/signs";
import { Empty, Loaded } from "../components/states";
import { LanguageSwitch, SchemeSwitch } from "../components/switches";
import { useLanguage } from "../i18n";
import { byTag, type Document, holds, type Listed, namedIn, nameOf, propertiesOf, type Schema, typeOf } from "../openapi";

async function read(): Promise<Document> {
  const response = await fetch("/api/v1/openapi.json");
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return (await response.json()) as Document;
}

/** The API's document, to be read: for everybody, as the document is. What it says of itself is in English. */
export default function ApiReader() {
  const { t } = useLanguage();
  const document_ = useQuery({ queryKey: ["openapi"], queryFn: read, staleTime: Infinity });
  useEffect(() => {
    document.title = `Vigie – ${t("reader.title")}`;
  }, [t]);
  return (
    <>
      <header className="reader-top">
        <a className="brand" href="/"><Logo size={26} /> Vigie</a>
        <span className="switches"><LanguageSwitch /><SchemeSwitch /></span>
      </header>
      <main className="page reader">
        <Loaded query={document_}>{(found) => <Reader document={found} />}</Loaded>
      </main>
    </>
  );
}

function Reader({ document: api }: { document: Document }) {
  const { t, tn } = useLanguage();
  const [words, setWords] = useState("");
  const tags = useMemo(() => byTag(api), [api]);
  const shown = tags.map(([tag, all]) => [tag, all.filter((one) => holds(one, words))] as const).filter(([, all]) => all.length > 0);
  const count = shown.reduce((sum, [, all]) => sum + all.length, 0);
  return (
    <>
      <div className="page-head">
        <div>
          <h1>{t("reader.title")}</h1>
          <p className="muted small"><a href="/api/v1/openapi.json">openapi.json</a> · <span className="mono">{api.info.title} {api.info.version}</span></p>
        </div>
      </div>
      <section className="panel">
        <p>{t("reader.what")}</p>
        <p lang="en">{api.info.description}</p>
        <TextInput label={t("reader.search")} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
        <p className="muted small" role="status">{tn("reader.count", count)}</p>
        <nav aria-label={t("reader.parts")} className="reader-parts">
          {shown.map(([tag]) => <a key={tag} href={`#part-${tag}`}>{tag}</a>)}
        </nav>
      </section>
      {count === 0 && <Empty title="reader.none" />}
      {shown.map(([tag, all]) => (
        <section className="panel" key={tag} id={`part-${tag}`}>
          <h2 lang="en">{tag}</h2>
          {all.map((one) => <Act key={one.operationId} api={api} act={one} />)}
        </section>
      ))}
    </>
  );
}

/** One operation, closed until it is looked at or named in the address. */
function Act({ api, act }: { api: Document; act: Listed }) {
  const { t } = useLanguage();
  const [open, setOpen] = useState(() => window.location.hash === `#${act.operationId}`);
  const own = useRef<HTMLDetailsElement>(null);
  // The browser looked for it before it was there.
  useEffect(() => {
    if (window.location.hash === `#${act.operationId}`) own.current?.scrollIntoView();
  }, [act.operationId]);
  const everybody = act.security?.some((way) => Object.keys(way).length === 0) ?? false;
  return (
    <details className="reader-act" id={act.operationId} ref={own} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code className="reader-method">{act.method.toUpperCase()}</code> <code className="reader-path">{act.path}</code> <span className="reader-summary" lang="en">{act.summary}</span>
      </summary>
      {open && (
        <div className="reader-body">
          {act.description && <p lang="en">{act.description}</p>}
          <p className="muted small">{everybody ? t("reader.everybody") : t("reader.signed_in")} <a href={`#${act.operationId}`}>{t("reader.here")}</a></p>
          {act.parameters && act.parameters.length > 0 && (
            <Fields title={t("reader.parameters")} rows={act.parameters.map((one) => ({ name: one.name, schema: one.schema ?? {}, required: one.required ?? false, place: one.in, says: one.description }))} />
          )}
          {Object.entries(act.requestBody?.content ?? {}).map(([media, { schema }]) => (
            <div key={media}>
              <h3>{t("reader.body")} <code className="mono">{media}</code></h3>
              <Shape api={api} schema={schema} />
            </div>
          ))}
          {Object.entries(act.responses).map(([status, answer]) => (
            <div key={status}>
              <h3>{t("reader.answer", { status: status === "default" ? t("reader.otherwise") : status })} <span lang="en">{answer.description}</span></h3>
              {Object.entries(answer.content ?? {}).map(([media, { schema }]) => (
                <div key={media}><p className="mono small">{media}</p><Shape api={api} schema={schema} /></div>
              ))}
            </div>
          ))}
        </div>
      )}
    </details>
  );
}

/** A schema with all it names. */
function Shape({ api, schema }: { api: Document; schema: Schema | undefined }) {
  const { t } = useLanguage();
  if (!schema) return null;
  const own = nameOf(schema) ? [] : propertiesOf(schema);
  const named = [...namedIn(api, schema)];
  return (
    <>
      <p><code className="mono">{typeOf(schema)}</code></p>
      {own.length > 0 && <Fields rows={own} />}
      {named.length > 0 && (
        <details>
          <summary>{t("reader.types", { names: named.map(([name]) => name).join(", ") })}</summary>
          {named.map(([name, one]) => {
            const fields = propertiesOf(one);
            return (
              <div key={name} className="reader-type">
                <p><code className="mono"><strong>{name}</strong>{fields.length === 0 || one.allOf ? ` = ${typeOf(one)}` : ""}</code> <span lang="en" className="small">{one.description}</span></p>
                {fields.length > 0 && <Fields rows={fields} />}
              </div>
            );
          })}
        </details>
      )}
    </>
  );
}

interface Row {
  name: string;
  schema: Schema;
  required: boolean;
  place?: string;
  says?: string;
}

function Fields({ title, rows }: { title?: string; rows: Row[] }) {
  const { t } = useLanguage();
  return (
    <>
      {title && <h3>{title}</h3>}
      <ul className="reader-fields">
        {rows.map(({ name, schema, required, place, says }) => (
          <li key={`${place} ${name}`}>
            <code className="mono"><strong>{name}</strong>: {typeOf(schema)}</code>{" "}
            <span className="muted small">{[place, required ? t("reader.needed") : ""].filter(Boolean).join(", ")}</span>{" "}
            <span lang="en" className="small">{says ?? schema.description}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
