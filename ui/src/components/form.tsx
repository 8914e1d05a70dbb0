import { Button, Group, Modal, Stack } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { useT } from "../i18n";
import { useFocusBack } from "./focus";
import { ProblemBox } from "./states";

interface Props {
  title: string;
  /** What its button says; otherwise that it saves. */
  act?: string;
  ready?: boolean;
  pending: boolean;
  error?: unknown;
  size?: string;
  onClose: () => void;
  onSubmit: () => void;
  children: ReactNode;
}

/** A form in a dialogue: its fields, what went wrong, and two buttons. */
export function Form({ title, act, ready = true, pending, error, size = "md", onClose, onSubmit, children }: Props) {
  const t = useT();
  useFocusBack();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) onSubmit();
  };
  return (
    <Modal opened onClose={onClose} size={size} title={title} closeButtonProps={{ "aria-label": t("act.close") }}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {children}
          {error != null && <ProblemBox error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("act.cancel")}</Button>
            <Button type="submit" disabled={!ready} loading={pending}>{act ?? t("act.save")}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
