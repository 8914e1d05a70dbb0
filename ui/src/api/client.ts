import createClient from "openapi-fetch";
import { asProblem, ProblemError } from "./problem";
import type { paths } from "./schema";

let csrf = "";
/** What unsafe calls prove themselves with; learnt at sign-in and from the session. */
export function setCsrf(token: string) {
  csrf = token;
}
export function csrfToken(): string {
  return csrf;
}

export const api = createClient<paths>({ baseUrl: window.location.origin });

api.use({
  onRequest({ request }) {
    if (request.method !== "GET" && request.method !== "HEAD" && csrf) request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
});

/** The body of a success; anything else is thrown as a `ProblemError`. */
export async function need<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ProblemError(asProblem(error, response));
  return data as T;
}

/** A key under which a POST is done once, however often it is sent. */
export function once(): string {
  return crypto.randomUUID();
}
