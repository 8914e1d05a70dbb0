import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, need } from "../api/client";
import type { Board } from "../api/types";
import { type Filter, filterOf } from "./filter";

/** Clients asked for at once: more than a screen, the rest comes as one scrolls. */
const PAGE = 50;

/** The board of a campaign through a filter, page by page. */
export function boardQuery(id: string, filter: Filter) {
  return infiniteQueryOptions({
    queryKey: ["campaigns", id, "board", filter],
    queryFn: ({ pageParam }) =>
      need(api.GET("/api/v1/campaigns/{id}/board", { params: { path: { id }, query: { ...filterOf(filter), limit: PAGE, cursor: pageParam || undefined } } })) as Promise<Board>,
    initialPageParam: "",
    getNextPageParam: (last) => last.tenants.next_cursor,
  });
}
