import { Button, FileButton } from "@mantine/core";
import { type DragEvent, useState } from "react";
import { useT } from "../i18n";

/** A place to drop files on, with a button for those who do not drag. */
export function Drop({ label, multiple, disabled, onFiles }: { label: string; multiple: boolean; disabled?: boolean; onFiles: (files: File[]) => void }) {
  const t = useT();
  const [over, setOver] = useState(false);
  const drag = (event: DragEvent, inside: boolean) => {
    event.preventDefault();
    setOver(inside && !disabled);
  };
  const drop = (event: DragEvent) => {
    drag(event, false);
    const files = [...event.dataTransfer.files];
    if (!disabled && files.length > 0) onFiles(multiple ? files : files.slice(0, 1));
  };
  return (
    <div className={`drop${over ? " over" : ""}`} onDragOver={(event) => drag(event, true)} onDragLeave={(event) => drag(event, false)} onDrop={drop}>
      <p>{label}</p>
      <FileButton multiple={multiple} disabled={disabled ?? false} onChange={(picked: File | File[] | null) => picked && onFiles(Array.isArray(picked) ? picked : [picked])}>
        {(props) => <Button variant="default" disabled={disabled} {...props}>{t("drop.choose")}</Button>}
      </FileButton>
    </div>
  );
}
