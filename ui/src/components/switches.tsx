import { ActionIcon, SegmentedControl, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { type Locale, useLanguage, type Zone } from "../i18n";

export function LanguageSwitch() {
  const { t, locale, setLocale } = useLanguage();
  return (
    <SegmentedControl size="xs" aria-label={t("switch.language")} value={locale} onChange={(value) => setLocale(value as Locale)} data={[{ value: "fr", label: "FR" }, { value: "en", label: "EN" }]} />
  );
}

export function ZoneSwitch() {
  const { t, zone, setZone } = useLanguage();
  return (
    <SegmentedControl size="xs" aria-label={t("switch.zone")} value={zone} onChange={(value) => setZone(value as Zone)} data={[{ value: "utc", label: "UTC" }, { value: "local", label: t("switch.local") }]} />
  );
}

export function SchemeSwitch() {
  const { t } = useLanguage();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const next = scheme === "light" ? "dark" : "light";
  const label = next === "dark" ? t("switch.dark") : t("switch.light");
  return (
    <ActionIcon variant="default" size={30} aria-label={label} title={label} onClick={() => setColorScheme(next)}>
      <svg viewBox="0 0 16 16" width={16} height={16} aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="1.500" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
    </ActionIcon>
  );
}
