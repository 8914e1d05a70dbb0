import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import en from "./en.json";
import fr from "./fr.json";

/** Every message there is; `one`/`other` forms end in `_one` and `_other`. */
export type Key = keyof typeof en;
type Plural = Key extends infer K ? (K extends `${infer P}_other` ? P : never) : never;
export type Locale = "en" | "fr";
export type Zone = "utc" | "local";
type Values = Record<string, string | number>;

const CATALOGUES: Record<Locale, Record<Key, string>> = { en, fr };
const TAGS: Record<Locale, string> = { en: "en-GB", fr: "fr-FR" };
const LOCALE = "vigie.locale";
const ZONE = "vigie.zone";

export interface Language {
  locale: Locale;
  setLocale: (locale: Locale) => void;
  zone: Zone;
  setZone: (zone: Zone) => void;
  t: (key: Key, values?: Values) => string;
  /** A message that counts: `{n}` is the number, written as people write it. */
  tn: (key: Plural, n: number, values?: Values) => string;
  number: (n: number) => string;
  percent: (part: number, whole: number) => string;
  /** Day and time, with the zone. */
  time: (at: string) => string;
  /** A sentence of the server's, the moment that it begins with as people write it. What follows may quote logs, and stays as it is. */
  moments: (text: string) => string;
  /** A day, with no time. */
  day: (at: string) => string;
  /** How long ago, or how long until, in the largest unit that says enough. */
  ago: (at: string, now?: number) => string;
  /** A stretch of time without direction, not longer than it is: `31 h`, `3 d`. */
  span: (ms: number) => string;
  /** The same, not shorter than it is. */
  atMost: (ms: number) => string;
  bytes: (n: number) => string;
}

const Context = createContext<Language | null>(null);

/** The language asked for before anybody signed in: what was chosen here, else the browser's. */
function first(): Locale {
  const kept = localStorage.getItem(LOCALE);
  if (kept === "en" || kept === "fr") return kept;
  return navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
}

/** Whether somebody chose a language in this browser. */
export function choseLocale(): boolean {
  return localStorage.getItem(LOCALE) !== null;
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [locale, setLocaleState] = useState<Locale>(first);
  const [zone, setZoneState] = useState<Zone>(() => (localStorage.getItem(ZONE) === "local" ? "local" : "utc"));
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  const value = useMemo(() => {
    const setLocale = (next: Locale) => {
      localStorage.setItem(LOCALE, next);
      setLocaleState(next);
    };
    const setZone = (next: Zone) => {
      localStorage.setItem(ZONE, next);
      setZoneState(next);
    };
    return { ...language(locale, zone), setLocale, setZone };
  }, [locale, zone]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useLanguage(): Language {
  const found = useContext(Context);
  if (!found) throw new Error("useLanguage outside of LanguageProvider");
  return found;
}

export function useT() {
  return useLanguage().t;
}

/** A moment as programs write it, at the beginning. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;

const MINUTE = 60_000;
type Unit = "year" | "month" | "day" | "hour" | "minute";
const UNITS: [Unit, number][] = [
  ["year", 525_960 * MINUTE],
  ["month", 43_830 * MINUTE],
  ["day", 1440 * MINUTE],
  ["hour", 60 * MINUTE],
  ["minute", MINUTE],
];

/** The largest unit of which there are at least two, so that ages stay exact to within half. */
function unit(ms: number, whole = Math.trunc): [Unit, number] {
  const [name, length] = UNITS.find(([, length]) => Math.abs(ms) >= 2 * length) ?? (["minute", MINUTE] as const);
  return [name, whole(ms / length)];
}

/** All that depends on the language and the zone. */
export function language(locale: Locale, zone: Zone): Omit<Language, "setLocale" | "setZone"> {
  const tag = TAGS[locale];
  const catalogue = CATALOGUES[locale];
  const timeZone = zone === "utc" ? "UTC" : undefined;
  const numbers = new Intl.NumberFormat(tag);
  const percents = new Intl.NumberFormat(tag, { style: "percent" });
  const plurals = new Intl.PluralRules(tag);
  const times = new Intl.DateTimeFormat(tag, { day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone, timeZoneName: "short" });
  const days = new Intl.DateTimeFormat(tag, { day: "2-digit", month: "short", year: "numeric", timeZone: "UTC" });
  const relative = new Intl.RelativeTimeFormat(tag, { style: "short", numeric: "auto" });
  // French shortens years to a lone letter.
  const long = new Intl.RelativeTimeFormat(tag, { numeric: "auto" });
  const fill = (text: string, values: Values = {}) =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === "number" ? numbers.format(value) : value;
    });
  const t = (key: Key, values?: Values) => fill(catalogue[key], values);
  // What is no moment stays as it was written: logs and files say what they like.
  const date = (format: Intl.DateTimeFormat, at: string) => {
    const moment = new Date(at);
    return Number.isNaN(moment.getTime()) ? at : format.format(moment);
  };
  const stretch = (ms: number, whole: (n: number) => number) => {
    const [name, count] = unit(ms, whole);
    return new Intl.NumberFormat(tag, { style: "unit", unit: name, unitDisplay: "short" }).format(Math.abs(count));
  };
  return {
    locale,
    zone,
    t,
    tn: (key, n, values) => {
      const form = plurals.select(n) === "one" ? "one" : "other";
      return fill(catalogue[`${key}_${form}` as Key], { n, ...values });
    },
    number: (n) => numbers.format(n),
    percent: (part, whole) => (whole === 0 ? "–" : percents.format(part / whole)),
    time: (at) => date(times, at),
    day: (at) => date(days, at),
    moments: (text) => text.replace(MOMENT, (at) => date(times, at)),
    ago: (at, now = Date.now()) => {
      const ms = new Date(at).getTime() - now;
      if (Number.isNaN(ms)) return at;
      const [name, count] = unit(ms);
      return count === 0 ? t("time.now") : (name === "year" ? long : relative).format(count, name);
    },
    span: (ms) => stretch(ms, Math.trunc),
    // Hours as fractions are not exact to the last digit.
    atMost: (ms) => stretch(ms, (n) => Math.ceil(n - 1e-9)),
    bytes: (n) => {
      const names = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
      const power = n < 1 ? 0 : Math.min(names.length - 1, Math.floor(Math.log10(n) / 3));
      return new Intl.NumberFormat(tag, { style: "unit", unit: names[power], maximumFractionDigits: power ? 1 : 0 }).format(n / 1000 ** power);
    },
  };
}
