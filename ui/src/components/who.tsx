import { sayWho } from "../acts";
import { useLanguage } from "../i18n";

/** Who said or did something: people by their names, parts of the desk in words. */
export function Who({ name }: { name: string }) {
  return <>{sayWho(name, useLanguage())}</>;
}
