import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";
import { api, need, setCsrf } from "./client";
import { ProblemError } from "./problem";
import type { Session, Verb } from "./types";

const KEY = ["session"];
const Context = createContext<Session | null>(null);

/** Who is signed in; `null`: nobody. */
export function useSessionQuery() {
  return useQuery({
    queryKey: KEY,
    queryFn: async () => {
      try {
        const session = await need(api.GET("/api/v1/session"));
        setCsrf(session.csrf ?? "");
        return session;
      } catch (error) {
        if (error instanceof ProblemError && error.problem.status === 401) return null;
        throw error;
      }
    },
    staleTime: 60_000,
  });
}

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <Context.Provider value={session}>{children}</Context.Provider>;
}

/** Who is signed in, on pages that need somebody to be. */
export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession outside of SessionProvider");
  return session;
}

/** Whether who is signed in has a right. What the server allows is decided there; pages only leave out what it would refuse. */
export function useMay(verb: Verb): boolean {
  return useSession().verbs.includes(verb);
}

/** Signs out, and forgets all that was read. */
export function useSignOut() {
  const queries = useQueryClient();
  return async () => {
    const { end_session_url } = await need(api.DELETE("/api/v1/session"));
    setCsrf("");
    queries.clear();
    // The session here has ended; who came in at the identity provider signs out there too.
    window.location.assign(end_session_url ?? "/sign-in");
  };
}
