import { Button, CloseButton, TextInput } from "@mantine/core";
import type { TenantFields } from "../api/types";
import { useLanguage } from "../i18n";

type Contact = NonNullable<TenantFields["contacts"]>[number];
const FIELDS = ["name", "role", "phone", "email"] as const;

/** Whom to call, the first first. */
export function Contacts({ contacts, set }: { contacts: Contact[]; set: (contacts: Contact[]) => void }) {
  const { t } = useLanguage();
  const put = (index: number, change: Partial<Contact>) => set(contacts.map((one, at) => (at === index ? { ...one, ...change } : one)));
  return (
    <fieldset className="contacts">
      <legend>{t("tenant.contacts")}</legend>
      {contacts.map((one, index) => (
        <div key={index} className="contact">
          {FIELDS.map((name) => <TextInput key={name} size="xs" label={t(`contact.${name}`)} type={name === "email" ? "email" : name === "phone" ? "tel" : "text"} value={one[name] ?? ""} onChange={(event) => put(index, { [name]: event.currentTarget.value })} />)}
          <CloseButton aria-label={t("contact.remove", { n: String(index + 1) })} onClick={() => set(contacts.filter((_, at) => at !== index))} />
        </div>
      ))}
      <Button size="xs" variant="default" onClick={() => set([...contacts, { name: "", role: "", phone: "", email: "" }])}>{t("contact.add")}</Button>
    </fieldset>
  );
}
