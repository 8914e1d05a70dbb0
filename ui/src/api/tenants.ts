import { useQuery } from "@tanstack/react-query";
import { api, need } from "./client";
import type { Campaign, Server, Tenant } from "./types";

const MOST = 1000;

/** All pages of a list. */
async function all<T>(page: (cursor?: string) => Promise<{ items: T[]; next_cursor?: string | null }>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const got = await page(cursor);
    items.push(...got.items);
    cursor = got.next_cursor ?? undefined;
  } while (cursor);
  return items;
}

/** All tenants within sight, by name; those that were archived only when asked for. */
export function useTenants(archived = false) {
  return useQuery<Tenant[]>({
    queryKey: ["tenants", "all", archived],
    queryFn: () => all((cursor) => need(api.GET("/api/v1/tenants", { params: { query: { limit: MOST, cursor, archived } } }))),
    staleTime: 60_000,
  });
}

/** All servers of a tenant; those that were archived only when asked for. */
export function useServers(tenant: string | null, archived = false) {
  return useQuery<Server[]>({
    queryKey: ["servers", "of", tenant, archived],
    queryFn: () => all((cursor) => need(api.GET("/api/v1/servers", { params: { query: { tenant: tenant ?? undefined, limit: MOST, cursor, archived } } }))),
    enabled: tenant !== null,
    staleTime: 60_000,
  });
}

/** All campaigns, newest first. */
export function useCampaigns() {
  return useQuery<Campaign[]>({
    queryKey: ["campaigns"],
    queryFn: () => all((cursor) => need(api.GET("/api/v1/campaigns", { params: { query: { limit: MOST, cursor } } }))),
  });
}
