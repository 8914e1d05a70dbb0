import { csrfToken } from "./client";
import { asProblem, ProblemError } from "./problem";

/** Asks for a file by POST, since taking something out is an act that is recorded, and hands it to the browser to keep. */
export async function download(path: string, name: string, body?: unknown) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "X-CSRF-Token": csrfToken(), ...(body !== undefined && { "Content-Type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new ProblemError(asProblem(await response.json().catch(() => null), response));
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
