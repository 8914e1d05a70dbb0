import type { QueryClient } from "@tanstack/react-query";
import { filterIn } from "./board/filter";
import { boardQuery } from "./board/query";
import { Board } from "./pages";

/** Asks for what an address will need before it is known who is signed in: the answers of three round trips at once. */
export function preload(queries: QueryClient) {
  const board = /^\/campaigns\/([0-9a-f-]{36})$/.exec(window.location.pathname);
  if (!board?.[1]) return;
  void Board.fetch();
  void queries.prefetchInfiniteQuery(boardQuery(board[1], filterIn(new URLSearchParams(window.location.search))));
}
