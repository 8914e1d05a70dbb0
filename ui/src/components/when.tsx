import { TextInput } from "@mantine/core";
import { useLanguage, type Zone } from "../i18n";

/** A moment as the browser's field wants it, in the zone that times are shown in. */
function typed(at: string | null, zone: Zone): string {
  if (!at) return "";
  const moment = new Date(at);
  const shown = zone === "utc" ? moment : new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shown.toISOString().slice(0, 16);
}

/** A day and a time of day; what it means stands beside its name. */
export function When({ label, value, required, size, onChange }: { label: string; value: string | null; required?: boolean; size?: string; onChange: (at: string | null) => void }) {
  const { t, zone } = useLanguage();
  const change = (text: string) => {
    const moment = new Date(zone === "utc" ? `${text}Z` : text);
    onChange(text && !Number.isNaN(moment.getTime()) ? moment.toISOString() : null);
  };
  const name = `${label} (${zone === "utc" ? "UTC" : t("when.local")})`;
  return <TextInput type="datetime-local" label={name} required={required ?? false} size={size ?? "sm"} value={typed(value, zone)} onChange={(event) => change(event.currentTarget.value)} />;
}
