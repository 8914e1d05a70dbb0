import { api, csrfToken, need } from "./client";
import { asProblem, ProblemError, problemOf } from "./problem";
import type { Evidence, Upload } from "./types";

/** Bytes sent at once: what is lost at most when the connection breaks. */
const PIECE = 8 << 20;
/** How often a piece is tried before giving up. */
const TRIES = 5;

export interface Target {
  tenant_id: string;
  server_id: string | null;
  campaign_id: string;
}

/** Sends a file in pieces, each where the server says the last one ended, and makes evidence of it. */
export async function upload(file: File, to: Target, progress: (sent: number) => void, stop: AbortSignal): Promise<Evidence> {
  let { id, received } = await need(api.POST("/api/v1/uploads", { body: { ...to, name: file.name, note: "", size: file.size }, signal: stop }));
  const path = { path: { id } };
  try {
    let failed = 0;
    while (received < file.size) {
      progress(received);
      try {
        received = (await piece(id, received, file.slice(received, received + PIECE), stop)).received;
        failed = 0;
      } catch (error) {
        const { status } = problemOf(error);
        if (stop.aborted || ++failed >= TRIES || ![0, 409, 412, 503].includes(status)) throw error;
        await new Promise((done) => setTimeout(done, 500 * 2 ** failed));
        received = (await need(api.GET("/api/v1/uploads/{id}", { params: path }))).received;
      }
    }
    progress(file.size);
    return await need(api.POST("/api/v1/uploads/{id}/finish", { params: path }));
  } catch (error) {
    if (stop.aborted) await api.DELETE("/api/v1/uploads/{id}", { params: path });
    throw error;
  }
}

async function piece(id: string, offset: number, bytes: Blob, signal: AbortSignal): Promise<Upload> {
  const response = await fetch(`/api/v1/uploads/${id}`, {
    method: "PATCH",
    body: bytes,
    signal,
    headers: { "Content-Type": "application/octet-stream", "Upload-Offset": String(offset), "X-CSRF-Token": csrfToken() },
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ProblemError(asProblem(body, response));
  return body as Upload;
}
