import { Alert, TextInput } from "@mantine/core";
import { useState } from "react";
import { useT } from "../i18n";

/** What reaches across clients is confirmed by typing a word. Gives the field, and whether the word stands in it. */
export function useTyped(why: string) {
  const t = useT();
  const [typed, setTyped] = useState("");
  const word = t("typed.word");
  const field = (
    <Alert color="red" variant="outline" title={why} className="problem">
      <TextInput label={t("typed.type", { word })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" />
    </Alert>
  );
  return [field, typed.trim() === word] as const;
}
