import { AppShell, Burger, Button, Menu, NavLink } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "react-router";
import { useSession, useSignOut } from "./api/session";
import { useTenants } from "./api/tenants";
import type { Verb } from "./api/types";
import { Logo } from "./components/signs";
import { sayProblem } from "./components/states";
import { LanguageSwitch, SchemeSwitch, ZoneSwitch } from "./components/switches";
import { choseLocale, type Key, type Locale, useLanguage } from "./i18n";

/** What is not a client's own people's to see takes a right. */
const PAGES: { to: string; label: Key; verb?: Verb }[] = [
  { to: "/campaigns", label: "nav.campaigns" },
  { to: "/findings", label: "nav.findings", verb: "read_internal" },
  { to: "/alerts", label: "nav.alerts", verb: "read_internal" },
  { to: "/cases", label: "nav.cases" },
  { to: "/hunts", label: "nav.hunts", verb: "read_internal" },
  { to: "/evidence", label: "nav.evidence", verb: "read_internal" },
  { to: "/catalogue", label: "nav.catalogue", verb: "read_internal" },
  { to: "/tenants", label: "nav.tenants" },
  { to: "/packs", label: "nav.packs" },
  { to: "/journal", label: "nav.journal", verb: "read_internal" },
  { to: "/audit", label: "nav.audit", verb: "audit" },
  { to: "/settings", label: "nav.settings" },
];

export function Shell({ children }: { children: ReactNode }) {
  const language = useLanguage();
  const { t } = language;
  const session = useSession();
  const { pathname } = useLocation();
  const [open, { toggle, close }] = useDisclosure();
  useEffect(close, [pathname, close]);
  // The language of the account, until another is chosen here.
  useEffect(() => {
    const own = session.user?.locale as Locale | undefined;
    if (own && !choseLocale()) language.setLocale(own);
  }, [session.user?.locale]);
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 190, breakpoint: "md", collapsed: { mobile: !open } }} padding={0}>
      <a className="skip" href="#main">{t("nav.skip")}</a>
      <AppShell.Header className="top">
        <Burger opened={open} onClick={toggle} hiddenFrom="md" size="sm" aria-label={t("nav.menu")} aria-expanded={open} />
        <Link to="/" className="brand"><Logo /> Vigie</Link>
        <Scope />
        <span className="grow" />
        <span className="switches wide-only"><ZoneSwitch /><LanguageSwitch /></span>
        <SchemeSwitch />
        <Person />
      </AppShell.Header>
      <AppShell.Navbar className="side" aria-label={t("nav.pages")}>
        {PAGES.filter((page) => !page.verb || session.verbs.includes(page.verb)).map(({ to, label }) => (
          <NavLink key={to} component={Link} to={to} label={t(label)} active={pathname.startsWith(to)} aria-current={pathname.startsWith(to) ? "page" : undefined} />
        ))}
        <span className="switches narrow-only"><ZoneSwitch /><LanguageSwitch /></span>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <div className="page">{children}</div>
      </AppShell.Main>
    </AppShell>
  );
}

/** Whose things are being looked at: always in sight. */
function Scope() {
  const { t, tn } = useLanguage();
  const session = useSession();
  const tenants = useTenants();
  if (session.tenants === "all") return <span className="scope">{t("scope.all")}</span>;
  const names = tenants.data?.map((tenant) => tenant.name) ?? [];
  const text = names.length > 0 && names.length <= 2 ? names.join(", ") : tn("scope.some", session.tenants.only.length);
  return <span className="scope" title={names.join(", ")}>{text}</span>;
}

function Person() {
  const language = useLanguage();
  const { t } = language;
  const { actor, role } = useSession();
  const signOut = useSignOut();
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target><Button variant="default" size="xs" className="person">{actor.name}</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t(`role.${role}`)}</Menu.Label>
        <Menu.Item onClick={() => void signOut().catch((error) => sayProblem(error, language))}>{t("nav.sign_out")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
