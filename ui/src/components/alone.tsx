import type { ReactNode } from "react";
import { LanguageSwitch, SchemeSwitch } from "./switches";
import { Logo } from "./signs";

/** A page without navigation: before anybody signed in. */
export function Alone({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="alone">
      <div className="alone-top">
        <span className="brand"><Logo size={30} /> Vigie</span>
        <span className="switches"><LanguageSwitch /><SchemeSwitch /></span>
      </div>
      <section className="panel">
        <h1>{title}</h1>
        {children}
      </section>
    </main>
  );
}
