import { useQuery } from "@tanstack/react-query";
import { api, need } from "./client";

/** What the identity provider is called; `null` when there is none, `undefined` while that is asked. */
export function useProvider(): string | null | undefined {
  const provider = useQuery({ queryKey: ["oidc"], queryFn: () => need(api.GET("/api/v1/oidc")), staleTime: Infinity });
  return provider.data && (provider.data.name ?? null);
}
